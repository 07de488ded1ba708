/* bond_spread.c: which member a bucket of flows belongs to. Pure. */
#include "datapath/bond.h"

static unsigned nth_set(uint32_t mask, unsigned n)
{
    for (; n > 0; n--)
        mask &= mask - 1;
    return (unsigned)__builtin_ctz(mask);
}

unsigned bond_pick(unsigned bucket, uint32_t mask)
{
    return nth_set(mask, (bucket * 0x9e37u >> 4) % (unsigned)__builtin_popcount(mask));
}

/* Of those in mask: who has most (or least). */
static unsigned extreme(const uint64_t *has, uint32_t mask, bool most)
{
    unsigned best = (unsigned)__builtin_ctz(mask);
    for (; mask != 0; mask &= mask - 1) {
        unsigned i = (unsigned)__builtin_ctz(mask);
        if (most ? has[i] > has[best] : has[i] < has[best])
            best = i;
    }
    return best;
}

/* Newcomers take from whom has most, one bucket at a time, until they have their share. */
static void welcome(uint8_t bucket[BOND_BUCKETS], uint64_t *count, uint32_t mask,
                    uint32_t newcomers)
{
    unsigned share = BOND_BUCKETS / (unsigned)__builtin_popcount(mask), at = 0;
    while (newcomers != 0) {
        unsigned to = extreme(count, newcomers, false), from = extreme(count, mask, true);
        if (count[to] >= share || count[from] <= share)
            return;
        while (bucket[at] != from)
            at = (at + 1) % BOND_BUCKETS;
        bucket[at] = (uint8_t)to;
        count[from]--;
        count[to]++;
    }
}

void bond_spread(uint8_t bucket[BOND_BUCKETS], uint32_t was, uint32_t mask)
{
    uint64_t count[BOND_MEMBERS_MAX] = {0};
    if (mask == 0)
        return;
    for (unsigned i = 0; i < BOND_BUCKETS; i++) {
        if (!(mask >> bucket[i] & 1))
            bucket[i] = (uint8_t)bond_pick(i, mask);
        count[bucket[i]]++;
    }
    welcome(bucket, count, mask, mask & ~was);
}

/* The heaviest of `from`'s buckets that makes both ends more even: at most half of what they
 * differ by. -1: none. */
static int movable(const uint8_t bucket[BOND_BUCKETS], const uint64_t load[BOND_BUCKETS],
                   unsigned from, uint64_t differ)
{
    int best = -1;
    for (int i = 0; i < BOND_BUCKETS; i++) {
        bool fits = bucket[i] == from && load[i] > 0 && load[i] <= differ / 2;
        if (fits && (best < 0 || load[i] > load[best]))
            best = i;
    }
    return best;
}

unsigned bond_rebalance(uint8_t bucket[BOND_BUCKETS], uint32_t mask,
                        const uint64_t load[BOND_BUCKETS])
{
    uint64_t has[BOND_MEMBERS_MAX] = {0}, total = 0;
    unsigned moved = 0;
    for (unsigned i = 0; i < BOND_BUCKETS; i++) {
        if (mask >> bucket[i] & 1)
            has[bucket[i]] += load[i];
        total += load[i];
    }
    for (; mask != 0 && moved < BOND_MOVES_MAX; moved++) {
        unsigned from = extreme(has, mask, true), to = extreme(has, mask, false);
        uint64_t differ = has[from] - has[to];
        int i = differ * BOND_UNEVEN < total ? -1 : movable(bucket, load, from, differ);
        if (i < 0)
            break;
        bucket[i] = (uint8_t)to;
        has[from] -= load[i];
        has[to] += load[i];
    }
    return moved;
}
