/* group.c: the model's groups as the datapath's. */
#include <errno.h>
#include <stdlib.h>

#include "ofproto/compile/compile.h"
#include "ofproto/compile/internal.h"
#include "ofproto/model/group.h"

_Static_assert((int)OFPGT_FF == GROUP_FAILOVER && (int)OFPGT_SELECT == GROUP_SELECT,
               "the datapath's types are OpenFlow's");

/* A bucket is an action set: with a group in it, the output is not done (5.10). Nicira's
 * operations have no place in that order: with them it is a list, as Open vSwitch's users expect.
 */
static unsigned reduce(struct op *ops, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (ops[i].code > OP_GROUP)
            return n;
    n = ofc_write_set(ops, n);
    if (n >= 2 && ops[n - 1].code == OP_OUTPUT && ops[n - 2].code == OP_GROUP)
        n--;
    return n;
}

static int bucket(const struct ofm_bucket *from, struct op *ops, struct group_bucket *to)
{
    int n = ofc_actions(&from->w.actions, ops, ofc_ops_max(&from->w.actions));
    if (n < 0)
        return -EOPNOTSUPP;
    *to = (struct group_bucket){
        .watch_port = from->w.watch_port,
        .watch_group = from->w.watch_group,
        .stats_id = from->count.stats_id,
        .weight = from->w.weight,
        .ops = {.n = (uint16_t)reduce(ops, (unsigned)n), .ops = ops},
    };
    return 0;
}

static int build(const struct ofm_group *g, struct group **out)
{
    size_t n_ops = 0;
    int err = 0;
    for (unsigned i = 0; i < g->n; i++)
        n_ops += ofc_ops_max(&g->bucket[i].w.actions);
    struct group_bucket *b = calloc(g->n + 1u, sizeof *b);
    struct op *ops = calloc(n_ops + 1, sizeof *ops), *at = ops;
    if (b == NULL || ops == NULL)
        err = -ENOMEM;
    for (unsigned i = 0; err == 0 && i < g->n; i++) {
        err = bucket(&g->bucket[i], at, &b[i]);
        at += ofc_ops_max(&g->bucket[i].w.actions);
    }
    *out = NULL;
    if (err == 0)
        *out =
            group_create(g->id, (enum group_type)g->type, b, g->n, g->count.stats_id, g->version);
    free(b);
    free(ops);
    return err == 0 && *out == NULL ? -ENOMEM : err;
}

static int build_all(const struct ofm *m, const struct idset *running, uint32_t *ids, void **things)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < ofm_group_count(m); i++) {
        const struct ofm_group *want = ofm_group_at(m, i);
        struct group *g = idset_find(running, want->id);
        if (g != NULL && g->version == want->version)
            group_ref(g);
        else
            err = build(want, &g);
        ids[i] = want->id;
        things[i] = g;
    }
    return err;
}

int ofc_groups(const struct ofm *m, const struct idset *running, struct idset **out)
{
    uint32_t n = ofm_group_count(m);
    *out = NULL;
    if (n == 0)
        return 0;
    if (running != NULL && running->version == ofm_group_version(m)) {
        *out = idset_ref(running);
        return 0;
    }
    uint32_t *ids = calloc(n, sizeof *ids);
    void **things = calloc(n, sizeof *things);
    int err = ids != NULL && things != NULL ? build_all(m, running, ids, things) : -ENOMEM;
    if (err == 0)
        *out = idset_create(ids, things, n, ofm_group_version(m), group_release);
    for (uint32_t i = 0; err != 0 && things != NULL && i < n; i++)
        group_release(things[i]);
    free(ids);
    free(things);
    return err == 0 && *out == NULL ? -ENOMEM : err;
}
