/* stp/md5.c: see md5.h. */
#include "stp/md5.h"

#include <string.h>

#include "base/assert.h"

enum { BLOCK = 64, DATA_MAX = 8192 };

/* floor(2^32 * |sin(i + 1)|), RFC 1321 3.4 */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t shifts[4][4] = {{7, 12, 17, 22},
                                     {5, 9, 14, 20},
                                     {4, 11, 16, 23},
                                     {6, 10, 15, 21}};

static uint32_t rotate(uint32_t v, unsigned by) { return v << by | v >> (32 - by); }

static uint32_t little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (b & d) | (c & ~d);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static void add_block(uint32_t h[4], const uint8_t *block)
{
    static const uint8_t step[4] = {1, 5, 3, 7}, first[4] = {0, 1, 5, 0};
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned i = 0; i < 64; i++) {
        unsigned round = i / 16, word = (first[round] + step[round] * (i % 16)) % 16;
        uint32_t sum = a + mix(round, b, c, d) + sines[i] + little_endian(block + 4 * word);
        a = d, d = c, c = b;
        b += rotate(sum, shifts[round][i % 4]);
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

void md5(const void *data, size_t len, uint8_t digest[16])
{
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const uint8_t *p = data;
    uint8_t tail[2 * BLOCK] = {0};
    size_t left = len;
    for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
        add_block(h, p);
    memcpy(tail, p, left);
    tail[left] = 0x80;
    size_t end = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (unsigned i = 0; i < 8; i++)
        tail[end - 8 + i] = (uint8_t)((uint64_t)len * 8 >> (8 * i));
    for (size_t at = 0; at < end; at += BLOCK)
        add_block(h, tail + at);
    for (unsigned i = 0; i < 16; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
}

void hmac_md5(const void *key, size_t key_len, const void *data, size_t len, uint8_t digest[16])
{
    uint8_t inner[BLOCK + DATA_MAX], outer[BLOCK + 16];
    weft_assert(key_len <= BLOCK && len <= DATA_MAX);
    memset(inner, 0, BLOCK);
    memcpy(inner, key, key_len);
    for (unsigned i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    memcpy(inner + BLOCK, data, len);
    md5(inner, BLOCK + len, outer + BLOCK);
    md5(outer, sizeof outer, digest);
}
