/* A whole flow: its options, its match, its actions (see ovs-ofctl(8), "Flow Syntax"). */
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

#include <errno.h>

enum how { OPT_U8, OPT_U16, OPT_COOKIE, OPT_FLAG, OPT_PORT, OPT_GROUP, OPT_IGNORED };

static const struct option {
    const char *name;
    uint8_t how;
    uint16_t flag;
} options[] = {
    {"table", OPT_U8, 0},
    {"priority", OPT_U16, 0},
    {"idle_timeout", OPT_U16, 0},
    {"hard_timeout", OPT_U16, 0},
    {"cookie", OPT_COOKIE, 0},
    {"out_port", OPT_PORT, 0},
    {"out_group", OPT_GROUP, 0},
    {"send_flow_rem", OPT_FLAG, OFPFF_SEND_FLOW_REM},
    {"check_overlap", OPT_FLAG, OFPFF_CHECK_OVERLAP},
    {"reset_counts", OPT_FLAG, OFPFF_RESET_COUNTS},
    {"no_packet_counts", OPT_FLAG, OFPFF_NO_PKT_COUNTS},
    {"no_byte_counts", OPT_FLAG, OFPFF_NO_BYT_COUNTS},
    {"duration", OPT_IGNORED, 0}, /* so that a dump can be read back */
    {"n_packets", OPT_IGNORED, 0},
    {"n_bytes", OPT_IGNORED, 0},
    {"idle_age", OPT_IGNORED, 0},
    {"hard_age", OPT_IGNORED, 0},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static const struct option *option_of(struct word w)
{
    for (unsigned i = 0; i < OPTIONS; i++)
        if (word_is(w, options[i].name))
            return &options[i];
    return NULL;
}

static bool is_delete(const struct ofw_flow_mod *m)
{
    return m->command == OFPFC_DELETE || m->command == OFPFC_DELETE_STRICT;
}

static int set_table(const struct text *t, const struct pair *p, struct ofw_flow_mod *m)
{
    uint64_t v;
    bool all = is_delete(m) && (word_is(p->value, "all") || word_is(p->value, "255"));
    if (!all && !word_number(p->value, WEFT_TABLES - 1, &v))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a table of 0..%d%s", WORD_ARG(p->whole),
                          WEFT_TABLES - 1, is_delete(m) ? ", or all" : "");
    m->table = all ? OFPTT_ALL : (uint8_t)v;
    return 0;
}

static int set_u16(const struct text *t, const struct option *o, const struct pair *p,
                   struct ofw_flow_mod *m)
{
    uint64_t v;
    if (!word_number(p->value, UINT16_MAX, &v))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a number up to 65535", WORD_ARG(p->whole));
    if (o->name[0] == 'i')
        m->idle_s = (uint16_t)v;
    else if (o->name[0] == 'h')
        m->hard_s = (uint16_t)v;
    else if (m->command == OFPFC_DELETE)
        return errbuf_set(t->e, EINVAL, "%.*s: a priority selects only with --strict: leave it out",
                          WORD_ARG(p->whole));
    else
        m->priority = (uint16_t)v;
    return 0;
}

/* ADD: the flow's cookie. Otherwise which flows are meant: "v", "v/mask", "v/-1". */
static int set_cookie(const struct text *t, const struct pair *p, struct ofw_flow_mod *m)
{
    struct word left, right;
    bool has_mask = word_split(p->value, "/", &left, &right);
    m->cookie_mask = m->command == OFPFC_ADD ? 0 : UINT64_MAX;
    if (has_mask && m->command == OFPFC_ADD)
        return errbuf_set(t->e, EINVAL, "%.*s: a new flow's cookie has no mask",
                          WORD_ARG(p->whole));
    if (!word_number(left, UINT64_MAX, &m->cookie) ||
        (has_mask && !word_is(right, "-1") && !word_number(right, UINT64_MAX, &m->cookie_mask)))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a number of 64 bits%s", WORD_ARG(p->whole),
                          m->command == OFPFC_ADD ? "" : ", with or without /mask");
    return 0;
}

static int set_out(const struct text *t, const struct option *o, const struct pair *p,
                   struct ofw_flow_mod *m)
{
    uint64_t group;
    if (!is_delete(m))
        return errbuf_set(t->e, EINVAL, "%.*s: this selects flows to delete or to show",
                          WORD_ARG(p->whole));
    if (o->how == OPT_PORT) {
        if (text_port(t, p->value, &m->out_port))
            return 0;
        return errbuf_set(t->e, EINVAL, "%.*s: expected a port's name or number",
                          WORD_ARG(p->whole));
    }
    if (!word_number(p->value, UINT32_MAX, &group))
        return errbuf_set(t->e, EINVAL, "%.*s: expected a group's number", WORD_ARG(p->whole));
    m->out_group = (uint32_t)group;
    return 0;
}

