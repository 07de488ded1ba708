/* tests/bench/rules.h: access lists as they are met in practice, and packets that meet them.
 *
 * Rule sets in the manner of ClassBench: nested prefixes from a limited number of networks, port
 * specifications that are mostly exact or any, a few ranges written as masks. The mix of
 * pairs of prefix lengths is the style's; distinct masks are some dozens to a hundred, as in real
 * filters. A packet is drawn from a rule: bits that the rule doesn't look at are random. Seeded.
 */
#ifndef WEFT_TESTS_BENCH_RULES_H
#define WEFT_TESTS_BENCH_RULES_H

#include <stdint.h>

#include "base/prng.h"

enum rules_style { RULES_ACL, RULES_FW, RULES_IPC, RULES_STYLES };

struct five_tuple {
    uint32_t src, src_mask, dst, dst_mask;         /* host order */
    uint16_t sport, sport_mask, dport, dport_mask; /* host order; masks 0 unless proto is set */
    uint8_t proto;                                 /* 0: any IPv4 */
};

const char *rules_style_name(enum rules_style s);
/* n distinct rules. */
void rules_make(enum rules_style s, uint32_t n, uint64_t seed, struct five_tuple *out);
/* "priority=P,tcp,nw_src=...,actions=A" in ovs-ofctl's syntax; returns the length. */
int rules_text(const struct five_tuple *r, unsigned priority, const char *actions, char *out,
               unsigned cap);
/* A 60-byte frame inside the rule, IP header checksum included. */
void rules_frame(const struct five_tuple *r, struct prng *p, uint8_t f[64]);

#endif
