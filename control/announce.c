/* control/announce.c: see announce.h. */
#include "control/announce.h"

#include "control/neigh_wire.h"

/* ---- the schedule ---- */

void announce_start(struct announce *a, const struct announce_times *t, nsec_t now)
{
    nsec_t earliest = a->any ? a->last_at + t->spacing_ms * NSEC_PER_MSEC : now;
    a->due = earliest > now ? earliest : now;
    a->left = t->rounds;
    a->done = 0;
    a->starts++;
}

bool announce_cancel(struct announce *a)
{
    bool ran = a->left > 0;
    a->left = 0;
    a->cancelled += ran;
    return ran;
}

nsec_t announce_deadline(const struct announce *a) { return a->left > 0 ? a->due : NSEC_NEVER; }

bool announce_take(struct announce *a, const struct announce_times *t, nsec_t now)
{
    if (a->left == 0 || now < a->due)
        return false;
    uint64_t gap = t->initial_ms + (uint64_t)a->done * t->step_ms;
    gap = gap < t->max_ms ? gap : t->max_ms;
    a->left--;
    a->done++;
    a->rounds++;
    a->last_at = now;
    a->any = true;
    a->due = now + (nsec_t)gap * NSEC_PER_MSEC;
    return true;
}

/* ---- frames ---- */

enum { TYPE_VLAN = 0x8100, TYPE_RARP = 0x8035, RARP_REQUEST = 3 };

static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void write_ethernet(struct writer *w, struct mac to, const struct announce_what *a,
                           uint16_t type)
{
    write_bytes(w, to.b, 6);
    write_bytes(w, a->mac.b, 6);
    if (a->vid != 0) {
        write_u16(w, TYPE_VLAN);
        write_u16(w, a->vid);
    }
    write_u16(w, type);
}

static void write_arp(struct writer *w, const struct announce_what *a)
{
    bool reply = a->form == ANNOUNCE_ARP_REPLY;
    struct neigh_message m = {.saying = reply ? NEIGH_REPLY : NEIGH_REQUEST,
                              .sender = a->ip,
                              .target = a->ip,
                              .sha = a->mac};
    if (reply)
        m.tha = a->mac;
    write_ethernet(w, everybody, a, NEIGH_ETHERTYPE_ARP);
    neigh_write(w, &m);
}

static void write_na(struct writer *w, const struct announce_what *a)
{
    struct ip6 nodes = neigh_all_nodes();
    struct neigh_message m = {.ip6 = true,
                              .saying = NEIGH_REPLY,
                              .sender = a->ip,
                              .target = a->ip,
                              .to = nodes,
                              .has_sha = true,
                              .sha = a->mac,
                              .router = a->router,
                              .override = true};
    write_ethernet(w, neigh_group_mac(&nodes), a, NEIGH_ETHERTYPE_IP6);
    neigh_write(w, &m);
}

static void write_rarp(struct writer *w, const struct announce_what *a)
{
    write_ethernet(w, everybody, a, TYPE_RARP);
    write_u16(w, 1);      /* Ethernet */
    write_u16(w, 0x0800); /* IPv4 */
    write_u8(w, 6);
    write_u8(w, 4);
    write_u16(w, RARP_REQUEST);
    write_bytes(w, a->mac.b, 6);
    write_zeros(w, 4);
    write_bytes(w, a->mac.b, 6);
    write_zeros(w, 4);
}

void announce_write(struct writer *w, const struct announce_what *what)
{
    if (what->form == ANNOUNCE_NA)
        write_na(w, what);
    else if (what->form == ANNOUNCE_RARP)
        write_rarp(w, what);
    else
        write_arp(w, what);
}
