/* Flow-mod's semantics (1.3.5, 6.4 and 7.3.4.1), and what hangs together with a flow's life. */
#include "ofproto/model/model.h"

#include "base/assert.h"
#include "ofproto/model/meter.h"
#include "ofproto/model/priv.h"

#include <stdlib.h>

enum { FIRST_ID_BUCKETS = 64 };

static int refuse(struct ofw_error *e, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = OFPET_FLOW_MOD_FAILED, .code = code, .why = why};
    return -1;
}

static int no_memory(struct ofw_error *e) { return refuse(e, OFPFMFC_UNKNOWN, "out of memory"); }

struct ofm *ofm_create(uint32_t max_flows_per_table, const struct ofm_counters *c)
{
    struct ofm *m = calloc(1, sizeof *m);
    struct node **ids = calloc(FIRST_ID_BUCKETS, sizeof(struct node *));
    if (!m || !ids) {
        free(m);
        free(ids);
        return NULL;
    }
    m->counters = *c;
    m->max_per_table = max_flows_per_table;
    m->id_bucket = ids;
    m->id_mask = FIRST_ID_BUCKETS - 1;
    return m;
}

/* ---- actions, shared by flows ---- */

static struct actions *actions_copy(struct ofw_instructions *to,
                                    const struct ofw_instructions *from)
{
    size_t n = (size_t)from->apply.n + from->write.n;
    struct actions *acts = malloc(sizeof *acts + n * sizeof acts->a[0]);
    if (!acts)
        return NULL;
    acts->refs = 1;
    acts->n = (uint32_t)n;
    acts->n_groups = 0;
    if (from->apply.n)
        memcpy(acts->a, from->apply.a, from->apply.n * sizeof acts->a[0]);
    if (from->write.n)
        memcpy(acts->a + from->apply.n, from->write.a, from->write.n * sizeof acts->a[0]);
    for (size_t i = 0; i < n; i++)
        acts->n_groups += acts->a[i].type == OFPAT_GROUP;
    *to = *from;
    to->apply.a = from->apply.n ? acts->a : NULL;
    to->write.a = from->write.n ? acts->a + from->apply.n : NULL;
    return acts;
}

static void actions_unref(struct actions *acts)
{
    if (acts && --acts->refs == 0)
        free(acts);
}

static void node_free(struct node *n)
{
    if (n)
        actions_unref(n->acts);
    free(n);
}

void node_release(struct node *n)
{
    if (!n->changed && !n->waits)
        node_free(n);
}

/* ---- ids ---- */

struct node *model_by_id(const struct ofm *m, uint64_t id)
{
    for (struct node *n = m->id_bucket[id & m->id_mask]; n; n = n->id_next)
        if (n->f.id == id)
            return n;
    return NULL;
}

/* ids are dense, so their low bits are the best of hashes. */
static void ids_grow(struct ofm *m)
{
    size_t size = 2 * ((size_t)m->id_mask + 1);
    struct node **to = m->flows > m->id_mask ? calloc(size, sizeof(struct node *)) : NULL;
    if (!to)
        return;
    for (size_t i = 0; i <= m->id_mask; i++) {
        for (struct node *n = m->id_bucket[i], *next; n; n = next) {
            next = n->id_next;
            n->id_next = to[n->f.id & (size - 1)];
            to[n->f.id & (size - 1)] = n;
        }
    }
    free(m->id_bucket);
    m->id_bucket = to;
    m->id_mask = (uint32_t)size - 1;
}

static void ids_add(struct ofm *m, struct node *n)
{
    ids_grow(m);
    n->f.id = ++m->last_id;
    n->id_next = m->id_bucket[n->f.id & m->id_mask];
    m->id_bucket[n->f.id & m->id_mask] = n;
}

static void ids_remove(struct ofm *m, struct node *n)
{
    struct node **at = &m->id_bucket[n->f.id & m->id_mask];
    while (*at && *at != n)
        at = &(*at)->id_next;
    weft_assert(*at == n);
    *at = n->id_next;
}

