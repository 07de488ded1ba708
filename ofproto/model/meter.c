/* Meter-mod's semantics (1.3.5, 6.6 and 7.3.4.4). */
#include "ofproto/model/meter.h"

#include "base/assert.h"
#include "ofproto/model/priv.h"

#include <stdlib.h>

static int refuse(struct ofw_error *e, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = OFPET_METER_MOD_FAILED, .code = code, .why = why};
    return -1;
}

/* ---- the table: sorted by number ---- */

static uint32_t place_of(const struct meters *t, uint32_t id)
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

static struct ofm_meter *find(const struct ofm *m, uint32_t id)
{
    uint32_t i = place_of(&m->meters, id);
    return i < m->meters.n && m->meters.at[i]->id == id ? m->meters.at[i] : NULL;
}

const struct ofm_meter *ofm_meter(const struct ofm *m, uint32_t id) { return find(m, id); }
uint32_t ofm_meter_count(const struct ofm *m) { return m->meters.n; }
const struct ofm_meter *ofm_meter_at(const struct ofm *m, uint32_t i) { return m->meters.at[i]; }
uint64_t ofm_meter_version(const struct ofm *m) { return m->meters.version; }

static bool reserve(struct meters *t)
{
    if (t->n < t->cap)
        return true;
    uint32_t cap = t->cap ? 2 * t->cap : 16;
    struct ofm_meter **at = reallocarray(t->at, cap, sizeof(struct ofm_meter *));
    if (!at)
        return false;
    t->at = at;
    t->cap = cap;
    return true;
}

static void table_insert(struct meters *t, struct ofm_meter *one)
{
    uint32_t i = place_of(t, one->id);
    memmove(&t->at[i + 1], &t->at[i], (t->n - i) * sizeof *t->at);
    t->at[i] = one;
    t->n++;
}

static void table_rule_remove(struct meters *t, const struct ofm_meter *one)
{
    uint32_t i = place_of(t, one->id);
    weft_assert(i < t->n && t->at[i] == one);
    t->n--;
    memmove(&t->at[i], &t->at[i + 1], (t->n - i) * sizeof *t->at);
}

static void changed(struct ofm *m, struct ofm_meter *one)
{
    m->meters.version++;
    if (one)
        one->version = m->meters.version;
}

/* ---- life ---- */

/* Frees it, with the counters that it has. */
static void meter_free(const struct ofm *m, struct ofm_meter *one)
{
    if (!one)
        return;
    for (unsigned i = 0; i < one->n; i++)
        count_put(m, &one->band_count[i]);
    count_put(m, &one->count);
    free(one);
}

static struct ofm_meter *meter_new(struct ofm *m, const struct ofw_meter_mod *mod,
                                   struct ofw_error *e)
{
    struct ofm_meter *one = reserve(&m->meters) ? calloc(1, sizeof *one) : NULL;
    bool ok = one != NULL;
    if (ok) {
        one->id = mod->id;
        one->flags = mod->flags;
        if (!(one->flags & OFPMF_PKTPS))
            one->flags |= OFPMF_KBPS;
        one->n = mod->n;
        one->count.stats_id = UINT32_MAX;
    }
    for (unsigned i = 0; ok && i < mod->n; i++) {
        one->band[i] = mod->bands[i];
        one->band_count[i].stats_id = UINT32_MAX;
    }
    for (unsigned i = 0; ok && i < mod->n; i++)
        ok = count_get(m, &one->band_count[i]);
    if (ok && count_get(m, &one->count))
        return one;
    meter_free(m, one);
    refuse(e, OFPMMFC_OUT_OF_METERS, "no memory or counters left");
    return NULL;
}

static int add(struct ofm *m, const struct ofw_meter_mod *mod, bool persistent, nsec_t now,
               struct ofw_error *e)
{
    if (find(m, mod->id))
        return refuse(e, OFPMMFC_METER_EXISTS, "there is a meter of this number");
    if (m->meters.n >= WEFT_METERS_MAX)
        return refuse(e, OFPMMFC_OUT_OF_METERS, "the meter table is full");
    struct ofm_meter *one = meter_new(m, mod, e);
    if (!one)
        return -1;
    one->created_ns = now;
    one->persistent = persistent;
    table_insert(&m->meters, one);
    changed(m, one);
    return 0;
}

