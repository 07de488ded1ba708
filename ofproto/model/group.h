/* ofproto/model/group.h: the groups of one bridge, as OpenFlow means them (1.3.5, 5.6, 6.5).
 *
 * A group exists before what forwards to it: a flow or bucket that names one that does not is
 * refused (OFPBAC_BAD_OUT_GROUP), deleting one deletes the flows that name it, and one that another
 * group forwards to or watches stays (OFPGMFC_CHAINED_GROUP) unless all go together. So what the
 * datapath gets never dangles and never loops. Reached through struct ofm; control thread.
 */
#ifndef WEFT_OFPROTO_MODEL_GROUP_H
#define WEFT_OFPROTO_MODEL_GROUP_H

#include "ofproto/model/model.h"
#include "ofproto/wire/group.h"

/* What was counted up to now is not its own: an id's last owner's. */
struct ofm_count {
    uint32_t stats_id;
    uint64_t base_packets, base_bytes;
};

struct ofm_bucket {
    struct ofw_bucket w; /* actions owned by the group */
    struct ofm_count count;
};

struct ofm_group {
    uint32_t id;
    uint8_t type; /* enum ofw_group_type */
    uint16_t n;
    bool persistent;  /* came from configuration or weftctl */
    uint64_t version; /* changes with the group; never reused in a model */
    nsec_t created_ns;
    uint32_t flows;  /* how often flows name it */
    uint32_t groups; /* how often buckets name or watch it */
    struct ofm_count count;
    struct ofm_bucket *bucket;
    uint64_t walked; /* which walk found its height */
    unsigned height; /* 1: forwards to no group */
};

/* ADD, MODIFY, DELETE; all or nothing: on -1 nothing changed and *e says why. */
int ofm_group_mod(struct ofm *m, const struct ofw_group_mod *mod, bool persistent, nsec_t now,
                  struct ofw_error *e);
const struct ofm_group *ofm_group(const struct ofm *m, uint32_t id);
uint32_t ofm_group_count(const struct ofm *m);
/* In order of their numbers, i < ofm_group_count(). */
const struct ofm_group *ofm_group_at(const struct ofm *m, uint32_t i);
/* 1: forwards to no group; else one more than the highest that it forwards to or watches. */
unsigned ofm_group_height(struct ofm *m, const struct ofm_group *g);
/* Grows with each change of any group. */
uint64_t ofm_group_version(const struct ofm *m);

/* counts has room for WEFT_BUCKETS_MAX. */
void ofm_group_stats(const struct ofm *m, const struct ofm_group *g, nsec_t now,
                     struct ofw_count *counts, struct ofw_group_stats *out);
/* buckets has room for WEFT_BUCKETS_MAX. */
void ofm_group_desc(const struct ofm_group *g, struct ofw_bucket *buckets,
                    struct ofw_group_desc *out);

/* Do the groups that the actions name exist? 0, or -1 (OFPBAC_BAD_OUT_GROUP). */
int ofm_actions_check(const struct ofm *m, const struct ofw_actions *a, struct ofw_error *e);

/* ---- text_group.c: as ovs-ofctl writes them ---- */

struct strbuf;
struct ofm_group_text {
    struct ofw_bucket buckets[WEFT_BUCKETS_MAX];
};

/* "group_id=1,type=select,bucket=weight:2,output:1,bucket=..." The actions go to the arena. For
 * DELETE only the number ("group_id=all", or nothing, means all). 0, or -EINVAL with a message. */
int ofm_group_parse(const char *text, enum ofw_group_command command, const struct ofm_names *names,
                    struct ofw_arena *arena, struct ofm_group_text *room, struct ofw_group_mod *out,
                    struct errbuf *e);
void ofm_group_print(struct strbuf *b, const struct ofw_group_desc *d,
                     const struct ofm_names *names);
const char *ofm_group_type_name(uint8_t type);

#endif
