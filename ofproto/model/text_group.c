/* Groups as ovs-ofctl writes them (see ovs-ofctl(8), "Group Syntax"). */
#include "ofproto/model/group.h"
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

#include <errno.h>

static const char *const types[] = {"all", "select", "indirect", "ff"};

const char *ofm_group_type_name(uint8_t type)
{
    return type < sizeof types / sizeof types[0] ? types[type] : "unknown";
}

static bool type_of(struct word w, uint8_t *type)
{
    for (uint8_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (word_is(w, types[i])) {
            *type = i;
            return true;
        }
    *type = OFPGT_FF;
    return word_is(w, "fast_failover");
}

/* ---- one bucket ---- */

static int bad_option(const struct text *t, const struct pair *p, const char *expected)
{
    return errbuf_set(t->e, EINVAL, "%.*s: expected %s", WORD_ARG(p->whole), expected);
}

/* 1: it is an action. */
static int bucket_option(const struct text *t, const struct pair *p, struct ofw_bucket *b)
{
    uint64_t v;
    if (word_is(p->key, "weight")) {
        if (!word_number(p->value, UINT16_MAX, &v))
            return bad_option(t, p, "weight:N, N up to 65535");
        b->weight = (uint16_t)v;
        return 0;
    }
    if (word_is(p->key, "watch_port"))
        return text_port(t, p->value, &b->watch_port)
                   ? 0
                   : bad_option(t, p, "a port's name or number to watch");
    if (word_is(p->key, "watch_group")) {
        if (!word_number(p->value, OFPG_MAX, &v))
            return bad_option(t, p, "a group's number to watch");
        b->watch_group = (uint32_t)v;
        return 0;
    }
    return word_is(p->key, "bucket_id") ? 0 : 1; /* buckets have no numbers in 1.3 */
}

/* Options first; the actions are what follows them, with or without "actions=". */
static int parse_bucket(const struct text *t, uint8_t type, struct word text, struct ofw_bucket *b)
{
    struct word rest = text, before = text;
    struct pair p;
    *b = (struct ofw_bucket){
        .weight = type == OFPGT_SELECT, /* as in ovs-ofctl */
        .watch_port = OFPP_ANY,
        .watch_group = OFPG_ANY,
    };
    for (; word_next(&rest, &p); before = rest) {
        int r = bucket_option(t, &p, b);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        const char *end = text.s + text.n;
        if (word_is(p.key, "actions") || word_is(p.key, "action"))
            before = (struct word){.s = p.value.s, .n = (size_t)(end - p.value.s)};
        return text_actions(t, before, NULL, &b->actions);
    }
    return 0;
}

/* Where the next bucket's text begins after "bucket=", "buckets=" or "bucket:"; NULL: none. */
static const char *next_bucket(struct word w, size_t *keyword)
{
    static const char *const words[] = {"bucket=", "buckets=", "bucket:"};
    for (size_t i = 0; i < w.n; i++)
        for (unsigned j = 0; (i == 0 || w.s[i - 1] == ',' || w.s[i - 1] == ' ') && j < 3; j++) {
            size_t n = strlen(words[j]);
            if (w.n - i >= n && strncasecmp(w.s + i, words[j], n) == 0) {
                *keyword = n;
                return w.s + i;
            }
        }
    return NULL;
}

static int parse_buckets(const struct text *t, struct word rest, struct ofm_group_text *room,
                         struct ofw_group_mod *out)
{
    size_t keyword;
    const char *at = next_bucket(rest, &keyword), *end = rest.s + rest.n;
    while (at) {
        struct word one = {.s = at + keyword, .n = (size_t)(end - at) - keyword};
        const char *next = next_bucket(one, &keyword);
        one.n = next ? (size_t)(next - one.s) : one.n;
        if (out->n == WEFT_BUCKETS_MAX)
            return errbuf_set(t->e, EINVAL, "more than %d buckets", WEFT_BUCKETS_MAX);
        int r = parse_bucket(t, out->type, one, &room->buckets[out->n]);
        if (r < 0)
            return r;
        out->n++;
        at = next;
    }
    return 0;
}

/* ---- the group ---- */

static int group_option(const struct text *t, const struct pair *p, struct ofw_group_mod *out,
                        bool *has_id, bool *has_type)
{
    uint64_t id;
    if (word_is(p->key, "group_id")) {
        bool all = out->command == OFPGC_DELETE && word_is(p->value, "all");
        if (!all && !word_number(p->value, OFPG_MAX, &id))
            return bad_option(t, p, "group_id=N, N up to 4294967040");
        out->id = all ? OFPG_ALL : (uint32_t)id;
        *has_id = true;
        return 0;
    }
    if (word_is(p->key, "type")) {
        if (!type_of(p->value, &out->type))
            return bad_option(t, p, "type=all, select, indirect or ff");
        *has_type = true;
        return 0;
    }
    if (word_is(p->key, "selection_method") || word_is(p->key, "command_bucket_id"))
        return errbuf_set(t->e, EINVAL,
                          "%.*s: needs OpenFlow 1.5; flows are told apart by all"
                          " their addresses and ports",
                          WORD_ARG(p->whole));
    return bad_option(t, p, "group_id, type and buckets");
}

static int judge(const struct text *t, const struct ofw_group_mod *out)
{
    struct ofw_error why = {0};
    if (ofw_group_mod_check(out, &why) == 0)
        return 0;
    return errbuf_set(t->e, EINVAL, "%s (%s)", why.why ? why.why : "refused",
                      ofw_error_name(why.type, why.code));
}

int ofm_group_parse(const char *text, enum ofw_group_command command, const struct ofm_names *names,
                    struct ofw_arena *arena, struct ofm_group_text *room, struct ofw_group_mod *out,
                    struct errbuf *e)
{
    struct text t = {.names = names, .arena = arena, .e = e};
    struct word rest = word_of(text), head = rest;
    struct pair p;
    size_t keyword;
    bool has_id = false, has_type = false, removes = command == OFPGC_DELETE;
    const char *buckets = next_bucket(rest, &keyword);
    *out = (struct ofw_group_mod){.command = (uint16_t)command,
                                  .id = OFPG_ALL,
                                  .buckets = room->buckets};
    head.n = buckets ? (size_t)(buckets - rest.s) : rest.n;
    while (word_next(&head, &p)) {
        int r = group_option(&t, &p, out, &has_id, &has_type);
        if (r < 0)
            return r;
    }
    if (!removes && (!has_id || !has_type))
        return errbuf_set(e, EINVAL, "\"%.60s\": a group has group_id=N and type=T", text);
    int r = removes ? 0 : parse_buckets(&t, rest, room, out);
    return r < 0 ? r : judge(&t, out);
}

void ofm_group_print(struct strbuf *b, const struct ofw_group_desc *d,
                     const struct ofm_names *names)
{
    strbuf_addf(b, "group_id=%u,type=%s", d->id, ofm_group_type_name(d->type));
    for (unsigned i = 0; i < d->n; i++) {
        const struct ofw_bucket *k = &d->buckets[i];
        strbuf_adds(b, ",bucket=");
        if (d->type == OFPGT_SELECT)
            strbuf_addf(b, "weight:%u,", k->weight);
        if (k->watch_port != OFPP_ANY) {
            strbuf_adds(b, "watch_port:");
            text_print_port(b, k->watch_port, names);
            strbuf_adds(b, ",");
        }
        if (k->watch_group != OFPG_ANY)
            strbuf_addf(b, "watch_group:%u,", k->watch_group);
        strbuf_adds(b, "actions=");
        for (unsigned j = 0; j < k->actions.n; j += ofw_action_slots(&k->actions.a[j])) {
            text_print_action(b, &k->actions.a[j], names);
            strbuf_adds(b, ",");
        }
        strbuf_adds(b, k->actions.n ? "" : "drop");
        strbuf_chomp(b, ",");
    }
}
