/* One action: ovs-actions(7) as far as OpenFlow 1.3's actions go. */
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

#include <errno.h>

enum how {
    AS_OUTPUT,
    AS_PORT,       /* a reserved port */
    AS_CONTROLLER, /* with how much of the packet to send */
    AS_PLAIN,      /* no argument */
    AS_TTL,
    AS_NUMBER,    /* of a group or queue */
    AS_TAG,       /* an Ethertype */
    AS_SET,       /* the field in `field` */
    AS_SET_NAMED, /* set_field:V->F */
    AS_SET_TOS,
    AS_SET_VLAN, /* mod_vlan_vid, mod_vlan_pcp: of untagged frames pushes a tag first */
    AS_SET_PORT, /* mod_tp_src: by protocol */
    AS_NICIRA,   /* its subtype in `type` */
    AS_DEC_TTL,  /* with the ids of controllers, or without */
    AS_BEYOND,   /* known, not supported yet */
};

struct verb {
    const char *name;
    uint8_t how, type, field;
    uint32_t port;
};

#define PORT(n, p)                           \
    {                                        \
        .name = n, .how = AS_PORT, .port = p \
    }
#define ACT(n, h, t)                   \
    {                                  \
        .name = n, .how = h, .type = t \
    }
#define SET(n, h, f)                                             \
    {                                                            \
        .name = n, .how = h, .type = OFPAT_SET_FIELD, .field = f \
    }
#define BEYOND(n)                   \
    {                               \
        .name = n, .how = AS_BEYOND \
    }

