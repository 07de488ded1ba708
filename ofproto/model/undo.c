/* Notes on what changes are about to touch, and the way back. */
#include "ofproto/model/undo.h"

#include "ofproto/model/priv.h"

#include <stdlib.h>

enum was_kind { WAS_FLOW, WAS_GROUP, WAS_METER };

/* One thing as it was; `there` false: it was not. */
struct was {
    struct was *before; /* the note made before this one */
    enum was_kind kind;
    bool there;
    size_t bytes;
    uint32_t id; /* of a group or meter */
    bool persistent;
    nsec_t created_ns;
    struct ofw_count count;
};

/* The match's words that say something and the actions lie behind it. */
struct was_flow {
    struct was w;
    uint64_t cookie;
    nsec_t modified_ns;
    uint32_t words; /* bit per word of the match */
    uint16_t priority, flags, idle_s, hard_s;
    uint8_t table;
    struct ofw_instructions instr;
};

struct was_group {
    struct was w;
    struct ofw_group_mod mod;
    const struct ofw_count *counts;
};

struct was_meter {
    struct was w;
    struct ofw_meter_mod mod;
    struct ofw_band band[WEFT_BANDS_MAX];
    struct ofw_count counts[WEFT_BANDS_MAX];
};

struct ofm_undo {
    struct ofm *m;
    struct was *last;
    size_t bytes, max;
};

struct ofm_undo *ofm_undo_create(struct ofm *m, size_t max_bytes)
{
    struct ofm_undo *u = calloc(1, sizeof *u);
    if (u)
        *u = (struct ofm_undo){.m = m, .max = max_bytes};
    return u;
}

static void forget_to(struct ofm_undo *u, struct was *mark)
{
    while (u->last != mark) {
        struct was *w = u->last;
        u->last = w->before;
        u->bytes -= w->bytes;
        free(w);
    }
}

void ofm_undo_free(struct ofm_undo *u)
{
    if (!u)
        return;
    forget_to(u, NULL);
    free(u);
}

/* A note of so many bytes, zeroed; NULL: that would be too much. */
static void *note(struct ofm_undo *u, enum was_kind kind, size_t bytes)
{
    struct was *w = u->bytes + bytes <= u->max ? calloc(1, bytes) : NULL;
    if (!w)
        return NULL;
    w->before = u->last;
    w->kind = kind;
    w->bytes = bytes;
    u->last = w;
    u->bytes += bytes;
    return w;
}

static struct ofw_actions copy_actions(struct ofw_action **room, const struct ofw_actions *from)
{
    struct ofw_actions to = {.n = from->n, .a = from->n ? *room : NULL};
    if (from->n)
        memcpy(*room, from->a, from->n * sizeof **room);
    *room += from->n;
    return to;
}

/* ---- flows ---- */

static unsigned words_of(const struct flow_match *m, uint32_t *bits)
{
    unsigned n = 0;
    *bits = 0;
    for (unsigned i = 0; i < FLOW_WORDS; i++) {
        if (!m->mask.w[i])
            continue;
        *bits |= 1u << i;
        n++;
    }
    return n;
}

static void pack(uint64_t *to, const struct flow_match *m, uint32_t bits)
{
    for (unsigned i = 0; i < FLOW_WORDS; i++) {
        if (!(bits >> i & 1))
            continue;
        *to++ = m->key.w[i];
        *to++ = m->mask.w[i];
    }
}

static struct flow_match unpack(const uint64_t *from, uint32_t bits)
{
    struct flow_match m = {0};
    for (unsigned i = 0; i < FLOW_WORDS; i++) {
        if (!(bits >> i & 1))
            continue;
        m.key.w[i] = *from++;
        m.mask.w[i] = *from++;
    }
    return m;
}

