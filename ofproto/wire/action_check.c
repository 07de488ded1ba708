/* What actions mean, whatever version they came in: arguments, what this switch supports,
 * and whether each fits the packets that reach it (1.3.5, 7.2.4 and 6.4). */
#include "base/limits.h"
#include "ofproto/wire/meter.h"
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

static int bad_action(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_BAD_ACTION, code, why);
}

static int misfit(struct ofw_error *e, const char *why)
{
    return bad_action(e, OFPBAC_MATCH_INCONSISTENT, why);
}

enum { ETH_PBB = 0x88e7 };

static bool port_ok(uint32_t port)
{
    if (port == 0 || port == OFPP_ANY)
        return false;
    return port <= OFPP_MAX || port >= OFPP_IN_PORT;
}

static int set_field_ok(const struct ofw_action *a, struct ofw_error *e)
{
    enum flow_field f = (enum flow_field)a->field;
    if (a->field >= FF_ALL || !ofw_field_settable(f))
        return bad_action(e, OFPBAC_BAD_SET_TYPE, "the field cannot be set");
    if (!oxm_fits(f, a->value))
        return bad_action(e, OFPBAC_BAD_SET_ARGUMENT, "value wider than the field");
    if (f == FF_VLAN_VID && !(a->value[0] & FLOW_VID_PRESENT >> 8))
        return bad_action(e, OFPBAC_BAD_SET_ARGUMENT, "set vlan_vid without OFPVID_PRESENT");
    return 0;
}

static bool is_mpls(uint16_t ethertype) { return ethertype == 0x8847 || ethertype == 0x8848; }

/* The argument alone, and whether we support the action. */
static int argument_ok(const struct ofw_action *a, struct ofw_error *e)
{
    switch (a->type) {
    case OFPAT_OUTPUT:
        return port_ok(a->port) ? 0 : bad_action(e, OFPBAC_BAD_OUT_PORT, "no such output port");
    case OFPAT_SET_FIELD:
        return set_field_ok(a, e);
    case OFPAT_PUSH_VLAN:
        if (a->ethertype != 0x8100 && a->ethertype != 0x88a8)
            return bad_action(e, OFPBAC_BAD_TAG, "push_vlan takes 0x8100 or 0x88a8");
        return 0;
    case OFPAT_PUSH_MPLS:
        if (!is_mpls(a->ethertype))
            return bad_action(e, OFPBAC_BAD_TAG, "push_mpls takes 0x8847 or 0x8848");
        return 0;
    case OFPAT_GROUP:
        return a->port <= OFPG_MAX ? 0 : bad_action(e, OFPBAC_BAD_OUT_GROUP, "no such group");
    case OFPAT_SET_QUEUE: /* which port's queue is not known here: any number may be one */
        return a->port != OFPQ_ALL ? 0 : bad_action(e, OFPBAC_BAD_QUEUE, "no such queue");
    case OFPAT_PUSH_PBB:
        return a->ethertype == ETH_PBB ? 0 : bad_action(e, OFPBAC_BAD_TAG, "push_pbb takes 0x88e7");
    case OFPAT_EXPERIMENTER:
        return ofw_nx_check(a, NULL, e);
    default:
        return 0;
    }
}

/* From here on `m` is what is known of a packet after the actions so far. */

static void now_eth_type(struct flow_match *m, uint16_t type)
{
    m->key.eth_type = to_be16(type);
    m->mask.eth_type = 0xffff;
    m->key.ip_proto = m->mask.ip_proto = 0;
    m->key.icmp_type = m->mask.icmp_type = 0;
}

static void now_vlan(struct flow_match *m, uint16_t bits)
{
    m->key.vlan_vid = m->mask.vlan_vid = to_be16(bits);
}

/* What comes out of a tunnel is not known. */
static void now_anything(struct flow_match *m)
{
    now_vlan(m, 0);
    m->key.eth_type = m->mask.eth_type = 0;
}

static bool has_vlan(const struct flow_match *m) { return ofw_field_prereq_ok(FF_VLAN_PCP, m); }
static bool has_mpls(const struct flow_match *m) { return ofw_field_prereq_ok(FF_MPLS_LABEL, m); }
static bool has_ip(const struct flow_match *m) { return ofw_field_prereq_ok(FF_IP_DSCP, m); }

static int step_set_field(const struct ofw_action *a, struct flow_match *m, struct ofw_error *e)
{
    enum flow_field f = (enum flow_field)a->field;
    if (a->max_len || flow_field_is_reg(f))
        return 0;
    if (f == FF_VLAN_VID ? !has_vlan(m) : !ofw_field_prereq_ok(f, m))
        return misfit(e, "set-field without the field's prerequisites");
    if (f == FF_ETH_TYPE)
        now_eth_type(m, (uint16_t)(a->value[0] << 8 | a->value[1]));
    if (f == FF_IP_PROTO)
        m->key.icmp_type = m->mask.icmp_type = 0;
    flow_match_set(m, f, a->value, NULL);
    return 0;
}

