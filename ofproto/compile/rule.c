/* rule.c: a flow of the model as a rule of the datapath. */
#include <errno.h>

#include "datapath/table.h"
#include "ofproto/compile/compile.h"
#include "ofproto/compile/internal.h"

/* Counters go together: a flow is not counted only when it asks for neither kind. */
static bool wants_no_counts(uint16_t flags)
{
    const uint16_t both = OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;
    return (flags & both) == both;
}

static void fill(struct rule *r, const struct ofm_flow *f)
{
    const struct ofw_instructions *in = &f->instr;
    r->match = f->match;
    r->priority = f->priority;
    r->table = f->table;
    r->goto_table = in->has_goto ? in->goto_table : RULE_NO_GOTO;
    r->clear_set = in->clear;
    r->no_counts = wants_no_counts(f->flags);
    r->is_miss = f->priority == 0 && flow_match_is_all(&f->match);
    if (in->has_metadata) {
        r->metadata_mask = in->metadata_mask;
        r->metadata = in->metadata & in->metadata_mask;
    }
    r->cookie = f->cookie;
    r->meter = in->has_meter ? in->meter : 0;
    r->stats_id = f->stats_id;
    r->origin.id = f->id;
}

int ofc_rule(const struct ofm_flow *f, struct op *scratch, struct rule **out)
{
    const struct ofw_instructions *in = &f->instr;
    struct ofw_actions none = {0};
    const struct ofw_actions *apply = in->has_apply ? &in->apply : &none;
    const struct ofw_actions *write = in->has_write ? &in->write : &none;
    unsigned room = ofc_ops_max(apply), room_set = ofc_ops_max(write);
    struct op *set = room > 0 ? scratch + room : scratch; /* scratch may be NULL */
    int n_apply = ofc_actions(apply, scratch, room), n_set = ofc_actions(write, set, room_set);
    if (n_apply < 0 || n_set < 0)
        return -EOPNOTSUPP;
    n_set = (int)ofc_write_set(set, (unsigned)n_set);
    struct rule *r = rule_create(scratch, (uint16_t)n_apply, set, (uint16_t)n_set);
    if (r == NULL)
        return -ENOMEM;
    fill(r, f);
    *out = r;
    return 0;
}
