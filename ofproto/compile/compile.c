/* compile.c: what changed in the model is done to the tables, for the next version. */
#include "ofproto/compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/table.h"
#include "ofproto/compile/internal.h"

/* A compilation: the tables of the next program, and room for a flow's operations. */
struct work {
    const struct program *running;
    struct table *tables[WEFT_TABLES];
    bool more_tables; /* than are running */
    uint64_t version;
    struct op *ops;
    uint32_t ops_cap;
    uint32_t done; /* changes */
    int err;       /* of the first flow that failed */
    uint64_t failed_id;
    uint8_t failed_table;
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

static struct table *table_of(struct work *w, uint8_t id)
{
    if (w->tables[id] == NULL) {
        w->tables[id] = table_create();
        w->more_tables = true;
    }
    return w->tables[id];
}

static int add(struct work *w, const struct ofm_flow *f, void **fresh)
{
    struct table *t = table_of(w, f->table);
    struct rule *r = NULL;
    int err = t != NULL ? reserve_ops(w, &f->instr) : -ENOMEM;
    if (err == 0)
        err = ofc_rule(f, w->ops, &r);
    if (err == 0)
        err = table_rule_add(t, r, w->version);
    if (err == 0)
        *fresh = r;
    else
        rule_free(r);
    return err;
}

/* The new image in and the old one out. */
static bool do_change(void *ctx, const struct ofm_change *c)
{
    struct work *w = ctx;
    w->err = c->ended ? 0 : add(w, c->flow, c->fresh);
    if (w->err == 0 && c->image != NULL) {
        w->err = table_rule_remove(w->tables[c->flow->table], c->image, w->version);
        if (w->err != 0 && *c->fresh != NULL) {
            table_undo_add(w->tables[c->flow->table], *c->fresh);
            *c->fresh = NULL;
        }
    }
    if (w->err == 0) {
        w->done++;
        return true;
    }
    w->failed_id = c->flow->id;
    w->failed_table = c->flow->table;
    return false;
}

static bool undo_change(void *ctx, const struct ofm_change *c)
{
    struct work *w = ctx;
    struct table *t = w->tables[c->flow->table];
    if (w->done == 0)
        return false;
    w->done--;
    if (c->image != NULL)
        table_undo_remove(t, c->image);
    if (*c->fresh != NULL)
        table_undo_add(t, *c->fresh);
    *c->fresh = NULL;
    return true;
}

static void take_tables(struct work *w, struct program *p)
{
    for (unsigned t = 0; t < WEFT_TABLES; t++) {
        program_set_table(p, (uint8_t)t, w->tables[t]);
        w->tables[t] = NULL;
    }
}

static void begin(struct work *w)
{
    for (unsigned t = 0; w->running != NULL && t < w->running->n_tables; t++)
        w->tables[t] = table_ref(w->running->tables[t]);
}

static void end(struct work *w)
{
    for (unsigned t = 0; t < WEFT_TABLES; t++)
        table_release(w->tables[t]);
    free(w->ops);
}

static void explain(struct errbuf *e, const struct work *w, int err)
{
    if (err == -ENOMEM)
        errbuf_set(e, ENOMEM, "table %u: out of memory for the images of its flows",
                   w->failed_table);
    else
        errbuf_set(e, -err, "table %u: flow %llu has an action that the datapath can't do",
                   w->failed_table, (unsigned long long)w->failed_id);
}

/* What is not in tables; p gets references. */
static int build_rest(const struct ofm *m, const struct program *running, struct program *p)
{
    int err = ofc_groups(m, running != NULL ? running->groups : NULL, &p->groups);
    if (err == 0)
        err = ofc_meters(m, running != NULL ? running->meters : NULL, &p->meters);
    if (err == 0)
        p->uncertain = ofc_remarks(m);
    return err;
}

/* Does the running program do, with its tables as they are now? */
static bool is_as_good(const struct work *w, const struct program *p)
{
    const struct program *running = w->running;
    return running != NULL && !w->more_tables && running->groups == p->groups &&
           running->meters == p->meters && running->uncertain == p->uncertain &&
           !program_is_outdated(running);
}

struct program *ofc_compile(struct ofm *model, struct program *running, uint64_t version,
                            struct errbuf *e)
{
    struct work w = {.running = running, .version = version};
    uint64_t dirty[4];
    struct program *p = program_create();
    int err = p != NULL ? build_rest(model, running, p) : -ENOMEM;
    begin(&w);
    if (err == 0) {
        if (running == NULL)
            ofm_forget_images(model);
        ofm_each_change(model, do_change, &w);
        err = w.err;
    }
    if (err != 0) {
        ofm_each_change(model, undo_change, &w);
        explain(e, &w, err);
        program_free(p);
        end(&w);
        return NULL;
    }
    ofm_changes_done(model);
    ofm_take_dirty(model, dirty);
    if (is_as_good(&w, p)) {
        program_free(p);
        p = running;
    } else {
        take_tables(&w, p);
    }
    end(&w);
    return p;
}
