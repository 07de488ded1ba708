/* control/ra.c: see ra.h. */
#include "control/ra.h"

#include "base/csum.h"

enum { ICMPV6 = 58, RA = 134, OPT_SLL = 1, OPT_PREFIX = 3, OPT_MTU = 5, OPT_RDNSS = 25 };

static void prefix(struct writer *w, const struct ra *r, const struct ra_prefix *p)
{
    write_u8(w, OPT_PREFIX);
    write_u8(w, 4);
    write_u8(w, p->len);
    write_u8(w, p->len == 64 ? 0xc0 : 0x80); /* on-link; and for addresses */
    write_u32(w, r->valid_s);
    write_u32(w, r->preferred_s);
    write_u32(w, 0);
    write_bytes(w, p->prefix.b, 16);
}

static void options(struct writer *w, const struct ra *r)
{
    write_u8(w, OPT_SLL);
    write_u8(w, 1);
    write_bytes(w, r->mac.b, 6);
    if (r->mtu != 0) {
        write_u8(w, OPT_MTU);
        write_u8(w, 1);
        write_u16(w, 0);
        write_u32(w, r->mtu);
    }
    for (unsigned i = 0; i < r->n_prefixes; i++)
        prefix(w, r, &r->prefix[i]);
    if (r->n_dns > 0) {
        write_u8(w, OPT_RDNSS);
        write_u8(w, (uint8_t)(1 + 2 * r->n_dns));
        write_u16(w, 0);
        write_u32(w, r->dns_s);
    }
    for (unsigned i = 0; i < r->n_dns; i++)
        write_bytes(w, r->dns[i].b, 16);
}

void ra_write(struct writer *w, const struct ra *r)
{
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
    size_t start = w->len;
    write_u32(w, 0x60000000);
    write_u16(w, 0); /* length, below */
    write_u8(w, ICMPV6);
    write_u8(w, 255);
    write_bytes(w, r->src.b, 16);
    write_bytes(w, all_nodes, 16);
    write_u8(w, RA);
    write_u8(w, 0);
    write_u16(w, 0); /* checksum, below */
    write_u8(w, 64); /* Cur Hop Limit */
    write_u8(w, (uint8_t)(r->managed << 7 | r->other << 6));
    write_u16(w, r->lifetime_s);
    write_u32(w, 0); /* Reachable Time, Retrans Timer: the host's own */
    write_u32(w, 0);
    options(w, r);
    if (w->bad)
        return;
    uint8_t *ip = w->buf + start;
    size_t len = w->len - start - 40;
    uint8_t tail[8] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, ICMPV6};
    ip[4] = (uint8_t)(len >> 8);
    ip[5] = (uint8_t)len;
    be16 sum = csum_finish(csum_add(csum_add(csum_add(0, ip + 8, 32), tail, 8), ip + 40, len));
    memcpy(ip + 42, &sum, 2);
}
