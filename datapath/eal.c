/* eal.c: builds EAL's command line and starts it. The one process-global of the datapath. */
#include "datapath/eal.h"

#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MEMORY_MB = 256, HUGE_NEEDED_MB = 128, ARGS_MAX = 24 };

/* EAL can be started once in a process, so what became of it is kept for the second caller. */
static struct {
    pthread_mutex_t lock;
    bool up;
    struct eal_report report;
} eal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static long read_number(const char *path)
{
    long v = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld", &v) != 1)
        v = 0;
    fclose(f);
    return v;
}

/* Free hugepages of one size, if this process may really map one (rlimits, cgroups, containers
 * without the right). EAL can't be started again without them, so look before. */
static unsigned huge_mb(const char *dir, unsigned page_mb, int size_flag)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/%s/free_hugepages", dir);
    long n = read_number(path);
    if (n <= 0)
        return 0;
    size_t len = (size_t)page_mb << 20;
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size_flag, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    munmap(p, len);
    return (unsigned)n * page_mb;
}

static unsigned free_huge_mb(void)
{
    return huge_mb("hugepages-2048kB", 2, 21 << MAP_HUGE_SHIFT) +
           huge_mb("hugepages-1048576kB", 1024, 30 << MAP_HUGE_SHIFT);
}

/* "0@3": lcore 0 is the calling thread, on a CPU that it may use. */
static void lcore_arg(const cpu_set_t *allowed, char *out, size_t n)
{
    int cpu = 0;
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, allowed))
        cpu++;
    snprintf(out, n, "0@%d", cpu);
}

static int choose(const struct eal_options *o, struct eal_report *r, struct errbuf *e)
{
    unsigned need = o->memory_mb != 0 ? o->memory_mb : HUGE_NEEDED_MB;
    unsigned have = o->hugepages == EAL_HUGE_NO ? 0 : free_huge_mb();
    r->hugepages = have >= need;
    if (!r->hugepages && o->hugepages == EAL_HUGE_REQUIRE)
        return errbuf_set(e, ENOMEM,
                          "hugepages: %u MB are free and %u MB are needed; reserve some "
                          "(echo %u > /proc/sys/vm/nr_hugepages) or set hugepages: auto",
                          have, need, (need - have + 1) / 2 + 64);
    r->memory_mb = r->hugepages ? o->memory_mb : o->memory_mb != 0 ? o->memory_mb : MEMORY_MB;
    if (r->hugepages || o->hugepages == EAL_HUGE_NO)
        return 0;
    snprintf(r->advice, sizeof r->advice,
             "hugepages would spare TLB misses: reserve some (echo %u > "
             "/proc/sys/vm/nr_hugepages); %u MB are free, %u MB are needed",
             need / 2 + 64, have, need);
    return 0;
}

static int init(const struct eal_options *o, const struct eal_report *r, const cpu_set_t *cpus)
{
    char lcores[16], mb[16];
    char *argv[ARGS_MAX];
    int n = 0;
    lcore_arg(cpus, lcores, sizeof lcores);
    snprintf(mb, sizeof mb, "%u", r->memory_mb);
    argv[n++] = (char *)"weft";
    /* Without hugepages nothing is ever a file, and EAL refuses --in-memory beside --no-huge; what
     * is left of it is to share no configuration. */
    argv[n++] = (char *)(r->hugepages ? "--in-memory" : "--no-shconf");
    argv[n++] = (char *)"--no-telemetry";
    argv[n++] = (char *)"--lcores";
    argv[n++] = lcores;
    argv[n++] = (char *)(o->quiet ? "--log-level=error" : "--log-level=warning");
    /* vhost and memif tell of every reconnect; weft's own log does that. */
    argv[n++] = (char *)"--log-level=lib.vhost.*:error";
    argv[n++] = (char *)"--log-level=pmd.net.*:error";
    if (!r->hugepages)
        argv[n++] = (char *)"--no-huge";
    if (r->memory_mb != 0) {
        argv[n++] = (char *)"-m";
        argv[n++] = mb;
    }
    if (!o->pci) {
        argv[n++] = (char *)"--no-pci";
        argv[n++] = (char *)"--iova-mode=va";
    }
    if (o->driver_path != NULL) {
        argv[n++] = (char *)"-d";
        argv[n++] = (char *)(uintptr_t)o->driver_path;
    }
    argv[n] = NULL;
    return rte_eal_init(n, argv) < 0 ? -(rte_errno != 0 ? rte_errno : EIO) : 0;
}

static int start(const struct eal_options *o, struct errbuf *e)
{
    struct eal_report r = {0};
    cpu_set_t cpus;
    int err = choose(o, &r, e);
    if (err != 0)
        return err;
    CPU_ZERO(&cpus);
    pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus);
    err = init(o, &r, &cpus);
    /* EAL pins the caller to its lcore; workers pin themselves, the rest of weft floats. */
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    if (err != 0)
        return errbuf_set(e, -err, "DPDK did not start (%s) with %u MB %s hugepages: %s",
                          strerror(-err), r.memory_mb, r.hugepages ? "of" : "without",
                          "its own message is above; memory_mb and pci are what to look at");
    eal.report = r;
    eal.up = true;
    return 0;
}

int eal_start(const struct eal_options *o, struct eal_report *r, struct errbuf *e)
{
    pthread_mutex_lock(&eal.lock);
    int err = eal.up ? 0 : start(o, e);
    if (err == 0 && r != NULL)
        *r = eal.report;
    pthread_mutex_unlock(&eal.lock);
    return err;
}
