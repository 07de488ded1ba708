/* base/csum.h: the Internet checksum (RFC 1071) and its update (RFC 1624).
 *
 * Sums run over bytes in memory order, so a result is stored without a swap.
 */
#ifndef WEFT_BASE_CSUM_H
#define WEFT_BASE_CSUM_H

#include "base/types.h"

/* Adds n bytes to a running sum; a part with an odd n must come last. */
uint32_t csum_add(uint32_t sum, const void *p, size_t n);

/* Folds and complements; ready to be stored. */
be16 csum_finish(uint32_t sum);

/* The checksum after n (even) bytes of covered data changed: RFC 1624 eqn 3. */
be16 csum_update(be16 old, const void *from, const void *to, size_t n);

#endif
