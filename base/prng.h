/* base/prng.h: repeatable randomness (splitmix64).
 *
 * One seed gives one sequence, on every machine: a simulator run or a random
 * test is named by its seed. Not for secrets.
 */
#ifndef WEFT_BASE_PRNG_H
#define WEFT_BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform enough in 0..n-1 for tests; n > 0. */
static inline uint32_t prng_below(struct prng *p, uint32_t n)
{
    return (uint32_t)((prng_next(p) >> 32) * n >> 32);
}

#endif
