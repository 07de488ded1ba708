/* stats.c: per-rule counters, one array a worker. */
#include "datapath/stats.h"

#include <errno.h>
#include <stdlib.h>

int stats_init(struct stats *s, unsigned n_workers)
{
    *s = (struct stats){.n_workers = n_workers};
    for (unsigned w = 0; w < n_workers; w++) {
        s->chunks[w] = calloc(STATS_CHUNKS, sizeof *s->chunks[w]);
        if (s->chunks[w] == NULL) {
            stats_fini(s);
            return -ENOMEM;
        }
    }
    return 0;
}

static void free_chunk(struct stats *s, uint32_t chunk)
{
    for (unsigned w = 0; w < s->n_workers; w++) {
        free(s->chunks[w][chunk]);
        s->chunks[w][chunk] = NULL;
    }
}

void stats_fini(struct stats *s)
{
    for (unsigned w = 0; w < s->n_workers; w++) {
        for (uint32_t c = 0; s->chunks[w] != NULL && c < STATS_CHUNKS; c++)
            free(s->chunks[w][c]);
        free(s->chunks[w]);
    }
    free(s->free_ids);
    *s = (struct stats){0};
}

/* The chunk that a new id falls in, for every worker. */
static bool need_chunk(struct stats *s, uint32_t chunk)
{
    for (unsigned w = 0; w < s->n_workers; w++) {
        struct flow_stats *c = calloc(STATS_CHUNK, sizeof *c);
        if (c == NULL) {
            free_chunk(s, chunk);
            return false;
        }
        s->chunks[w][chunk] = c;
    }
    return true;
}

uint32_t stats_id_get(struct stats *s)
{
    if (s->n_free > 0) {
        uint32_t id = s->free_ids[--s->n_free];
        for (unsigned w = 0; w < s->n_workers; w++)
            *stats_at(s, w, id) = (struct flow_stats){0};
        return id;
    }
    uint32_t id = s->n_ids;
    if (id / STATS_CHUNK >= STATS_CHUNKS)
        return UINT32_MAX;
    if (id % STATS_CHUNK == 0 && !need_chunk(s, id / STATS_CHUNK))
        return UINT32_MAX;
    s->n_ids++;
    return id;
}

void stats_id_put(struct stats *s, uint32_t id)
{
    if (s->n_free == s->cap_free) {
        uint32_t cap = s->cap_free ? s->cap_free * 2 : 1024;
        uint32_t *ids = realloc(s->free_ids, cap * sizeof *ids);
        if (ids == NULL)
            return; /* the id is lost, nothing else is */
        s->free_ids = ids;
        s->cap_free = cap;
    }
    s->free_ids[s->n_free++] = id;
}

struct flow_stats stats_sum(const struct stats *s, uint32_t id)
{
    struct flow_stats sum = {0};
    for (unsigned w = 0; w < s->n_workers; w++) {
        const volatile struct flow_stats *f = &s->chunks[w][id / STATS_CHUNK][id % STATS_CHUNK];
        nsec_t used = f->used_ns;
        sum.packets += f->packets;
        sum.bytes += f->bytes;
        if (used > sum.used_ns)
            sum.used_ns = used;
    }
    return sum;
}