/* f NULL: there is no flow like the mod's. */
static bool note_flow(struct ofm_undo *u, const struct ofm_flow *f, const struct ofw_flow_mod *mod)
{
    const struct flow_match *match = f ? &f->match : &mod->match;
    uint32_t bits;
    size_t words = 2 * words_of(match, &bits) * sizeof(uint64_t);
    size_t n = f ? (size_t)f->instr.apply.n + f->instr.write.n : 0;
    struct was_flow *w = note(u, WAS_FLOW, sizeof *w + words + n * sizeof(struct ofw_action));
    if (!w)
        return false;
    uint64_t *at = (uint64_t *)(w + 1);
    pack(at, match, bits);
    w->w.there = f != NULL;
    w->words = bits;
    w->table = f ? f->table : mod->table;
    w->priority = f ? f->priority : mod->priority;
    if (!f)
        return true;
    struct ofw_action *room = (struct ofw_action *)(at + words / sizeof *at);
    struct ofw_flow_stats stats;
    ofm_flow_stats(u->m, f, 0, &stats);
    w->cookie = f->cookie;
    w->idle_s = f->idle_s;
    w->hard_s = f->hard_s;
    w->flags = f->flags;
    w->instr = f->instr;
    w->instr.apply = copy_actions(&room, &f->instr.apply);
    w->instr.write = copy_actions(&room, &f->instr.write);
    w->w.persistent = f->persistent;
    w->w.created_ns = f->created_ns;
    w->modified_ns = f->modified_ns;
    w->w.count = (struct ofw_count){stats.packets, stats.bytes};
    return true;
}

struct touched {
    struct ofm_undo *u;
    const struct ofw_flow_mod *mod; /* NULL: by what the flow names */
    uint32_t group, meter;          /* 0: none */
    bool ok;
};

static bool names_group(const struct ofw_actions *list, uint32_t id)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->a[i].type == OFPAT_GROUP && (id == OFPG_ALL || list->a[i].port == id))
            return true;
    return false;
}

static bool is_touched(const struct touched *t, const struct ofm_flow *f)
{
    const struct ofw_flow_mod *mod = t->mod;
    if (t->meter)
        return f->instr.has_meter && (t->meter == OFPM_ALL || f->instr.meter == t->meter);
    if (!mod)
        return names_group(&f->instr.apply, t->group) || names_group(&f->instr.write, t->group);
    if (!select_cookie(f, mod->cookie, mod->cookie_mask) ||
        !flow_match_covers(&mod->match, &f->match))
        return false;
    return mod->command != OFPFC_DELETE || select_output(f, mod->out_port, mod->out_group);
}

static bool note_touched(void *ctx, const struct ofm_flow *f)
{
    struct touched *t = ctx;
    t->ok = !is_touched(t, f) || note_flow(t->u, f, NULL);
    return t->ok;
}

static bool note_flow_mod(struct ofm_undo *u, const struct ofw_flow_mod *mod)
{
    struct touched t = {.u = u, .mod = mod, .ok = true};
    if (mod->command == OFPFC_MODIFY || mod->command == OFPFC_DELETE) {
        ofm_each(u->m, mod->table, note_touched, &t);
        return t.ok;
    }
    if (mod->table >= WEFT_TABLES)
        return true;
    const struct table *table = u->m->table[mod->table];
    const struct node *n = table ? index_find(table, &mod->match, mod->priority) : NULL;
    if (!n && mod->command != OFPFC_ADD)
        return true;
    return note_flow(u, n ? &n->f : NULL, mod);
}

static int no_room(struct ofm_undo *u, struct was *mark, uint16_t type, uint16_t code,
                   struct ofw_error *e)
{
    forget_to(u, mark);
    *e = (struct ofw_error){.type = type, .code = code, .why = "too much to be able to undo it"};
    return -1;
}

int ofm_undo_flow_mod(struct ofm_undo *u, const struct ofw_flow_mod *mod, nsec_t now,
                      struct ofw_error *e)
{
    struct was *mark = u->last;
    if (!note_flow_mod(u, mod))
        return no_room(u, mark, OFPET_FLOW_MOD_FAILED, OFPFMFC_UNKNOWN, e);
    int r = ofm_flow_mod(u->m, mod, false, now, e);
    if (r < 0)
        forget_to(u, mark);
    return r;
}

/* Counters of its own again, as if they had gone on; a new period of idleness. */
static void settle_flow(struct ofm *m, const struct was_flow *w, const struct ofw_flow_mod *mod,
                        nsec_t now)
{
    struct node *n = index_find(m->table[mod->table], &mod->match, mod->priority);
    uint64_t packets, bytes;
    nsec_t used;
    m->counters.read(m->counters.ctx, n->f.stats_id, &packets, &bytes, &used);
    n->f.base_packets = packets - w->w.count.packets;
    n->f.base_bytes = bytes - w->w.count.bytes;
    n->f.modified_ns = w->modified_ns;
    n->f.flags = w->flags;
    if (!n->heap_at || !n->f.idle_s || used)
        return;
    nsec_t idle = now + n->f.idle_s * NSEC_PER_SEC;
    nsec_t hard = n->f.hard_s ? n->f.created_ns + n->f.hard_s * NSEC_PER_SEC : NSEC_NEVER;
    heap_remove(&m->heap, n);
    n->due = idle < hard ? idle : hard;
    heap_add(&m->heap, n);
}

