/* Group-mod's semantics (1.3.5, 6.5 and 7.3.4.2). */
#include "ofproto/model/group.h"

#include "base/assert.h"
#include "ofproto/model/priv.h"

#include <stdlib.h>

static int refuse(struct ofw_error *e, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = OFPET_GROUP_MOD_FAILED, .code = code, .why = why};
    return -1;
}

/* ---- the table: sorted by number ---- */

/* Where the group is, or would be. */
static uint32_t place_of(const struct groups *t, uint32_t id)
{
    uint32_t low = 0, high = t->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->at[mid]->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct ofm_group *find(const struct ofm *m, uint32_t id)
{
    uint32_t i = place_of(&m->groups, id);
    return i < m->groups.n && m->groups.at[i]->id == id ? m->groups.at[i] : NULL;
}

const struct ofm_group *ofm_group(const struct ofm *m, uint32_t id) { return find(m, id); }
uint32_t ofm_group_count(const struct ofm *m) { return m->groups.n; }
const struct ofm_group *ofm_group_at(const struct ofm *m, uint32_t i) { return m->groups.at[i]; }
uint64_t ofm_group_version(const struct ofm *m) { return m->groups.version; }

static bool reserve(struct groups *t)
{
    if (t->n < t->cap)
        return true;
    uint32_t cap = t->cap ? 2 * t->cap : 16;
    struct ofm_group **at = reallocarray(t->at, cap, sizeof(struct ofm_group *));
    if (!at)
        return false;
    t->at = at;
    t->cap = cap;
    return true;
}

static void table_insert(struct groups *t, struct ofm_group *g)
{
    uint32_t i = place_of(t, g->id);
    memmove(&t->at[i + 1], &t->at[i], (t->n - i) * sizeof *t->at);
    t->at[i] = g;
    t->n++;
}

static void table_rule_remove(struct groups *t, const struct ofm_group *g)
{
    uint32_t i = place_of(t, g->id);
    weft_assert(i < t->n && t->at[i] == g);
    t->n--;
    memmove(&t->at[i], &t->at[i + 1], (t->n - i) * sizeof *t->at);
}

/* ---- counters ---- */

bool count_get(const struct ofm *m, struct ofm_count *c)
{
    nsec_t used;
    c->stats_id = m->counters.get(m->counters.ctx);
    if (c->stats_id == UINT32_MAX)
        return false;
    m->counters.read(m->counters.ctx, c->stats_id, &c->base_packets, &c->base_bytes, &used);
    return true;
}

void count_put(const struct ofm *m, const struct ofm_count *c)
{
    if (c->stats_id != UINT32_MAX)
        m->counters.put(m->counters.ctx, c->stats_id);
}

struct ofw_count count_read(const struct ofm *m, const struct ofm_count *c)
{
    struct ofw_count sum;
    nsec_t used;
    m->counters.read(m->counters.ctx, c->stats_id, &sum.packets, &sum.bytes, &used);
    sum.packets -= c->base_packets;
    sum.bytes -= c->base_bytes;
    return sum;
}

/* ---- who names whom ---- */

static void refer(struct ofm_group *g, int by)
{
    if (g)
        g->groups += (uint32_t)by;
}

/* To the groups that g's buckets name or watch. */
static void refer_all(const struct ofm *m, const struct ofm_group *g, int by)
{
    for (unsigned i = 0; i < g->n; i++) {
        const struct ofw_bucket *b = &g->bucket[i].w;
        if (b->watch_group != OFPG_ANY)
            refer(find(m, b->watch_group), by);
        for (unsigned j = 0; j < b->actions.n; j++)
            if (b->actions.a[j].type == OFPAT_GROUP)
                refer(find(m, b->actions.a[j].port), by);
    }
}

void groups_refer(struct ofm *m, const struct actions *acts, int by)
{
    for (uint32_t i = 0; acts->n_groups && i < acts->n; i++) {
        struct ofm_group *g = acts->a[i].type == OFPAT_GROUP ? find(m, acts->a[i].port) : NULL;
        if (g)
            g->flows += (uint32_t)by;
    }
}

int ofm_actions_check(const struct ofm *m, const struct ofw_actions *a, struct ofw_error *e)
{
    for (unsigned i = 0; i < a->n; i++)
        if (a->a[i].type == OFPAT_GROUP && !find(m, a->a[i].port)) {
            *e = (struct ofw_error){.type = OFPET_BAD_ACTION,
                                    .code = OFPBAC_BAD_OUT_GROUP,
                                    .why = "no such group"};
            return -1;
        }
    return 0;
}

/* How deep groups go once a group-mod is in force. Each group is looked at once a walk; its height
 * is kept in it. Heights are at most WEFT_GROUP_DEPTH before, so the walk is not deeper than twice
 * that. */
struct walk {
    const struct ofm *m;
    const struct ofw_group_mod *mod; /* stands for the group that it makes or changes */
    uint64_t epoch;
    unsigned own_height; /* of that one; BELOW while it is on the way, 0: not met */
};

enum { BELOW = 1000 }; /* no height */

static unsigned height_of(struct walk *w, uint32_t id);

static unsigned higher(struct walk *w, unsigned height, uint32_t id)
{
    unsigned below = height < BELOW ? height_of(w, id) : BELOW;
    return below >= BELOW ? BELOW : below + 1 > height ? below + 1 : height;
}

/* One more than the highest that the bucket names or watches. */
static unsigned bucket_height(struct walk *w, unsigned height, const struct ofw_bucket *b)
{
    if (b->watch_group != OFPG_ANY)
        height = higher(w, height, b->watch_group);
    for (unsigned j = 0; j < b->actions.n; j++)
        if (b->actions.a[j].type == OFPAT_GROUP)
            height = higher(w, height, b->actions.a[j].port);
    return height;
}

static unsigned mod_height(struct walk *w)
{
    unsigned height = 1;
    if (w->own_height)
        return w->own_height; /* BELOW: it came back */
    w->own_height = BELOW;
    for (unsigned i = 0; i < w->mod->n; i++)
        height = bucket_height(w, height, &w->mod->buckets[i]);
    return w->own_height = height;
}

static unsigned height_of(struct walk *w, uint32_t id)
{
    if (id == w->mod->id)
        return mod_height(w);
    struct ofm_group *g = find(w->m, id);
    unsigned height = 1;
    if (!g)
        return 1;
    if (g->walked == w->epoch)
        return g->height;
    g->walked = w->epoch;
    g->height = BELOW;
    for (unsigned i = 0; i < g->n; i++)
        height = bucket_height(w, height, &g->bucket[i].w);
    return g->height = height;
}

unsigned ofm_group_height(struct ofm *m, const struct ofm_group *g)
{
    const struct ofw_group_mod none = {.id = OFPG_ANY};
    struct walk w = {.m = m, .mod = &none, .epoch = ++m->groups.epoch};
    return height_of(&w, g->id);
}

static bool chains(const struct ofw_group_mod *mod)
{
    for (unsigned i = 0; i < mod->n; i++) {
        if (mod->buckets[i].watch_group != OFPG_ANY)
            return true;
        for (unsigned j = 0; j < mod->buckets[i].actions.n; j++)
            if (mod->buckets[i].actions.a[j].type == OFPAT_GROUP)
                return true;
    }
    return false;
}

static int height_check(struct ofm *m, const struct ofw_group_mod *mod, struct ofw_error *e)
{
    struct walk w = {.m = m, .mod = mod, .epoch = ++m->groups.epoch};
    const struct ofm_group *old = find(m, mod->id);
    unsigned height = mod_height(&w);
    if (height >= BELOW)
        return refuse(e, OFPGMFC_LOOP, "the group would come back to itself");
    for (uint32_t i = 0; old && old->groups && i < m->groups.n; i++) {
        unsigned above = height_of(&w, m->groups.at[i]->id);
        height = above > height ? above : height;
    }
    if (height > WEFT_GROUP_DEPTH)
        return refuse(e, OFPGMFC_CHAINING_UNSUPPORTED, "groups behind groups go too deep");
    return 0;
}

/* Everything that is named exists, and nothing comes back. */
static int chain_check(struct ofm *m, const struct ofw_group_mod *mod, struct ofw_error *e)
{
    if (!chains(mod))
        return 0;
    if (height_check(m, mod, e) < 0)
        return -1;
    for (unsigned i = 0; i < mod->n; i++) {
        const struct ofw_bucket *b = &mod->buckets[i];
        if (b->watch_group != OFPG_ANY && !find(m, b->watch_group))
            return refuse(e, OFPGMFC_BAD_WATCH, "no such group to watch");
        if (ofm_actions_check(m, &b->actions, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- life ---- */

/* The group and its buckets are one piece of memory, its actions another. */
static void group_free(struct ofm_group *g)
{
    if (g && g->bucket)
        free((void *)(uintptr_t)g->bucket[g->n].w.actions.a);
    free(g);
}

static struct ofm_group *group_copy(const struct ofw_group_mod *mod)
{
    size_t n_actions = 0;
    for (unsigned i = 0; i < mod->n; i++)
        n_actions += mod->buckets[i].actions.n;
    struct ofm_group *g = calloc(1, sizeof *g + (mod->n + 1u) * sizeof *g->bucket);
    struct ofw_action *a = calloc(n_actions + 1, sizeof *a);
    if (!g || !a) {
        free(g);
        free(a);
        return NULL;
    }
    g->id = mod->id;
    g->type = mod->type;
    g->n = mod->n;
    g->bucket = (struct ofm_bucket *)(g + 1);
    g->bucket[g->n].w.actions.a = a; /* where it begins, for group_free */
    for (unsigned i = 0; i < mod->n; i++) {
        struct ofw_bucket *b = &g->bucket[i].w;
        *b = mod->buckets[i];
        g->bucket[i].count.stats_id = UINT32_MAX;
        if (b->actions.n)
            memcpy(a, b->actions.a, b->actions.n * sizeof *a);
        b->actions.a = b->actions.n ? a : NULL;
        a += b->actions.n;
    }
    return g;
}

static void buckets_put(const struct ofm *m, const struct ofm_group *g)
{
    for (unsigned i = 0; i < g->n; i++)
        count_put(m, &g->bucket[i].count);
}

/* A copy with counters of its own. */
static struct ofm_group *group_new(struct ofm *m, const struct ofw_group_mod *mod,
                                   const struct ofm_group *old, struct ofw_error *e)
{
    struct ofm_group *g = reserve(&m->groups) ? group_copy(mod) : NULL;
    bool ok = g != NULL;
    for (unsigned i = 0; ok && i < g->n; i++)
        ok = count_get(m, &g->bucket[i].count);
    if (ok && old)
        g->count = old->count;
    else
        ok = ok && count_get(m, &g->count);
    if (ok)
        return g;
    if (g)
        buckets_put(m, g);
    group_free(g);
    refuse(e, old ? OFPGMFC_OUT_OF_BUCKETS : OFPGMFC_OUT_OF_GROUPS, "no memory or counters left");
    return NULL;
}

static void changed(struct ofm *m, struct ofm_group *g)
{
    m->groups.version++;
    if (g)
        g->version = m->groups.version;
}

static int add(struct ofm *m, const struct ofw_group_mod *mod, bool persistent, nsec_t now,
               struct ofw_error *e)
{
    if (find(m, mod->id))
        return refuse(e, OFPGMFC_GROUP_EXISTS, "there is a group of this number");
    if (m->groups.n >= WEFT_GROUPS_MAX)
        return refuse(e, OFPGMFC_OUT_OF_GROUPS, "the group table is full");
    if (chain_check(m, mod, e) < 0)
        return -1;
    struct ofm_group *g = group_new(m, mod, NULL, e);
    if (!g)
        return -1;
    g->created_ns = now;
    g->persistent = persistent;
    table_insert(&m->groups, g);
    refer_all(m, g, 1);
    changed(m, g);
    return 0;
}

/* Flows and groups that name it go on doing so; its own counters go on, its buckets' are new. */
static int modify(struct ofm *m, const struct ofw_group_mod *mod, struct ofw_error *e)
{
    struct ofm_group *old = find(m, mod->id);
    if (!old)
        return refuse(e, OFPGMFC_UNKNOWN_GROUP, "no such group");
    if (chain_check(m, mod, e) < 0)
        return -1;
    struct ofm_group *g = group_new(m, mod, old, e);
    if (!g)
        return -1;
    g->created_ns = old->created_ns;
    g->persistent = old->persistent;
    g->flows = old->flows;
    g->groups = old->groups;
    refer_all(m, old, -1);
    m->groups.at[place_of(&m->groups, g->id)] = g;
    refer_all(m, g, 1);
    buckets_put(m, old);
    group_free(old);
    changed(m, g);
    return 0;
}

static bool names_group(const struct node *n, uint32_t id)
{
    for (uint32_t i = 0; n->acts->n_groups && i < n->acts->n; i++)
        if (n->acts->a[i].type == OFPAT_GROUP && (id == OFPG_ALL || n->acts->a[i].port == id))
            return true;
    return false;
}

/* Flows end with the group that they forward to (6.5). */
static void end_flows(struct ofm *m, uint32_t id, nsec_t now)
{
    for (unsigned i = 0; i < WEFT_TABLES; i++) {
        struct table *t = m->table[i];
        struct node *next;
        for (struct node *n = t ? index_first(t, UINT16_MAX) : NULL; n; n = next) {
            next = index_next(t, n);
            if (names_group(n, id))
                model_end(m, n, OFPRR_GROUP_DELETE, now);
        }
    }
}

static void group_end(struct ofm *m, struct ofm_group *g)
{
    table_rule_remove(&m->groups, g);
    refer_all(m, g, -1);
    buckets_put(m, g);
    count_put(m, &g->count);
    group_free(g);
    changed(m, NULL);
}

static int delete (struct ofm *m, uint32_t id, nsec_t now, struct ofw_error *e)
{
    struct ofm_group *g = find(m, id);
    if (id == OFPG_ALL) {
        end_flows(m, id, now);
        groups_clear(m);
        return 0;
    }
    if (!g)
        return 0; /* no error: 6.5 */
    if (g->groups)
        return refuse(e, OFPGMFC_CHAINED_GROUP, "another group forwards to it or watches it");
    if (g->flows)
        end_flows(m, id, now);
    group_end(m, g);
    return 0;
}

void groups_clear(struct ofm *m)
{
    while (m->groups.n)
        group_end(m, m->groups.at[m->groups.n - 1]);
}

int ofm_group_mod(struct ofm *m, const struct ofw_group_mod *mod, bool persistent, nsec_t now,
                  struct ofw_error *e)
{
    if (ofw_group_mod_check(mod, e) < 0)
        return -1;
    switch (mod->command) {
    case OFPGC_ADD:
        return add(m, mod, persistent, now, e);
    case OFPGC_MODIFY:
        return modify(m, mod, e);
    default:
        return delete (m, mod->id, now, e);
    }
}

/* ---- what there is to know ---- */

void ofm_group_stats(const struct ofm *m, const struct ofm_group *g, nsec_t now,
                     struct ofw_count *counts, struct ofw_group_stats *out)
{
    *out = (struct ofw_group_stats){
        .id = g->id,
        .ref_count = g->flows + g->groups,
        .sum = count_read(m, &g->count),
        .duration_ns = now - g->created_ns,
        .n = g->n,
        .buckets = counts,
    };
    for (unsigned i = 0; i < g->n; i++)
        counts[i] = count_read(m, &g->bucket[i].count);
}

void ofm_group_desc(const struct ofm_group *g, struct ofw_bucket *buckets,
                    struct ofw_group_desc *out)
{
    for (unsigned i = 0; i < g->n; i++)
        buckets[i] = g->bucket[i].w;
    *out = (struct ofw_group_desc){.type = g->type, .id = g->id, .n = g->n, .buckets = buckets};
}
