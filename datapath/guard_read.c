/* guard_read.c: is this frame one that the port's bindings allow? Bytes only. */
#include "base/bytes.h"
#include "datapath/drop.h"
#include "datapath/guard.h"

enum {
    TYPE_IP4 = 0x0800,
    TYPE_ARP = 0x0806,
    TYPE_RARP = 0x8035,
    TYPE_IP6 = 0x86dd,
    PROTO_ICMP = 1,
    PROTO_UDP = 17,
    PROTO_ICMP6 = 58,
    CHAIN_MAX = 8, /* extension headers of a packet that somebody wants to be understood */
};

/* ------------------------------------------------------------ whose */

bool guard_has_mac(const struct guard *g, const uint8_t mac[6])
{
    for (unsigned i = 0; i < g->n_macs; i++)
        if (memcmp(g->mac[i].b, mac, 6) == 0)
            return true;
    return false;
}

static bool inside(const struct guard_ip *a, const uint8_t *ip)
{
    unsigned bytes = a->prefix / 8u, bits = a->prefix % 8u;
    if (memcmp(a->ip.b, ip, bytes) != 0)
        return false;
    return bits == 0 || ((a->ip.b[bytes] ^ ip[bytes]) >> (8 - bits)) == 0;
}

/* fe80::/64 with the modified EUI-64 of mac (RFC 4291 appendix A). */
static bool is_link_local_of(const struct mac *mac, const uint8_t *ip)
{
    const uint8_t want[16] = {0xfe,      0x80,      [8] = (uint8_t)(mac->b[0] ^ 2),
                              mac->b[1], mac->b[2], 0xff,
                              0xfe,      mac->b[3], mac->b[4],
                              mac->b[5]};
    return memcmp(ip, want, 16) == 0;
}

bool guard_has_ip(const struct guard *g, bool v6, const uint8_t *ip)
{
    if (g->n_ips == 0)
        return true;
    for (unsigned i = 0; i < g->n_ips; i++)
        if (g->ip[i].v6 == v6 && inside(&g->ip[i], ip))
            return true;
    for (unsigned i = 0; v6 && i < g->n_macs; i++)
        if (is_link_local_of(&g->mac[i], ip))
            return true;
    return false;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n > 0)
        if (p[--n] != 0)
            return false;
    return true;
}

static bool wants(const struct guard *g, enum guard_checks c) { return (g->checks & c) != 0; }

/* ------------------------------------------------------------ ARP (RFC 826, RFC 5227, RFC 903) */

static int check_arp(const struct guard *g, struct reader *r, bool reverse, enum guard_kind *kind)
{
    uint16_t hw = read_u16(r), proto = read_u16(r);
    uint8_t hlen = read_u8(r), plen = read_u8(r);
    uint16_t op = read_u16(r);
    const uint8_t *sha = read_bytes(r, 6), *spa = read_bytes(r, 4);
    const uint8_t *tha = read_bytes(r, 6), *tpa = read_bytes(r, 4);
    if (r->bad)
        return DROP_GUARD_MALFORMED;
    *kind = op == 2 || reverse || memcmp(spa, tpa, 4) == 0 ? GUARD_ANNOUNCE : GUARD_ASK;
    if (!wants(g, GUARD_SOURCES))
        return GUARD_PASS;
    bool sane = hw == 1 && proto == TYPE_IP4 && hlen == 6 && plen == 4;
    if (!sane || (reverse ? op != 3 : op != 1 && op != 2) || !guard_has_mac(g, sha))
        return DROP_GUARD_ARP;
    if (reverse) /* "who am I": for no other station, and it claims no address */
        return guard_has_mac(g, tha) && is_zero(spa, 4) ? GUARD_PASS : DROP_GUARD_ARP;
    if (op == 1 && is_zero(spa, 4)) /* a probe (RFC 5227 2.1.1): of one's own address */
        return guard_has_ip(g, false, tpa) ? GUARD_PASS : DROP_GUARD_ARP;
    return guard_has_ip(g, false, spa) ? GUARD_PASS : DROP_GUARD_ARP;
}

/* ------------------------------------------------------------ UDP: DHCP */

/* RFC 2131 section 2: a client's message carries its own hardware address. */
static int check_bootp(const struct guard *g, struct reader *r)
{
    uint8_t op = read_u8(r), htype = read_u8(r), hlen = read_u8(r);
    read_skip(r, 25);
    const uint8_t *chaddr = read_bytes(r, 16);
    if (r->bad)
        return DROP_GUARD_DHCP;
    bool own = !wants(g, GUARD_SOURCES) || (htype == 1 && hlen == 6 && guard_has_mac(g, chaddr));
    return op == 1 && own ? GUARD_PASS : DROP_GUARD_DHCP;
}