/* ---- a flow's end ---- */

static void mark(struct ofm *m, uint8_t table)
{
    m->dirty[table >> 6] |= UINT64_C(1) << (table & 63);
}

static void detach(struct ofm *m, struct node *n)
{
    index_remove(m->table[n->f.table], n);
    ids_remove(m, n);
    heap_remove(&m->heap, n);
    groups_refer(m, n->acts, -1);
    meters_refer(m, &n->f, -1);
    m->flows--;
    mark(m, n->f.table);
    n->ended = true;
    if (n->image)
        change_note(m, n);
}

/* What was counted since the counters were last reset. */
static void counts(const struct ofm *m, const struct ofm_flow *f, uint64_t *packets,
                   uint64_t *bytes)
{
    nsec_t used;
    m->counters.read(m->counters.ctx, f->stats_id, packets, bytes, &used);
    *packets -= f->base_packets;
    *bytes -= f->base_bytes;
}

void model_end(struct ofm *m, struct node *n, uint8_t reason, nsec_t now)
{
    uint64_t packets, bytes;
    detach(m, n);
    counts(m, &n->f, &packets, &bytes);
    m->counters.put(m->counters.ctx, n->f.stats_id);
    if (!(n->f.flags & OFPFF_SEND_FLOW_REM)) {
        node_release(n);
        return;
    }
    n->waits = true;
    n->f.base_packets = packets; /* from here on: the final counts */
    n->f.base_bytes = bytes;
    n->due = now;
    n->reason = reason;
    n->next = NULL;
    if (m->removed_last)
        m->removed_last->next = n;
    else
        m->removed_first = n;
    m->removed_last = n;
}

bool ofm_removed(struct ofm *m, struct ofw_flow_removed *out)
{
    struct node *n = m->removed_first;
    if (!n)
        return false;
    *out = (struct ofw_flow_removed){
        .cookie = n->f.cookie,
        .packets = n->f.base_packets,
        .bytes = n->f.base_bytes,
        .duration_ns = n->due - n->f.created_ns,
        .priority = n->f.priority,
        .idle_s = n->f.idle_s,
        .hard_s = n->f.hard_s,
        .reason = n->reason,
        .table = n->f.table,
        .match = n->f.match,
    };
    m->removed_first = n->next;
    if (!n->next)
        m->removed_last = NULL;
    n->waits = false;
    node_release(n);
    return true;
}

void ofm_free(struct ofm *m)
{
    struct ofw_flow_removed ignored;
    if (!m)
        return;
    ofm_clear(m, true, 0);
    while (ofm_removed(m, &ignored))
        ;
    ofm_changes_done(m);
    groups_clear(m);
    free(m->groups.at);
    meters_clear(m);
    free(m->meters.at);
    for (unsigned i = 0; i < WEFT_TABLES; i++)
        index_free(m->table[i]);
    free(m->heap.at);
    free(m->id_bucket);
    free(m);
}

/* ---- ADD ---- */

static struct table *table_of(struct ofm *m, uint8_t id)
{
    if (!m->table[id])
        m->table[id] = calloc(1, sizeof *m->table[id]);
    return m->table[id];
}

/* Two flows overlap when a packet may match both and their priorities are equal (6.4). */
static bool overlaps(const struct table *t, const struct ofw_flow_mod *mod)
{
    const struct node *n = index_first(t, mod->priority);
    for (; n && n->f.priority == mod->priority; n = n->next)
        if (flow_match_overlaps(&n->f.match, &mod->match))
            return true;
    return false;
}

static struct node *node_new(const struct ofw_flow_mod *mod, bool persistent, nsec_t now)
{
    struct node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->f = (struct ofm_flow){
        .match = mod->match,
        .priority = mod->priority,
        .flags = mod->flags,
        .idle_s = mod->idle_s,
        .hard_s = mod->hard_s,
        .table = mod->table,
        .persistent = persistent,
        .cookie = mod->cookie,
        .created_ns = now,
        .modified_ns = now,
    };
    n->acts = actions_copy(&n->f.instr, &mod->instr);
    if (n->acts)
        return n;
    free(n);
    return NULL;
}

