/* parse_quick.c: the usual frame in a straight line; see parse.h.
 *
 * Words of the key are made in registers and stored whole, so nothing is cleared beforehand.
 */
#include "datapath/parse_internal.h"

#define MAC_BITS UINT64_C(0x0000ffffffffffff)

enum { TCP_LEN = 20, UDP_LEN = 8, IP_LEN = 20, IP_OPTIONLESS = 0x45 };

static inline uint64_t load64(const uint8_t *b)
{
    uint64_t v;
    memcpy(&v, b, sizeof v);
    return v;
}

/* Words 3 and 4, and what is known with them. False: more than one tag, an 802.3 length, or cut
 * off. */
static inline bool ethernet(struct pkt *p, const struct view *v, uint64_t *pcp)
{
    if (v->len < 18)
        return false;
    uint64_t dst = load64(v->b), src = load64(v->b + 6);
    uint16_t type = get16(v->b + 12);
    uint64_t vid = 0;
    *pcp = 0;
    p->l3_off = 14;
    p->vlan_tags = 0;
    p->flags &= PKT_NOT_PARSED;
    if (is_tag(type)) {
        uint16_t tci = get16(v->b + 14);
        type = get16(v->b + 16);
        if (is_tag(type))
            return false;
        vid = to_be16((tci & 0xfff) | FLOW_VID_PRESENT);
        *pcp = tci >> 13;
        p->l3_off = 18;
        p->vlan_tags = 1;
        p->flags |= PKT_VLAN;
    }
    if (type < TYPE_8023_MIN)
        return false;
    p->key.w[3] = (dst & MAC_BITS) | (uint64_t)to_be16(type) << 48;
    p->key.w[4] = (src & MAC_BITS) | vid << 48;
    return true;
}

bool parse_quick_l2(struct pkt *p, const struct view *v)
{
    uint64_t pcp;
    if (!ethernet(p, v, &pcp))
        return false;
    p->key.w[5] = pcp;
    p->depth = PKT_DEPTH_L2;
    return true;
}

/* Neither options, nor a fragment, nor a length that lies; *end: where IP says that it ends. */
static inline bool plain_ipv4(const uint8_t *ip, size_t off, const struct view *v, size_t *end)
{
    if (off + IP_LEN > v->len || ip[0] != IP_OPTIONLESS || (get16(ip + 6) & 0x3fff) != 0)
        return false;
    size_t total = get16(ip + 2), room = v->len - off;
    *end = off + (total < room ? total : room);
    return total >= IP_LEN && total <= v->total - off;
}

/* Word 10, and how long the header is; 0: neither TCP nor UDP, or cut off. */
static inline size_t transport(const uint8_t *l4, uint8_t proto, size_t room, uint64_t *w10)
{
    uint32_t ports;
    if (room < UDP_LEN)
        return 0;
    memcpy(&ports, l4, sizeof ports);
    *w10 = ports;
    if (proto == IP_UDP)
        return UDP_LEN;
    if (proto != IP_TCP || room < TCP_LEN)
        return 0;
    *w10 |= (uint64_t)to_be16(get16(l4 + 12) & 0xfff) << 32;
    size_t len = (l4[12] >> 4) * 4u;
    return len < TCP_LEN || len > room ? 0 : len;
}

bool parse_quick(struct pkt *p, const struct view *v)
{
    struct flow_key *k = &p->key;
    uint64_t pcp, ports;
    size_t end;
    if (!ethernet(p, v, &pcp) || k->eth_type != to_be16(TYPE_IPV4))
        return false;
    const uint8_t *ip = v->b + p->l3_off;
    if (!plain_ipv4(ip, p->l3_off, v, &end))
        return false;
    size_t l4 = p->l3_off + IP_LEN, len = transport(v->b + l4, ip[9], end - l4, &ports);
    if (len == 0)
        return false;
    uint64_t addresses = load64(ip + 12);
    k->w[5] =
        pcp | (uint64_t)(ip[1] >> 2) << 8 | (uint64_t)(ip[1] & 3) << 16 | (uint64_t)ip[9] << 24;
    k->w[6] = addresses & UINT32_MAX;
    k->w[7] = 0;
    k->w[8] = addresses >> 32;
    k->w[9] = 0;
    k->w[10] = ports;
    memset(&k->w[11], 0, (FLOW_PARSED - 11) * sizeof k->w[0]);
    k->ip_ttl = ip[8];
    p->l4_off = (uint16_t)l4;
    p->payload_off = (uint16_t)(l4 + len);
    p->mpls_off = 0;
    p->depth = PKT_DEPTH_ALL;
    return true;
}
