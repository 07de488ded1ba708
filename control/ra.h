/* control/ra.h: Router Advertisements (RFC 4861 section 4.2), written.
 *
 * Pure: what an interface says of itself goes in, the IPv6 packet comes out. When it is said is the
 * gateway's business (gateway_ra.c). Any thread.
 */
#ifndef WEFT_CONTROL_RA_H
#define WEFT_CONTROL_RA_H

#include "base/bytes.h"

enum { RA_PREFIXES_MAX = 16, RA_DNS_MAX = 4, RA_PACKET_MAX = 1280 };

struct ra_prefix {
    struct ip6 prefix;
    uint8_t len;
};

struct ra {
    struct ip6 src; /* link-local */
    struct mac mac; /* source link-layer address option */
    bool managed, other;
    uint16_t lifetime_s; /* of the default route; 0: no default router */
    uint16_t mtu;        /* 0: no option */
    uint8_t n_prefixes, n_dns;
    struct ra_prefix prefix[RA_PREFIXES_MAX];
    struct ip6 dns[RA_DNS_MAX]; /* RFC 8106 */
    uint32_t valid_s, preferred_s, dns_s;
};

/* Appends the packet, to all nodes. A prefix of 64 bits may be used for addresses (RFC 4862). */
void ra_write(struct writer *w, const struct ra *r);

#endif
