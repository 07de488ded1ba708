/* Nicira's actions: may these packets have them done? */
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

static bool is_writable(enum flow_field f)
{
    return flow_field_is_reg(f) || f == FF_METADATA || f == FF_IN_PORT ||
           (f != FF_CONJ_ID && ofw_field_settable(f));
}

static int sub_check(const struct nx_sub *s, bool write, const struct flow_match *m,
                     struct ofw_error *e)
{
    enum flow_field f;
    uint16_t ofs;
    if (!s->f || !nx_place(s, &f, &ofs))
        return 0;
    if (write && !is_writable(f))
        return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_BAD_SET_ARGUMENT, "the field is read-only");
    if (m && f < FF_COUNT && !ofw_field_prereq_ok(f, m))
        return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT,
                          "a field without its prerequisites");
    return 0;
}

int ofw_nx_check(const struct ofw_action *a, const struct flow_match *m, struct ofw_error *e)
{
    struct ofw_nx x;
    ofw_nx_get(a, &x);
    bool ttl = x.subtype == NXAST_DEC_TTL || x.subtype == NXAST_DEC_TTL_IDS;
    if (m && ttl && !ofw_field_prereq_ok(FF_IP_TTL, m))
        return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT,
                          "IP TTL where eth_type is not IP");
    if (sub_check(&x.src, false, m, e) < 0)
        return -1;
    return sub_check(&x.dst, true, m, e);
}
