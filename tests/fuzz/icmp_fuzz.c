/* Packets that a router answers: nothing is read or written beyond them, and what comes out sums
 * right. */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/csum.h"
#include "control/icmp.h"

static void error(const uint8_t *p, size_t n, bool ip6, enum icmp_what what)
{
    static const struct ip6 from = {{192, 0, 2, 1}};
    uint8_t out[ICMP6_ERROR_MAX];
    size_t len = icmp_error(what, p, n, ip6, 1400, &from, 64, out, sizeof out);
    weft_assert(len <= (ip6 ? ICMP6_ERROR_MAX : ICMP4_ERROR_MAX));
    if (len == 0 || ip6)
        return;
    weft_assert(csum_finish(csum_add(0, out, 20)) == 0);
    weft_assert(csum_finish(csum_add(0, out + 20, len - 20)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool ip6 = (data[0] & 1) != 0;
    enum icmp_what what = (enum icmp_what)((data[0] >> 1) % (ICMP_PROHIBITED + 1)), refusal;
    size_t n = size - 1;
    uint8_t *copy = malloc(n + 1); /* of its very size: the sanitizer watches its end */
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, n);
    error(copy, n, ip6, what);
    (void)icmp_refusal(copy, n, ip6, &refusal);
    (void)icmp_echo(copy, n, ip6, 64);
    free(copy);
    return 0;
}
