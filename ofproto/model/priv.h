/* ofproto/model/priv.h: what the files of this room share, and nobody else uses.
 *
 * A flow is one `struct node`, which hangs in up to four structures at once: the hash
 * of its table on (match, priority) for strict operations, the list of its priority (oldest
 * first) for order, the model's hash on ids, and the heap of timeouts. When it ends it leaves
 * all of them and, if somebody wants to hear of it, waits in the queue of the removed, and in that
 * of the changed until its image is taken away: ending a flow never allocates, so it never fails.
 */
#ifndef WEFT_OFPROTO_MODEL_PRIV_H
#define WEFT_OFPROTO_MODEL_PRIV_H

#include "ofproto/model/model.h"

/* Actions of a flow-mod, shared by the flows that it made or modified. */
struct actions {
    uint32_t refs, n;
    uint32_t n_groups; /* of them, how many name a group */
    struct ofw_action a[];
};

struct node {
    struct ofm_flow f;
    struct actions *acts;
    struct node *hash_next, *id_next;
    struct node *prev, *next; /* of the same priority; next: in the removed queue too */
    uint32_t hash;
    uint32_t heap_at; /* index in the heap + 1; 0: has no timeout */
    nsec_t due;       /* the earliest time at which it may end; when removed: when it did */
    uint8_t reason;   /* enum ofw_removed_reason, once removed */
    bool waits;       /* in the removed queue */
    bool changed, ended;
    struct node *changed_next;
    void *image, *fresh; /* see struct ofm_change */
};

/* ---- index.c: one table ---- */

struct prio_list {
    struct node *first, *last;
};

/* 256 priorities; exists while it has flows. */
struct prio_page {
    uint32_t flows;
    struct prio_list prio[256];
};

struct table {
    uint32_t flows, mask; /* mask: buckets - 1 */
    struct node **bucket;
    struct prio_page *page[256];
};

uint32_t index_hash(const struct flow_match *m, uint16_t priority);
struct node *index_find(const struct table *t, const struct flow_match *m, uint16_t priority);
/* False: no memory, nothing changed. */
bool index_insert(struct table *t, struct node *n);
void index_remove(struct table *t, struct node *n);
/* The first flow of priority `priority` or, if none, of the next lower one; NULL: none. */
struct node *index_first(const struct table *t, int priority);
/* The flow after n in order; NULL: none. */
struct node *index_next(const struct table *t, const struct node *n);
void index_free(struct table *t);

/* ---- timeout.c: a binary heap on due ---- */

struct heap {
    struct node **at;
    uint32_t n, cap;
};

/* Room for one more, so that heap_add cannot fail. */
bool heap_reserve(struct heap *h);
void heap_add(struct heap *h, struct node *n);
void heap_remove(struct heap *h, struct node *n);
/* The earliest time at which the flow may end, when it was last hit at `used`. */
nsec_t timeout_due(const struct ofm_flow *f, nsec_t used);

/* ---- model.c ---- */

struct ofm_group;
struct ofm_meter;
struct ofm_count;
struct ofw_count;

/* Sorted by number; version grows with each change. */
struct groups {
    struct ofm_group **at;
    uint32_t n, cap;
    uint64_t version, epoch;
};

struct meters {
    struct ofm_meter **at;
    uint32_t n, cap;
    uint64_t version;
};

struct ofm {
    struct ofm_counters counters;
    uint32_t max_per_table, flows;
    uint64_t last_id;
    struct table *table[WEFT_TABLES]; /* NULL until a flow comes */
    struct node **id_bucket;
    uint32_t id_mask;
    struct heap heap;
    struct node *removed_first, *removed_last;
    struct node *changed_first, *changed_last;
    uint64_t dirty[4];
    struct groups groups;
    struct meters meters;
    uint64_t groups_taken, meters_taken; /* their versions when the marks were last taken */
};

/* Frees a flow that has ended and waits for nothing more. */
void node_release(struct node *n);
/* n came, was modified or ended. */
void change_note(struct ofm *m, struct node *n);
/* Takes a flow out of everything, with its final counters. */
void model_end(struct ofm *m, struct node *n, uint8_t reason, nsec_t now);
struct node *model_by_id(const struct ofm *m, uint64_t id);

/* ---- group.c ---- */

/* `by` more flows name the groups that the actions name. */
void groups_refer(struct ofm *m, const struct actions *acts, int by);
/* Takes all groups away; no flow names one any more. */
void groups_clear(struct ofm *m);

/* A counter of its own; false: there is none left. stats_id UINT32_MAX is none. */
bool count_get(const struct ofm *m, struct ofm_count *c);
void count_put(const struct ofm *m, const struct ofm_count *c);
struct ofw_count count_read(const struct ofm *m, const struct ofm_count *c);

/* ---- meter.c ---- */

void meters_refer(struct ofm *m, const struct ofm_flow *f, int by);
void meters_clear(struct ofm *m);

/* ---- select.c ---- */

/* Do the filters that DELETE and the FLOW multipart share take this flow? */
bool select_cookie(const struct ofm_flow *f, uint64_t cookie, uint64_t mask);
bool select_output(const struct ofm_flow *f, uint32_t out_port, uint32_t out_group);

#endif
