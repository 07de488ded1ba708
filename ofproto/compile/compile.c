/* compile.c: the dirty tables built anew, the others shared. */
#include "ofproto/compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/table.h"
#include "ofproto/compile/internal.h"

/* The rules of the table in work, and room for a flow's operations. */
struct work {
    struct rule **rules;
    uint32_t n, cap;
    struct op *ops;
    uint32_t ops_cap;
    int err; /* of the first flow that failed */
    uint64_t failed_id;
};

static int reserve_ops(struct work *w, const struct ofw_instructions *in)
{
    uint32_t need = ofc_ops_max(&in->apply) + ofc_ops_max(&in->write);
    if (need <= w->ops_cap)
        return 0;
    struct op *ops = realloc(w->ops, need * sizeof *ops);
    if (ops == NULL)
        return -ENOMEM;
    w->ops = ops;
    w->ops_cap = need;
    return 0;
}

static bool add_flow(void *ctx, const struct ofm_flow *f)
{
    struct work *w = ctx;
    w->err = w->n < w->cap ? reserve_ops(w, &f->instr) : -ENOMEM;
    if (w->err == 0)
        w->err = ofc_rule(f, w->ops, &w->rules[w->n]);
    w->failed_id = f->id;
    w->n += w->err == 0;
    return w->err == 0;
}

static int reserve_rules(struct work *w, uint32_t n)
{
    if (n <= w->cap)
        return 0;
    struct rule **rules = realloc(w->rules, n * sizeof(struct rule *));
    if (rules == NULL)
        return -ENOMEM;
    w->rules = rules;
    w->cap = n;
    return 0;
}

/* The image of one table; NULL when it has no flows. */
static int build_table(struct work *w, const struct ofm *m, uint8_t id, struct table **out)
{
    uint32_t flows = ofm_table(m, id).flows;
    *out = NULL;
    w->n = 0;
    w->err = reserve_rules(w, flows);
    if (w->err != 0 || flows == 0)
        return w->err;
    ofm_each(m, id, add_flow, w);
    if (w->err == 0) {
        *out = table_build(w->rules, w->n);
        w->err = *out == NULL ? -ENOMEM : 0;
    }
    for (uint32_t i = 0; w->err != 0 && i < w->n; i++)
        rule_free(w->rules[i]);
    return w->err;
}

static bool is_marked(const uint64_t marks[4], unsigned t) { return marks[t / 64] >> t % 64 & 1; }

/* The id of the table that failed is left in *failed. */
static int build_all(struct work *w, const struct ofm *m, const struct program *running,
                     const uint64_t dirty[4], struct program *p, unsigned *failed)
{
    for (unsigned t = 0; t < WEFT_TABLES; t++) {
        struct table *built;
        if (running != NULL && !is_marked(dirty, t)) {
            program_set_table(p, (uint8_t)t, table_ref(running->tables[t]));
            continue;
        }
        *failed = t;
        int err = build_table(w, m, (uint8_t)t, &built);
        if (err != 0)
            return err;
        program_set_table(p, (uint8_t)t, built);
    }
    return 0;
}

static void explain(struct errbuf *e, const struct work *w, int err, unsigned table)
{
    if (err == -ENOMEM)
        errbuf_set(e, ENOMEM, "table %u: out of memory for the images of its flows", table);
    else
        errbuf_set(e, -err, "table %u: flow %llu has an action that the datapath can't do", table,
                   (unsigned long long)w->failed_id);
}

struct program *ofc_compile(struct ofm *model, const struct program *running, struct errbuf *e)
{
    uint64_t dirty[4];
    struct work w = {0};
    unsigned failed = 0;
    ofm_take_dirty(model, dirty);
    struct program *p = program_create();
    int err = p != NULL ? build_all(&w, model, running, dirty, p, &failed) : -ENOMEM;
    if (err == 0)
        err = ofc_groups(model, running != NULL ? running->groups : NULL, &p->groups);
    if (err == 0)
        err = ofc_meters(model, running != NULL ? running->meters : NULL, &p->meters);
    if (err == 0)
        p->uncertain = ofc_remarks(model);
    free(w.rules);
    free(w.ops);
    if (err == 0)
        return p;
    explain(e, &w, err, failed);
    program_free(p);
    ofm_mark_dirty(model, dirty);
    return NULL;
}
