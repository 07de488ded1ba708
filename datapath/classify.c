/* classify.c: which rule of its table does each packet match? */
#include "datapath/pipeline.h"
#include "datapath/table.h"

static void tell(const struct worker *w, struct rte_mbuf *const *m, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++)
        w->trace->rule(w->trace->ctx, m[i], pkt_of(m[i])->table, pkt_of(m[i])->rule);
}

/* n packets that look into one table. */
static void look_up(struct worker *w, const struct program *prog, struct rte_mbuf **m, uint16_t n)
{
    const struct flow_key *keys[WEFT_BURST] = {NULL};
    const struct rule *rules[WEFT_BURST] = {NULL};
    struct pkt *first = pkt_of(m[0]);
    uint8_t id = first->table;
    const struct table *t = id < prog->n_tables ? prog->tables[id] : NULL;
    uint16_t hits = 0;
    for (uint16_t i = 0; i < n; i++)
        keys[i] = &pkt_of(m[i])->key;
    if (t != NULL)
        table_lookup_burst(t, keys, n, rules);
    for (uint16_t i = 0; i < n; i++) {
        pkt_of(m[i])->rule = rules[i];
        hits = (uint16_t)(hits + (rules[i] != NULL));
    }
    struct table_stats *s = &first->bridge->table_stats[w->index][id];
    s->lookups += n;
    s->matches += hits;
    if (__builtin_expect(w->trace != NULL, 0) && w->trace->rule != NULL)
        tell(w, m, n);
}

void stage_classify(struct worker *w, const struct program *prog, struct burst *b)
{
    for (uint16_t i = 0, end; i < b->n; i = end) {
        uint8_t table = pkt_of(b->m[i])->table;
        for (end = i + 1; end < b->n && pkt_of(b->m[end])->table == table;)
            end++;
        look_up(w, prog, &b->m[i], (uint16_t)(end - i));
    }
}
