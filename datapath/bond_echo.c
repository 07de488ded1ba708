/* bond_echo.c: frames of ours that an upstream sends back.
 *
 * A switch that doesn't know that our links are one floods what came from one to the others; so
 * does a hub, or a loop further away. Were such a frame believed, its sender would seem to live
 * upstream, and everybody here would get it twice. So what was flooded out of a bond is remembered
 * for BOND_ECHO_NS, and the same frame coming in at the bond in that time is dropped.
 *
 * The same means: MACs, type, and the first bytes behind it (all of an ARP body; of IP the
 * header with its identification and checksum), tags left out. A station that has really moved
 * upstream says something else, or says it later. A frame is looked up only when its source would
 * be learnt or moved, so the usual frame pays nothing. Slots are shared by workers: a word each,
 * old or new, and one that is overwritten is forgotten. */
#include "datapath/bond.h"
#include "datapath/hash.h"
#include "datapath/tunnel_inner.h"

enum { BODY = 28, MACS = 12 };

/* 40 bits of hash; 24 of milliseconds. */
static uint64_t mark_of(const struct bond *b, const struct rte_mbuf *m, nsec_t now)
{
    uint64_t w[6] = {0};
    uint8_t *to = (uint8_t *)w;
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t at = MACS, left;
    while (at + 6 <= m->data_len && is_tag(get16(f + at)))
        at += 4;
    left = m->data_len > at ? m->data_len - at : 0;
    memcpy(to, f, MACS);
    memcpy(to + MACS, f + at, left < BODY + 2 ? left : BODY + 2);
    return hash_words(w, 6, b->port->sw->hash_key) << 24 |
           ((uint64_t)(now / NSEC_PER_MSEC) & 0xffffff);
}

static _Atomic uint64_t *slot(struct bond *b, uint64_t mark)
{
    return &b->echo[(mark >> 24) % BOND_ECHOES];
}

void bond_flooded(struct port *p, const struct rte_mbuf *m, nsec_t now)
{
    struct bond *b = p->impl;
    uint64_t mark = mark_of(b, m, now);
    atomic_store_explicit(slot(b, mark), mark, memory_order_relaxed);
}

bool bond_is_echo(struct port *p, const struct rte_mbuf *m, nsec_t now)
{
    struct bond *b = p->impl;
    uint64_t mark = mark_of(b, m, now);
    uint64_t was = atomic_load_explicit(slot(b, mark), memory_order_relaxed);
    return was != 0 && was >> 24 == mark >> 24 &&
           ((mark - was) & 0xffffff) < BOND_ECHO_NS / NSEC_PER_MSEC;
}
