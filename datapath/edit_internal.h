/* datapath/edit_internal.h: what the files of edit share.
 *
 * edit.c adds and removes tags and labels and counts TTLs, edit_field.c is
 * set-field, edit_csum.c keeps the checksums right. All act on a private mbuf whose
 * struct pkt is what parse() said of it, and leave it so. A worker, or control.
 */
#ifndef WEFT_DATAPATH_EDIT_INTERNAL_H
#define WEFT_DATAPATH_EDIT_INTERNAL_H

#include "datapath/parse_internal.h"
#include "datapath/program.h"

/* Writes n (even) bytes over `at`, in IPv4's header, and updates its checksum. */
void edit_ipv4(uint8_t *ip, uint8_t *at, const void *to, size_t n);

/* Tells the L4 checksum of m that n (even) covered bytes change, before they do. `pseudo`: in the
 * pseudo-header, which a frame with a checksum still to be computed has summed already. */
void edit_l4_csum(struct rte_mbuf *m, const void *from, const void *to, size_t n, bool pseudo);

/* CRC32c of m's SCTP packet with a zero checksum. False: not all of it is there. */
bool edit_sctp_crc(const struct rte_mbuf *m, uint32_t *crc);

bool edit_set_field(struct rte_mbuf *m, const struct op *op);

/* edit_pbb.c */
bool edit_push_pbb(struct rte_mbuf *m, uint16_t type);
bool edit_pop_pbb(struct rte_mbuf *m);

/* Raw tag surgery at the front of a frame: the struct pkt is not brought up to date. False: no room
 * in front. vlan_remove and vlan_rewrite want a tag to be there. l2.c uses them on its way out. */
bool vlan_insert(struct rte_mbuf *m, uint16_t tpid, uint16_t tci);
void vlan_remove(struct rte_mbuf *m);
void vlan_rewrite(struct rte_mbuf *m, uint16_t tpid, uint16_t tci);

/* The IP header that is the frame's L3, or NULL. */
static inline uint8_t *ip_of(struct rte_mbuf *m, uint16_t type)
{
    struct pkt *p = pkt_of(m);
    if (p->key.eth_type != to_be16(type) || (p->flags & PKT_IP_BAD) || p->l3_off == 0)
        return NULL;
    return rte_pktmbuf_mtod_offset(m, uint8_t *, p->l3_off);
}

#endif
