/* tests/unit/fake_mbuf.h: an mbuf on the stack, for what edits frames without DPDK's memory. */
#ifndef WEFT_TESTS_UNIT_FAKE_MBUF_H
#define WEFT_TESTS_UNIT_FAKE_MBUF_H

#include <string.h>

#include "datapath/parse.h"

struct fake_mbuf {
    struct rte_mbuf m;
    struct pkt pkt; /* rte_mbuf_to_priv() */
    uint8_t room[RTE_PKTMBUF_HEADROOM + 2048];
};

static inline struct rte_mbuf *fake_mbuf(struct fake_mbuf *f, const uint8_t *b, size_t len)
{
    memset(&f->m, 0, sizeof f->m);
    memset(&f->pkt, 0, sizeof f->pkt);
    f->m.buf_addr = f->room;
    f->m.buf_len = sizeof f->room;
    f->m.data_off = RTE_PKTMBUF_HEADROOM;
    f->m.refcnt = 1;
    f->m.nb_segs = 1;
    f->m.priv_size = sizeof f->pkt;
    f->m.data_len = (uint16_t)len;
    f->m.pkt_len = (uint32_t)len;
    memcpy(f->room + RTE_PKTMBUF_HEADROOM, b, len);
    parse(&f->m);
    return &f->m;
}

/* Is what the pipeline believes of m what its bytes say? */
static inline bool fake_is_true(struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m), again = {0};
    const uint8_t kept =
        PKT_TUN_KEY | PKT_TUN_SET; /* like the key's words behind, not of the frame */
    memcpy(again.key.w, k->key.w, sizeof again.key.w);
    parse_bytes(&again, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
    return flow_key_equal(&k->key, &again.key) && k->l3_off == again.l3_off &&
           k->l4_off == again.l4_off && k->payload_off == again.payload_off &&
           k->mpls_off == again.mpls_off && k->vlan_tags == again.vlan_tags &&
           (k->flags & ~kept) == again.flags;
}

#endif
