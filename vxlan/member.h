/* vxlan/member.h: telling the underlay which multicast groups a VTEP listens to.
 *
 * A VNI's group (RFC 7348 section 4.2) must reach us through switches that snoop and routers that
 * route: the VTEP is a member of it as any host, by IGMPv2 (RFC 2236) or MLDv1 (RFC 2710). Those
 * are what every snooping switch hears, and what queriers of later versions fall back to (RFC 3376
 * section 7, RFC 3810 section 8). Without a link-local address an MLD report comes from :: (RFC
 * 3590). Pure: bytes only; who is a member of what, and when it says so, is control/underlay.h's.
 *
 * An IPv4 address lies in the first four bytes of a struct ip6, the rest zero.
 */
#ifndef WEFT_VXLAN_MEMBER_H
#define WEFT_VXLAN_MEMBER_H

#include "base/types.h"

enum { MEMBER_BYTES_MAX = 40 + 8 + 24, MEMBER_BYTES_IPV4 = 24 + 8 };

enum member_what { MEMBER_REPORT, MEMBER_LEAVE };

/* Writes the IP packet; returns its length. src: ours (IPv4), not looked at for IPv6. *to: the
 * Ethernet destination. */
size_t member_write(enum member_what what, bool v6, const struct ip6 *src, const struct ip6 *group,
                    uint8_t out[MEMBER_BYTES_MAX], struct mac *to);

/* Is the IP packet at p a sound query of any version? *group: which group it asks for; zero: all.
 */
bool member_is_query(const uint8_t *p, size_t len, bool v6, struct ip6 *group);

#endif
