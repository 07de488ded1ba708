/* vxlan/vxlan.h: eight bytes between the underlay's UDP and the tenant's Ethernet.
 *
 * RFC 7348 section 5 gives them: flags, of which only I means something, and a
 * VNI of 24 bits. All the rest is reserved, sent as zero and not looked at on receipt. Two
 * extensions use reserved bits, so which one a header speaks can't be told from
 * its bytes alone; a VTEP is configured for one:
 *
 *   plain   I------- 00000000 0000000000000000 | VNI 00000000
 *   GBP     G---I--- -D--A--- group policy id  | VNI 00000000   draft-smith-vxlan-group-policy
 *   GPE     --VVIPBO 00000000 00000000 next    | VNI 00000000   draft-ietf-nvo3-vxlan-gpe
 *
 * A plain VTEP that hears GBP or GPE ignores what it doesn't know, as the RFC
 * asks; a GPE one refuses versions and payloads that it can't carry. Both
 * directions are pure: bytes in, a struct out, and back to the same bytes.
 */
#ifndef WEFT_VXLAN_VXLAN_H
#define WEFT_VXLAN_VXLAN_H

#include "base/types.h"

enum {
    VXLAN_BYTES = 8,
    VXLAN_UDP_PORT = 4789,        /* RFC 7348 section 5; IANA */
    VXLAN_GPE_UDP_PORT = 4790,    /* IANA */
    VXLAN_VNI_MAX = 0xffffff,     /* 24 bits */
    VXLAN_SOURCE_PORT_MIN = 49152 /* RFC 7348 section 5: the dynamic range, RFC 6335 */
};

enum vxlan_kind { VXLAN_PLAIN, VXLAN_GBP, VXLAN_GPE };

/* Next protocol of GPE; a plain or GBP header always carries Ethernet. */
enum vxlan_next {
    VXLAN_NEXT_IPV4 = 1,
    VXLAN_NEXT_IPV6 = 2,
    VXLAN_NEXT_ETHERNET = 3,
    VXLAN_NEXT_NSH = 4,
};

struct vxlan {
    uint32_t vni; /* 0..VXLAN_VNI_MAX */
    uint8_t next; /* enum vxlan_next */
    /* GBP: */
    bool has_policy;     /* G: policy says something */
    bool dont_learn;     /* D: the source address is not to be learnt */
    bool policy_applied; /* A: don't apply the policy again */
    uint16_t policy;     /* group policy id */
    /* GPE: */
    bool replicated; /* B: sent to many at the ingress (BUM) */
    bool oam;        /* O: not the tenant's, for the VTEP's management */
};

enum vxlan_error {
    VXLAN_OK,
    VXLAN_SHORT,    /* fewer than 8 bytes */
    VXLAN_NO_VNI,   /* I is clear: there is no valid VNI (RFC 7348 section 5) */
    VXLAN_VERSION,  /* GPE of a version other than 0 */
    VXLAN_OAM,      /* GPE: O is set */
    VXLAN_PROTOCOL, /* GPE: what it carries is not Ethernet */
};

/* Reads the header at p. Anything but VXLAN_OK: the packet is to be dropped, *out is undefined. */
enum vxlan_error vxlan_decode(enum vxlan_kind kind, const uint8_t *p, size_t len,
                              struct vxlan *out);

/* Writes it; what the kind can't say is left out. h->vni is masked to 24 bits. */
void vxlan_encode(enum vxlan_kind kind, const struct vxlan *h, uint8_t out[VXLAN_BYTES]);

/* For messages and counters: "no-vni". */
const char *vxlan_error_name(enum vxlan_error e);

#endif