static void reset_counts(const struct ofm *m, struct ofm_flow *f)
{
    nsec_t used;
    m->counters.read(m->counters.ctx, f->stats_id, &f->base_packets, &f->base_bytes, &used);
}

/* The replaced flow's counters go on in the new one, unless they are to start over. */
static bool counters_for(struct ofm *m, struct node *n, const struct node *old)
{
    if (!old) {
        n->f.stats_id = m->counters.get(m->counters.ctx);
        if (n->f.stats_id == UINT32_MAX)
            return false;
        reset_counts(m, &n->f); /* whatever an id's last owner left */
        return true;
    }
    n->f.stats_id = old->f.stats_id;
    n->f.base_packets = old->f.base_packets;
    n->f.base_bytes = old->f.base_bytes;
    if (n->f.flags & OFPFF_RESET_COUNTS)
        reset_counts(m, &n->f);
    return true;
}

/* Puts n where old was, if there was one. Nothing of it can fail. */
static void attach(struct ofm *m, struct node *n, struct node *old)
{
    if (old) { /* no flow-removed for it: 6.4 */
        detach(m, old);
        node_release(old);
    }
    ids_add(m, n);
    groups_refer(m, n->acts, 1);
    meters_refer(m, &n->f, 1);
    m->flows++;
    n->due = timeout_due(&n->f, 0);
    if (n->due != NSEC_NEVER)
        heap_add(&m->heap, n);
    mark(m, n->f.table);
    change_note(m, n);
}

static int add(struct ofm *m, const struct ofw_flow_mod *mod, bool persistent, nsec_t now,
               struct ofw_error *e)
{
    struct table *t = table_of(m, mod->table);
    if (!t || !heap_reserve(&m->heap))
        return no_memory(e);
    if ((mod->flags & OFPFF_CHECK_OVERLAP) && overlaps(t, mod))
        return refuse(e, OFPFMFC_OVERLAP, "overlaps a flow of the same priority");
    struct node *old = index_find(t, &mod->match, mod->priority);
    if (!old && t->flows >= m->max_per_table)
        return refuse(e, OFPFMFC_TABLE_FULL, "the table is full");
    struct node *n = node_new(mod, persistent, now);
    if (!n)
        return no_memory(e);
    if (!counters_for(m, n, old)) {
        node_free(n);
        return refuse(e, OFPFMFC_TABLE_FULL, "no flow counters left");
    }
    if (!index_insert(t, n)) {
        if (!old)
            m->counters.put(m->counters.ctx, n->f.stats_id);
        node_free(n);
        return no_memory(e);
    }
    attach(m, n, old);
    return 0;
}

/* ---- MODIFY, DELETE ---- */

static bool wanted(const struct ofm_flow *f, const struct ofw_flow_mod *mod)
{
    return select_cookie(f, mod->cookie, mod->cookie_mask) &&
           flow_match_covers(&mod->match, &f->match);
}

static void modify(struct ofm *m, struct node *n, const struct ofw_instructions *instr,
                   struct actions *acts, const struct ofw_flow_mod *mod, nsec_t now)
{
    groups_refer(m, n->acts, -1);
    meters_refer(m, &n->f, -1);
    actions_unref(n->acts);
    n->acts = acts;
    acts->refs++;
    n->f.instr = *instr;
    groups_refer(m, acts, 1);
    meters_refer(m, &n->f, 1);
    n->f.modified_ns = now;
    if (mod->flags & OFPFF_RESET_COUNTS)
        reset_counts(m, &n->f);
    mark(m, n->f.table);
    change_note(m, n);
}

