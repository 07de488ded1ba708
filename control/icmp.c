/* control/icmp.c: see icmp.h. */
#include "control/icmp.h"

#include "base/bytes.h"
#include "base/csum.h"

enum { ICMP4 = 1, UDP = 17, ICMP6 = 58 };
enum { ECHO4 = 8, ECHO_REPLY4 = 0, ECHO6 = 128, ECHO_REPLY6 = 129 };

static const struct {
    uint8_t type4, code4, type6, code6;
} numbers[] = {
    [ICMP_TTL_EXCEEDED] = {11, 0, 3, 0},    [ICMP_TOO_BIG] = {3, 4, 2, 0},
    [ICMP_NO_ROUTE] = {3, 0, 1, 0},         [ICMP_HOST_UNREACHABLE] = {3, 1, 1, 3},
    [ICMP_PORT_UNREACHABLE] = {3, 3, 1, 4}, [ICMP_PROTOCOL_UNREACHABLE] = {3, 2, 4, 1},
    [ICMP_PROHIBITED] = {3, 13, 1, 1},
};

static uint16_t at16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* ------------------------------------------------------------ may we? */

static bool may4(const uint8_t *p, size_t len)
{
    size_t ihl = len > 0 ? (p[0] & 15u) * 4 : 0;
    if (len < 20 || p[0] >> 4 != 4 || ihl < 20 || len < ihl)
        return false;
    bool later = (at16(p + 6) & 0x1fff) != 0;
    bool bad_src = p[12] == 0 || p[12] == 127 || p[12] >= 224;
    bool group = p[16] >= 224;
    if (later || bad_src || group)
        return false;
    if (p[9] != ICMP4)
        return true;
    if (len < ihl + 1)
        return false;
    uint8_t type = p[ihl];
    return type == ECHO4 || type == ECHO_REPLY4 || (type >= 13 && type <= 18);
}

static bool may6(const uint8_t *p, size_t len, bool too_big)
{
    static const uint8_t zero[16];
    if (len < 40 || p[0] >> 4 != 6 || p[8] == 0xff || memcmp(p + 8, zero, 16) == 0)
        return false;
    if (p[24] == 0xff && !too_big)
        return false; /* (e.3), and its one exception that concerns us */
    if (p[6] == 44 && len >= 48 && (at16(p + 42) & 0xfff8) != 0)
        return false; /* a later fragment: IPv4's rule, and who would know the first? */
    return p[6] != ICMP6 || (len > 40 && p[40] >= 128);
}

/* ------------------------------------------------------------ errors */

static uint32_t pseudo6(const uint8_t *ip, uint32_t len)
{
    uint8_t tail[8] = {(uint8_t)(len >> 24),
                       (uint8_t)(len >> 16),
                       (uint8_t)(len >> 8),
                       (uint8_t)len,
                       0,
                       0,
                       0,
                       ICMP6};
    return csum_add(csum_add(0, ip + 8, 32), tail, sizeof tail);
}

/* RFC 1812 section 4.3.2: TOS of network control, the don't-fragment bit off. */
static size_t error4(enum icmp_what what, const uint8_t *p, size_t len, uint16_t mtu,
                     const struct ip6 *from, uint8_t ttl, struct writer *w)
{
    size_t ihl = 20, quoted = len < ICMP4_ERROR_MAX - 28 ? len : ICMP4_ERROR_MAX - 28;
    uint8_t *ip = write_room(w, ihl + 8 + quoted);
    if (ip == NULL)
        return 0;
    uint8_t *icmp = ip + ihl;
    ip[0] = 0x45;
    ip[1] = 0xc0;
    put16(ip + 2, (uint16_t)(ihl + 8 + quoted));
    ip[8] = ttl;
    ip[9] = ICMP4;
    memcpy(ip + 12, from->b, 4);
    memcpy(ip + 16, p + 12, 4);
    icmp[0] = numbers[what].type4;
    icmp[1] = numbers[what].code4;
    if (what == ICMP_TOO_BIG)
        put16(icmp + 6, mtu);
    memcpy(icmp + 8, p, quoted);
    be16 sum = csum_finish(csum_add(0, icmp, 8 + quoted));
    memcpy(icmp + 2, &sum, 2);
    sum = csum_finish(csum_add(0, ip, ihl));
    memcpy(ip + 10, &sum, 2);
    return w->len;
}

