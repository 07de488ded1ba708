#include "datapath/ecmp.h"

#include <errno.h>

int ecmp_init(struct ecmp *g, unsigned buckets)
{
    if (buckets == 0 || buckets > ECMP_BUCKETS_MAX || (buckets & (buckets - 1)) != 0)
        return -EINVAL;
    *g = (struct ecmp){.buckets = (uint16_t)buckets};
    return 0;
}

static bool valid(const struct ecmp *g, const struct ecmp_member *m, unsigned n)
{
    if (n > ECMP_MEMBERS_MAX || n > g->buckets)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (m[i].next == 0 || m[i].weight == 0)
            return false;
        for (unsigned j = 0; j < i; j++) {
            if (m[j].next == m[i].next)
                return false;
        }
    }
    return true;
}

/* How many buckets each is due: its share rounded down, at least one, and what is left over one by
 * one to the first ones. What is too many (by "at least one") is taken from the largest. */
static void shares(const struct ecmp *g, const struct ecmp_member *m, unsigned n, unsigned *due)
{
    unsigned weights = 0, given = 0, largest = 0;
    for (unsigned i = 0; i < n; i++)
        weights += m[i].weight;
    for (unsigned i = 0; i < n; i++) {
        due[i] = (unsigned)((uint64_t)g->buckets * m[i].weight / weights);
        due[i] = due[i] ? due[i] : 1;
        given += due[i];
    }
    for (unsigned i = 0; given < g->buckets; i = (i + 1) % n, given++)
        due[i]++;
    for (; given > g->buckets; given--) {
        for (unsigned i = 0; i < n; i++)
            largest = due[i] > due[largest] ? i : largest;
        due[largest]--;
    }
}

static unsigned index_of(const struct ecmp_member *m, unsigned n, uint32_t next)
{
    unsigned i = 0;
    while (i < n && m[i].next != next)
        i++;
    return i;
}

int ecmp_set(struct ecmp *g, const struct ecmp_member *m, unsigned n)
{
    unsigned due[ECMP_MEMBERS_MAX + 1] = {0}, to = 0;
    bool keeps[ECMP_BUCKETS_MAX];
    int moved = 0;
    if (!valid(g, m, n))
        return -EINVAL;
    if (n > 0)
        shares(g, m, n, due);
    for (unsigned b = 0; b < g->buckets; b++) { /* who may stay */
        unsigned i = index_of(m, n, g->bucket[b]);
        keeps[b] = i < n && due[i] > 0;
        due[i] -= keeps[b];
    }
    for (unsigned b = 0; b < g->buckets; b++) { /* the others go where something is due */
        if (keeps[b])
            continue;
        while (to < n && due[to] == 0)
            to++;
        uint32_t next = to < n ? m[to].next : 0;
        due[to] -= to < n;
        moved += g->bucket[b] != next;
        __atomic_store_n(&g->bucket[b], next, __ATOMIC_RELAXED);
    }
    return moved;
}
