/* table_group.c: which rules share a mask, found by hashing the masks. */
#include "datapath/table_group.h"

#include <errno.h>
#include <stdlib.h>

#define NOWHERE UINT32_MAX

/* What grouping_make() needs on its way; `group` and `next` are by rule. */
struct work {
    struct rule *const *rules;
    uint32_t n;
    uint32_t *group;  /* of rule i */
    uint32_t *slots;  /* open addressing over masks: group + 1, or 0 */
    uint32_t *sample; /* a rule of group i */
    uint64_t slot_mask, key;
};

static bool same_mask(const struct work *w, uint32_t a, uint32_t b)
{
    return flow_key_equal(&w->rules[a]->match.mask, &w->rules[b]->match.mask);
}

/* The group of rule i's mask, made when it is new. */
static uint32_t find_group(struct work *w, struct grouping *g, uint32_t i)
{
    uint64_t at = hash_words(w->rules[i]->match.mask.w, FLOW_WORDS, w->key) & w->slot_mask;
    for (; w->slots[at] != 0; at = (at + 1) & w->slot_mask) {
        if (same_mask(w, w->sample[w->slots[at] - 1], i))
            return w->slots[at] - 1;
    }
    w->sample[g->n] = i;
    w->slots[at] = ++g->n;
    return g->n - 1;
}

static void assign_groups(struct work *w, struct grouping *g)
{
    uint32_t last = NOWHERE; /* the last rule: often of the same mask */
    for (uint32_t i = 0; i < w->n; i++) {
        bool same = last != NOWHERE && same_mask(w, last, i);
        w->group[i] = same ? w->group[last] : find_group(w, g, i);
        last = i;
    }
}

struct rank {
    uint32_t group;
    uint32_t n;
    uint16_t max_priority;
};

static int by_rank(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    int by = (int)y->max_priority - (int)x->max_priority;
    return by != 0 ? by : (x->group > y->group) - (x->group < y->group);
}

static void rank_groups(const struct work *w, const struct grouping *g, struct rank *ranks)
{
    for (uint32_t i = 0; i < g->n; i++)
        ranks[i] = (struct rank){.group = i};
    for (uint32_t i = 0; i < w->n; i++) {
        struct rank *r = &ranks[w->group[i]];
        r->n++;
        if (w->rules[i]->priority > r->max_priority)
            r->max_priority = w->rules[i]->priority;
    }
    qsort(ranks, g->n, sizeof *ranks, by_rank);
}

/* Lays the rules out group after group, in rank order. where: by group, room for g->n. */
static void lay_out(const struct work *w, struct grouping *g, const struct rank *ranks,
                    uint32_t *where)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        g->groups[i] = (struct group){.rules = g->order + at,
                                      .n = ranks[i].n,
                                      .max_priority = ranks[i].max_priority};
        where[ranks[i].group] = at;
        at += ranks[i].n;
    }
    for (uint32_t i = 0; i < w->n; i++) {
        g->order[where[w->group[i]]++] = w->rules[i];
    }
}

static int fill(struct work *w, struct grouping *g)
{
    assign_groups(w, g);
    struct rank *ranks = calloc(g->n + 1, sizeof *ranks);
    g->groups = calloc(g->n + 1, sizeof *g->groups);
    g->order = calloc(g->n_rules + 1, sizeof(struct rule *));
    int err = ranks == NULL || g->groups == NULL || g->order == NULL ? -ENOMEM : 0;
    if (err == 0) {
        rank_groups(w, g, ranks);
        lay_out(w, g, ranks, w->sample);
    }
    free(ranks);
    return err;
}

int grouping_make(struct grouping *g, struct rule *const *rules, uint32_t n, uint64_t key)
{
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)n)
        slots *= 2;
    *g = (struct grouping){.n_rules = n};
    struct work w = {.rules = rules, .n = n, .slot_mask = slots - 1, .key = key};
    w.group = malloc((n + 1) * sizeof *w.group);
    w.sample = malloc((n + 1) * sizeof *w.sample);
    w.slots = calloc(slots, sizeof *w.slots);
    int err = -ENOMEM;
    if (w.group != NULL && w.sample != NULL && w.slots != NULL)
        err = fill(&w, g);
    free(w.group);
    free(w.sample);
    free(w.slots);
    if (err != 0)
        grouping_clear(g);
    return err;
}

void grouping_clear(struct grouping *g)
{
    free(g->order);
    free(g->groups);
    *g = (struct grouping){0};
}
