/* ofproto/wire/group.h: groups in messages (1.3.5, 7.3.4.2 and 7.3.5.6-8).
 *
 * What holds of msg.h holds here: a decoder judges structure and never allocates; buckets
 * are placed in the caller's array, their actions in the caller's arena.
 */
#ifndef WEFT_OFPROTO_WIRE_GROUP_H
#define WEFT_OFPROTO_WIRE_GROUP_H

#include "ofproto/wire/msg.h"

enum ofw_group_command { OFPGC_ADD, OFPGC_MODIFY, OFPGC_DELETE };
enum ofw_group_type { OFPGT_ALL, OFPGT_SELECT, OFPGT_INDIRECT, OFPGT_FF, OFPGT_COUNT };
enum {
    OFPGFC_SELECT_WEIGHT = 1,
    OFPGFC_SELECT_LIVENESS = 2,
    OFPGFC_CHAINING = 4,
    OFPGFC_CHAINING_CHECKS = 8,
};

struct ofw_bucket {
    uint16_t weight;
    uint32_t watch_port;  /* OFPP_ANY: none */
    uint32_t watch_group; /* OFPG_ANY: none */
    struct ofw_actions actions;
};

struct ofw_group_mod {
    uint16_t command; /* enum ofw_group_command */
    uint8_t type;     /* enum ofw_group_type */
    uint32_t id;
    uint16_t n;
    const struct ofw_bucket *buckets;
};

/* As many as a message can hold. */
enum { OFW_BUCKETS_MAX = OF_MESSAGE_MAX / 16 };

/* buckets has room for OFW_BUCKETS_MAX. */
int ofw_group_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_bucket *buckets,
                         struct ofw_group_mod *out, struct ofw_error *e);
/* What a group-mod can get wrong on its own: command, type, id, weights, watches, actions. */
int ofw_group_mod_check(const struct ofw_group_mod *m, struct ofw_error *e);

struct ofw_count {
    uint64_t packets, bytes;
};

struct ofw_group_stats {
    uint32_t id, ref_count;
    struct ofw_count sum;
    nsec_t duration_ns;
    uint16_t n;
    const struct ofw_count *buckets;
};

struct ofw_group_desc {
    uint8_t type;
    uint32_t id;
    uint16_t n;
    const struct ofw_bucket *buckets;
};

struct ofw_group_features {
    uint32_t types, capabilities;
    uint32_t max[OFPGT_COUNT], actions[OFPGT_COUNT];
};

void ofw_group_stats_encode(struct writer *w, const struct ofw_group_stats *s);
void ofw_group_desc_encode(struct writer *w, const struct ofw_group_desc *d);
void ofw_group_features_encode(struct writer *w, const struct ofw_group_features *f);
/* A request, for tests and tools. */
void ofw_group_mod_encode(struct writer *w, uint32_t xid, const struct ofw_group_mod *m);

#endif
