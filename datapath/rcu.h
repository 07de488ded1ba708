/* datapath/rcu.h: how control takes things away from running workers.
 *
 * One rte_rcu_qsbr per switch. A worker reports quiescence once per loop, after its tx
 * flush, and goes offline while it sleeps. Control unpublishes a pointer with a
 * release store, then either waits (rcu_wait) or hands the corpse to rcu_defer,
 * which frees it once every worker has moved on. One writer: all calls here
 * but rcu_quiescent/online/offline come from the control or protocol thread (defer is locked).
 */
#ifndef WEFT_DATAPATH_RCU_H
#define WEFT_DATAPATH_RCU_H

#include <stdbool.h>
#include <stdint.h>

struct rcu;

struct rcu *rcu_create(unsigned max_readers);
void rcu_free(struct rcu *r); /* runs what is still deferred */

void rcu_register(struct rcu *r, unsigned reader);
void rcu_unregister(struct rcu *r, unsigned reader);
void rcu_online(struct rcu *r, unsigned reader);
void rcu_offline(struct rcu *r, unsigned reader);
void rcu_quiescent(struct rcu *r, unsigned reader);

/* Returns once every reader that was inside has left. Never call from a worker. */
void rcu_wait(struct rcu *r);
/* Calls fn(arg) after the grace period, from a later rcu_reclaim() or rcu_free(). */
void rcu_defer(struct rcu *r, void (*fn)(void *), void *arg);
/* For those who keep their own queue: a token that has passed once every reader that is inside now
 * has left. Tokens pass in the order in which they were given. */
uint64_t rcu_token(struct rcu *r);
bool rcu_passed(struct rcu *r, uint64_t token);
/* Frees what is due; does not block. Called once a turn of the control loop. */
void rcu_reclaim(struct rcu *r);

#endif