/* Flows go on naming it; its bands start over, with what they count. */
static int modify(struct ofm *m, const struct ofw_meter_mod *mod, struct ofw_error *e)
{
    struct ofm_meter *old = find(m, mod->id);
    if (!old)
        return refuse(e, OFPMMFC_UNKNOWN_METER, "no such meter");
    struct ofm_meter *one = meter_new(m, mod, e);
    if (!one)
        return -1;
    struct ofm_count fresh = one->count;
    one->created_ns = old->created_ns;
    one->persistent = old->persistent;
    one->flows = old->flows;
    one->count = old->count; /* what came in is counted on */
    old->count = fresh;
    m->meters.at[place_of(&m->meters, one->id)] = one;
    meter_free(m, old);
    changed(m, one);
    return 0;
}

/* Flows end with their meter (6.6). */
static void end_flows(struct ofm *m, uint32_t id, nsec_t now)
{
    for (unsigned i = 0; i < WEFT_TABLES; i++) {
        struct table *t = m->table[i];
        struct node *next;
        for (struct node *n = t ? index_first(t, UINT16_MAX) : NULL; n; n = next) {
            next = index_next(t, n);
            if (n->f.instr.has_meter && (id == OFPM_ALL || n->f.instr.meter == id))
                model_end(m, n, OFPRR_DELETE, now);
        }
    }
}

static void meter_end(struct ofm *m, struct ofm_meter *one)
{
    table_rule_remove(&m->meters, one);
    meter_free(m, one);
    changed(m, NULL);
}

void meters_clear(struct ofm *m)
{
    while (m->meters.n)
        meter_end(m, m->meters.at[m->meters.n - 1]);
}

static int delete (struct ofm *m, uint32_t id, nsec_t now)
{
    struct ofm_meter *one = find(m, id);
    if (id == OFPM_ALL || (one && one->flows))
        end_flows(m, id, now);
    if (id == OFPM_ALL)
        meters_clear(m);
    else if (one) /* none of that number: no error */
        meter_end(m, one);
    return 0;
}

int ofm_meter_mod(struct ofm *m, const struct ofw_meter_mod *mod, bool persistent, nsec_t now,
                  struct ofw_error *e)
{
    if (ofw_meter_mod_check(mod, e) < 0)
        return -1;
    if (mod->n > WEFT_BANDS_MAX)
        return refuse(e, OFPMMFC_OUT_OF_BANDS, "too many bands");
    switch (mod->command) {
    case OFPMC_ADD:
        return add(m, mod, persistent, now, e);
    case OFPMC_MODIFY:
        return modify(m, mod, e);
    default:
        return delete (m, mod->id, now);
    }
}

/* ---- what there is to know ---- */

void meters_refer(struct ofm *m, const struct ofm_flow *f, int by)
{
    struct ofm_meter *one = f->instr.has_meter ? find(m, f->instr.meter) : NULL;
    if (one)
        one->flows += (uint32_t)by;
}

void ofm_meter_stats(const struct ofm *m, const struct ofm_meter *t, nsec_t now,
                     struct ofw_meter_stats *out)
{
    struct ofw_count in = count_read(m, &t->count);
    *out = (struct ofw_meter_stats){.id = t->id,
                                    .flows = t->flows,
                                    .packets = in.packets,
                                    .bytes = in.bytes,
                                    .duration_ns = now - t->created_ns,
                                    .n = t->n};
    for (unsigned i = 0; i < t->n; i++) {
        struct ofw_count band = count_read(m, &t->band_count[i]);
        out->bands[i].packets = band.packets;
        out->bands[i].bytes = band.bytes;
    }
}

struct ofw_meter_mod ofm_meter_config(const struct ofm_meter *t)
{
    return (struct ofw_meter_mod){.flags = t->flags, .id = t->id, .n = t->n, .bands = t->band};
}