static bool flow_back(struct ofm *m, const struct was_flow *w, nsec_t now)
{
    bool there = w->w.there;
    struct ofw_flow_mod mod = {
        .command = there ? OFPFC_ADD : OFPFC_DELETE_STRICT,
        .cookie = w->cookie,
        .table = w->table,
        .priority = w->priority,
        .idle_s = w->idle_s,
        .hard_s = w->hard_s,
        .flags = w->flags & (uint16_t) ~(OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS),
        .buffer_id = OF_NO_BUFFER,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .match = unpack((const uint64_t *)(w + 1), w->words),
        .instr = w->instr,
    };
    struct ofw_error e;
    if (ofm_flow_mod(m, &mod, w->w.persistent, there ? w->w.created_ns : now, &e) < 0)
        return false;
    if (there)
        settle_flow(m, w, &mod, now);
    return true;
}

/* ---- groups ---- */

static bool note_group(struct ofm_undo *u, const struct ofm_group *g, uint32_t id)
{
    size_t actions = 0, n = g ? g->n : 0;
    for (unsigned i = 0; i < n; i++)
        actions += g->bucket[i].w.actions.n;
    size_t counts = n * sizeof(struct ofw_count), buckets = n * sizeof(struct ofw_bucket);
    struct was_group *w =
        note(u, WAS_GROUP, sizeof *w + counts + buckets + actions * sizeof(struct ofw_action));
    if (!w)
        return false;
    w->w.id = id;
    w->w.there = g != NULL;
    if (!g)
        return true;
    struct ofw_count *count = (struct ofw_count *)(w + 1);
    struct ofw_bucket *bucket = (struct ofw_bucket *)(count + n);
    struct ofw_action *room = (struct ofw_action *)(bucket + n);
    for (unsigned i = 0; i < n; i++) {
        count[i] = count_read(u->m, &g->bucket[i].count);
        bucket[i] = g->bucket[i].w;
        bucket[i].actions = copy_actions(&room, &g->bucket[i].w.actions);
    }
    w->w.persistent = g->persistent;
    w->w.created_ns = g->created_ns;
    w->w.count = count_read(u->m, &g->count);
    w->counts = count;
    w->mod = (struct ofw_group_mod){.type = g->type, .id = id, .n = g->n, .buckets = bucket};
    return true;
}

/* The highest first: on the way back those that they forward to come before them. */
static bool note_all_groups(struct ofm_undo *u)
{
    for (unsigned height = 2 * WEFT_GROUP_DEPTH; height > 0; height--)
        for (uint32_t i = 0; i < ofm_group_count(u->m); i++) {
            const struct ofm_group *g = ofm_group_at(u->m, i);
            if (ofm_group_height(u->m, g) == height && !note_group(u, g, g->id))
                return false;
        }
    return true;
}

static bool note_group_mod(struct ofm_undo *u, const struct ofw_group_mod *mod)
{
    struct touched t = {.u = u, .group = mod->id, .ok = true};
    if (mod->command == OFPGC_DELETE)
        ofm_each(u->m, OFPTT_ALL, note_touched, &t);
    if (!t.ok)
        return false;
    return mod->command == OFPGC_DELETE && mod->id == OFPG_ALL
               ? note_all_groups(u)
               : note_group(u, ofm_group(u->m, mod->id), mod->id);
}

int ofm_undo_group_mod(struct ofm_undo *u, const struct ofw_group_mod *mod, nsec_t now,
                       struct ofw_error *e)
{
    struct was *mark = u->last;
    if (!note_group_mod(u, mod))
        return no_room(u, mark, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_GROUPS, e);
    int r = ofm_group_mod(u->m, mod, false, now, e);
    if (r < 0)
        forget_to(u, mark);
    return r;
}

static void count_back(const struct ofm *m, struct ofm_count *c, struct ofw_count was)
{
    struct ofw_count now = count_read(m, c);
    c->base_packets += now.packets - was.packets;
    c->base_bytes += now.bytes - was.bytes;
}

