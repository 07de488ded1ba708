/* vxlan/member.c: see member.h. */
#include "vxlan/member.h"

#include "base/csum.h"

enum {
    PROTO_IGMP = 2,
    PROTO_ICMPV6 = 58,
    IGMP_QUERY = 0x11,
    IGMP_REPORT = 0x16,
    IGMP_LEAVE = 0x17,
    MLD_QUERY = 130,
    MLD_REPORT = 131,
    MLD_DONE = 132,
    IP4_LEN = 24, /* with Router Alert (RFC 2113) */
    IGMP_LEN = 8,
    HBH_LEN = 8, /* Router Alert (RFC 2711) */
    MLD_LEN = 24,
};

static void put_csum(uint8_t *at, uint32_t sum)
{
    be16 c = csum_finish(sum);
    memcpy(at, &c, sizeof c);
}

/* RFC 1112 section 6.4, RFC 2464 section 7. */
static struct mac mac_of(const struct ip6 *g, bool v6)
{
    if (v6)
        return (struct mac){{0x33, 0x33, g->b[12], g->b[13], g->b[14], g->b[15]}};
    return (struct mac){{1, 0, 0x5e, g->b[1] & 0x7f, g->b[2], g->b[3]}};
}

/* Section 9 of RFC 2236: a leave goes to all routers. */
static size_t write_igmp(enum member_what what, const struct ip6 *src, const struct ip6 *group,
                         uint8_t *ip, struct mac *to)
{
    static const struct ip6 routers = {{224, 0, 0, 2}};
    const struct ip6 *dst = what == MEMBER_LEAVE ? &routers : group;
    uint8_t *igmp = ip + IP4_LEN;
    memset(ip, 0, IP4_LEN + IGMP_LEN);
    memcpy(ip, (const uint8_t[]){0x46, 0xc0, 0, IP4_LEN + IGMP_LEN, 0, 0, 0x40, 0, 1, PROTO_IGMP},
           10);
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    memcpy(ip + 20, (const uint8_t[]){0x94, 4, 0, 0}, 4);
    put_csum(ip + 10, csum_add(0, ip, IP4_LEN));
    igmp[0] = what == MEMBER_LEAVE ? IGMP_LEAVE : IGMP_REPORT;
    memcpy(igmp + 4, group, 4);
    put_csum(igmp + 2, csum_add(0, igmp, IGMP_LEN));
    *to = mac_of(dst, false);
    return IP4_LEN + IGMP_LEN;
}

static size_t write_mld(enum member_what what, const struct ip6 *group, uint8_t *ip, struct mac *to)
{
    static const struct ip6 routers = {{0xff, 2, [15] = 2}};
    const struct ip6 *dst = what == MEMBER_LEAVE ? &routers : group;
    const uint8_t pseudo[8] = {0, 0, 0, MLD_LEN, 0, 0, 0, PROTO_ICMPV6};
    uint8_t *hbh = ip + 40, *mld = hbh + HBH_LEN;
    memset(ip, 0, 40 + HBH_LEN + MLD_LEN);
    memcpy(ip, (const uint8_t[]){0x60, 0, 0, 0, 0, HBH_LEN + MLD_LEN, 0, 1}, 8);
    memcpy(ip + 24, dst, 16);
    memcpy(hbh, (const uint8_t[]){PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0}, HBH_LEN);
    mld[0] = what == MEMBER_LEAVE ? MLD_DONE : MLD_REPORT;
    memcpy(mld + 8, group, 16);
    put_csum(mld + 2,
             csum_add(csum_add(csum_add(0, ip + 8, 32), pseudo, sizeof pseudo), mld, MLD_LEN));
    *to = mac_of(dst, true);
    return 40 + HBH_LEN + MLD_LEN;
}

size_t member_write(enum member_what what, bool v6, const struct ip6 *src, const struct ip6 *group,
                    uint8_t out[MEMBER_BYTES_MAX], struct mac *to)
{
    return v6 ? write_mld(what, group, out, to) : write_igmp(what, src, group, out, to);
}

static bool is_igmp_query(const uint8_t *p, size_t len, struct ip6 *group)
{
    size_t head = (p[0] & 15u) * 4u, total = (size_t)(p[2] << 8 | p[3]);
    if (p[0] >> 4 != 4 || head < 20 || total > len || head + IGMP_LEN > total ||
        p[9] != PROTO_IGMP || p[head] != IGMP_QUERY)
        return false;
    *group = (struct ip6){{0}};
    memcpy(group, p + head + 4, 4);
    return csum_finish(csum_add(0, p + head, total - head)) == 0;
}

/* Behind a Hop-by-Hop header, as RFC 2710 section 3 asks. */
static bool is_mld_query(const uint8_t *p, size_t len, struct ip6 *group)
{
    size_t total = 40u + (size_t)(p[4] << 8 | p[5]);
    if (len < 48 || p[0] >> 4 != 6 || p[6] != 0 || p[40] != PROTO_ICMPV6 || total > len)
        return false;
    size_t at = 40u + 8u + p[41] * 8u, n = total - at;
    if (at + MLD_LEN > total || p[at] != MLD_QUERY || p[7] != 1)
        return false;
    const uint8_t pseudo[8] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, PROTO_ICMPV6};
    memcpy(group, p + at + 8, 16);
    return csum_finish(csum_add(csum_add(csum_add(0, p + 8, 32), pseudo, 8), p + at, n)) == 0;
}

bool member_is_query(const uint8_t *p, size_t len, bool v6, struct ip6 *group)
{
    if (len < 28)
        return false;
    return v6 ? is_mld_query(p, len, group) : is_igmp_query(p, len, group);
}
