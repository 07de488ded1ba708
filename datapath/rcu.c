/* rcu.c: grace periods over rte_rcu_qsbr, with a queue of what waits for one. */
#include "datapath/rcu.h"

#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
    uint64_t token;
};

struct rcu {
    struct rte_rcu_qsbr *qs;
    pthread_mutex_t lock; /* of the queue; taken by control and protocol thread only */
    struct deferred *head, **tail;
};

struct rcu *rcu_create(unsigned max_readers)
{
    struct rcu *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    size_t size = rte_rcu_qsbr_get_memsize(max_readers);
    r->qs = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
    if (r->qs == NULL || rte_rcu_qsbr_init(r->qs, max_readers) != 0) {
        free(r->qs);
        free(r);
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->tail = &r->head;
    return r;
}

void rcu_free(struct rcu *r)
{
    if (r == NULL)
        return;
    rcu_wait(r);
    rcu_reclaim(r);
    weft_assert(r->head == NULL);
    pthread_mutex_destroy(&r->lock);
    free(r->qs);
    free(r);
}

void rcu_register(struct rcu *r, unsigned reader)
{
    weft_assert(rte_rcu_qsbr_thread_register(r->qs, reader) == 0);
}

void rcu_unregister(struct rcu *r, unsigned reader)
{
    rte_rcu_qsbr_thread_unregister(r->qs, reader);
}

void rcu_online(struct rcu *r, unsigned reader) { rte_rcu_qsbr_thread_online(r->qs, reader); }
void rcu_offline(struct rcu *r, unsigned reader) { rte_rcu_qsbr_thread_offline(r->qs, reader); }
void rcu_quiescent(struct rcu *r, unsigned reader) { rte_rcu_qsbr_quiescent(r->qs, reader); }

uint64_t rcu_token(struct rcu *r) { return rte_rcu_qsbr_start(r->qs); }

bool rcu_passed(struct rcu *r, uint64_t token)
{
    return rte_rcu_qsbr_check(r->qs, token, false) != 0;
}

/* A worker's turn takes microseconds, unless it shares its CPU with us: then spinning would
 * only keep it from ending. */
static void pause_a_while(unsigned tries)
{
    if (tries < 64)
        rte_pause();
    else if (tries < 128)
        sched_yield();
    else
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000}, NULL);
}

void rcu_wait(struct rcu *r)
{
    uint64_t token = rte_rcu_qsbr_start(r->qs);
    for (unsigned tries = 0; rte_rcu_qsbr_check(r->qs, token, false) == 0; tries++)
        pause_a_while(tries);
}

void rcu_defer(struct rcu *r, void (*fn)(void *), void *arg)
{
    struct deferred *d = malloc(sizeof *d);
    if (d == NULL) { /* no memory to remember it: wait here instead */
        rcu_wait(r);
        fn(arg);
        return;
    }
    *d = (struct deferred){.fn = fn, .arg = arg};
    pthread_mutex_lock(&r->lock);
    d->token = rte_rcu_qsbr_start(r->qs);
    *r->tail = d;
    r->tail = &d->next;
    pthread_mutex_unlock(&r->lock);
}

/* The head of the queue when its grace period is over (tokens grow along the queue). */
static struct deferred *take_due(struct rcu *r)
{
    pthread_mutex_lock(&r->lock);
    struct deferred *d = r->head;
    if (d != NULL && rte_rcu_qsbr_check(r->qs, d->token, false) == 0)
        d = NULL;
    if (d != NULL) {
        r->head = d->next;
        if (r->head == NULL)
            r->tail = &r->head;
    }
    pthread_mutex_unlock(&r->lock);
    return d;
}

void rcu_reclaim(struct rcu *r)
{
    struct deferred *d;
    while ((d = take_due(r)) != NULL) {
        d->fn(d->arg);
        free(d);
    }
}