static const struct verb verbs[] = {
    ACT("output", AS_OUTPUT, OFPAT_OUTPUT),
    PORT("in_port", OFPP_IN_PORT),
    PORT("table", OFPP_TABLE),
    PORT("normal", OFPP_NORMAL),
    PORT("flood", OFPP_FLOOD),
    PORT("all", OFPP_ALL),
    PORT("local", OFPP_LOCAL),
    ACT("controller", AS_CONTROLLER, OFPAT_OUTPUT),
    ACT("push_vlan", AS_TAG, OFPAT_PUSH_VLAN),
    ACT("pop_vlan", AS_PLAIN, OFPAT_POP_VLAN),
    ACT("strip_vlan", AS_PLAIN, OFPAT_POP_VLAN),
    ACT("push_mpls", AS_TAG, OFPAT_PUSH_MPLS),
    ACT("pop_mpls", AS_TAG, OFPAT_POP_MPLS),
    ACT("dec_ttl", AS_DEC_TTL, OFPAT_DEC_NW_TTL),
    ACT("mod_nw_ttl", AS_TTL, OFPAT_SET_NW_TTL),
    ACT("set_nw_ttl", AS_TTL, OFPAT_SET_NW_TTL),
    ACT("dec_mpls_ttl", AS_PLAIN, OFPAT_DEC_MPLS_TTL),
    ACT("set_mpls_ttl", AS_TTL, OFPAT_SET_MPLS_TTL),
    ACT("copy_ttl_in", AS_PLAIN, OFPAT_COPY_TTL_IN),
    ACT("copy_ttl_out", AS_PLAIN, OFPAT_COPY_TTL_OUT),
    ACT("push_pbb", AS_TAG, OFPAT_PUSH_PBB),
    ACT("pop_pbb", AS_PLAIN, OFPAT_POP_PBB),
    SET("set_field", AS_SET_NAMED, 0),
    SET("mod_vlan_vid", AS_SET_VLAN, FF_VLAN_VID),
    SET("set_vlan_vid", AS_SET_VLAN, FF_VLAN_VID),
    SET("mod_vlan_pcp", AS_SET_VLAN, FF_VLAN_PCP),
    SET("set_vlan_pcp", AS_SET_VLAN, FF_VLAN_PCP),
    SET("mod_dl_src", AS_SET, FF_ETH_SRC),
    SET("mod_dl_dst", AS_SET, FF_ETH_DST),
    SET("mod_nw_src", AS_SET, FF_IPV4_SRC),
    SET("mod_nw_dst", AS_SET, FF_IPV4_DST),
    SET("mod_nw_tos", AS_SET_TOS, FF_IP_DSCP),
    SET("mod_nw_ecn", AS_SET, FF_IP_ECN),
    SET("mod_tp_src", AS_SET_PORT, FF_TCP_SRC),
    SET("mod_tp_dst", AS_SET_PORT, FF_TCP_DST),
    SET("set_mpls_label", AS_SET, FF_MPLS_LABEL),
    SET("set_mpls_tc", AS_SET, FF_MPLS_TC),
    SET("set_tunnel", AS_SET, FF_TUNNEL_ID),
    SET("set_tunnel64", AS_SET, FF_TUNNEL_ID),
    ACT("group", AS_NUMBER, OFPAT_GROUP),
    ACT("set_queue", AS_NUMBER, OFPAT_SET_QUEUE),
    ACT("pop_queue", AS_NICIRA, NXAST_POP_QUEUE),
    ACT("resubmit", AS_NICIRA, NXAST_RESUBMIT),
    ACT("note", AS_NICIRA, NXAST_NOTE),
    ACT("move", AS_NICIRA, NXAST_REG_MOVE),
    ACT("load", AS_NICIRA, NXAST_REG_LOAD),
    ACT("push", AS_NICIRA, NXAST_STACK_PUSH),
    ACT("pop", AS_NICIRA, NXAST_STACK_POP),
    ACT("multipath", AS_NICIRA, NXAST_MULTIPATH),
    ACT("bundle", AS_NICIRA, NXAST_BUNDLE),
    ACT("bundle_load", AS_NICIRA, NXAST_BUNDLE_LOAD),
    ACT("exit", AS_NICIRA, NXAST_EXIT),
    ACT("check_pkt_larger", AS_NICIRA, NXAST_CHECK_PKT_LARGER),
    BEYOND("enqueue"),
    BEYOND("learn"),
    BEYOND("conjunction"),
    BEYOND("ct"),
    BEYOND("ct_clear"),
    BEYOND("nat"),
    BEYOND("fin_timeout"),
    BEYOND("sample"),
    BEYOND("clone"),
    BEYOND("encap"),
    BEYOND("decap"),
    BEYOND("dec_nsh_ttl"),
    BEYOND("delete_field"),
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

void text_action_nearer(struct word w, unsigned *distance, const char **best)
{
    for (unsigned i = 0; i < VERBS; i++)
        if (verbs[i].how != AS_BEYOND)
            word_nearer(w, verbs[i].name, distance, best);
}

static int append(const struct text *t, const struct pair *p, const struct ofw_action *a)
{
    if (t->arena->n >= t->arena->cap || t->arena->n >= TEXT_ACTIONS_MAX)
        return errbuf_set(t->e, EINVAL, "%.*s: more than %d actions", WORD_ARG(p->whole),
                          TEXT_ACTIONS_MAX);
    t->arena->a[t->arena->n++] = *a;
    return 0;
}

static int append_output(const struct text *t, const struct pair *p, uint32_t port,
                         uint16_t max_len)
{
    return append(t, p,
                  &(struct ofw_action){.type = OFPAT_OUTPUT, .port = port, .max_len = max_len});
}

static int parse_output(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    uint32_t port;
    struct nx_sub sub;
    bool whole = p->has_value && !p->unclosed;
    bool is_port = whole && text_port(t, p->value, &port); /* in_port is a field, too */
    if (whole && !is_port && text_sub(p->value, m, &sub))
        return text_output_sub(t, p, m);
    if (!is_port)
        return errbuf_set(t->e, EINVAL, "%.*s: expected output:PORT with a port's name or number",
                          WORD_ARG(p->whole));
    return append_output(t, p, port, port == OFPP_CONTROLLER ? OFPCML_NO_BUFFER : 0);
}

static int parse_controller(const struct text *t, const struct pair *p)
{
    uint64_t len = OFPCML_NO_BUFFER;
    if (p->unclosed)
        return errbuf_set(t->e, EINVAL, "%.*s: a \"(\" without its \")\"", WORD_ARG(p->whole));
    if (!p->has_value || word_number(p->value, OFPCML_NO_BUFFER, &len))
        return append_output(t, p, OFPP_CONTROLLER, (uint16_t)len);
    return text_controller(t, p);
}

static int parse_tag(const struct text *t, const struct verb *v, const struct pair *p)
{
    uint64_t type = v->type == OFPAT_PUSH_VLAN   ? 0x8100
                    : v->type == OFPAT_PUSH_MPLS ? 0x8847
                    : v->type == OFPAT_PUSH_PBB  ? 0x88e7
                                                 : 0;
    bool ok = p->has_value ? word_number(p->value, 0xffff, &type) : type != 0;
    if (!ok || p->unclosed)
        return errbuf_set(t->e, EINVAL, "%.*s: expected an Ethertype, as %s:0x%s",
                          WORD_ARG(p->whole), v->name, type == 0x8847 ? "8847" : "0800");
    return append(t, p, &(struct ofw_action){.type = v->type, .ethertype = (uint16_t)type});
}

static int parse_number(const struct text *t, const struct verb *v, const struct pair *p)
{
    uint64_t no;
    if (!p->has_value || p->unclosed || !word_number(p->value, OFPG_MAX, &no))
        return errbuf_set(t->e, EINVAL, "%.*s: expected %s:N", WORD_ARG(p->whole), v->name);
    return append(t, p, &(struct ofw_action){.type = v->type, .port = (uint32_t)no});
}

static int parse_ttl(const struct text *t, const struct verb *v, const struct pair *p)
{
    uint64_t ttl;
    if (!p->has_value || p->unclosed || !word_number(p->value, 255, &ttl))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a TTL up to 255, as %s:64",
                          WORD_ARG(p->whole), v->name);
    return append(t, p, &(struct ofw_action){.type = v->type, .ttl = (uint8_t)ttl});
}

