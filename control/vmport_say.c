/* control/vmport_say.c: a VM's announcements: which, and into the bridge with them. */
#include <rte_mbuf.h>
#include <string.h>

#include "control/vmport_priv.h"

enum { FRAME_MIN = 60 };

static const struct announce_times times = {50, 100, 550, 10, 5};

/* False: not now, others have said enough in the last moments. */
static bool afford(struct vmports *v, unsigned frames, nsec_t now)
{
    const nsec_t each = NSEC_PER_SEC / VM_FRAMES_PPS;
    nsec_t from = v->bucket_full_at > now ? v->bucket_full_at : now;
    if (from - now > (nsec_t)VM_FRAMES_BURST * each)
        return false;
    v->bucket_full_at = from + (nsec_t)frames * each;
    return true;
}

static void send(struct vmports *v, struct vmport *m, const struct announce_what *what, nsec_t now)
{
    uint8_t frame[ANNOUNCE_FRAME_MAX + FRAME_MIN] = {0};
    struct writer w = writer_of(frame, sizeof frame);
    announce_write(&w, what);
    size_t min = FRAME_MIN + (what->vid ? 4u : 0u); /* padded still where its tag has gone */
    size_t len = w.len < min ? min : w.len;
    struct rte_mbuf *b = w.bad ? NULL : rte_pktmbuf_alloc(v->sw->pool);
    void *to = b ? rte_pktmbuf_append(b, (uint16_t)len) : NULL;
    if (!to) {
        rte_pktmbuf_free(b);
        return;
    }
    memset(frame + w.len, 0, len - w.len);
    memcpy(to, frame, len);
    m->frames++;
    bridge_inject(m->dp, b, now);
}

static bool is_address(const struct guard_ip *a) { return a->prefix == (a->v6 ? 128 : 32); }

static void say_ip4(struct vmports *v, struct vmport *m, struct announce_what *what, nsec_t now)
{
    if (m->form != VM_FORM_REPLY) {
        what->form = ANNOUNCE_ARP_REQUEST;
        send(v, m, what, now);
    }
    if (m->form != VM_FORM_REQUEST) {
        what->form = ANNOUNCE_ARP_REPLY;
        send(v, m, what, now);
    }
}

static void say_ip6(struct vmports *v, struct vmport *m, struct announce_what *what, nsec_t now)
{
    what->form = ANNOUNCE_NA;
    what->router = (m->bound.checks & GUARD_ROUTER) == 0;
    send(v, m, what, now);
}

/* fe80:: with the modified EUI-64 of the MAC: neighbours may know the VM by it. */
static struct ip6 link_local(struct mac m)
{
    return (struct ip6){
        {0xfe, 0x80, [8] = m.b[0] ^ 2, m.b[1], m.b[2], 0xff, 0xfe, m.b[3], m.b[4], m.b[5]}};
}

/* The addresses are the first MAC's; of the other MACs only where they are is known. */
static void say_in(struct vmports *v, struct vmport *m, uint16_t tag, nsec_t now)
{
    bool said = false, six = false;
    for (unsigned i = 0; i < m->bound.n_ips; i++) {
        const struct guard_ip *a = &m->bound.ip[i];
        struct announce_what what = {.mac = m->bound.mac[0], .ip = a->ip, .vid = tag};
        six = six || a->v6;
        if (!is_address(a))
            continue;
        said = true;
        if (a->v6)
            say_ip6(v, m, &what, now);
        else
            say_ip4(v, m, &what, now);
    }
    struct announce_what own = {.mac = m->bound.mac[0],
                                .ip = link_local(m->bound.mac[0]),
                                .vid = tag};
    if (six)
        say_ip6(v, m, &own, now);
    for (unsigned i = said ? 1 : 0; i < m->bound.n_macs; i++) {
        struct announce_what what = {.form = ANNOUNCE_RARP, .mac = m->bound.mac[i], .vid = tag};
        send(v, m, &what, now);
    }
}

static unsigned frames_of(const struct vmport *m)
{
    return m->n_vlans * (m->bound.n_macs + m->bound.n_ips * (m->form == VM_FORM_BOTH ? 2u : 1u));
}

void vm_send_due(struct vmports *v, struct vmport *m, nsec_t now)
{
    if (announce_deadline(&m->announce) > now)
        return;
    if (!afford(v, frames_of(m), now)) {
        m->announce.due = now + 10 * NSEC_PER_MSEC;
        return;
    }
    if (!announce_take(&m->announce, &times, now))
        return;
    for (unsigned i = 0; i < m->n_vlans; i++)
        say_in(v, m, m->vlan[i].tag, now);
    if (m->announce.left == 0)
        vm_note(v, m, now, "announced %u times, %llu frames so far", m->announce.done,
                (unsigned long long)m->frames);
}

void vm_announce(struct vmports *v, struct vmport *m, nsec_t now)
{
    if (m->form == VM_FORM_OFF)
        return;
    announce_start(&m->announce, &times, now);
    vm_send_due(v, m, now);
}
