/* base/types.h: the numbers that travel on wires.
 *
 * A be16/be32/be64 holds the bytes exactly as the wire has them; only the
 * to_/from_ functions below cross over to host order, so a missing swap shows
 * up as a type that reads wrong at its use. Addresses are plain byte arrays
 * inside structs: they compare with memcmp, copy by assignment, and have no
 * alignment. Pure, no state, any thread.
 */
#ifndef WEFT_BASE_TYPES_H
#define WEFT_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t be16;
typedef uint32_t be32;
typedef uint64_t be64;

/* Nanoseconds on the switch's own clock: monotonic, origin arbitrary. */
typedef int64_t nsec_t;

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_NEVER    INT64_MAX

struct mac {
    uint8_t b[6];
};

struct ip6 {
    uint8_t b[16];
};

static inline be16 to_be16(uint16_t v) { return __builtin_bswap16(v); }
static inline be32 to_be32(uint32_t v) { return __builtin_bswap32(v); }
static inline be64 to_be64(uint64_t v) { return __builtin_bswap64(v); }
static inline uint16_t from_be16(be16 v) { return __builtin_bswap16(v); }
static inline uint32_t from_be32(be32 v) { return __builtin_bswap32(v); }
static inline uint64_t from_be64(be64 v) { return __builtin_bswap64(v); }

static inline bool mac_equal(struct mac a, struct mac b) { return memcmp(&a, &b, sizeof a) == 0; }
static inline bool mac_is_multicast(struct mac a) { return (a.b[0] & 1) != 0; }
static inline bool mac_is_zero(struct mac a)
{
    return (a.b[0] | a.b[1] | a.b[2] | a.b[3] | a.b[4] | a.b[5]) == 0;
}

/* The address as a 48-bit number, first byte most significant. */
static inline uint64_t mac_to_u64(struct mac a)
{
    uint64_t v = 0;
    memcpy(&v, &a, sizeof a);
    return __builtin_bswap64(v) >> 16;
}

/* Inverse of mac_to_u64(); bits 48..63 are ignored. */
static inline struct mac mac_from_u64(uint64_t v)
{
    struct mac a;
    for (int i = 5; i >= 0; i--, v >>= 8)
        a.b[i] = (uint8_t)v;
    return a;
}

/* 01-80-C2-00-00-0x: never forwarded by a VLAN bridge (IEEE 802.1Q-2018 table 8-1). */
static inline bool mac_is_link_reserved(struct mac a)
{
    return (mac_to_u64(a) & ~UINT64_C(0xf)) == UINT64_C(0x0180c2000000);
}

#endif
