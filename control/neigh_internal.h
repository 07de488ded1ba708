/* control/neigh_internal.h: what the files of the neighbour engine share.
 *
 * neigh.c is the way in; neigh_table.c finds, makes room and forgets; neigh_state.c is RFC 4861's
 * machine; neigh_rx.c hears; neigh_own.c keeps our addresses; neigh_poll.c turns bits to actions.
 */
#ifndef WEFT_CONTROL_NEIGH_INTERNAL_H
#define WEFT_CONTROL_NEIGH_INTERNAL_H

#include "base/prng.h"
#include "base/timers.h"
#include "control/neigh.h"

enum { NEIGH_NONE = UINT32_MAX };

/* Pending actions of an entry, in the order of draining. */
enum {
    DO_UPDATE = 1 << 0,
    DO_PACKETS = 1 << 1, /* release (or drop) all that wait */
    DO_SOLICIT = 1 << 2,
    DO_FORGET = 1 << 3, /* the slot is free when the rest is drained */
};

/* And of an address; event e is DO_EVENT0 << e. */
enum { DO_PROBE = 1 << 0, DO_ANNOUNCE = 1 << 1, DO_FREE = 1 << 2, DO_EVENT0 = 1 << 4 };

/* Which list of its interface an entry is in: who gives way first. */
enum { STRANGERS, USED, LISTS };

struct entry {
    bool live; /* in the hash */
    bool ip6;
    uint32_t interface;
    struct ip6 ip;
    enum neigh_state state;
    struct mac mac;
    bool router;
    bool told; /* the last UPDATE said usable */
    uint8_t solicits;
    uint8_t n_waiting;
    uint8_t pending;
    bool queued;
    uint8_t list;
    uint32_t queue_next, chain; /* pending; hash or free list */
    uint32_t newer, older;      /* in its list */
    nsec_t due;
    uint64_t waiting[NEIGH_WAITING_MAX];
};

struct list {
    uint32_t oldest, newest;
};

struct interface {
    struct neigh_interface c;
    uint32_t n_entries, n_incomplete, n_proxies;
    struct list lists[LISTS];
};

struct address {
    struct neigh_address c;
    bool used, queued;
    enum neigh_address_state state;
    uint8_t pending;
    uint8_t sent;      /* probes */
    uint8_t announces; /* still to come */
    uint32_t queue_next;
    nsec_t defended_at, told_at;
    struct mac other; /* who is in our way */
};

struct reply {
    uint32_t interface;
    struct mac src, dst;
    struct neigh_message m;
};

struct queue {
    uint32_t head, tail;
};

struct neigh {
    struct neigh_size size;
    uint32_t slots; /* entries, and some whose end is still to be told */
    uint32_t n_buckets, free_entry, n_index;
    uint64_t key[2];
    struct prng rng;
    nsec_t now;
    struct interface *interfaces;
    struct entry *entries;
    struct address *addresses;
    uint32_t *buckets;
    uint32_t *index;      /* addresses by (interface, family, IP) */
    struct timers timers; /* entries, then addresses */
    struct queue entry_queue, address_queue;
    unsigned n_replies, first_reply;
    struct reply replies[NEIGH_REPLIES_MAX];
    struct neigh_counters counters;
};

static inline nsec_t ms_to_ns(uint64_t ms) { return (nsec_t)ms * NSEC_PER_MSEC; }

/* Nanoseconds from..to milliseconds. */
static inline nsec_t jitter(struct neigh *n, uint32_t from_ms, uint32_t to_ms)
{
    return ms_to_ns(from_ms) + (nsec_t)prng_below(&n->rng, to_ms - from_ms + 1) * NSEC_PER_MSEC;
}

/* -- neigh_table.c */
bool table_init(struct neigh *n);
struct entry *table_find(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6);
/* A new entry of state GONE, or NULL at a limit. `ours`: we send to it (else a stranger's). */
struct entry *table_add(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                        bool ours);
void table_remove(struct neigh *n, struct entry *e);
void table_free_slot(struct neigh *n, struct entry *e);
void table_list(struct neigh *n, struct entry *e, unsigned list); /* as its newest */

/* -- neigh_state.c */
void state_set(struct neigh *n, struct entry *e, enum neigh_state s);
void state_solicit_first(struct neigh *n, struct entry *e); /* GONE -> INCOMPLETE */
void state_use(struct neigh *n, struct entry *e);
void state_confirm(struct neigh *n, struct entry *e);
void state_asked(struct neigh *n, struct entry *e, struct mac mac);
void state_answered(struct neigh *n, struct entry *e, const struct neigh_message *m);
void state_timer(struct neigh *n, struct entry *e);
bool state_usable(enum neigh_state s);

/* -- neigh_own.c */
struct address *own_find(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6);
/* Who answers for ip here: a usable address, or a proxied prefix; or NULL. */
const struct address *own_answering(const struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                    bool ip6);
/* From which to ask for ip: one whose subnet has it, else any usable one; or NULL. */
const struct address *own_source(const struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                 bool ip6);
void own_heard(struct neigh *n, uint32_t interface, const struct neigh_message *m);
void own_timer(struct neigh *n, struct address *a);
void own_link(struct neigh *n, uint32_t interface);

/* -- neigh_poll.c */
void pend_entry(struct neigh *n, struct entry *e, unsigned bits);
void pend_address(struct neigh *n, struct address *a, unsigned bits);
void queue_reply(struct neigh *n, const struct reply *r);

#endif
