/* offload_fuzz.c: any virtio header before any frame is refused or resolved, and nothing leaks.
 *
 * Input: struct virtio_net_hdr (10 bytes), the output port's caps (1), where the first segment ends
 * and how long the others are (1, in units of 16 bytes), then the frame.
 */
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "datapath/eal.h"
#include "datapath/offload.h"
#include "datapath/port.h"

enum { HEAD = sizeof(struct virtio_net_hdr) + 2, MAX_OUT = 256 };

static struct rte_mempool *pool;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    struct errbuf e;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, NULL, &e) != 0)
        abort();
    pool = rte_pktmbuf_pool_create("fuzz", 2047, 0, 64, 2176, SOCKET_ID_ANY);
    if (pool == NULL)
        abort();
    return 0;
}

/* The frame in segments of `piece` bytes; the first has the headers, as rx makes it. */
static struct rte_mbuf *chain(const uint8_t *b, size_t len, size_t piece)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    size_t at = RTE_MIN(len, 256 + piece);
    memcpy(rte_pktmbuf_append(m, (uint16_t)at), b, at);
    while (at < len) {
        struct rte_mbuf *s = rte_pktmbuf_alloc(pool);
        size_t n = RTE_MIN(piece, len - at);
        memcpy(rte_pktmbuf_append(s, (uint16_t)n), b + at, n);
        if (rte_pktmbuf_chain(m, s) != 0)
            abort();
        at += n;
    }
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct virtio_net_hdr h, back;
    struct rte_mbuf *out[MAX_OUT];
    if (size < HEAD + 14 || size > 16000)
        return 0;
    memcpy(&h, data, sizeof h);
    uint32_t caps = data[HEAD - 2] & 31u;
    struct rte_mbuf *m = chain(data + HEAD, size - HEAD, 16 + 4 * (size_t)data[HEAD - 1]);
    uint16_t n = 0;
    if (offload_from_vnet(m, &h) == 0) {
        offload_to_vnet(m, &back);
        (void)offload_set_lens(m);
        if (offload_needs_software(m, caps))
            n = offload_resolve(m, caps, pool, out, MAX_OUT);
    }
    for (uint16_t i = 0; i < n; i++) {
        if (offload_needs_software(out[i], caps))
            abort(); /* not resolved after all */
    }
    if (n == 0)
        rte_pktmbuf_free(m);
    rte_pktmbuf_free_bulk(out, n);
    if (rte_mempool_in_use_count(pool) != 0)
        abort();
    return 0;
}
