/* Lists of actions, and instructions among them: "output:1,goto_table:2". */
#include "ofproto/model/text.h"

#include <errno.h>

static int unknown(const struct text *t, const struct pair *p)
{
    static const char *const others[] = {"drop",          "goto_table",    "write_metadata",
                                         "write_actions", "apply_actions", "clear_actions"};
    unsigned distance = WORD_FAR;
    const char *best = NULL;
    text_action_nearer(p->key, &distance, &best);
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        word_nearer(p->key, others[i], &distance, &best);
    if (best)
        return errbuf_set(t->e, EINVAL,
                          "\"%.*s\" is neither an action nor a port; did you mean \"%s\"?",
                          WORD_ARG(p->whole), best);
    return errbuf_set(
        t->e, EINVAL,
        "\"%.*s\" is neither an action nor a port; expected output:PORT, normal, drop,"
        " set_field:V->F, goto_table:N, ...",
        WORD_ARG(p->whole));
}

/* A list so far. */
struct list {
    uint32_t from; /* in the arena */
    bool dropped;
};

static int list_add(const struct text *t, struct list *l, const struct pair *p,
                    const struct flow_match *m)
{
    bool is_drop = word_is(p->key, "drop") && !p->has_value;
    if (l->dropped || (is_drop && t->arena->n > l->from))
        return errbuf_set(t->e, EINVAL, "%.*s: drop stands alone in its list", WORD_ARG(p->whole));
    l->dropped = is_drop;
    int r = is_drop ? 0 : text_action(t, p, m);
    return r > 0 ? unknown(t, p) : r;
}

static struct ofw_actions list_end(const struct text *t, const struct list *l)
{
    uint32_t n = t->arena->n - l->from;
    return (struct ofw_actions){.n = (uint16_t)n, .a = n ? t->arena->a + l->from : NULL};
}

int text_actions(const struct text *t, struct word rest, const struct flow_match *m,
                 struct ofw_actions *out)
{
    struct list l = {.from = t->arena->n};
    struct pair p;
    while (word_next(&rest, &p)) {
        int r = list_add(t, &l, &p, m);
        if (r < 0)
            return r;
    }
    *out = list_end(t, &l);
    return 0;
}

/* ---- instructions ---- */

static int parse_metadata(const struct text *t, const struct pair *p, struct ofw_instructions *out)
{
    uint8_t value[16], mask[16];
    int r = text_masked(t, FF_METADATA, p->value, p->whole, value, mask);
    if (r < 0)
        return r;
    memcpy(&out->metadata, value, 8);
    memcpy(&out->metadata_mask, mask, 8);
    out->metadata &= out->metadata_mask;
    out->has_metadata = true;
    return 0;
}

static int parse_goto(const struct text *t, const struct pair *p, struct ofw_instructions *out)
{
    uint64_t table;
    if (!p->has_value || !word_number(p->value, WEFT_TABLES - 1, &table))
        return errbuf_set(t->e, EINVAL, "%.*s: expected goto_table:N, N up to %d",
                          WORD_ARG(p->whole), WEFT_TABLES - 1);
    out->has_goto = true;
    out->goto_table = (uint8_t)table;
    return 0;
}

static int parse_meter(const struct text *t, const struct pair *p, struct ofw_instructions *out)
{
    uint64_t meter;
    if (!p->has_value || !word_number(p->value, UINT32_MAX, &meter))
        return errbuf_set(t->e, EINVAL, "%.*s: expected meter:N", WORD_ARG(p->whole));
    out->has_meter = true;
    out->meter = (uint32_t)meter;
    return 0;
}

static int parse_nested(const struct text *t, const struct pair *p, const struct flow_match *m,
                        struct ofw_actions *out)
{
    if (!p->has_value || p->unclosed)
        return errbuf_set(t->e, EINVAL, "%.*s: expected %.*s(ACTIONS)", WORD_ARG(p->whole),
                          WORD_ARG(p->key));
    return text_actions(t, p->value, m, out);
}

/* In the order in which a switch runs them, which is also the order they are written in. */
enum rank { RANK_APPLY, RANK_CLEAR, RANK_WRITE, RANK_METADATA, RANK_GOTO, RANK_ACTION };

static enum rank rank_of(struct word w)
{
    static const char *const names[] = {"apply_actions", "clear_actions", "write_actions",
                                        "write_metadata", "goto_table"};
    for (unsigned i = 0; i < RANK_ACTION; i++)
        if (word_is(w, names[i]))
            return (enum rank)i;
    return RANK_ACTION;
}

static int parse_instruction(const struct text *t, enum rank rank, const struct pair *p,
                             const struct flow_match *m, struct ofw_instructions *out)
{
    switch (rank) {
    case RANK_APPLY:
        out->has_apply = true;
        return parse_nested(t, p, m, &out->apply);
    case RANK_CLEAR:
        out->clear = true;
        return 0;
    case RANK_WRITE:
        out->has_write = true;
        return parse_nested(t, p, m, &out->write);
    case RANK_METADATA:
        return parse_metadata(t, p, out);
    default:
        return parse_goto(t, p, out);
    }
}

int text_instructions(const struct text *t, struct word rest, const struct flow_match *m,
                      struct ofw_instructions *out)
{
    struct list l = {.from = t->arena->n};
    struct pair p;
    unsigned seen = 0;
    *out = (struct ofw_instructions){0};
    while (word_next(&rest, &p)) {
        enum rank rank = rank_of(p.key);
        bool listed = t->arena->n > l.from || l.dropped;
        int r;
        if (word_is(p.key, "meter") && !seen && !listed && !out->has_meter) {
            r = parse_meter(t, &p, out); /* before all others, as it runs */
            if (r < 0)
                return r;
            continue;
        }
        if (rank == RANK_ACTION && seen)
            return errbuf_set(t->e, EINVAL,
                              "%.*s: actions come before instructions (goto_table...)",
                              WORD_ARG(p.whole));
        if (rank != RANK_ACTION && (seen >> rank || (rank == RANK_APPLY && listed)))
            return errbuf_set(t->e, EINVAL,
                              "%.*s: each once, in the order apply_actions, clear_actions,"
                              " write_actions, write_metadata, goto_table",
                              WORD_ARG(p.whole));
        if (rank == RANK_ACTION) {
            r = list_add(t, &l, &p, m);
        } else {
            if (!seen && rank != RANK_APPLY)
                out->apply = list_end(t, &l);
            seen |= 1u << rank;
            r = parse_instruction(t, rank, &p, m, out);
        }
        if (r < 0)
            return r;
    }
    if (!seen)
        out->apply = list_end(t, &l);
    out->has_apply = out->apply.n > 0;
    return 0;
}
