/* port_util.c: iovecs, chains and addresses for the kinds of port. */
#include "datapath/port_util.h"

#include <errno.h>

#include "datapath/worker.h"

int port_frame_iov(const struct rte_mbuf *m, struct iovec *iov, int max)
{
    int n = 0;
    for (; m != NULL; m = m->next) {
        if (n == max)
            return -EMSGSIZE;
        iov[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
    }
    return n;
}

int port_frame_append(struct rte_mbuf *m, const void *data, uint32_t len, struct rte_mempool *pool)
{
    const uint8_t *from = data;
    struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
    while (len > 0) {
        if (rte_pktmbuf_tailroom(last) == 0) {
            struct rte_mbuf *more = rte_pktmbuf_alloc(pool);
            if (more == NULL)
                return -ENOMEM;
            more->data_off = 0; /* only the first segment needs headroom */
            last->next = more;
            last = more;
            m->nb_segs++;
        }
        uint16_t k = (uint16_t)RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));
        memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), from, k);
        last->data_len += k;
        m->pkt_len += k;
        from += k;
        len -= k;
    }
    return 0;
}

static uint64_t fnv1a(uint64_t h, const char *s)
{
    for (; *s != '\0'; s++)
        h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    return h;
}

struct mac port_mac_from(const char *name, const char *salt)
{
    uint64_t h = fnv1a(fnv1a(UINT64_C(0xcbf29ce484222325), salt), name);
    struct mac a = mac_from_u64(h ^ h >> 48);
    a.b[0] = (uint8_t)((a.b[0] & 0xfc) | 0x02);
    return a;
}

bool port_rx_whole(struct port *p, struct rte_mbuf *m)
{
    if (rte_pktmbuf_pkt_len(m) >= 14)
        return true;
    port_rx_drop(p, m, DROP_RX_TRUNCATED);
    return false;
}
