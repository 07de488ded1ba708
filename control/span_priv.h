/* control/span_priv.h: what span.c and its neighbours share. */
#ifndef WEFT_CONTROL_SPAN_PRIV_H
#define WEFT_CONTROL_SPAN_PRIV_H

#include <pthread.h>

#include "control/span.h"

struct span_port {
    struct port *dp; /* NULL: none of that number */
    struct stp_link link;
};

struct span_bridge {
    struct bridge *dp; /* NULL: free */
    struct stp *stp;
    struct stp_config cfg;
    struct span_port port[STP_PORTS_MAX + 1]; /* by number */
};

struct span {
    struct weft_switch *sw;
    const struct log *log;
    pthread_mutex_t lock;
    struct span_bridge
        *bridge[WEFT_BRIDGES_MAX]; /* by the bridge's index; NULL: no spanning tree */
    nsec_t links_due;
};

/* Under the lock. */
struct span_bridge *span_of(struct span *g, const struct bridge *b);

#endif
