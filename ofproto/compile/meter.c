/* meter.c: the model's meters as the datapath's. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/meter.h"
#include "ofproto/compile/compile.h"
#include "ofproto/compile/internal.h"
#include "ofproto/model/meter.h"

static struct meter *build(const struct ofm_meter *t)
{
    struct meter_band b[WEFT_BANDS_MAX];
    bool pktps = (t->flags & OFPMF_PKTPS) != 0, burst = (t->flags & OFPMF_BURST) != 0;
    for (unsigned i = 0; i < t->n; i++)
        b[i] = (struct meter_band){
            .remark = t->band[i].type == OFPMBT_DSCP_REMARK,
            .prec_level = t->band[i].prec_level,
            .rate = t->band[i].rate,
            .burst = burst ? t->band[i].burst * (uint64_t)(pktps ? 1 : 1000) : 0,
            .stats_id = t->band_count[i].stats_id,
        };
    return meter_create(t->version, pktps, t->count.stats_id, b, t->n);
}

static int build_all(const struct ofm *m, const struct idset *running, uint32_t *ids, void **things)
{
    for (uint32_t i = 0; i < ofm_meter_count(m); i++) {
        const struct ofm_meter *want = ofm_meter_at(m, i);
        struct meter *have = idset_find(running, want->id);
        bool same = have != NULL && meter_version(have) == want->version;
        ids[i] = want->id;
        things[i] = same ? meter_ref(have) : build(want);
        if (things[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

bool ofc_remarks(const struct ofm *m)
{
    for (uint32_t i = 0; i < ofm_meter_count(m); i++) {
        const struct ofm_meter *t = ofm_meter_at(m, i);
        for (unsigned k = 0; k < t->n; k++)
            if (t->band[k].type == OFPMBT_DSCP_REMARK)
                return true;
    }
    return false;
}

int ofc_meters(const struct ofm *m, const struct idset *running, struct idset **out)
{
    uint32_t n = ofm_meter_count(m);
    *out = NULL;
    if (n == 0)
        return 0;
    if (running != NULL && running->version == ofm_meter_version(m)) {
        *out = idset_ref(running);
        return 0;
    }
    uint32_t *ids = calloc(n, sizeof *ids);
    void **things = calloc(n, sizeof *things);
    int err = ids != NULL && things != NULL ? build_all(m, running, ids, things) : -ENOMEM;
    if (err == 0)
        *out = idset_create(ids, things, n, ofm_meter_version(m), meter_release);
    for (uint32_t i = 0; err != 0 && things != NULL && i < n; i++)
        meter_release(things[i]);
    free(ids);
    free(things);
    return err == 0 && *out == NULL ? -ENOMEM : err;
}
