/* bond_hash.c: the hash of frames that bond_hash_usual() leaves. */
#include "datapath/bond_hash.h"
#include "datapath/tunnel_inner.h"

enum { IP_GRE = 47, IP_IPV4 = 4, IP_IPV6 = 41, TYPE_TEB = 0x6558 };

static inline uint64_t get48(const uint8_t *p)
{
    uint64_t v = 0;
    memcpy(&v, p, 6);
    return v;
}

/* ------------------------------------------------------------ any frame */

static uint32_t ip6(const uint8_t *p)
{
    return (uint32_t)hash_fold(get64(p) ^ UINT64_C(0x9e3779b97f4a7c15),
                               get64(p + 8) ^ UINT64_C(0xd6e8feb86659fd93));
}

static struct inner bare_ip(const uint8_t *ip, size_t len, uint8_t version)
{
    struct inner none = {.version = 0};
    if (len < (version == 4 ? 20u : 40u) || ip[0] >> 4 != version)
        return none;
    return (struct inner){.frame = ip, .len = len, .version = version};
}

/* RFC 2784, 2890: a checksum, a key and a sequence number may follow. */
static struct inner in_gre(const uint8_t *g, size_t len)
{
    struct inner none = {.version = 0};
    size_t at = len < 4 ? 0 : 4u + 4u * ((g[0] >> 7) + (g[0] >> 5 & 1u) + (g[0] >> 4 & 1u));
    if (at == 0 || at > len || (g[1] & 7) != 0)
        return none;
    uint16_t type = get16(g + 2);
    if (type == TYPE_TEB)
        return inner_of(g + at, len - at);
    if (type == TYPE_IPV4 || type == TYPE_IPV6)
        return bare_ip(g + at, len - at, type == TYPE_IPV4 ? 4 : 6);
    return none;
}

/* RFC 7348; RFC 8926: options in fours, and what is inside. */
static struct inner in_udp(const uint8_t *u, size_t len)
{
    struct inner none = {.version = 0};
    uint16_t dport = get16(u + 2);
    if (!bond_tunnel_port(to_be16(dport)) || len < 16 + 14)
        return none;
    size_t at = 16;
    if (dport == PORT_GENEVE) {
        at += 4u * (u[8] & 0x3f);
        if (get16(u + 10) != TYPE_TEB || at > len)
            return none;
    }
    return inner_of(u + at, len - at);
}

/* Who is in the tunnel that this frame is one of; len 0: it is none. */
static struct inner tunnelled(const struct inner *o)
{
    uint8_t proto;
    const uint8_t *ports = inner_ports(o, &proto), *ip = o->frame + o->ip;
    struct inner none = {.version = 0};
    if (o->version == 0 || (o->version == 4 && (get16(ip + 6) & 0x3fff) != 0))
        return none;
    size_t at = o->ip + (o->version == 4 ? (ip[0] & 15u) * 4u : 40);
    if (at > o->len)
        return none;
    switch (proto) {
    case IP_UDP:
        return ports != NULL ? in_udp(ports, o->len - at) : none;
    case IP_GRE:
        return in_gre(o->frame + at, o->len - at);
    case IP_IPV4:
    case IP_IPV6:
        return bare_ip(o->frame + at, o->len - at, proto == IP_IPV4 ? 4 : 6);
    default:
        return none;
    }
}

static uint32_t mix_l2(const struct inner *in, bool symmetric)
{
    uint64_t vid = in->tagged && in->len >= 16 ? get16(in->frame + 14) & 0xfff : 0;
    uint64_t src = get48(in->frame + 6), dst = get48(in->frame);
    bool swap = symmetric && src > dst;
    return bond_mix((struct bond_words){(swap ? dst : src) | vid << 48, swap ? src : dst});
}

/* Addresses, and ports if they are wanted and there. A fragment has none, but for the first, which
 * must go the way of the others. */
static uint32_t mix_ip(const struct inner *in, bool l4, bool symmetric)
{
    const uint8_t *ip = in->frame + in->ip;
    uint8_t proto = 0;
    const uint8_t *at = l4 ? inner_ports(in, &proto) : NULL;
    uint32_t ports = at != NULL ? get32(at) : 0;
    bool v4 = in->version == 4;
    uint64_t ends = v4 ? get64(ip + 12) : ip6(ip + 8) | (uint64_t)ip6(ip + 24) << 32;
    return bond_mix(bond_words(ends, ports, proto, symmetric));
}

/* Bare IP in a tunnel has no MACs. */
static bool has_macs(const struct inner *in) { return in->version == 0 || in->ip != 0; }

/* A router's two MACs say nothing, so l3+l4 leaves them out. */
uint32_t bond_hash_any(const uint8_t *f, size_t len, enum bond_hash how, bool symmetric)
{
    struct inner outer = inner_of(f, len), in = tunnelled(&outer);
    if (in.len < 14 || (how == BOND_HASH_L2 && !has_macs(&in)))
        in = outer;
    if (how == BOND_HASH_L2 || in.version == 0)
        return mix_l2(&in, symmetric);
    uint32_t h = mix_ip(&in, how == BOND_HASH_L34, symmetric);
    return how == BOND_HASH_L23 && has_macs(&in) ? h + mix_l2(&in, symmetric) : h;
}

uint32_t bond_hash_of(const struct rte_mbuf *m, enum bond_hash how, bool symmetric)
{
    return bond_hash(m, how, symmetric);
}
