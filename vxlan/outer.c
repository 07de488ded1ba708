/* outer.c: the headers around a tenant's frame. */
#include "vxlan/outer.h"

#include "base/csum.h"

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    PROTO_UDP = 17,
    PROTO_FRAGMENT = 44,
    ETH_BYTES = 14,
    TAG_BYTES = 4,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    UDP_BYTES = 8,
};

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* ------------------------------------------------------------ off */

static bool is_group(const struct outer_local *me, const struct ip6 *dst)
{
    for (unsigned i = 0; i < me->n_groups; i++) {
        if (memcmp(&me->groups[i], dst, sizeof *dst) == 0)
            return true;
    }
    return false;
}

/* Ethernet and a tag: where IP begins, or 0 when this is not our MAC, VLAN or version of IP. */
static size_t decode_ethernet(const struct outer_local *me, const uint8_t *b, size_t len)
{
    size_t at = 12;
    if (len < ETH_BYTES + TAG_BYTES)
        return 0;
    bool mine = memcmp(b, &me->mac, sizeof me->mac) == 0;
    if (!mine && !(me->n_groups > 0 && (b[0] & 1)))
        return 0;
    uint16_t vlan = 0;
    if (get16(b + at) == TYPE_VLAN) {
        vlan = get16(b + at + 2) & 0xfff;
        at += TAG_BYTES;
    }
    if (vlan != me->vlan || get16(b + at) != (me->v6 ? TYPE_IPV6 : TYPE_IPV4))
        return 0;
    return at + 2;
}

/* RFC 791. *end is where the packet ends, counted from b; padding may come behind. */
static enum outer_verdict decode_ipv4(const uint8_t *ip, size_t room, size_t total, size_t *hlen,
                                      size_t *end)
{
    *hlen = (ip[0] & 15u) * 4u;
    *end = get16(ip + 2);
    if (ip[0] >> 4 != 4 || *hlen < IPV4_BYTES || *hlen > room || *end < *hlen || *end > total)
        return OUTER_BAD_IP;
    if (csum_finish(csum_add(0, ip, *hlen)) != 0)
        return OUTER_BAD_IP;
    if (get16(ip + 6) & 0x3fff)
        return OUTER_FRAGMENT;
    return ip[9] == PROTO_UDP ? OUTER_OK : OUTER_NOT_VXLAN;
}

/* RFC 8200; extension headers have no business in a tunnel. */
static enum outer_verdict decode_ipv6(const uint8_t *ip, size_t total, size_t *hlen, size_t *end)
{
    *hlen = IPV6_BYTES;
    *end = IPV6_BYTES + (size_t)get16(ip + 4);
    if (ip[0] >> 4 != 6 || *end > total)
        return OUTER_BAD_IP;
    if (ip[6] == PROTO_FRAGMENT)
        return OUTER_FRAGMENT;
    return ip[6] == PROTO_UDP ? OUTER_OK : OUTER_NOT_VXLAN;
}

static enum outer_verdict decode_udp(const struct outer_local *me, const uint8_t *b, size_t len,
                                     size_t end, struct outer *out)
{
    const uint8_t *udp = b + out->udp_off;
    size_t at = (size_t)out->udp_off + UDP_BYTES;
    if (at > len || at > end)
        return OUTER_BAD_UDP;
    if (get16(udp + 2) != me->udp_port)
        return OUTER_NOT_VXLAN;
    size_t udp_len = get16(udp + 4);
    if (udp_len < UDP_BYTES || out->udp_off + udp_len > end)
        return OUTER_BAD_UDP;
    out->src_port = get16(udp);
    memcpy(&out->udp_csum, udp + 6, 2);
    if (out->udp_csum == 0 && me->v6 && !me->zero_csum6)
        return OUTER_NO_CSUM;
    size_t stop = out->udp_off + udp_len;
    size_t readable = (stop < len ? stop : len) - at;
    out->header = vxlan_decode(me->kind, b + at, readable, &out->vxlan);
    if (out->header != VXLAN_OK)
        return OUTER_BAD_HEADER;
    out->inner_off = (uint16_t)(at + VXLAN_BYTES);
    out->inner_len = (uint32_t)(stop - out->inner_off);
    return OUTER_OK;
}

/* The addresses, and whether the packet is for us. */
static bool decode_addresses(const struct outer_local *me, const uint8_t *ip, struct outer *out)
{
    size_t n = me->v6 ? 16 : 4;
    out->src = out->dst = (struct ip6){{0}};
    memcpy(&out->src, ip + (me->v6 ? 8 : 12), n);
    memcpy(&out->dst, ip + (me->v6 ? 24 : 16), n);
    out->multicast = false;
    if (memcmp(&out->dst, &me->ip, sizeof me->ip) == 0)
        return true;
    out->multicast = is_group(me, &out->dst);
    return out->multicast;
}

enum outer_verdict outer_decode(const struct outer_local *me, const uint8_t *frame, size_t len,
                                size_t total, struct outer *out)
{
    size_t l3 = decode_ethernet(me, frame, len), hlen, end;
    if (l3 == 0)
        return OUTER_OTHER;
    const uint8_t *ip = frame + l3;
    if (l3 + (me->v6 ? IPV6_BYTES : IPV4_BYTES) > len)
        return OUTER_BAD_IP;
    if (!decode_addresses(me, ip, out))
        return OUTER_OTHER;
    enum outer_verdict v = me->v6 ? decode_ipv6(ip, total - l3, &hlen, &end)
                                  : decode_ipv4(ip, len - l3, total - l3, &hlen, &end);
    if (v != OUTER_OK)
        return v;
    out->tos = me->v6 ? (uint8_t)(get16(ip) >> 4) : ip[1];
    out->ttl = me->v6 ? ip[7] : ip[8];
    out->l3_off = (uint16_t)l3;
    out->udp_off = (uint16_t)(l3 + hlen);
    return decode_udp(me, frame, len, l3 + end, out);
}

