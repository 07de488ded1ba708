/* bridge.c: bridges and who is in them. */
#include "datapath/bridge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/flow.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/redirect.h"
#include "datapath/table.h"

#define FDB_AGEING_DEFAULT (300 * NSEC_PER_SEC)

/* ------------------------------------------------------------ come and go */

/* All that waits for readers. What can't be settled for want of memory is left. */
static void drain(struct bridge *b)
{
    for (unsigned tries = 0; b->settling != NULL && tries < 100; tries++) {
        rcu_wait(b->sw->rcu);
        bridge_settle(b);
    }
}

static void bridge_free(struct bridge *b)
{
    if (b == NULL)
        return;
    for (unsigned w = 0; w <= b->sw->n_workers; w++)
        free(b->table_stats[w]);
    drain(b);
    program_free((struct program *)b->program);
    fdb_free(b->fdb);
    free((void *)b->ports);
    free(b);
}

static struct bridge *bridge_alloc(struct weft_switch *sw, const struct bridge_options *o)
{
    struct bridge *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->sw = sw;
    b->settling_end = &b->settling;
    b->forward_bpdu = o->forward_bpdu;
    b->fdb =
        fdb_create(o->fdb_size != 0 ? o->fdb_size : WEFT_FDB_DEFAULT,
                   o->fdb_ageing_ns != 0 ? o->fdb_ageing_ns : FDB_AGEING_DEFAULT, sw->hash_key);
    b->ports = calloc(1, sizeof(struct bridge_ports));
    struct program *normal = program_normal();
    if (normal != NULL)
        program_seal(normal, NULL, ++sw->versions);
    b->program = normal;
    bool ok = b->fdb != NULL && b->ports != NULL && b->program != NULL;
    for (unsigned w = 0; w <= sw->n_workers; w++) {
        b->table_stats[w] = calloc(WEFT_TABLES, sizeof *b->table_stats[w]);
        ok = ok && b->table_stats[w] != NULL;
    }
    if (ok)
        return b;
    bridge_free(b);
    return NULL;
}

static int bridge_index(const struct weft_switch *sw)
{
    for (int i = 0; i < WEFT_BRIDGES_MAX; i++) {
        if (sw->bridges[i] == NULL)
            return i;
    }
    return -1;
}

int bridge_create(struct weft_switch *sw, const struct bridge_options *o, struct bridge **out,
                  struct errbuf *e)
{
    if (o->name == NULL || o->name[0] == '\0' || strlen(o->name) >= WEFT_NAME_MAX)
        return errbuf_set(e, EINVAL, "a bridge's name has 1 to %d characters", WEFT_NAME_MAX - 1);
    if (bridge_find(sw, o->name) != NULL)
        return errbuf_set(e, EEXIST, "bridge %s: there is one of this name already", o->name);
    if (o->fdb_size > WEFT_FDB_MAX)
        return errbuf_set(e, EINVAL, "bridge %s: fdb size %u; give 1..%d", o->name, o->fdb_size,
                          WEFT_FDB_MAX);
    int index = bridge_index(sw);
    if (index < 0)
        return errbuf_set(e, ENOSPC, "bridge %s: the switch has its %d bridges; delete one",
                          o->name, WEFT_BRIDGES_MAX);
    struct bridge *b = bridge_alloc(sw, o);
    if (b == NULL)
        return errbuf_set(e, ENOMEM, "bridge %s: out of memory", o->name);
    memcpy(b->name, o->name, strlen(o->name) + 1);
    b->index = (uint16_t)index;
    pthread_mutex_lock(&sw->learn_lock);
    sw->bridges[index] = b;
    pthread_mutex_unlock(&sw->learn_lock);
    *out = b;
    return 0;
}

void bridge_destroy(struct bridge *b)
{
    if (b == NULL)
        return;
    struct weft_switch *sw = b->sw;
    weft_assert(b->ports->n == 0);
    pthread_mutex_lock(&sw->learn_lock);
    sw->bridges[b->index] = NULL;
    pthread_mutex_unlock(&sw->learn_lock);
    rcu_wait(sw->rcu);
    redirect_free_all(b);
    free((void *)(uintptr_t)b->gate_map);
    bridge_free(b);
    rcu_reclaim(sw->rcu);
}

