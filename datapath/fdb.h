/* datapath/fdb.h: where the MACs of a bridge live.
 *
 * (VLAN, MAC) -> place, in a hash of fixed size (given at creation; keyed, as
 * its input is the attacker's): buckets of four in one cache line, each entry
 * in one of two buckets. Workers read without locks or retries: an entry is two
 * words, of which one carries a version, so that a reader sees the old or the
 * new port of its MAC, never another MAC's. A full table does not evict: the frame floods
 * and `full` counts. Ageing: a worker touches an entry's `used` at most once
 * a second, so that workers don't write shared lines per packet. A flush by port
 * walks that port's entries only; by VLAN, or of all, the table; by port and spanning tree it is
 * one store, whatever the table holds (generations: fdb_internal.h).
 *
 * Learning: a worker that sees an unknown or moved source sends a learn event
 * to the protocol thread (punt.h), which calls fdb_learn(). Writers (protocol
 * thread; control for static entries and flushes) exclude each other by a lock
 * inside; workers never take it. IEEE 802.1Q-2018 8.7, 8.8.
 *
 * A place is a port's index and, of a tunnel port, the endpoint behind it (tunnel.h): a number
 * made by fdb_place(). Endpoint 0 is none, so the place of any other port is its index.
 */
#ifndef WEFT_DATAPATH_FDB_H
#define WEFT_DATAPATH_FDB_H

#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/types.h"

struct fdb;
struct port;

enum fdb_result {
    FDB_NEW,
    FDB_MOVED,
    FDB_REFRESHED,
    FDB_FULL,       /* the table has no room: floods, counted */
    FDB_PORT_LIMIT, /* the port has its fill: floods, counted */
    FDB_STATIC,     /* a static entry says otherwise: not moved */
};

struct fdb_counters {
    uint64_t learned, moved, aged, flushed, full, port_limit, static_conflict;
    uint32_t entries, statics, size;
};

struct fdb_entry {
    struct mac mac;
    uint16_t vlan;
    uint16_t port;     /* port index */
    uint16_t endpoint; /* behind a tunnel port; 0: none */
    bool is_static;
    nsec_t learned_ns, used_ns, moved_ns; /* moved_ns 0: never */
    uint32_t moves;
};

#define FDB_NO_PORT       0xffff
#define FDB_TREES         65   /* what a bridge has at most: the CIST and 64 instances */
#define FDB_ENDPOINTS_MAX 8192 /* 1..8191 behind the tunnel ports of a switch */

static inline uint32_t fdb_place(uint16_t port, uint16_t endpoint)
{
    return (uint32_t)endpoint << 16 | port;
}
static inline uint16_t fdb_place_port(uint32_t place) { return (uint16_t)place; }
static inline uint16_t fdb_place_endpoint(uint32_t place) { return (uint16_t)(place >> 16); }

/* size: how many entries at most (1..WEFT_FDB_MAX). */
struct fdb *fdb_create(uint32_t size, nsec_t ageing_ns, uint64_t hash_key);
void fdb_free(struct fdb *f);

/* What is asked for, hashed: a burst makes them all first, so that the table's lines come while it
 * goes on. */
struct fdb_probe {
    uint64_t key, hash;
};
/* Asks for the line, too. */
struct fdb_probe fdb_probe(const struct fdb *f, uint16_t vlan, struct mac mac);
/* Workers: the place, or FDB_NO_PORT. */
uint32_t fdb_lookup_at(const struct fdb *f, struct fdb_probe p);
/* Workers, on a source address: true when it is known at `place` (and touched);
 * false: send a learn event. */
bool fdb_seen_at(struct fdb *f, struct fdb_probe p, uint32_t place, nsec_t now);
/* The same of one address. */
uint32_t fdb_lookup(const struct fdb *f, uint16_t vlan, struct mac mac);
bool fdb_seen(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now);

/* Protocol thread or control, from here to the end. */
enum fdb_result fdb_learn(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now);
/* Port's learning limit and how many it has. limit 0: none. */
void fdb_set_limit(struct fdb *f, uint16_t port, uint32_t limit);
uint32_t fdb_port_count(const struct fdb *f, uint16_t port);
/* How often its limit said no. */
uint64_t fdb_port_refused(const struct fdb *f, uint16_t port);
/* Static entries: never age or move; overwrite a learnt one. 0, -ENOSPC, -ENOENT. */
int fdb_add_static(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now);
int fdb_del(struct fdb *f, uint16_t vlan, struct mac mac);
/* Flushes learnt entries; port FDB_NO_PORT: all; vlan -1: all. Returns how many. */
uint32_t fdb_flush(struct fdb *f, uint16_t port, int vlan);
/* Which spanning tree carries which VLAN: 0..FDB_TREES-1; NULL: all in 0. 0 or -ENOMEM. Control. */
int fdb_set_trees(struct fdb *f, const uint8_t tree[4096]);
/* Forgets what was learnt on the port in the tree, at once; counted as flushed when its room is
 * taken back. */
void fdb_flush_tree(struct fdb *f, uint16_t port, unsigned tree);
/* The port is going away: its static entries too. */
void fdb_forget_port(struct fdb *f, uint16_t port);
/* Ages a bounded part of the table; call often. Entries go at most a few seconds late. */
void fdb_age(struct fdb *f, nsec_t now);
/* 0: entries never age. */
void fdb_set_ageing(struct fdb *f, nsec_t ageing_ns);
struct fdb_counters fdb_counters(const struct fdb *f);
/* Calls fn for every live entry; stops when fn returns false. */
void fdb_each(const struct fdb *f, bool (*fn)(void *ctx, const struct fdb_entry *e), void *ctx);

#endif
