/* datapath/bond_hash.h: what a frame's flow hashes to.
 *
 * Read from the frame's bytes, not from its key: actions and tunnels have changed it since it was
 * parsed, and how deep it was parsed depends on rules that have nothing to do with this flow. Of
 * tunnelled frames (VXLAN, Geneve, GRE, IP in IP) it is the inner headers that count.
 *
 * It only spreads: it is no secret, and who makes his own flows collide slows himself. The usual
 * frame is inlined into bond_send()'s loop. Pure, workers.
 */
#ifndef WEFT_DATAPATH_BOND_HASH_H
#define WEFT_DATAPATH_BOND_HASH_H

#include "datapath/bond.h"
#include "datapath/hash.h"
#include "datapath/parse_internal.h"

enum { PORT_VXLAN = 4789, PORT_VXLAN_OLD = 8472, PORT_GENEVE = 6081 };

/* What tells a flow apart, as two words; which of them has what doesn't matter. */
struct bond_words {
    uint64_t a, b;
};

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t bond_mix(struct bond_words f)
{
    uint64_t h = hash_fold(f.a ^ UINT64_C(0x2d358dccaa6c78a5), f.b ^ UINT64_C(0x8bb84b93962eacc9));
    return (uint32_t)(h >> 32 ^ h);
}

static inline uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Of two ends with ports: all in network order, the source's in the lower half. Symmetric: the
 * smaller end is there. */
static inline struct bond_words bond_words(uint64_t ends, uint32_t ports, uint8_t proto,
                                           bool symmetric)
{
    uint32_t src = (uint32_t)ends, dst = (uint32_t)(ends >> 32);
    if (symmetric && (src > dst || (src == dst && (ports & 0xffff) > ports >> 16))) {
        ends = ends >> 32 | ends << 32;
        ports = ports >> 16 | ports << 16;
    }
    return (struct bond_words){ends, ports | (uint64_t)proto << 32};
}

static inline bool bond_tunnel_port(be16 port)
{
    return (port == to_be16(PORT_VXLAN)) | (port == to_be16(PORT_GENEVE)) |
           (port == to_be16(PORT_VXLAN_OLD));
}

/* IPv4 without options, TCP or UDP, at most one tag, no tunnel. TCP and UDP come mixed, so no
 * branch tells them apart; what isn't usual falls through one. */
static inline bool bond_hash_usual(const uint8_t *f, size_t len, bool symmetric,
                                   struct bond_words *w)
{
    if (__builtin_expect(len < 42, 0))
        return false;
    const uint8_t *ip = get16(f + 12) == TYPE_VLAN ? f + 18 : f + 14;
    uint32_t ports = get32(ip + 20), proto = ip[9];
    uint32_t odd = (get32(ip - 2) & 0xffffff) ^ 0x450008; /* type, version, length; any TOS */
    odd |= get16(ip + 6) & 0x3fffu;                       /* a fragment */
    odd |= (proto != IP_TCP) & (proto != IP_UDP);
    odd |= bond_tunnel_port((uint16_t)(ports >> 16));
    if (__builtin_expect(odd != 0, 0))
        return false;
    *w = bond_words(get64(ip + 12), ports, (uint8_t)proto, symmetric);
    return true;
}

/* Any frame. */
uint32_t bond_hash_any(const uint8_t *f, size_t len, enum bond_hash how, bool symmetric);

static inline uint32_t bond_hash(const struct rte_mbuf *m, enum bond_hash how, bool symmetric)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    struct bond_words w;
    if (__builtin_expect(how == BOND_HASH_L34 && bond_hash_usual(f, m->data_len, symmetric, &w), 1))
        return bond_mix(w);
    return bond_hash_any(f, m->data_len, how, symmetric);
}

#endif
