/* classify.c: which rule of its table does each packet match? */
#include "datapath/pipeline.h"
#include "datapath/table.h"

static void tell(const struct worker *w, const struct burst *b)
{
    for (uint16_t i = 0; i < b->n; i++)
        w->trace->rule(w->trace->ctx, b->m[i], pkt_of(b->m[i])->table, b->rule[i]);
}

static void count(struct worker *w, const struct pkt *k, uint8_t table, uint16_t n, uint16_t hits)
{
    struct table_stats *s = &k->bridge->table_stats[w->index][table];
    s->lookups += n;
    s->matches += hits;
}

/* n packets that look into one table and find the same there, since it looks at nothing in which
 * they differ. */
static void look_up_once(const struct table *t, struct rte_mbuf **m, uint16_t n, uint64_t version,
                         const struct rule **out)
{
    const struct rule *r = t != NULL ? table_lookup(t, &pkt_of(m[0])->key, version) : NULL;
    for (uint16_t i = 0; i < n; i++)
        out[i] = r;
}

/* n packets that look into one table. */
static void look_up(struct worker *w, const struct program *prog, struct rte_mbuf **m, uint16_t n,
                    const struct burst *b, const struct rule **out)
{
    const struct flow_key *keys[WEFT_BURST];
    uint8_t id = pkt_of(m[0])->table;
    const struct table *t = id < prog->n_tables ? prog->tables[id] : NULL;
    if (t == NULL || (b->alike && table_is_shallow(t))) {
        look_up_once(t, m, n, b->version, out);
        count(w, pkt_of(m[0]), id, n, out[0] != NULL ? n : 0);
        return;
    }
    for (uint16_t i = 0; i < n; i++)
        keys[i] = &pkt_of(m[i])->key;
    table_lookup_burst(t, keys, n, b->version, out);
    uint16_t hits = 0;
    for (uint16_t i = 0; i < n; i++)
        hits = (uint16_t)(hits + (out[i] != NULL));
    count(w, pkt_of(m[0]), id, n, hits);
}

/* Table by table, those in a row that look into the same one. */
static void look_up_all(struct worker *w, const struct program *prog, struct rte_mbuf **m,
                        uint16_t n, const struct burst *b, const struct rule **out)
{
    for (uint16_t i = 0, end; i < n; i = end) {
        uint8_t table = pkt_of(m[i])->table;
        for (end = i + 1; end < n && pkt_of(m[end])->table == table;)
            end++;
        look_up(w, prog, &m[i], (uint16_t)(end - i), b, &out[i]);
    }
}

/* What the cache knows, and a look for the others, which it is told of. */
static void recall(struct worker *w, const struct program *prog, struct burst *b)
{
    struct rte_mbuf *m[WEFT_BURST];
    const struct rule *found[WEFT_BURST];
    uint8_t at[WEFT_BURST];
    uint16_t n = 0;
    for (uint16_t i = 0; i < b->n; i++) {
        const struct path *path = b->paths->hit[b->paths->place[i]];
        if (path != NULL) {
            b->rule[i] = path->rule[b->step];
            count(w, pkt_of(b->m[i]), path->table[b->step], 1, b->rule[i] != NULL);
        } else {
            at[n] = (uint8_t)i;
            m[n++] = b->m[i];
        }
    }
    look_up_all(w, prog, m, n, b, found);
    for (uint16_t i = 0; i < n; i++) {
        b->rule[at[i]] = found[i];
        flowcache_note(b->paths, b->paths->place[at[i]], b->step, pkt_of(m[i])->table, found[i]);
    }
}

void stage_classify(struct worker *w, const struct program *prog, struct burst *b)
{
    if (b->paths != NULL)
        recall(w, prog, b);
    else
        look_up_all(w, prog, b->m, b->n, b, b->rule);
    if (__builtin_expect(w->trace != NULL, 0) && w->trace->rule != NULL)
        tell(w, b);
    b->step += b->step < UINT8_MAX;
}
