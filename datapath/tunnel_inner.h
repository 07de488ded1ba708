/* datapath/tunnel_inner.h: what decap and encap look at of a tenant's frame.
 *
 * A tunnel's ends need little of it: its tags, where IP is, and what tells flows apart. Read from
 * the bytes, as encap has no fresh key (actions have passed) and decap none yet.
 * Workers.
 */
#ifndef WEFT_DATAPATH_TUNNEL_INNER_H
#define WEFT_DATAPATH_TUNNEL_INNER_H

#include <rte_mbuf.h>

#include "datapath/hash.h"
#include "datapath/parse_internal.h"

struct inner {
    const uint8_t *frame; /* len contiguous bytes of it */
    size_t len;
    size_t ip;       /* where its IP header begins; 0: it has none */
    uint8_t version; /* 4, 6; 0: no IP */
    uint8_t tos;     /* of IP */
    bool tagged;
};

static inline struct inner inner_of(const uint8_t *frame, size_t len)
{
    struct inner in = {.frame = frame, .len = len};
    size_t at = 12;
    if (len < 14)
        return in;
    in.tagged = is_tag(get16(frame + at));
    while (is_tag(get16(frame + at)) && at + 6 <= len)
        at += 4;
    uint16_t type = get16(frame + at);
    const uint8_t *ip = frame + at + 2;
    if (type == TYPE_IPV4 && at + 2 + 20 <= len && ip[0] >> 4 == 4) {
        in.version = 4;
        in.tos = ip[1];
        in.ip = at + 2;
    } else if (type == TYPE_IPV6 && at + 2 + 40 <= len && ip[0] >> 4 == 6) {
        in.version = 6;
        in.tos = (uint8_t)(get16(ip) >> 4);
        in.ip = at + 2;
    }
    return in;
}

/* Where TCP's, UDP's or SCTP's ports are; NULL: it has none, or is a fragment. */
static inline const uint8_t *inner_ports(const struct inner *in, uint8_t *proto)
{
    const uint8_t *ip = in->frame + in->ip;
    *proto = in->version == 0 ? 0 : in->version == 4 ? ip[9] : ip[6];
    if (*proto != IP_TCP && *proto != IP_UDP && *proto != IP_SCTP)
        return NULL;
    if (in->version == 4 && (get16(ip + 6) & 0x3fff) != 0)
        return NULL;
    size_t at = in->ip + (in->version == 4 ? (ip[0] & 15u) * 4u : 40);
    return at + 8 <= in->len ? in->frame + at : NULL;
}

/* The same for all frames of a flow, unguessable without the key: source ports of tunnels. */
static inline uint64_t inner_hash(const struct inner *in, uint64_t key)
{
    uint64_t w[7] = {0};
    uint8_t proto;
    const uint8_t *ports = inner_ports(in, &proto);
    memcpy(w, in->frame, in->len < 12 ? in->len : 12);
    if (in->version == 4)
        memcpy(&w[2], in->frame + in->ip + 12, 8);
    else if (in->version == 6)
        memcpy(&w[2], in->frame + in->ip + 8, 32);
    if (ports != NULL)
        memcpy(&w[6], ports, 4);
    w[6] |= (uint64_t)proto << 56;
    return hash_words(w, 7, key);
}

/* Writes IP's traffic class, and IPv4's checksum with it. frame is the one that in was made of. */
void inner_set_tos(uint8_t *frame, const struct inner *in, uint8_t tos);

#endif