int outer_ecn(uint8_t outer_tos, uint8_t inner_tos)
{
    enum { NOT_ECT = 0, ECT1 = 1, CE = 3 };
    int outer = outer_tos & 3, inner = inner_tos & 3;
    if (inner == NOT_ECT)
        return outer == CE ? -1 : NOT_ECT;
    if (inner == CE || outer == CE)
        return CE;
    return outer == ECT1 ? ECT1 : inner;
}

/* ------------------------------------------------------------ on */

static void build_ipv4(const struct outer_path *p, uint8_t *ip)
{
    ip[0] = 0x45;
    ip[6] = p->df ? 0x40 : 0;
    ip[8] = p->ttl;
    ip[9] = PROTO_UDP;
    memcpy(ip + 12, &p->src_ip, 4);
    memcpy(ip + 16, &p->dst_ip, 4);
}

static void build_ipv6(const struct outer_path *p, uint8_t *ip)
{
    ip[0] = 0x60;
    ip[6] = PROTO_UDP;
    ip[7] = p->ttl;
    memcpy(ip + 8, &p->src_ip, 16);
    memcpy(ip + 24, &p->dst_ip, 16);
}

void outer_prebuild(const struct outer_path *p, struct outer_head *out)
{
    *out = (struct outer_head){.v6 = p->v6, .df = p->df};
    memcpy(out->b, &p->dst, 6);
    memcpy(out->b + 6, &p->src, 6);
    size_t at = 12;
    if (p->vlan != 0) {
        put16(out->b + at, TYPE_VLAN);
        put16(out->b + at + 2, p->vlan);
        at += TAG_BYTES;
    }
    put16(out->b + at, p->v6 ? TYPE_IPV6 : TYPE_IPV4);
    out->l3_off = (uint8_t)(at + 2);
    out->udp_off = (uint8_t)(out->l3_off + (p->v6 ? IPV6_BYTES : IPV4_BYTES));
    if (p->v6) {
        build_ipv6(p, out->b + out->l3_off);
    } else {
        build_ipv4(p, out->b + out->l3_off);
        out->ip_sum = csum_add(0, out->b + out->l3_off, IPV4_BYTES);
    }
    put16(out->b + out->udp_off + 2, p->udp_port);
    struct vxlan vx = {.next = VXLAN_NEXT_ETHERNET};
    vxlan_encode(p->kind, &vx, out->b + out->udp_off + UDP_BYTES);
    out->len = (uint8_t)(out->udp_off + UDP_BYTES + VXLAN_BYTES);
}

static void patch_ipv4(const struct outer_head *h, const struct outer_patch *p, uint8_t *ip,
                       uint16_t udp_len)
{
    uint16_t id = h->df ? 0 : p->ip_id; /* RFC 6864 section 4.1: atomic, any ID will do */
    uint16_t words[3];                  /* as they lie in memory; ip_sum has them as zeros */
    words[0] = (uint16_t)(p->tos << 8);
    words[1] = to_be16((uint16_t)(udp_len + IPV4_BYTES));
    words[2] = to_be16(id);
    ip[1] = p->tos;
    memcpy(ip + 2, &words[1], 4);
    be16 csum = csum_finish(h->ip_sum + words[0] + words[1] + words[2]);
    memcpy(ip + 10, &csum, 2);
}

static void patch_ipv6(const struct outer_patch *p, uint8_t *ip, uint16_t udp_len)
{
    ip[0] = (uint8_t)(0x60 | p->tos >> 4);
    ip[1] = (uint8_t)(p->tos << 4 | (p->flabel >> 16 & 15));
    put16(ip + 2, (uint16_t)p->flabel);
    put16(ip + 4, udp_len);
}

void outer_patch(const struct outer_head *h, const struct outer_patch *p, uint8_t *to)
{
    uint16_t udp_len = (uint16_t)(UDP_BYTES + VXLAN_BYTES + p->inner_len);
    if (h->len == OUTER_BYTES_IPV4) /* nearly always: a copy of a length that is known */
        memcpy(to, h->b, OUTER_BYTES_IPV4);
    else
        memcpy(to, h->b, h->len);
    if (h->v6)
        patch_ipv6(p, to + h->l3_off, udp_len);
    else
        patch_ipv4(h, p, to + h->l3_off, udp_len);
    uint8_t *udp = to + h->udp_off, *vx = udp + UDP_BYTES;
    put16(udp, p->src_port);
    put16(udp + 4, udp_len);
    vx[4] = (uint8_t)(p->vni >> 16);
    vx[5] = (uint8_t)(p->vni >> 8);
    vx[6] = (uint8_t)p->vni;
}

uint32_t outer_pseudo_sum(const uint8_t *l3, bool v6, uint16_t udp_len)
{
    uint8_t tail[4] = {0, PROTO_UDP, (uint8_t)(udp_len >> 8), (uint8_t)udp_len};
    uint32_t sum = v6 ? csum_add(0, l3 + 8, 32) : csum_add(0, l3 + 12, 8);
    return csum_add(sum, tail, sizeof tail);
}
