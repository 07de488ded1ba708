/* parse_fuzz.c: any bytes are parsed, any edits are done to them, and the key stays true.
 *
 * Input: how many edits (one byte, 0..15), each in 8 bytes (op code, field, TTL, mask, 4 of value),
 * then the frame. Built without DPDK's memory: see fake_mbuf.h.
 */
#include <stdlib.h>

#include "datapath/pipeline.h"
#include "tests/unit/fake_mbuf.h"

static struct op op_of(const uint8_t *b)
{
    static const uint16_t types[8] = {0x8100, 0x88a8, 0x8847, 0x8848, 0x0800, 0x86dd, 0x0806, 0};
    struct op op = {.code = b[0] % (OP_COPY_TTL_IN + 1),
                    .field = b[1] % FF_REG0,
                    .ttl = b[2],
                    .ethertype = to_be16(types[b[2] % 8])};
    for (unsigned i = 0; i < 16; i++) {
        op.value[i] = b[4 + i % 4];
        op.mask[i] = b[3] == 0 ? 0xff : (uint8_t)(b[3] + i * 37);
    }
    return op;
}

/* The bytes alone, in a buffer of their length: a read behind it is seen. */
static void parse_tight(const uint8_t *frame, size_t len)
{
    uint8_t *tight = malloc(len + (len == 0));
    struct pkt p = {0};
    memcpy(tight, frame, len);
    parse_bytes(&p, tight, len);
    if (p.l3_off > len || p.l4_off > len || p.payload_off > len || p.mpls_off > len)
        abort();
    free(tight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_mbuf f;
    unsigned n = size > 0 ? data[0] % 16 : 0;
    if (size < 1 + n * 8u || size - 1 - n * 8u > 2048)
        return 0;
    const uint8_t *frame = data + 1 + n * 8u;
    size_t len = size - 1 - n * 8u;
    parse_tight(frame, len);
    if (len < 14)
        return 0;
    struct rte_mbuf *m = fake_mbuf(&f, frame, len);
    for (unsigned i = 0; i < n; i++) {
        struct op op = op_of(data + 1 + i * 8u);
        bool invalid;
        edit_apply(m, &op, &invalid);
        if (!fake_is_true(m))
            abort();
    }
    return 0;
}