static bool group_back(struct ofm *m, const struct was_group *w, nsec_t now)
{
    struct ofw_group_mod mod = w->mod;
    struct ofw_error e;
    mod.id = w->w.id;
    mod.command = !w->w.there ? OFPGC_DELETE : ofm_group(m, w->w.id) ? OFPGC_MODIFY : OFPGC_ADD;
    if (ofm_group_mod(m, &mod, w->w.persistent, now, &e) < 0)
        return false;
    struct ofm_group *g = (struct ofm_group *)(uintptr_t)ofm_group(m, w->w.id);
    if (!g)
        return true;
    g->created_ns = w->w.created_ns;
    g->persistent = w->w.persistent;
    count_back(m, &g->count, w->w.count);
    for (unsigned i = 0; i < g->n; i++)
        count_back(m, &g->bucket[i].count, w->counts[i]);
    return true;
}

/* ---- meters ---- */

static bool note_meter(struct ofm_undo *u, const struct ofm_meter *t, uint32_t id)
{
    struct was_meter *w = note(u, WAS_METER, sizeof *w);
    if (!w)
        return false;
    w->w.id = id;
    w->w.there = t != NULL;
    if (!t)
        return true;
    w->w.persistent = t->persistent;
    w->w.created_ns = t->created_ns;
    w->w.count = count_read(u->m, &t->count);
    w->mod = ofm_meter_config(t);
    for (unsigned i = 0; i < t->n; i++) {
        w->band[i] = t->band[i];
        w->counts[i] = count_read(u->m, &t->band_count[i]);
    }
    return true;
}

static bool note_meter_mod(struct ofm_undo *u, const struct ofw_meter_mod *mod)
{
    struct touched t = {.u = u, .meter = mod->id, .ok = true};
    if (mod->command == OFPMC_DELETE)
        ofm_each(u->m, OFPTT_ALL, note_touched, &t);
    if (!t.ok || mod->command != OFPMC_DELETE || mod->id != OFPM_ALL)
        return t.ok && note_meter(u, ofm_meter(u->m, mod->id), mod->id);
    for (uint32_t i = 0; t.ok && i < ofm_meter_count(u->m); i++)
        t.ok = note_meter(u, ofm_meter_at(u->m, i), ofm_meter_at(u->m, i)->id);
    return t.ok;
}

int ofm_undo_meter_mod(struct ofm_undo *u, const struct ofw_meter_mod *mod, nsec_t now,
                       struct ofw_error *e)
{
    struct was *mark = u->last;
    if (!note_meter_mod(u, mod))
        return no_room(u, mark, OFPET_METER_MOD_FAILED, OFPMMFC_OUT_OF_METERS, e);
    int r = ofm_meter_mod(u->m, mod, false, now, e);
    if (r < 0)
        forget_to(u, mark);
    return r;
}

static bool meter_back(struct ofm *m, const struct was_meter *w, nsec_t now)
{
    struct ofw_meter_mod mod = w->mod;
    struct ofw_error e;
    mod.id = w->w.id;
    mod.bands = w->band;
    mod.command = !w->w.there ? OFPMC_DELETE : ofm_meter(m, w->w.id) ? OFPMC_MODIFY : OFPMC_ADD;
    if (ofm_meter_mod(m, &mod, w->w.persistent, now, &e) < 0)
        return false;
    struct ofm_meter *t = (struct ofm_meter *)(uintptr_t)ofm_meter(m, w->w.id);
    if (!t)
        return true;
    t->created_ns = w->w.created_ns;
    t->persistent = w->w.persistent;
    count_back(m, &t->count, w->w.count);
    for (unsigned i = 0; i < t->n; i++)
        count_back(m, &t->band_count[i], w->counts[i]);
    return true;
}

/* ---- back ---- */

static bool put_back(struct ofm *m, const struct was *w, nsec_t now)
{
    const void *p = w; /* each kind begins with it */
    return w->kind == WAS_FLOW    ? flow_back(m, p, now)
           : w->kind == WAS_GROUP ? group_back(m, p, now)
                                  : meter_back(m, p, now);
}

unsigned ofm_undo_back(struct ofm_undo *u, nsec_t now)
{
    unsigned lost = 0;
    while (u->last) {
        lost += !put_back(u->m, u->last, now);
        forget_to(u, u->last->before);
    }
    return lost;
}
