/* What a packet pays in the FDB: its source is checked, its destination looked up. */
#include <stdio.h>
#include <time.h>

#include "base/prng.h"
#include "datapath/fdb.h"

enum { LOOKUPS = 4000000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct mac mac_of(uint32_t n) { return mac_from_u64(UINT64_C(0x020000000000) + n); }

/* base: 0 looks for MACs that are there, size for such that are not. */
static double look(struct fdb *f, uint32_t size, uint32_t base)
{
    struct prng r = {.state = 1};
    uint32_t sum = 0;
    double begin = now_ns();
    for (int i = 0; i < LOOKUPS; i++)
        sum += fdb_lookup(f, 1, mac_of(base + prng_below(&r, size)));
    double ns = (now_ns() - begin) / LOOKUPS;
    return sum == 1 ? 0 : ns; /* the sum is needed, so the loop is */
}

static double see(struct fdb *f, uint32_t size)
{
    struct prng r = {.state = 1};
    uint32_t known = 0;
    double begin = now_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        uint32_t n = prng_below(&r, size);
        known += fdb_seen(f, 1, mac_of(n), n % 64, (nsec_t)i * 10);
    }
    double ns = (now_ns() - begin) / LOOKUPS;
    return known == LOOKUPS ? ns : -1;
}

int main(void)
{
    const uint32_t sizes[] = {16, 1024, 8192, 65536, 1 << 20};
    printf("fdb: ns a look-up    known  unknown  source\n");
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fdb *f = fdb_create(sizes[i], 300 * NSEC_PER_SEC, 99);
        if (f == NULL)
            return 1;
        for (uint32_t n = 0; n < sizes[i]; n++)
            fdb_learn(f, 1, mac_of(n), n % 64, 0);
        printf("%9u full entries %7.1f %8.1f %7.1f\n", fdb_counters(f).entries,
               look(f, sizes[i], 0), look(f, sizes[i], sizes[i]), see(f, sizes[i]));
        fdb_free(f);
    }
    return 0;
}
