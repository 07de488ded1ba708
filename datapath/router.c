/* router.c: virtual routers, their interfaces and next hops, as control sees them. */
#include "datapath/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "datapath/pkt.h"
#include "datapath/port.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"

/* So many numbers are given back at once: a grace period costs. */
enum { LIMBO_MAX = 256 };

/* ------------------------------------------------------------ all of them */

/* Addresses only: a page is taken when its first next hop is used. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static const size_t next_bytes = ROUTER_NEXTS_MAX * sizeof(struct next_hop);
static const size_t spare_bytes = ROUTER_NEXTS_MAX * sizeof(uint32_t);

int routing_create(struct rcu *rcu, uint64_t hash_key, struct routing **out)
{
    struct routing *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->rcu = rcu;
    r->hash_key = hash_key;
    r->n_given = 1; /* 0 is no route */
    r->next = reserve(next_bytes);
    r->spare = reserve(spare_bytes);
    r->limbo = calloc(LIMBO_MAX, sizeof *r->limbo);
    if (r->next == NULL || r->spare == NULL || r->limbo == NULL) {
        routing_free(r);
        return -ENOMEM;
    }
    *out = r;
    return 0;
}

void routing_free(struct routing *r)
{
    if (r == NULL)
        return;
    for (unsigned i = 0; i < ROUTERS_MAX; i++)
        router_destroy(r, r->router[i]);
    for (uint32_t i = 0; r->next != NULL && i < r->n_given; i++)
        free(r->next[i].group);
    if (r->next != NULL)
        munmap(r->next, next_bytes);
    if (r->spare != NULL)
        munmap(r->spare, spare_bytes);
    free(r->limbo);
    free(r);
}

/* ------------------------------------------------------------ routers */

static int free_index(const struct routing *r)
{
    for (int i = 0; i < ROUTERS_MAX; i++)
        if (r->router[i] == NULL)
            return i;
    return -1;
}

int router_create(struct routing *r, const char *name, uint32_t max_routes, struct router **out,
                  struct errbuf *e)
{
    int index = free_index(r);
    if (index < 0)
        return errbuf_set(e, ENOSPC, "router %s: there are %d already", name, ROUTERS_MAX);
    struct router *v = calloc(1, sizeof *v);
    struct fib_config c = {.max_routes = max_routes, .hash_key = r->hash_key, .rcu = r->rcu};
    if (v != NULL) {
        v->fib4 = fib_create(&c);
        c.ip6 = true;
        v->fib6 = fib_create(&c);
    }
    if (v == NULL || v->fib4 == NULL || v->fib6 == NULL) {
        router_destroy(r, v);
        return errbuf_set(e, ENOMEM, "router %s: out of memory", name);
    }
    v->index = (uint16_t)index;
    strncpy(v->name, name, sizeof v->name - 1);
    r->router[index] = v;
    *out = v;
    return 0;
}

void router_destroy(struct routing *r, struct router *v)
{
    if (v == NULL)
        return;
    if (r->router[v->index] == v)
        r->router[v->index] = NULL;
    rcu_wait(r->rcu);
    if (v->fib4 != NULL)
        fib_destroy(v->fib4);
    if (v->fib6 != NULL)
        fib_destroy(v->fib6);
    free(v);
}

/* ------------------------------------------------------------ next hops */

static void reclaim(struct routing *r)
{
    rcu_wait(r->rcu);
    for (uint32_t i = 0; i < r->n_limbo; i++) {
        uint32_t n = r->limbo[i];
        free(r->next[n].group);
        r->next[n].group = NULL;
        r->spare[r->n_spare++] = n;
    }
    r->n_limbo = 0;
}

uint32_t next_new(struct routing *r, const struct next_hop *n)
{
    if (r->n_spare == 0 && r->n_given == ROUTER_NEXTS_MAX)
        reclaim(r);
    if (r->n_spare == 0 && r->n_given == ROUTER_NEXTS_MAX)
        return 0;
    uint32_t number = r->n_spare > 0 ? r->spare[--r->n_spare] : r->n_given++;
    struct next_hop *to = &r->next[number];
    to->ifc = n->ifc;
    to->group = n->group;
    to->kind = n->kind;
    atomic_store(&to->used, 0);
    atomic_store_explicit(&to->mac, atomic_load(&n->mac), memory_order_release);
    return number;
}

void next_free(struct routing *r, uint32_t number)
{
    weft_assert(number > 0 && number < r->n_given);
    r->limbo[r->n_limbo++] = number;
    if (r->n_limbo == LIMBO_MAX)
        reclaim(r);
}

/* ------------------------------------------------------------ interfaces */

struct router_if *router_if_new(struct weft_switch *sw, struct port *p)
{
    struct routing *r = sw->routing;
    for (unsigned i = 0; i < ROUTER_IFS_MAX; i++) {
        if (r->ifs[i] != NULL)
            continue;
        struct router_if *ifc = calloc(1, sizeof *ifc);
        if (ifc == NULL)
            return NULL;
        ifc->port = p;
        ifc->number = (uint16_t)i;
        ifc->gen = ++r->if_gen[i];
        ifc->mac = mac_to_u64(p->mac);
        r->ifs[i] = ifc;
        return ifc;
    }
    return NULL;
}

void router_if_free(struct router_if *i)
{
    if (i == NULL)
        return;
    i->port->sw->routing->ifs[i->number] = NULL;
    free(i);
}

static void set_bit(_Atomic uint64_t *set, uint8_t n, bool on)
{
    uint64_t bit = UINT64_C(1) << (n & 63);
    if (on)
        atomic_fetch_or_explicit(&set[n >> 6], bit, memory_order_release);
    else
        atomic_fetch_and_explicit(&set[n >> 6], ~bit, memory_order_release);
}

void router_gate(struct router_if *i, bool ip6, uint8_t vrid, bool open)
{
    set_bit(i->gate[ip6], vrid, open);
}

void router_vrid(struct router_if *i, bool ip6, uint8_t vrid, bool configured)
{
    set_bit(i->vrids[ip6], vrid, configured);
}

/* ------------------------------------------------------------ notes */

void route_note_put(struct rte_mbuf *m, const struct route_note *n)
{
    struct pkt *k = pkt_of(m);
    k->cookie = (uint64_t)n->ifc << 48 | (uint64_t)n->gen << 32 | n->next;
    k->max_len = n->mtu;
    k->reason = (uint8_t)n->why;
}

struct route_note route_note_get(const struct rte_mbuf *m)
{
    const struct pkt *k = pkt_of((struct rte_mbuf *)(uintptr_t)m);
    return (struct route_note){.ifc = (uint16_t)(k->cookie >> 48),
                               .gen = (uint16_t)(k->cookie >> 32),
                               .next = (uint32_t)k->cookie,
                               .mtu = k->max_len,
                               .why = (enum route_why)k->reason};
}
