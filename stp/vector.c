/* stp/vector.c: priority vectors and times, compared. */
#include "stp/machine.h"

static int cmp(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

int stp_vector_cmp(const struct stp_vector *a, const struct stp_vector *b)
{
    int r = cmp(a->root, b->root);
    r = r ? r : cmp(a->ext_cost, b->ext_cost);
    r = r ? r : cmp(a->regional, b->regional);
    r = r ? r : cmp(a->int_cost, b->int_cost);
    r = r ? r : cmp(a->bridge, b->bridge);
    return r ? r : cmp(a->port, b->port);
}

bool stp_vector_superior(const struct stp_vector *msg, const struct stp_vector *port)
{
    int r = stp_vector_cmp(msg, port);
    bool same_source = id_address(msg->bridge) == id_address(port->bridge) &&
                       (msg->port & 0xfff) == (port->port & 0xfff);
    return r < 0 || (r > 0 && same_source);
}

bool stp_times_equal(const struct stp_times *a, const struct stp_times *b)
{
    return a->message_age == b->message_age && a->max_age == b->max_age &&
           a->forward_delay == b->forward_delay && a->hello == b->hello && a->hops == b->hops;
}
