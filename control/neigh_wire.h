/* control/neigh_wire.h: ARP (RFC 826) and Neighbor Discovery (RFC 4861) messages, bytes <-> struct.
 *
 * One struct for both: a sender, a target, a link-layer address each, and what kind of saying it
 * is. For what the neighbour engine does they are the same protocol with two accents. Reading
 * checks all that can be checked of the message alone: RFC 4861 sections 7.1.1 and 7.1.2 (hop
 * limit, checksum, code, lengths, options, multicast rules) and for ARP the types, lengths and
 * absurd addresses. Pure, any thread.
 *
 * An IPv4 address lies in the first four bytes of a struct ip6, the rest zero.
 */
#ifndef WEFT_CONTROL_NEIGH_WIRE_H
#define WEFT_CONTROL_NEIGH_WIRE_H

#include "base/bytes.h"

enum {
    NEIGH_ETHERTYPE_ARP = 0x0806,
    NEIGH_ETHERTYPE_IP6 = 0x86dd,
    NEIGH_MESSAGE_MAX = 40 + 24 + 8, /* bytes of the longest that we write */
};

enum neigh_saying { NEIGH_REQUEST /* ARP request, NS */, NEIGH_REPLY /* ARP reply, NA */ };

struct neigh_message {
    bool ip6;
    enum neigh_saying saying;
    struct ip6 sender; /* ARP: spa; ND: source address; zero in a probe (RFC 5227, RFC 4862) */
    struct ip6 target; /* ARP: tpa (in a reply: whom it is to); ND: target */
    struct ip6 to;     /* ND: destination address */
    bool has_sha;      /* ND: the option is there. ARP: always */
    struct mac sha;    /* ARP: sha; NS: source link-layer address; NA: target link-layer address */
    struct mac tha;    /* ARP only */
    bool router, solicited, override; /* NA */
};

/* Why a message is not taken; NEIGH_OK is 0. */
enum neigh_verdict {
    NEIGH_OK,
    NEIGH_NOT_OURS,      /* not ARP for IPv4 on Ethernet, not NS or NA: somebody else's business */
    NEIGH_SHORT,         /* cut short */
    NEIGH_BAD_CHECKSUM,  /* of ICMPv6 */
    NEIGH_BAD_HOP_LIMIT, /* not 255: it was forwarded */
    NEIGH_BAD_CODE,      /* ICMPv6 code not 0 */
    NEIGH_BAD_OPTION,    /* an option of length zero, or past the end */
    NEIGH_BAD_ADDRESS,   /* an address that can't be: a multicast sender or target, a group's MAC */
    NEIGH_OWN,           /* our own came back */
    NEIGH_LIMIT,         /* taken, but there was no room to learn its sender */
    NEIGH_NO_INTERFACE,  /* unknown interface, or it is down */
    NEIGH_VERDICTS,
};

/* Reads what follows the Ethernet header; ethertype tells which. Padding behind is fine. */
enum neigh_verdict neigh_read(struct neigh_message *m, uint16_t ethertype, const void *p,
                              size_t len);

/* Appends ARP or the whole IPv6 packet. NS and NA carry the option if has_sha. */
void neigh_write(struct writer *w, const struct neigh_message *m);

/* ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1), all nodes, and a group's Ethernet address (RFC 2464).
 */
struct ip6 neigh_solicited_node(const struct ip6 *a);
struct ip6 neigh_all_nodes(void);
struct mac neigh_group_mac(const struct ip6 *group);

bool neigh_is_zero(const struct ip6 *a);
bool neigh_equal(const struct ip6 *a, const struct ip6 *b);
/* Multicast, or (IPv4) broadcast, loopback and 0.0.0.0/8: no neighbour has such an address. */
bool neigh_is_absurd(const struct ip6 *a, bool ip6);

const char *neigh_verdict_name(enum neigh_verdict v);

#endif