struct bridge *bridge_find(const struct weft_switch *sw, const char *name)
{
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++) {
        if (sw->bridges[i] != NULL && strcmp(sw->bridges[i]->name, name) == 0)
            return sw->bridges[i];
    }
    return NULL;
}

bool bridge_alive(const struct weft_switch *sw, const struct bridge *b)
{
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++) {
        if (sw->bridges[i] == b)
            return b != NULL;
    }
    return false;
}

/* ------------------------------------------------------------ ports */

/* LOCAL (0xfffffffe) sorts last by itself. */
static void list_insert(struct bridge_ports *bp, struct port *p)
{
    uint16_t i = bp->n++;
    for (; i > 0 && bp->list[i - 1]->ofp_no > p->ofp_no; i--)
        bp->list[i] = bp->list[i - 1];
    bp->list[i] = p;
}

static void list_remove(struct bridge_ports *bp, const struct port *p)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < bp->n; i++) {
        if (bp->list[i] != p)
            bp->list[kept++] = bp->list[i];
    }
    for (uint16_t i = kept; i < bp->n; i++)
        bp->list[i] = NULL;
    bp->n = kept;
}

/* The port map with p in it, or out of it. */
static void map_set(struct bridge_ports *bp, struct port *p, bool in)
{
    struct port **at = p->ofp_no == OFPP_LOCAL ? &bp->local : &bp->by_no[p->ofp_no];
    *at = in ? p : NULL;
    if (in)
        list_insert(bp, p);
    else
        list_remove(bp, p);
}

/* Replaces the map by one with or without p. Fails for want of memory only. */
static bool publish_map(struct bridge *b, struct port *p, bool in)
{
    struct bridge_ports *bp = malloc(sizeof *bp);
    if (bp == NULL)
        return false;
    *bp = *b->ports;
    map_set(bp, p, in);
    const struct bridge_ports *old = atomic_exchange_explicit(&b->ports, bp, memory_order_acq_rel);
    rcu_defer(b->sw->rcu, free, (void *)old);
    return true;
}

static bool number_taken(const struct bridge *b, uint32_t no)
{
    const struct bridge_ports *bp = b->ports;
    return no == OFPP_LOCAL ? bp->local != NULL : bp->by_no[no] != NULL;
}

/* The number to use, or 0 with a message. */
static uint32_t choose_number(const struct bridge *b, const struct port *p, uint32_t no,
                              struct errbuf *e)
{
    for (uint32_t i = 1; no == 0 && i < WEFT_PORTS_MAX; i++) {
        if (!number_taken(b, i))
            return i;
    }
    if (no == 0 || (no >= WEFT_PORTS_MAX && no != OFPP_LOCAL))
        errbuf_set(e, EINVAL, "port %s: OpenFlow port number %u; give 1..%d", p->name, no,
                   WEFT_PORTS_MAX - 1);
    else if (number_taken(b, no))
        errbuf_set(e, EEXIST, "port %s: bridge %s has a port %u already", p->name, b->name, no);
    else
        return no;
    return 0;
}

int bridge_attach(struct bridge *b, struct port *p, uint32_t ofp_no, struct errbuf *e)
{
    struct weft_switch *sw = b->sw;
    if (p->bridge != NULL)
        return errbuf_set(e, EBUSY, "port %s: it is in bridge %s", p->name, p->bridge->name);
    ofp_no = choose_number(b, p, ofp_no, e);
    if (ofp_no == 0)
        return -EINVAL;
    p->ofp_no = ofp_no;
    pthread_mutex_lock(&sw->learn_lock);
    p->bridge = b;
    p->gen = ++sw->port_gen[p->index];
    pthread_mutex_unlock(&sw->learn_lock);
    fdb_set_limit(b->fdb, p->index, p->fdb_limit);
    if (publish_map(b, p, true) && worker_assign(sw, p) == 0) {
        rcu_reclaim(sw->rcu);
        return 0;
    }
    bridge_detach(p);
    return errbuf_set(e, ENOMEM, "port %s: out of memory", p->name);
}

