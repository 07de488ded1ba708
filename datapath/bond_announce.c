/* bond_announce.c: after a failover the upstream switches hear where our stations are.
 *
 * They know our stations' MACs behind the link that failed, and would send there until a station
 * says something, or their entry ages. So each station of the bridge that isn't behind the bond is
 * named: by RARP "request reverse" (RFC 903), source and target itself, as hypervisors do after a
 * migration, since it says nothing of IP addresses. Twice, as the new link's port upstream may not
 * forward yet. The protocol thread's, some at a time. */
#include <stdlib.h>

#include "datapath/bond.h"
#include "datapath/l2_vlan.h"
#include "datapath/pkt.h"

enum { AT_A_TIME = 32, STATIONS_MAX = 4096, ROUNDS = 2, RARP_BYTES = 60 };
#define PAUSE_NS NSEC_PER_MSEC
#define ROUND_NS NSEC_PER_SEC

struct bond_announce {
    unsigned rounds; /* left */
    unsigned n, at;  /* stations of this one, and how many were named */
    nsec_t due;
    uint16_t bond; /* port index: who is behind it isn't ours */
    struct {
        struct mac mac;
        uint16_t vlan;
    } who[STATIONS_MAX];
};

struct bond_announce *bond_announce_create(void)
{
    struct bond_announce *a = calloc(1, sizeof *a);
    if (a != NULL)
        a->due = NSEC_NEVER;
    return a;
}

void bond_announce_free(struct bond_announce *a) { free(a); }

void bond_announce_begin(struct bond_announce *a, nsec_t now)
{
    a->rounds = ROUNDS;
    a->at = 0;
    a->due = now;
}

static bool note(void *ctx, const struct fdb_entry *e)
{
    struct bond_announce *a = ctx;
    if (e->port != a->bond && a->n < STATIONS_MAX) {
        a->who[a->n].mac = e->mac;
        a->who[a->n++].vlan = e->vlan;
    }
    return a->n < STATIONS_MAX;
}

static void gather(struct bond_announce *a, const struct port *p)
{
    a->n = 0;
    a->bond = p->index;
    pthread_mutex_lock(&p->sw->learn_lock); /* the bridge stays */
    if (p->bridge != NULL)
        fdb_each(p->bridge->fdb, note, a);
    pthread_mutex_unlock(&p->sw->learn_lock);
}

static void put_rarp(uint8_t f[RARP_BYTES], struct mac mac)
{
    static const uint8_t head[] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    memset(f, 0, RARP_BYTES);
    memset(f, 0xff, 6);
    memcpy(f + 6, &mac, 6);
    memcpy(f + 12, head, sizeof head);
    memcpy(f + 22, &mac, 6); /* sender's and target's hardware address; no IP address */
    memcpy(f + 32, &mac, 6);
}

/* With the tag that the bond gives the station's VLAN, if it carries it at all. */
static bool name_one(struct port *p, struct mac mac, uint16_t vlan, nsec_t now)
{
    struct l2_tag t = {.vid = vlan, .tpid = 0x8100};
    const struct port_vlan *v = l2_vlan_of(p);
    struct rte_mbuf *m = l2_vlan_member(v, &t) ? rte_pktmbuf_alloc(p->sw->pool) : NULL;
    if (m == NULL)
        return false;
    uint8_t f[RARP_BYTES];
    put_rarp(f, mac);
    memset(pkt_of(m), 0, sizeof(struct pkt));
    memcpy(rte_pktmbuf_mtod(m, void *), f, sizeof f); /* a fresh one has room for far more */
    m->data_len = sizeof f;
    m->pkt_len = sizeof f;
    bond_flooded(p, m, now); /* an echo must not make it seem to live upstream */
    if (l2_vlan_write(v, &t, m) && p->ops->tx_burst(p, 0, &m, 1) == 1)
        return true;
    rte_pktmbuf_free(m);
    return false;
}

nsec_t bond_announce_run(struct bond_announce *a, struct port *p, nsec_t now, uint64_t *named)
{
    if (a->rounds == 0 || now < a->due)
        return a->due;
    if (a->at == 0)
        gather(a, p);
    unsigned until = a->n - a->at > AT_A_TIME ? a->at + AT_A_TIME : a->n;
    for (; a->at < until; a->at++)
        *named += name_one(p, a->who[a->at].mac, a->who[a->at].vlan, now);
    a->due = now + PAUSE_NS;
    if (a->at == a->n) {
        a->at = 0;
        a->due = --a->rounds > 0 ? now + ROUND_NS : NSEC_NEVER;
    }
    return a->due;
}
