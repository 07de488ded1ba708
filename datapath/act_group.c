/* act_group.c: a packet goes through a group (OpenFlow 1.3.5, 5.6.1). */
#include "datapath/act_internal.h"
#include "datapath/group.h"
#include "datapath/parse.h"

static void count(struct worker *w, uint32_t stats_id, const struct rte_mbuf *m)
{
    if (stats_id == UINT32_MAX)
        return;
    struct flow_stats *s = stats_at(&w->sw->flow_stats, w->index, stats_id);
    s->packets++;
    s->bytes += m->pkt_len;
    s->used_ns = w->now;
}

static void run_bucket(struct worker *w, struct rte_mbuf *m, const struct group *g,
                       const struct group_bucket *b)
{
    if (worker_is_dry(w))
        w->trace->group(w->trace->ctx, m, g->id, (uint16_t)(b - g->bucket));
    count(w, b->stats_id, m);
    act_list_end(w, m, &b->ops);
}

/* A copy each; the last takes m itself. */
static void run_all(struct worker *w, struct rte_mbuf *m, const struct group *g)
{
    for (uint16_t i = 0; i + 1 < g->n; i++) {
        if (++w->group_copies > WEFT_GROUP_COPIES) {
            worker_drop(w, m, DROP_GROUP_LIMIT);
            return;
        }
        struct rte_mbuf *c = pkt_clone(w, m);
        if (c != NULL)
            run_bucket(w, c, g, &g->bucket[i]);
        else
            act_no_mbuf(w, m);
    }
    run_bucket(w, m, g, &g->bucket[g->n - 1]);
}

static const struct group_bucket *first_live(const struct worker *w, const struct bridge *br,
                                             const struct group *g)
{
    for (uint16_t i = 0; i < g->n; i++) {
        if (group_bucket_live(w->prog->groups, br, &g->bucket[i]))
            return &g->bucket[i];
    }
    return NULL;
}

/* The flow's bucket or, when it is not live, the one of the first live slot for other hashes
 * of the same flow: so flows of a dead bucket spread over all others, and come back with it. */
static const struct group_bucket *pick(const struct worker *w, const struct pkt *k,
                                       const struct group *g)
{
    for (uint64_t try = 0; try < 8; try++) {
        const struct group_bucket *b =
            group_select(g, &k->key, w->sw->hash_key + try * UINT64_C(0x9e3779b97f4a7c15));
        if (b == NULL || group_bucket_live(w->prog->groups, k->bridge, b))
            return b;
    }
    return first_live(w, k->bridge, g);
}

static void run_one(struct worker *w, struct rte_mbuf *m, const struct group *g)
{
    const struct pkt *k = pkt_of(m);
    const struct group_bucket *b = &g->bucket[0];
    if (g->type == GROUP_SELECT) {
        parse_need(m, PKT_DEPTH_ALL);
        b = pick(w, k, g);
    } else if (g->type == GROUP_FAILOVER) {
        b = first_live(w, k->bridge, g);
    }
    if (b != NULL)
        run_bucket(w, m, g, b);
    else
        worker_drop(w, m, DROP_GROUP_DEAD);
}

void group_run(struct worker *w, struct rte_mbuf *m, uint32_t id)
{
    const struct group *g = idset_find(w->prog->groups, id);
    if (g == NULL) {
        worker_drop(w, m, DROP_NO_GROUP);
        return;
    }
    if (w->group_depth >= WEFT_GROUP_DEPTH) {
        worker_drop(w, m, DROP_GROUP_LIMIT);
        return;
    }
    if (w->group_depth++ == 0)
        w->group_copies = 0;
    count(w, g->stats_id, m);
    if (g->n == 0)
        worker_drop(w, m, DROP_GROUP_DEAD);
    else if (g->type == GROUP_ALL)
        run_all(w, m, g);
    else
        run_one(w, m, g);
    w->group_depth--;
}
