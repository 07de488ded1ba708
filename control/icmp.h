/* control/icmp.h: what a router says by ICMP (RFC 792, RFC 1812) and ICMPv6 (RFC 4443).
 *
 * Echo replies and error messages, as bytes: pure, no state. How often they may be sent is policed
 * where packets come in (datapath/route_local.c). An IPv4 address lies in the first four bytes of a
 * struct ip6. Any thread.
 */
#ifndef WEFT_CONTROL_ICMP_H
#define WEFT_CONTROL_ICMP_H

#include "base/types.h"

enum {
    ICMP_TTL = 64,
    ICMP4_ERROR_MAX = 576, /* RFC 1812 section 4.3.2.3 */
    ICMP6_ERROR_MAX = 1280 /* RFC 4443 section 2.4 (c) */
};

enum icmp_what {
    ICMP_TTL_EXCEEDED,         /* 11/0; 3/0 */
    ICMP_TOO_BIG,              /* 3/4 with the MTU (RFC 1191); 2/0 */
    ICMP_NO_ROUTE,             /* 3/0; 1/0 */
    ICMP_HOST_UNREACHABLE,     /* 3/1; 1/3 */
    ICMP_PORT_UNREACHABLE,     /* 3/3; 1/4 */
    ICMP_PROTOCOL_UNREACHABLE, /* 3/2; parameter problem 4/1, pointer 6 */
    ICMP_PROHIBITED,           /* 3/13; 1/1 */
};

/* Writes the error about `packet` (from its IP header on, maybe cut short), from address `from`,
 * as an IP packet with this TTL. The length, or 0: none may be sent (RFC 1122 section 3.2.2, RFC
 * 4443 section 2.4 (e): about an error, a later fragment, to or from what is no single host). */
size_t icmp_error(enum icmp_what what, const void *packet, size_t len, bool ip6, uint16_t mtu,
                  const struct ip6 *from, uint8_t ttl, uint8_t *out, size_t cap);

/* Turns an echo request into its reply in place: p is at the IP header, len bytes are there (all
 * headers at least). False: it is none, or a fragment. */
bool icmp_echo(uint8_t *p, size_t len, bool ip6, uint8_t ttl);

/* Is it TCP, UDP or something else that a router without such a service refuses by an error? */
bool icmp_refusal(const uint8_t *p, size_t len, bool ip6, enum icmp_what *what);

#endif