static size_t error6(enum icmp_what what, const uint8_t *p, size_t len, uint16_t mtu,
                     const struct ip6 *from, uint8_t ttl, struct writer *w)
{
    size_t quoted = len < ICMP6_ERROR_MAX - 48 ? len : ICMP6_ERROR_MAX - 48;
    uint8_t *ip = write_room(w, 48 + quoted);
    if (ip == NULL)
        return 0;
    uint8_t *icmp = ip + 40;
    ip[0] = 0x60;
    put16(ip + 4, (uint16_t)(8 + quoted));
    ip[6] = ICMP6;
    ip[7] = ttl;
    memcpy(ip + 8, from->b, 16);
    memcpy(ip + 24, p + 8, 16);
    icmp[0] = numbers[what].type6;
    icmp[1] = numbers[what].code6;
    if (what == ICMP_TOO_BIG)
        put16(icmp + 6, mtu);
    else if (what == ICMP_PROTOCOL_UNREACHABLE)
        icmp[7] = 6; /* where Next Header is */
    memcpy(icmp + 8, p, quoted);
    be16 sum = csum_finish(csum_add(pseudo6(ip, (uint32_t)(8 + quoted)), icmp, 8 + quoted));
    memcpy(icmp + 2, &sum, 2);
    return w->len;
}

size_t icmp_error(enum icmp_what what, const void *packet, size_t len, bool ip6, uint16_t mtu,
                  const struct ip6 *from, uint8_t ttl, uint8_t *out, size_t cap)
{
    const uint8_t *p = packet;
    struct writer w = writer_of(out, cap);
    if (!(ip6 ? may6(p, len, what == ICMP_TOO_BIG) : may4(p, len)))
        return 0;
    /* What is behind the packet (Ethernet's padding) isn't quoted. */
    size_t said = ip6 ? at16(p + 4) + 40u : at16(p + 2);
    len = said < len ? said : len;
    return ip6 ? error6(what, p, len, mtu, from, ttl, &w)
               : error4(what, p, len, mtu, from, ttl, &w);
}

/* ------------------------------------------------------------ echo */

static void turn(uint8_t *icmp, uint8_t type)
{
    be16 old, to;
    uint8_t was[2] = {icmp[0], icmp[1]}, is[2] = {type, icmp[1]};
    memcpy(&old, icmp + 2, 2);
    to = csum_update(old, was, is, 2);
    icmp[0] = type;
    memcpy(icmp + 2, &to, 2);
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static bool echo4(uint8_t *p, size_t len, uint8_t ttl)
{
    size_t ihl = len >= 20 ? (p[0] & 15u) * 4 : 0;
    if (ihl < 20 || len < ihl + 8 || p[9] != ICMP4 || p[ihl] != ECHO4 || p[ihl + 1] != 0 ||
        (at16(p + 6) & 0x3fff) != 0)
        return false;
    swap(p + 12, p + 16, 4);
    p[8] = ttl;
    p[10] = p[11] = 0;
    be16 sum = csum_finish(csum_add(0, p, ihl));
    memcpy(p + 10, &sum, 2);
    turn(p + ihl, ECHO_REPLY4);
    return true;
}

static bool echo6(uint8_t *p, size_t len, uint8_t ttl)
{
    if (len < 48 || p[6] != ICMP6 || p[40] != ECHO6 || p[41] != 0)
        return false;
    swap(p + 8, p + 24, 16);
    p[7] = ttl;
    turn(p + 40, ECHO_REPLY6);
    return true;
}

bool icmp_echo(uint8_t *p, size_t len, bool ip6, uint8_t ttl)
{
    return ip6 ? echo6(p, len, ttl) : echo4(p, len, ttl);
}

/* TCP has resets for that, which a router that runs no service needn't send. */
bool icmp_refusal(const uint8_t *p, size_t len, bool ip6, enum icmp_what *what)
{
    if (len < (ip6 ? 40u : 20u))
        return false;
    uint8_t proto = ip6 ? p[6] : p[9];
    *what = proto == UDP ? ICMP_PORT_UNREACHABLE : ICMP_PROTOCOL_UNREACHABLE;
    return proto != 6 && proto != ICMP4 && proto != ICMP6 && proto != 0;
}