static int set_option(const struct text *t, const struct option *o, const struct pair *p,
                      struct ofw_flow_mod *m)
{
    if (o->how == OPT_FLAG ? p->has_value : !p->has_value || p->unclosed)
        return errbuf_set(t->e, EINVAL,
                          o->how == OPT_FLAG ? "%.*s: \"%s\" takes no value"
                                             : "%.*s: expected %s=VALUE",
                          WORD_ARG(p->whole), o->name);
    switch (o->how) {
    case OPT_U8:
        return set_table(t, p, m);
    case OPT_U16:
        return set_u16(t, o, p, m);
    case OPT_COOKIE:
        return set_cookie(t, p, m);
    case OPT_FLAG:
        m->flags |= o->flag;
        return 0;
    case OPT_PORT:
    case OPT_GROUP:
        return set_out(t, o, p, m);
    default:
        return 0;
    }
}

/* Everything but the actions, whose text is left in *actions (s NULL: none). */
static int parse_head(const struct text *t, struct word rest, struct ofw_flow_mod *m,
                      struct word *actions)
{
    struct pair words[TEXT_WORDS_MAX], p;
    unsigned n = 0, seen = 0;
    const char *end = rest.s + rest.n;
    while (word_next(&rest, &p)) {
        if (p.has_value && (word_is(p.key, "actions") || word_is(p.key, "action"))) {
            *actions = (struct word){.s = p.value.s, .n = (size_t)(end - p.value.s)};
            break;
        }
        const struct option *o = option_of(p.key);
        if (!o && n == TEXT_WORDS_MAX)
            return errbuf_set(t->e, EINVAL, "%.*s: more than %d words in a match",
                              WORD_ARG(p.whole), TEXT_WORDS_MAX);
        if (!o) {
            words[n++] = p;
            continue;
        }
        if (seen >> (o - options) & 1)
            return errbuf_set(t->e, EINVAL, "%.*s: given twice", WORD_ARG(p.whole));
        seen |= 1u << (o - options);
        int r = set_option(t, o, &p, m);
        if (r < 0)
            return r;
    }
    return text_match(t, words, n, &m->match);
}

/* Says which action is the first that the check refuses. */
static int refused(const struct text *t, const struct ofw_flow_mod *m, const struct ofw_error *e)
{
    struct ofw_error ignored;
    struct ofw_actions some = m->instr.apply;
    struct strbuf b = {0};
    for (unsigned i = 0; i < m->instr.apply.n; i += ofw_action_slots(&some.a[i])) {
        some.n = (uint16_t)(i + ofw_action_slots(&some.a[i]));
        if (ofw_actions_check(&some, &m->match, &ignored) < 0) {
            text_print_action(&b, &some.a[i], t->names);
            strbuf_adds(&b, ": ");
            break;
        }
    }
    int r = errbuf_set(t->e, EINVAL, "%.100s%s (%s)", strbuf_text(&b), e->why ? e->why : "refused",
                       ofw_error_name(e->type, e->code));
    strbuf_free(&b);
    return r;
}

int ofm_text_parse(const char *text, enum ofw_flow_command command, const struct ofm_names *names,
                   struct ofw_arena *arena, struct ofw_flow_mod *out, struct errbuf *e)
{
    struct text t = {.names = names, .arena = arena, .e = e};
    struct word actions = {.s = NULL};
    struct ofw_error why = {0};
    *out = (struct ofw_flow_mod){.command = (uint8_t)command,
                                 .table = command == OFPFC_DELETE ? OFPTT_ALL : 0,
                                 .priority = 32768,
                                 .buffer_id = OF_NO_BUFFER,
                                 .out_port = OFPP_ANY,
                                 .out_group = OFPG_ANY};
    int r = parse_head(&t, word_of(text), out, &actions);
    if (r < 0)
        return r;
    if (!actions.s && !is_delete(out))
        return errbuf_set(e, EINVAL,
                          "\"%.60s\": no actions; end it with actions=..., or "
                          "actions=drop to drop",
                          text);
    if (command == OFPFC_DELETE && actions.s)
        return errbuf_set(e, EINVAL, "actions=%.*s: what to delete is told by a match alone",
                          WORD_ARG(actions));
    r = actions.s ? text_instructions(&t, actions, &out->match, &out->instr) : 0;
    if (r < 0)
        return r;
    return ofw_flow_mod_check(out, &why) < 0 ? refused(&t, out, &why) : 0;
}

int ofm_text_parse_actions(const char *text, const struct ofm_names *names, struct ofw_arena *arena,
                           struct ofw_actions *out, struct errbuf *e)
{
    struct text t = {.names = names, .arena = arena, .e = e};
    struct ofw_error why = {0};
    int r = text_actions(&t, word_of(text), NULL, out);
    if (r < 0)
        return r;
    if (ofw_actions_check(out, NULL, &why) < 0)
        return errbuf_set(e, EINVAL, "%.60s: %s (%s)", text, why.why ? why.why : "refused",
                          ofw_error_name(why.type, why.code));
    return 0;
}