/* ---- set-field ---- */

static int append_set(const struct text *t, const struct pair *p, enum flow_field f,
                      struct word value)
{
    struct ofw_action a = {.type = OFPAT_SET_FIELD, .field = (uint8_t)f};
    int r = text_value(t, f, value, p->whole, a.value);
    if (r < 0)
        return r;
    if (!ofw_field_settable(f))
        return errbuf_set(t->e, EINVAL, "%.*s: this field can't be set", WORD_ARG(p->whole));
    if (f == FF_VLAN_VID && !(a.value[0] & FLOW_VID_PRESENT >> 8))
        return errbuf_set(t->e, EINVAL,
                          "%.*s: vlan_vid is set with OFPVID_PRESENT; write mod_vlan_vid:%u",
                          WORD_ARG(p->whole), (unsigned)(a.value[0] << 8 | a.value[1]));
    return append(t, p, &a);
}

/* What OpenFlow 1.3 can't say, Nicira's action does. */
static int append_masked(const struct text *t, const struct pair *p, enum flow_field f,
                         struct word value)
{
    uint8_t v[16], mask[16];
    int r = text_masked(t, f, value, p->whole, v, mask);
    if (r < 0)
        return r;
    if (!ofw_field_settable(f))
        return errbuf_set(t->e, EINVAL, "%.*s: this field can't be set", WORD_ARG(p->whole));
    return text_load_masked(t, p, f, v, mask);
}

static int parse_set_named(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct word value, name, left, mask;
    enum flow_field f;
    if (p->unclosed || !word_split(p->value, "->", &value, &name))
        return errbuf_set(t->e, EINVAL, "%.*s: expected set_field:VALUE->FIELD",
                          WORD_ARG(p->whole));
    if (text_field(name, m, &f) && word_split(value, "/", &left, &mask))
        return append_masked(t, p, f, value);
    if (text_field(name, m, &f))
        return append_set(t, p, f, value);
    unsigned distance = WORD_FAR;
    const char *best = NULL;
    text_match_nearer(name, &distance, &best);
    return errbuf_set(t->e, EINVAL, "%.*s: \"%.*s\" is not a field that can be set%s%s",
                      WORD_ARG(p->whole), WORD_ARG(name), best ? "; did you mean " : "",
                      best ? best : "");
}

static int parse_set_tos(const struct text *t, const struct pair *p)
{
    uint64_t tos;
    struct ofw_action a = {.type = OFPAT_SET_FIELD, .field = FF_IP_DSCP};
    if (!word_number(p->value, 255, &tos) || tos & 3)
        return errbuf_set(t->e, EINVAL,
                          "%.*s: expected 0..252 with the lower two bits 0 (see mod_nw_ecn)",
                          WORD_ARG(p->whole));
    a.value[0] = (uint8_t)(tos >> 2);
    return append(t, p, &a);
}

/* The match says that there is no tag. */
static bool is_untagged(const struct flow_match *m)
{
    return m && (m->mask.vlan_vid & to_be16(FLOW_VID_PRESENT)) && m->key.vlan_vid == 0;
}

