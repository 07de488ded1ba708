/* control/underlay_groups.c: VTEPs are members of the groups that their VNIs flood to. */
#include <stdlib.h>
#include <string.h>

#include "control/underlay_priv.h"
#include "vxlan/member.h"

/* RFC 2236 sections 8.10 and 8.11, RFC 2710 sections 7.10 and 7.11: unsolicited reports. */
enum { REPORTS = 2, AGAIN_MS = 1000 };

static void say(struct underlay *u, const struct vtep *v, enum member_what what,
                const struct ip6 *group)
{
    struct neigh_action a = {.kind = NEIGH_SEND};
    _Static_assert((int)MEMBER_BYTES_MAX <= (int)NEIGH_MESSAGE_MAX, "it fits where ND does");
    bool v6 = v->opt.local.v6;
    for (unsigned i = 0; i < v->n_links; i++) {
        if (!vtep_link_up(v, i))
            continue;
        a.interface = underlay_iface(v, i);
        a.send.src = v->link[i].mac;
        a.send.ethertype = v6 ? 0x86dd : 0x0800;
        a.send.len =
            (uint16_t)member_write(what, v6, &v->link[i].ip, group, a.send.bytes, &a.send.dst);
        underlay_send(u, &a);
    }
}

static struct membership *find(struct memberships *l, const struct ip6 *group)
{
    for (unsigned i = 0; i < l->n; i++)
        if (!memcmp(&l->m[i].group, group, sizeof *group))
            return &l->m[i];
    return NULL;
}

static void join(struct memberships *l, const struct ip6 *group)
{
    struct membership *m = find(l, group);
    if (!m) {
        struct membership *more = realloc(l->m, (l->n + 1u) * sizeof *more);
        if (!more)
            return; /* with the next scan */
        l->m = more;
        m = &l->m[l->n++];
        *m = (struct membership){.group = *group, .reports = REPORTS};
    }
    m->wanted = true;
}

/* Those that no port wants any more are left. */
static void leave(struct underlay *u, const struct vtep *v, struct memberships *l)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < l->n; i++) {
        if (l->m[i].wanted)
            l->m[kept++] = l->m[i];
        else
            say(u, v, MEMBER_LEAVE, &l->m[i].group);
    }
    l->n = kept;
}

void groups_scan(struct underlay *u, const struct vtep *v, nsec_t now)
{
    static const struct ip6 none;
    struct memberships *l = &u->members[v->slot];
    for (unsigned i = 0; i < l->n; i++)
        l->m[i].wanted = false;
    for (unsigned i = 0; i < v->n_ports; i++)
        if (memcmp(&v->ports[i]->group, &none, sizeof none))
            join(l, &v->ports[i]->group);
    leave(u, v, l);
    for (unsigned i = 0; i < l->n; i++) {
        struct membership *m = &l->m[i];
        if (m->reports == 0 || now < m->due)
            continue;
        m->reports--;
        m->due = now + AGAIN_MS * NSEC_PER_MSEC;
        say(u, v, MEMBER_REPORT, &m->group);
    }
}

void groups_again(struct underlay *u, const struct vtep *v)
{
    struct memberships *l = &u->members[v->slot];
    for (unsigned i = 0; i < l->n; i++)
        l->m[i].reports = REPORTS;
}

/* Answered with the next scan: half a second is within any time that queriers give. */
bool groups_heard(struct underlay *u, const struct vtep *v, const uint8_t *ip, size_t len)
{
    static const struct ip6 none;
    struct memberships *l = &u->members[v->slot];
    struct ip6 group;
    if (!member_is_query(ip, len, v->opt.local.v6, &group))
        return false;
    bool all = !memcmp(&group, &none, sizeof none);
    for (unsigned i = 0; i < l->n; i++)
        if ((all || !memcmp(&l->m[i].group, &group, sizeof group)) && l->m[i].reports == 0)
            l->m[i].reports = 1;
    return true;
}

void groups_forget(struct underlay *u, const struct vtep *v)
{
    struct memberships *l = &u->members[v->slot];
    for (unsigned i = 0; i < l->n; i++)
        say(u, v, MEMBER_LEAVE, &l->m[i].group);
    free(l->m);
    *l = (struct memberships){0};
}
