/* control/underlay_priv.h: what the files of the underlay share; all under its lock. */
#ifndef WEFT_CONTROL_UNDERLAY_PRIV_H
#define WEFT_CONTROL_UNDERLAY_PRIV_H

#include <pthread.h>

#include "control/underlay.h"

enum { UNDERLAY_IFACES = WEFT_VTEPS_MAX * VTEP_LINKS_MAX };

struct membership {
    struct ip6 group;
    bool wanted;
    uint8_t reports; /* still to be sent */
    nsec_t due;      /* the next */
};

struct memberships {
    unsigned n;
    struct membership *m;
};

struct underlay {
    struct weft_switch *sw;
    const struct log *log;
    pthread_mutex_t lock;
    struct neigh *neigh;
    uint64_t known[WEFT_VTEPS_MAX]; /* serial of the VTEP that the engine has there; 0: none */
    bool up[UNDERLAY_IFACES];       /* as the engine was told */
    bool changed;                   /* a hop or link: ways are to be looked for again */
    nsec_t scan_due;
    struct memberships members[WEFT_VTEPS_MAX];
    struct underlay_counters counters;
};

/* The engine's interface of a link. */
static inline uint32_t underlay_iface(const struct vtep *v, unsigned link)
{
    return v->slot * VTEP_LINKS_MAX + link;
}
/* A frame of ours on a->interface's link. */
void underlay_send(struct underlay *u, const struct neigh_action *a);

/* ---- underlay_groups.c ---- */

/* Joins and leaves; reports that are due. */
void groups_scan(struct underlay *u, const struct vtep *v, nsec_t now);
/* A link came up: everything is told again. */
void groups_again(struct underlay *u, const struct vtep *v);
/* True: it was a query. */
bool groups_heard(struct underlay *u, const struct vtep *v, const uint8_t *ip, size_t len);
void groups_forget(struct underlay *u, const struct vtep *v);

#endif