static bool has_pushed(const struct text *t, uint32_t from)
{
    for (uint32_t i = from; i < t->arena->n; i++)
        if (t->arena->a[i].type == OFPAT_PUSH_VLAN)
            return true;
    return false;
}

static int parse_set_vlan(const struct text *t, const struct verb *v, const struct pair *p,
                          const struct flow_match *m)
{
    struct ofw_action a = {.type = OFPAT_SET_FIELD, .field = v->field};
    struct ofw_action push = {.type = OFPAT_PUSH_VLAN, .ethertype = 0x8100};
    unsigned max = v->field == FF_VLAN_VID ? 4095 : 7;
    uint64_t value;
    if (!word_number(p->value, max, &value))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a number up to %u", WORD_ARG(p->whole),
                          max);
    if (is_untagged(m) && !has_pushed(t, 0) && append(t, p, &push) < 0)
        return -EINVAL;
    if (v->field == FF_VLAN_VID)
        value |= FLOW_VID_PRESENT;
    a.value[0] = (uint8_t)(v->field == FF_VLAN_VID ? value >> 8 : value);
    a.value[1] = (uint8_t)(v->field == FF_VLAN_VID ? value : 0);
    return append(t, p, &a);
}

static int parse_set_port(const struct text *t, const struct verb *v, const struct pair *p,
                          const struct flow_match *m)
{
    enum flow_field f;
    struct word name = word_of(v->field == FF_TCP_SRC ? "tp_src" : "tp_dst");
    if (!m || !text_field(name, m, &f) || !ofw_field_prereq_ok(f, m))
        return errbuf_set(t->e, EINVAL, "%.*s: needs tcp, udp or sctp in the match",
                          WORD_ARG(p->whole));
    return append_set(t, p, f, p->value);
}

static int parse_set(const struct text *t, const struct verb *v, const struct pair *p,
                     const struct flow_match *m)
{
    if (!p->has_value || p->unclosed)
        return errbuf_set(t->e, EINVAL, "%.*s: expected %s:VALUE", WORD_ARG(p->whole), v->name);
    switch (v->how) {
    case AS_SET_NAMED:
        return parse_set_named(t, p, m);
    case AS_SET_TOS:
        return parse_set_tos(t, p);
    case AS_SET_VLAN:
        return parse_set_vlan(t, v, p, m);
    case AS_SET_PORT:
        return parse_set_port(t, v, p, m);
    default:
        return append_set(t, p, (enum flow_field)v->field, p->value);
    }
}

/* ---- any ---- */

static int beyond(const struct text *t, const struct verb *v, const struct pair *p)
{
    return errbuf_set(t->e, EINVAL, "%.*s: \"%s\" is not supported yet", WORD_ARG(p->whole),
                      v->name);
}

static int parse_verb(const struct text *t, const struct verb *v, const struct pair *p,
                      const struct flow_match *m)
{
    bool bare = v->how == AS_PORT || v->how == AS_PLAIN;
    if (bare && p->has_value && p->value.n)
        return errbuf_set(t->e, EINVAL, "%.*s: \"%s\" takes no value", WORD_ARG(p->whole), v->name);
    switch (v->how) {
    case AS_OUTPUT:
        return parse_output(t, p, m);
    case AS_PORT:
        return append_output(t, p, v->port, 0);
    case AS_CONTROLLER:
        return parse_controller(t, p);
    case AS_PLAIN:
        return append(t, p, &(struct ofw_action){.type = v->type});
    case AS_TTL:
        return parse_ttl(t, v, p);
    case AS_TAG:
        return parse_tag(t, v, p);
    case AS_NUMBER:
        return parse_number(t, v, p);
    case AS_NICIRA:
        return text_nicira(t, v->type, p, m);
    case AS_DEC_TTL:
        if (p->has_value && p->value.n)
            return text_nicira(t, NXAST_DEC_TTL_IDS, p, m);
        return append(t, p, &(struct ofw_action){.type = v->type});
    case AS_BEYOND:
        return beyond(t, v, p);
    default:
        return parse_set(t, v, p, m);
    }
}

int text_action(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    uint32_t port;
    for (unsigned i = 0; i < VERBS; i++)
        if (word_is(p->key, verbs[i].name))
            return parse_verb(t, &verbs[i], p, m);
    if (!p->has_value && text_port(t, p->key, &port))
        return append_output(t, p, port, 0);
    return 1;
}
