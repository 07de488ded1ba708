#include "base/csum.h"

uint32_t csum_add(uint32_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t s = sum;
    for (; n >= 2; n -= 2, b += 2) {
        be16 v;
        memcpy(&v, b, sizeof v);
        s += v;
    }
    if (n)
        s += *b; /* memory order: the missing byte is a zero behind it */
    s = (s & 0xffffffff) + (s >> 32);
    return (uint32_t)((s & 0xffffffff) + (s >> 32));
}

static uint16_t fold(uint64_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

be16 csum_finish(uint32_t sum) { return (be16)~fold(sum); }

be16 csum_update(be16 old, const void *from, const void *to, size_t n)
{
    const uint8_t *a = from, *b = to;
    uint64_t s = (uint16_t)~old;
    for (size_t i = 0; i + 1 < n; i += 2) {
        be16 x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        s += (uint16_t)~x;
        s += y;
    }
    return (be16)~fold(s);
}
