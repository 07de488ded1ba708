/* vrrp/advert.h: an ADVERTISEMENT, from its IP header to its last address, and back.
 *
 * VRRP has one message. It is read and written together with the IP header that carries it, since
 * half of what RFC 9568 section 7.1 demands is about that header: TTL 255, who sent it, to whom,
 * and (for IPv6) the pseudo-header under the checksum. Reading answers with the first thing that is
 * wrong, by name, so that each refusal has a counter of its own; what needs a configured virtual
 * router to judge (TTL, destination, VRID, source) is left to rx.c.
 *
 * IPv4 and the checksum. RFC 9568 section 5.2.8 says: no pseudo-header for IPv4. RFC 5798 could be
 * read either way, and keepalived 2.2 and FRR before 8.5 include one. Reading accepts both and
 * tells which it was; writing does as told. A wrong sum still fails both.
 *
 * An IPv4 address lies in the first four bytes of a struct ip6, the rest zero. Pure, any thread.
 */
#ifndef WEFT_VRRP_ADVERT_H
#define WEFT_VRRP_ADVERT_H

#include "base/bytes.h"

enum {
    VRRP_PROTOCOL = 112,       /* IP protocol and next header */
    VRRP_TTL = 255,            /* RFC 9568 sections 5.1.1.3 and 5.1.2.3 */
    VRRP_INTERVAL_MAX = 4095,  /* centiseconds: 12 bits, RFC 9568 section 6.1, erratum 8301 */
    VRRP_OWNER = 255,          /* priority of the address owner, RFC 9568 section 5.2.4 */
    VRRP_AUTH_SIMPLE_TEXT = 1, /* RFC 2338; removed by RFC 3768, still met in the field */
};

/* What is wrong with a packet; VRRP_OK is 0. Each one but that is counted under its own name. */
enum vrrp_verdict {
    VRRP_OK,
    VRRP_BAD_IP,          /* not an IP packet, cut short, wrong header checksum, a fragment */
    VRRP_BAD_PROTOCOL,    /* IP protocol or next header is not 112 */
    VRRP_BAD_TTL,         /* TTL or hop limit is not 255 (RFC 9568 7.1) */
    VRRP_BAD_VERSION,     /* neither 2 nor 3, or not the one that is configured */
    VRRP_BAD_TYPE,        /* not 1, ADVERTISEMENT */
    VRRP_BAD_COUNT,       /* no address (RFC 9568 5.2.5, erratum 8299) */
    VRRP_BAD_LENGTH,      /* the address list is cut short */
    VRRP_BAD_CHECKSUM,    /* RFC 9568 5.2.8 */
    VRRP_BAD_INTERVAL,    /* zero (erratum 8301); version 2: not ours (RFC 3768 7.1) */
    VRRP_BAD_AUTH,        /* version 2: an authentication type other than 0 and 1 */
    VRRP_BAD_ADDRESS,     /* IPv6: the first address is not link-local (erratum 8300) */
    VRRP_BAD_VRID,        /* no such virtual router on this interface, or it is switched off */
    VRRP_BAD_DESTINATION, /* neither the group nor, from a unicast peer, us */
    VRRP_BAD_SOURCE,      /* not a configured peer; IPv6: not link-local */
    VRRP_OWN_PACKET,      /* our own advertisement came back */
    VRRP_SHADOWED_V2,     /* version 2 from one that also sends version 3 (RFC 9568 8.4.2) */
    VRRP_VERDICTS,
};

struct vrrp_advert {
    bool ip6;
    bool pseudo_header; /* IPv4, version 3: the checksum covers one */
    uint8_t ttl;
    uint8_t version; /* 2 or 3 */
    uint8_t vrid;
    uint8_t priority;
    uint8_t auth_type;    /* version 2 only */
    uint8_t n_addrs;      /* 1..255 */
    uint16_t interval_cs; /* version 2: its seconds, times 100 */
    struct ip6 src, dst;
};

/* Reads the IP packet at p. *addrs is left at the n_addrs addresses, which are all there.
 * VRRP_OK, or what is wrong; *a then holds what had been read (vrid is 0 unless it was). */
enum vrrp_verdict vrrp_advert_read(struct vrrp_advert *a, struct reader *addrs, const void *p,
                                   size_t len);

/* Appends the IP packet that says *a with the a->n_addrs addresses; w->bad when there is no room.
 * Version 2 states whole seconds, rounded up, and at least one (RFC 9568 section 8.4.2). */
void vrrp_advert_write(struct writer *w, const struct vrrp_advert *a, const struct ip6 *addrs);

/* 00-00-5E-00-01-VRID, or -02- for IPv6 (RFC 9568 section 7.3). */
struct mac vrrp_mac(bool ip6, uint8_t vrid);

/* 224.0.0.18 or ff02::12, and the Ethernet group that carries it. */
struct ip6 vrrp_group_address(bool ip6);
struct mac vrrp_group_mac(bool ip6);

/* fe80::/10. */
bool vrrp_is_link_local(const struct ip6 *a);

/* A word or three for a counter: "bad checksum". */
const char *vrrp_verdict_name(enum vrrp_verdict v);

#endif