/* *client: it is a DHCPv4 client's, which has no address yet. */
static int check_udp(const struct guard *g, struct reader *r, bool v6, bool *client,
                     enum guard_kind *kind)
{
    uint16_t from = read_u16(r), to = read_u16(r);
    read_skip(r, 4);
    if (r->bad)
        return DROP_GUARD_MALFORMED;
    *client = !v6 && from == 68 && to == 67;
    bool dhcp = v6 ? from == 547 || to == 547 : from == 67 || to == 67;
    if (!dhcp)
        return GUARD_PASS;
    *kind = GUARD_ASK;
    if (!wants(g, GUARD_DHCP))
        return GUARD_PASS;
    if (from == (v6 ? 547 : 67))
        return DROP_GUARD_DHCP;
    return v6 ? GUARD_PASS : check_bootp(g, r);
}

/* ------------------------------------------------------------ IPv4 */

static int check_ip4_payload(const struct guard *g, struct reader *r, uint8_t proto, bool *client,
                             enum guard_kind *kind)
{
    if (proto == PROTO_UDP)
        return check_udp(g, r, false, client, kind);
    if (proto != PROTO_ICMP)
        return GUARD_PASS;
    uint8_t type = read_u8(r);
    if (r->bad)
        return DROP_GUARD_MALFORMED;
    return wants(g, GUARD_ROUTER) && (type == 5 || type == 9) ? DROP_GUARD_ROUTER : GUARD_PASS;
}

static int check_ip4(const struct guard *g, struct reader *r, enum guard_kind *kind)
{
    uint8_t version = read_u8(r);
    read_skip(r, 1);
    uint16_t total = read_u16(r);
    read_skip(r, 2);
    uint16_t fragment = read_u16(r);
    read_skip(r, 1);
    uint8_t proto = read_u8(r);
    read_skip(r, 2);
    const uint8_t *src = read_bytes(r, 4);
    read_skip(r, 4);
    size_t header = (version & 15u) * 4u;
    if (r->bad || version >> 4 != 4 || header < 20 || (total != 0 && total < header))
        return DROP_GUARD_MALFORMED;
    read_skip(r, header - 20);
    bool client = false, first = (fragment & 0x1fff) == 0;
    int why = r->bad ? DROP_GUARD_MALFORMED : GUARD_PASS;
    if (why == GUARD_PASS && first)
        why = check_ip4_payload(g, r, proto, &client, kind);
    if (why != GUARD_PASS || !wants(g, GUARD_SOURCES))
        return why;
    if (is_zero(src, 4))
        return client ? GUARD_PASS : DROP_GUARD_IP;
    return guard_has_ip(g, false, src) ? GUARD_PASS : DROP_GUARD_IP;
}

/* ------------------------------------------------------------ IPv6 */

enum { RS = 133, RA = 134, NS = 135, NA = 136, REDIRECT = 137, OPT_SLLA = 1, OPT_TLLA = 2 };

/* Link-layer addresses in the options of an ND message are its sender's. */
static int check_options(const struct guard *g, struct reader *r)
{
    while (r->left > 0) {
        uint8_t type = read_u8(r), units = read_u8(r);
        struct reader body = read_sub(r, units > 0 ? units * 8u - 2 : SIZE_MAX);
        if (body.bad)
            return DROP_GUARD_ND;
        if (type != OPT_SLLA && type != OPT_TLLA)
            continue;
        const uint8_t *mac = read_bytes(&body, 6);
        if (mac == NULL || !guard_has_mac(g, mac))
            return DROP_GUARD_ND;
    }
    return GUARD_PASS;
}

static int check_nd(const struct guard *g, struct reader *r, uint8_t type, const uint8_t *src,
                    enum guard_kind *kind)
{
    *kind = type == NA ? GUARD_ANNOUNCE : GUARD_ASK;
    if (type == RA || type == REDIRECT)
        return wants(g, GUARD_ROUTER) ? DROP_GUARD_ROUTER : GUARD_PASS;
    read_skip(r, 3); /* code, checksum */
    uint8_t flags = read_u8(r);
    read_skip(r, 3);
    const uint8_t *target = type == RS ? NULL : read_bytes(r, 16);
    if (r->bad)
        return DROP_GUARD_MALFORMED;
    if (type == NA && (flags & 0x80) && wants(g, GUARD_ROUTER))
        return DROP_GUARD_ROUTER; /* it says that it is one */
    if (!wants(g, GUARD_SOURCES))
        return GUARD_PASS;
    /* NA: of one's own address. NS from "::": duplicate address detection, of one's own. */
    if (type == NA || (type == NS && is_zero(src, 16)))
        if (!guard_has_ip(g, true, target))
            return DROP_GUARD_ND;
    return check_options(g, r);
}

/* Goes to the upper layer. -1: there, *proto is it; else a reason. *later: of a fragment that is
 * not the first, the rest can't be read, nor need it. */
