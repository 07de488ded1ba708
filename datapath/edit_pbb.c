/* edit_pbb.c: provider backbone bridging's I-TAG comes and goes (IEEE 802.1Q-2018 9.7,
 * OpenFlow 1.3.5 section 5.12): the frame's addresses stay as the customer's, behind copies that
 * are the backbone's. */
#include "datapath/edit_internal.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"

enum { MACS = 12, ITAG = 4, WHOLE = MACS + 2 + ITAG, UCA = 0x08 };

/* I-SID and UCA as in the I-TAG there was, I-PCP as in the VLAN tag (table 6). */
static void first_values(const struct rte_mbuf *m, uint8_t tci[ITAG])
{
    const struct pkt *p = pkt_of((struct rte_mbuf *)(uintptr_t)m);
    memset(tci, 0, ITAG);
    if (p->key.eth_type == to_be16(TYPE_PBB) && m->data_len >= p->l3_off + ITAG) {
        memcpy(tci, rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3_off), ITAG);
        tci[0] &= UCA;
    }
    tci[0] = (uint8_t)(tci[0] | p->key.vlan_pcp << 5);
}

bool edit_push_pbb(struct rte_mbuf *m, uint16_t type)
{
    uint8_t tci[ITAG];
    if (type != TYPE_PBB)
        return false;
    first_values(m, tci);
    uint8_t *b = (uint8_t *)rte_pktmbuf_prepend(m, WHOLE);
    if (b == NULL)
        return false;
    memcpy(b, b + WHOLE, MACS);
    put16(b + MACS, type);
    memcpy(b + MACS + 2, tci, ITAG);
    parse(m);
    return true;
}

/* A backbone VLAN tag is popped before, by itself. */
bool edit_pop_pbb(struct rte_mbuf *m)
{
    const struct pkt *p = pkt_of(m);
    if (p->key.eth_type != to_be16(TYPE_PBB) || p->l3_off != MACS + 2 || m->data_len < WHOLE + 14)
        return false;
    rte_pktmbuf_adj(m, WHOLE);
    parse(m);
    return true;
}
