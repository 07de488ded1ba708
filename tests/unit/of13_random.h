/* tests/unit/of13_random.h: random matches and action lists that are valid OpenFlow 1.3.
 *
 * From one seed, canonical as the decoder leaves them, so that encode then decode must
 * give them back. Any thread; no state but the prng.
 */
#ifndef WEFT_TESTS_OF13_RANDOM_H
#define WEFT_TESTS_OF13_RANDOM_H

#include "base/prng.h"
#include "ofproto/wire/msg.h"

static inline void random_value(struct prng *p, enum flow_field f, uint8_t value[16])
{
    unsigned spare = flow_fields[f].bytes * 8u - flow_fields[f].bits;
    for (unsigned i = 0; i < flow_fields[f].bytes; i++)
        value[i] = (uint8_t)prng_next(p);
    for (unsigned i = 0; spare > 0; i++, spare -= spare < 8 ? spare : 8)
        value[i] = spare < 8 ? (uint8_t)(value[i] & 0xff >> spare) : 0;
}

/* The values that open the way to other fields. */
static inline void steer(struct prng *p, enum flow_field f, uint8_t value[16])
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8847, 0x8848, 0x88e7, 0x88cc};
    static const uint8_t protos[] = {1, 6, 17, 58, 132, 47};
    if (f == FF_ETH_TYPE) {
        be16 t = to_be16(types[prng_below(p, 7)]);
        memcpy(value, &t, 2);
    }
    if (f == FF_IP_PROTO)
        value[0] = protos[prng_below(p, 6)];
    if (f == FF_ICMPV6_TYPE && prng_below(p, 4))
        value[0] = (uint8_t)(135 + prng_below(p, 2));
    if (f == FF_VLAN_VID)
        value[0] |= 0x10;
}

static inline void random_mask(struct prng *p, enum flow_field f, uint8_t mask[16])
{
    random_value(p, f, mask);
    mask[flow_fields[f].bytes - 1] = (uint8_t)(mask[flow_fields[f].bytes - 1] & 0xfe);
    if (f == FF_VLAN_VID)
        mask[0] |= 0x10;
    else
        mask[flow_fields[f].bytes - 1] |= 2;
}

static inline struct flow_match random_match(struct prng *p)
{
    struct flow_match m = {0};
    for (unsigned i = 0; i < FF_OXM_COUNT; i++) {
        enum flow_field f = (enum flow_field)i;
        bool opens = f == FF_ETH_TYPE || f == FF_IP_PROTO || f == FF_ICMPV6_TYPE;
        if (prng_below(p, opens ? 8 : 2) == 0 || !ofw_field_prereq_ok(f, &m))
            continue;
        uint8_t value[16], mask[16];
        random_value(p, f, value);
        steer(p, f, value);
        random_mask(p, f, mask);
        flow_match_set(&m, f, value, ofw_field_maskable(f) && prng_below(p, 2) ? mask : NULL);
    }
    if (prng_below(p, 8) == 0 && m.mask.vlan_pcp == 0) { /* untagged frames */
        m.key.vlan_vid = 0;
        m.mask.vlan_vid = 0xffff;
    }
    return m;
}

/* An action that passes ofw_actions_check() without a match. */
static inline struct ofw_action random_action(struct prng *p)
{
    static const uint16_t types[] = {OFPAT_OUTPUT,       OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN,
                                     OFPAT_SET_MPLS_TTL, OFPAT_DEC_NW_TTL,   OFPAT_DEC_MPLS_TTL,
                                     OFPAT_PUSH_VLAN,    OFPAT_POP_VLAN,     OFPAT_PUSH_MPLS,
                                     OFPAT_POP_MPLS,     OFPAT_SET_NW_TTL,   OFPAT_SET_FIELD};
    struct ofw_action a = {.type = types[prng_below(p, 12)]};
    if (a.type == OFPAT_OUTPUT) {
        a.port = prng_below(p, 2) ? OFPP_CONTROLLER : 1 + prng_below(p, 1000);
        a.max_len = (uint16_t)prng_next(p);
    }
    if (a.type == OFPAT_PUSH_VLAN)
        a.ethertype = prng_below(p, 2) ? 0x8100 : 0x88a8;
    if (a.type == OFPAT_PUSH_MPLS)
        a.ethertype = prng_below(p, 2) ? 0x8847 : 0x8848;
    if (a.type == OFPAT_POP_MPLS)
        a.ethertype = prng_below(p, 2) ? 0x0800 : 0x8847;
    if (a.type == OFPAT_SET_MPLS_TTL || a.type == OFPAT_SET_NW_TTL)
        a.ttl = (uint8_t)prng_next(p);
    while (a.type == OFPAT_SET_FIELD && !ofw_field_settable((enum flow_field)a.field))
        a.field = (uint8_t)prng_below(p, FF_OXM_COUNT);
    if (a.type == OFPAT_SET_FIELD) {
        random_value(p, (enum flow_field)a.field, a.value);
        if (a.field == FF_VLAN_VID)
            a.value[0] |= 0x10;
    }
    return a;
}

#endif