/* Cookie, timeouts, flags and duration stay (6.4); none that matches is no error. */
static int modify_all(struct ofm *m, const struct ofw_flow_mod *mod, nsec_t now,
                      struct ofw_error *e)
{
    const struct table *t = m->table[mod->table];
    struct ofw_instructions instr;
    if (!t)
        return 0;
    struct actions *acts = actions_copy(&instr, &mod->instr);
    if (!acts)
        return no_memory(e);
    if (mod->command == OFPFC_MODIFY_STRICT) {
        struct node *n = index_find(t, &mod->match, mod->priority);
        if (n && select_cookie(&n->f, mod->cookie, mod->cookie_mask))
            modify(m, n, &instr, acts, mod, now);
    } else {
        for (struct node *n = index_first(t, UINT16_MAX); n; n = index_next(t, n))
            if (wanted(&n->f, mod))
                modify(m, n, &instr, acts, mod, now);
    }
    actions_unref(acts);
    return 0;
}

static void delete_in(struct ofm *m, struct table *t, const struct ofw_flow_mod *mod, nsec_t now)
{
    bool strict = mod->command == OFPFC_DELETE_STRICT;
    struct node *next;
    struct node *n =
        strict ? index_find(t, &mod->match, mod->priority) : index_first(t, UINT16_MAX);
    for (; n; n = next) {
        next = strict ? NULL : index_next(t, n);
        if (wanted(&n->f, mod) && select_output(&n->f, mod->out_port, mod->out_group))
            model_end(m, n, OFPRR_DELETE, now);
    }
}

static void delete_all(struct ofm *m, const struct ofw_flow_mod *mod, nsec_t now)
{
    for (unsigned i = 0; i < WEFT_TABLES; i++)
        if (m->table[i] && (mod->table == OFPTT_ALL || mod->table == i))
            delete_in(m, m->table[i], mod, now);
}

/* The groups and the meter that a flow names exist. */
static int names_check(const struct ofm *m, const struct ofw_flow_mod *mod, struct ofw_error *e)
{
    if (mod->command == OFPFC_DELETE || mod->command == OFPFC_DELETE_STRICT)
        return 0;
    if (mod->instr.has_meter && !ofm_meter(m, mod->instr.meter)) {
        *e = (struct ofw_error){.type = OFPET_METER_MOD_FAILED,
                                .code = OFPMMFC_INVALID_METER,
                                .why = "no such meter"};
        return -1;
    }
    if (ofm_actions_check(m, &mod->instr.apply, e) < 0)
        return -1;
    return ofm_actions_check(m, &mod->instr.write, e);
}

int ofm_flow_mod(struct ofm *m, const struct ofw_flow_mod *mod, bool persistent, nsec_t now,
                 struct ofw_error *e)
{
    if (ofw_flow_mod_check(mod, e) < 0 || names_check(m, mod, e) < 0)
        return -1;
    switch (mod->command) {
    case OFPFC_ADD:
        return add(m, mod, persistent, now, e);
    case OFPFC_MODIFY:
    case OFPFC_MODIFY_STRICT:
        return modify_all(m, mod, now, e);
    default:
        delete_all(m, mod, now);
        return 0;
    }
}

void ofm_clear(struct ofm *m, bool persistent_too, nsec_t now)
{
    for (unsigned i = 0; i < WEFT_TABLES; i++) {
        struct table *t = m->table[i];
        struct node *next;
        for (struct node *n = t ? index_first(t, UINT16_MAX) : NULL; n; n = next) {
            next = index_next(t, n);
            if (persistent_too || !n->f.persistent)
                model_end(m, n, OFPRR_DELETE, now);
        }
    }
}

/* ---- marks ---- */

void ofm_take_dirty(struct ofm *m, uint64_t tables[4])
{
    for (unsigned i = 0; i < 4; i++) {
        tables[i] = m->dirty[i];
        m->dirty[i] = 0;
    }
    m->groups_taken = m->groups.version;
    m->meters_taken = m->meters.version;
}

bool ofm_is_dirty(const struct ofm *m)
{
    return (m->dirty[0] | m->dirty[1] | m->dirty[2] | m->dirty[3]) != 0 ||
           m->groups_taken != m->groups.version || m->meters_taken != m->meters.version;
}
