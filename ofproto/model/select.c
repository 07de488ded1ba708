/* Reading the tables: iteration, what multiparts select, statistics. */
#include "ofproto/model/priv.h"

bool select_cookie(const struct ofm_flow *f, uint64_t cookie, uint64_t mask)
{
    return ((f->cookie ^ cookie) & mask) == 0;
}

static bool names(const struct ofw_actions *list, uint16_t type, uint32_t number)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->a[i].type == type && list->a[i].port == number)
            return true;
    return false;
}

static bool sends_to(const struct ofm_flow *f, uint16_t type, uint32_t number)
{
    return names(&f->instr.apply, type, number) || names(&f->instr.write, type, number);
}

bool select_output(const struct ofm_flow *f, uint32_t out_port, uint32_t out_group)
{
    return (out_port == OFPP_ANY || sends_to(f, OFPAT_OUTPUT, out_port)) &&
           (out_group == OFPG_ANY || sends_to(f, OFPAT_GROUP, out_group));
}

static bool selected(const struct ofm_flow *f, const struct ofw_multipart_req *q)
{
    return select_cookie(f, q->cookie, q->cookie_mask) && flow_match_covers(&q->match, &f->match) &&
           select_output(f, q->out_port, q->out_group);
}

/* The first flow of this table or a later one that `table` (OFPTT_ALL: any) takes. */
static const struct node *first_from(const struct ofm *m, unsigned at, uint8_t table)
{
    for (; at < WEFT_TABLES; at++) {
        const struct node *n = NULL;
        if (m->table[at] && (table == OFPTT_ALL || table == at))
            n = index_first(m->table[at], UINT16_MAX);
        if (n)
            return n;
    }
    return NULL;
}

static const struct node *next_of(const struct ofm *m, const struct node *n, uint8_t table)
{
    const struct node *next = index_next(m->table[n->f.table], n);
    return next ? next : first_from(m, n->f.table + 1u, table);
}

void ofm_each(const struct ofm *m, uint8_t table, bool (*fn)(void *ctx, const struct ofm_flow *f),
              void *ctx)
{
    for (const struct node *n = first_from(m, 0, table); n; n = next_of(m, n, table))
        if (!fn(ctx, &n->f))
            return;
}

void ofm_select(const struct ofm *m, const struct ofw_multipart_req *q,
                bool (*fn)(void *ctx, const struct ofm_flow *f), void *ctx)
{
    struct ofm_cursor from_start = {0};
    (void)ofm_select_from(m, q, &from_start, fn, ctx);
}

/* Where a selection goes on. ids of one priority rise along its list, so if the flow at which we
 * stopped has gone, its successor is the first one with a higher id. */
static const struct node *resume(const struct ofm *m, const struct ofm_cursor *at, uint8_t table)
{
    if (at->id == 0)
        return first_from(m, 0, table);
    const struct node *n = model_by_id(m, at->id);
    if (n)
        return n;
    if (m->table[at->table])
        for (n = index_first(m->table[at->table], at->priority); n; n = n->next)
            if (n->f.priority < at->priority || n->f.id > at->id)
                return n;
    if (m->table[at->table] && (n = index_first(m->table[at->table], (int)at->priority - 1)))
        return n;
    return first_from(m, at->table + 1u, table);
}

bool ofm_select_from(const struct ofm *m, const struct ofw_multipart_req *q, struct ofm_cursor *at,
                     bool (*fn)(void *ctx, const struct ofm_flow *f), void *ctx)
{
    for (const struct node *n = resume(m, at, q->table); n; n = next_of(m, n, q->table)) {
        if (!selected(&n->f, q) || fn(ctx, &n->f))
            continue;
        *at = (struct ofm_cursor){.table = n->f.table, .priority = n->f.priority, .id = n->f.id};
        return false;
    }
    return true;
}

const struct ofm_flow *ofm_find(const struct ofm *m, uint8_t table, const struct flow_match *match,
                                uint16_t priority)
{
    const struct table *t = table < WEFT_TABLES ? m->table[table] : NULL;
    const struct node *n = t ? index_find(t, match, priority) : NULL;
    return n ? &n->f : NULL;
}

const struct ofm_flow *ofm_by_id(const struct ofm *m, uint64_t id)
{
    const struct node *n = model_by_id(m, id);
    return n ? &n->f : NULL;
}

struct ofm_table_info ofm_table(const struct ofm *m, uint8_t table)
{
    struct ofm_table_info i = {.max = m->max_per_table};
    if (table < WEFT_TABLES && m->table[table])
        i.flows = m->table[table]->flows;
    return i;
}

uint32_t ofm_flow_count(const struct ofm *m) { return m->flows; }

void ofm_flow_stats(const struct ofm *m, const struct ofm_flow *f, nsec_t now,
                    struct ofw_flow_stats *out)
{
    nsec_t used;
    *out = (struct ofw_flow_stats){
        .table = f->table,
        .priority = f->priority,
        .idle_s = f->idle_s,
        .hard_s = f->hard_s,
        .flags = f->flags,
        .cookie = f->cookie,
        .duration_ns = now - f->created_ns,
        .match = f->match,
        .instr = f->instr,
    };
    m->counters.read(m->counters.ctx, f->stats_id, &out->packets, &out->bytes, &used);
    out->packets -= f->base_packets;
    out->bytes -= f->base_bytes;
}