static bool in_map(const struct bridge *b, const struct port *p)
{
    const struct bridge_ports *bp = b->ports;
    return p == (p->ofp_no == OFPP_LOCAL ? bp->local : bp->by_no[p->ofp_no]);
}

/* First no worker polls it or floods to it any more; then, with no frame of it
 * on its way in, its addresses are forgotten for good: an event still in the ring
 * has the old generation. */
void bridge_detach(struct port *p)
{
    struct bridge *b = p->bridge;
    if (b == NULL)
        return;
    struct weft_switch *sw = p->sw;
    worker_unassign(sw, p);
    if (in_map(b, p))
        weft_assert(publish_map(b, p, false)); /* 64 KiB; the old one goes for it */
    rcu_wait(sw->rcu);
    pthread_mutex_lock(&sw->learn_lock);
    p->gen = ++sw->port_gen[p->index];
    fdb_forget_port(b->fdb, p->index);
    p->bridge = NULL;
    p->ofp_no = 0;
    pthread_mutex_unlock(&sw->learn_lock);
    rcu_wait(sw->rcu); /* a worker may have read its index from the FDB just before */
    rcu_reclaim(sw->rcu);
}

/* ------------------------------------------------------------ programs */

static void free_program(void *p) { program_free(p); }

uint64_t bridge_next_version(const struct bridge *b) { return b->sw->versions + 1; }

static void settle_later(struct bridge *b, struct table_changes *c)
{
    if (c == NULL)
        return;
    c->next = NULL;
    c->token = rcu_token(b->sw->rcu);
    *b->settling_end = c;
    b->settling_end = &c->next;
}

void bridge_settle(struct bridge *b)
{
    struct table_changes *c, *more;
    while ((c = b->settling) != NULL && rcu_passed(b->sw->rcu, c->token)) {
        struct table_changes *next = c->next;
        if (table_settle(c, &more) != 0)
            return; /* no memory: another time */
        b->settling = next;
        if (next == NULL)
            b->settling_end = &b->settling;
        settle_later(b, more);
    }
}

void bridge_publish(struct bridge *b, struct program *p)
{
    const struct program *old = b->program;
    uint64_t version = ++b->sw->versions;
    if (old == p) {
        atomic_store_explicit(&p->version, version, memory_order_release);
    } else {
        program_seal(p, old, version);
        atomic_store_explicit(&b->program, p, memory_order_release);
        rcu_defer(b->sw->rcu, free_program, (void *)old);
    }
    for (unsigned t = 0; t < p->n_tables; t++)
        settle_later(b, p->tables[t] != NULL ? table_take_changes(p->tables[t]) : NULL);
    bridge_settle(b);
}

struct table_stats bridge_table_stats(const struct bridge *b, uint8_t table)
{
    struct table_stats sum = {0};
    for (unsigned w = 0; table < WEFT_TABLES && w <= b->sw->n_workers; w++) {
        const volatile struct table_stats *s = &b->table_stats[w][table];
        sum.lookups += s->lookups;
        sum.matches += s->matches;
    }
    return sum;
}

static void packet_out(struct worker *w, struct bridge *b, struct rte_mbuf *m, uint32_t in_port,
                       const struct op_list *ops)
{
    const struct bridge_ports *bp = b->ports;
    struct pkt *k = pkt_of(m);
    memset(k, 0, sizeof *k);
    k->bridge = b;
    k->key.in_port = k->key.in_phy_port = to_be32(in_port);
    if (in_port == OFPP_LOCAL)
        k->in_port = bp->local;
    else if (in_port < WEFT_PORTS_MAX)
        k->in_port = bp->by_no[in_port];
    if (m->pkt_len < 14) {
        worker_drop(w, m, DROP_RX_TRUNCATED);
        return;
    }
    parse(m);
    w->prog = b->program;
    w->version = w->prog->version;
    act_ops(w, m, ops);
}

void bridge_packet_out(struct bridge *b, struct rte_mbuf *m, uint32_t in_port,
                       const struct op_list *ops, nsec_t now)
{
    struct worker *w = worker_borrow(b->sw, now);
    packet_out(w, b, m, in_port, ops);
    worker_return(w);
}
