/* control/ofbuffer.c: packets that wait for their controller's word (1.3.5 section 7.4.1).
 *
 * A ring: a new packet takes the place of the oldest. An id is a slot and a count of
 * how often the ring went round, so an old id is unknown, not somebody else's packet. */
#include <rte_mbuf.h>

#include "control/weft_priv.h"

#define BUFFER_AGE_NS (5 * NSEC_PER_SEC)

uint32_t of_buffer_put(struct of_bridge *b, struct rte_mbuf *m, uint32_t in_port, nsec_t now)
{
    uint32_t id = b->next_buffer;
    struct of_buffer *f = &b->buffers[id % WEFT_OF_BUFFERS];
    b->next_buffer = (id + 1) & 0x7fffffff; /* never OF_NO_BUFFER */
    rte_pktmbuf_free(f->m);
    *f = (struct of_buffer){.m = m, .id = id, .in_port = in_port, .since = now};
    return id;
}

int of_buffer_take(struct of_bridge *b, uint32_t id, struct rte_mbuf **m, uint32_t *in_port,
                   struct ofw_error *e)
{
    struct of_buffer *f = &b->buffers[id % WEFT_OF_BUFFERS];
    if (f->id != id || (id >= b->next_buffer && !f->m)) {
        *e = (struct ofw_error){OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN, "no such buffer"};
        return -1;
    }
    if (!f->m) {
        *e = (struct ofw_error){OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY, "the buffer was used"};
        return -1;
    }
    *m = f->m;
    *in_port = f->in_port;
    f->m = NULL;
    return 0;
}

nsec_t of_buffer_age(struct of_bridge *b, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    for (unsigned i = 0; b->next_buffer && i < WEFT_OF_BUFFERS; i++) {
        struct of_buffer *f = &b->buffers[i];
        if (!f->m)
            continue;
        if (now - f->since >= BUFFER_AGE_NS) {
            rte_pktmbuf_free(f->m);
            f->m = NULL;
        } else if (f->since + BUFFER_AGE_NS < due) {
            due = f->since + BUFFER_AGE_NS;
        }
    }
    return due;
}

void of_buffer_clear(struct of_bridge *b)
{
    for (unsigned i = 0; i < WEFT_OF_BUFFERS; i++) {
        rte_pktmbuf_free(b->buffers[i].m);
        b->buffers[i].m = NULL;
    }
}