static int walk_chain(struct reader *r, uint8_t *proto, bool *fragment, bool *later)
{
    for (unsigned i = 0; i <= CHAIN_MAX; i++) {
        uint8_t type = *proto;
        if (type != 0 && type != 43 && type != 44 && type != 51 && type != 60 && type != 135)
            return GUARD_PASS;
        *proto = read_u8(r);
        uint8_t units = read_u8(r);
        uint16_t offset = read_u16(r);
        read_skip(r, 4);
        if (type == 44) {
            *fragment = true;
            *later = offset >> 3 != 0;
        } else {
            read_skip(r, type == 51 ? units * 4u : units * 8u);
        }
        if (r->bad)
            return DROP_GUARD_MALFORMED;
        if (*later)
            return GUARD_PASS;
    }
    return DROP_GUARD_MALFORMED;
}

static bool is_nd(uint8_t type) { return type >= RS && type <= REDIRECT; }

/* *nameless: "::" may send it (RFC 4861 DAD and RS, RFC 3810 5.2.13). */
static int check_icmp6(const struct guard *g, struct reader *r, bool fragment, const uint8_t *src,
                       bool *nameless, enum guard_kind *kind)
{
    uint8_t type = read_u8(r);
    if (r->bad)
        return DROP_GUARD_MALFORMED;
    *nameless = type == NS || type == RS || type == 131 || type == 132 || type == 143;
    if (!is_nd(type))
        return GUARD_PASS;
    if (fragment) /* RFC 6980: never */
        return type == RA || type == REDIRECT ? DROP_GUARD_ROUTER : DROP_GUARD_ND;
    return check_nd(g, r, type, src, kind);
}

static int check_ip6(const struct guard *g, struct reader *r, enum guard_kind *kind)
{
    uint8_t version = read_u8(r);
    read_skip(r, 3);
    uint16_t payload = read_u16(r);
    uint8_t proto = read_u8(r);
    read_skip(r, 1);
    const uint8_t *src = read_bytes(r, 16);
    read_skip(r, 16);
    bool fragment = false, later = false, nameless = false, client = false;
    if (r->bad || version >> 4 != 6)
        return DROP_GUARD_MALFORMED;
    if (payload != 0 && payload < r->left)
        r->left = payload; /* the rest is padding */
    int why = walk_chain(r, &proto, &fragment, &later);
    if (why == GUARD_PASS && !later && proto == PROTO_ICMP6)
        why = check_icmp6(g, r, fragment, src, &nameless, kind);
    else if (why == GUARD_PASS && !later && proto == PROTO_UDP)
        why = check_udp(g, r, true, &client, kind);
    if (why != GUARD_PASS || !wants(g, GUARD_SOURCES))
        return why;
    if (is_zero(src, 16))
        return nameless || g->n_ips == 0 ? GUARD_PASS : DROP_GUARD_IP;
    return guard_has_ip(g, true, src) ? GUARD_PASS : DROP_GUARD_IP;
}

/* ------------------------------------------------------------ Ethernet */

static bool is_tag(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

/* Goes past the tags. A priority tag (VID 0) is no VLAN's; behind it, or behind the one that the
 * port may have, there is none. */
static int check_tags(const struct guard *g, struct reader *r, uint16_t *type)
{
    for (unsigned tags = 0; is_tag(*type); tags++) {
        uint16_t vid = read_u16(r) & 0xfff;
        *type = read_u16(r);
        if (r->bad)
            return DROP_GUARD_MALFORMED;
        if (!wants(g, GUARD_VLANS))
            continue;
        bool ours = vid == 0 || (g->tagged && (g->vids[vid >> 6] >> (vid & 63) & 1) != 0);
        if (tags > 0 || !ours)
            return DROP_GUARD_VLAN;
    }
    return GUARD_PASS;
}

int guard_check(const struct guard *g, const void *frame, size_t len, enum guard_kind *kind)
{
    struct reader r = reader_of(frame, len);
    *kind = GUARD_DATA;
    read_skip(&r, 6);
    const uint8_t *src = read_bytes(&r, 6);
    uint16_t type = read_u16(&r);
    if (r.bad)
        return DROP_GUARD_MALFORMED;
    if (wants(g, GUARD_SOURCES) && !guard_has_mac(g, src))
        return DROP_GUARD_MAC;
    int why = check_tags(g, &r, &type);
    if (why != GUARD_PASS)
        return why;
    switch (type) {
    case TYPE_ARP:
    case TYPE_RARP:
        return check_arp(g, &r, type == TYPE_RARP, kind);
    case TYPE_IP4:
        return check_ip4(g, &r, kind);
    case TYPE_IP6:
        return check_ip6(g, &r, kind);
    default:
        return wants(g, GUARD_TYPES) ? DROP_GUARD_TYPE : GUARD_PASS;
    }
}