static int step(const struct ofw_action *a, struct flow_match *m, struct ofw_error *e)
{
    switch (a->type) {
    case OFPAT_SET_FIELD:
        return step_set_field(a, m, e);
    case OFPAT_PUSH_VLAN:
        now_vlan(m, FLOW_VID_PRESENT);
        return 0;
    case OFPAT_POP_VLAN:
        if (!has_vlan(m) && !a->max_len)
            return misfit(e, "pop_vlan where there may be no tag");
        now_vlan(m, 0); /* perhaps another tag, perhaps none */
        return 0;
    case OFPAT_PUSH_MPLS:
        now_eth_type(m, a->ethertype);
        return 0;
    case OFPAT_POP_MPLS:
        if (!has_mpls(m))
            return misfit(e, "pop_mpls where eth_type is not MPLS");
        now_eth_type(m, a->ethertype);
        return 0;
    case OFPAT_PUSH_PBB:
        now_eth_type(m, ETH_PBB);
        now_vlan(m, 0);
        m->mask.vlan_vid = 0xffff;
        return 0;
    case OFPAT_POP_PBB:
        if (!ofw_field_prereq_ok(FF_PBB_ISID, m))
            return misfit(e, "pop_pbb where eth_type is not PBB");
        now_anything(m);
        return 0;
    case OFPAT_SET_MPLS_TTL:
    case OFPAT_DEC_MPLS_TTL:
    case OFPAT_COPY_TTL_IN:
    case OFPAT_COPY_TTL_OUT:
        return has_mpls(m) ? 0 : misfit(e, "MPLS TTL where eth_type is not MPLS");
    case OFPAT_SET_NW_TTL:
    case OFPAT_DEC_NW_TTL:
        return has_ip(m) ? 0 : misfit(e, "IP TTL where eth_type is not IP");
    case OFPAT_EXPERIMENTER:
        return ofw_nx_check(a, m, e);
    default:
        return 0;
    }
}

static int arguments_ok(const struct ofw_actions *list, struct ofw_error *e)
{
    for (unsigned i = 0; i < list->n; i++)
        if (argument_ok(&list->a[i], e) < 0)
            return -1;
    return 0;
}

static int steps(const struct ofw_actions *list, struct flow_match *m, struct ofw_error *e)
{
    for (unsigned i = 0; i < list->n; i++)
        if (step(&list->a[i], m, e) < 0)
            return -1;
    return 0;
}

int ofw_actions_check(const struct ofw_actions *list, const struct flow_match *m,
                      struct ofw_error *e)
{
    if (arguments_ok(list, e) < 0)
        return -1;
    if (!m)
        return 0;
    struct flow_match known = *m;
    return steps(list, &known, e);
}

/* Rank of an action in the action set (5.10). */
static unsigned set_rank(const struct ofw_action *a)
{
    static const uint8_t rank[] = {
        [OFPAT_OUTPUT] = 8,       [OFPAT_COPY_TTL_OUT] = 5, [OFPAT_COPY_TTL_IN] = 1,
        [OFPAT_SET_MPLS_TTL] = 7, [OFPAT_DEC_MPLS_TTL] = 6, [OFPAT_PUSH_VLAN] = 4,
        [OFPAT_POP_VLAN] = 2,     [OFPAT_PUSH_MPLS] = 3,    [OFPAT_POP_MPLS] = 2,
        [OFPAT_PUSH_PBB] = 3,     [OFPAT_POP_PBB] = 2,      [OFPAT_SET_NW_TTL] = 7,
        [OFPAT_DEC_NW_TTL] = 6,   [OFPAT_SET_FIELD] = 7,
    };
    if (a->type == OFPAT_EXPERIMENTER)
        return 7;
    return a->type < sizeof rank ? rank[a->type] : 0;
}

/* Written actions run at the end and in the set's order, not in the list's. */
static int write_check(const struct ofw_actions *list, struct flow_match *m, struct ofw_error *e)
{
    for (unsigned rank = 1; rank <= 8; rank++)
        for (unsigned i = 0; i < list->n; i++)
            if (set_rank(&list->a[i]) == rank && step(&list->a[i], m, e) < 0)
                return -1;
    return 0;
}

/* Of Nicira's actions the set takes those that set fields. */
static int write_fits(const struct ofw_actions *list, struct ofw_error *e)
{
    for (unsigned i = 0; i < list->n; i++) {
        uint32_t subtype = list->a[i].port;
        if (list->a[i].type != OFPAT_EXPERIMENTER || subtype == NXAST_REG_LOAD ||
            subtype == NXAST_REG_LOAD2 || subtype == NXAST_SET_TUNNEL ||
            subtype == NXAST_SET_TUNNEL64)
            continue;
        return bad_action(e, OFPBAC_BAD_TYPE, "not an action for an action set");
    }
    return 0;
}

int ofw_instructions_check(const struct ofw_instructions *in, uint8_t table,
                           const struct flow_match *m, struct ofw_error *e)
{
    if (in->has_meter && (in->meter == 0 || in->meter > OFPM_MAX))
        return ofw_refuse(e, OFPET_METER_MOD_FAILED, OFPMMFC_INVALID_METER, "no such meter");
    if (in->has_goto && (in->goto_table <= table || in->goto_table >= WEFT_TABLES))
        return ofw_refuse(e, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID,
                          "goto takes a later table, up to 253");
    struct flow_match known = *m;
    if (arguments_ok(&in->apply, e) < 0 || arguments_ok(&in->write, e) < 0 ||
        write_fits(&in->write, e) < 0)
        return -1;
    if (steps(&in->apply, &known, e) < 0)
        return -1;
    return write_check(&in->write, &known, e);
}
