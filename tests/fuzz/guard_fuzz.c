/* guard_fuzz.c: whatever a guest sends, what passes has a bound sender, read here anew.
 *
 * The frame is the input; the guard that of tests/unit/datapath_guard_test.c. Besides memory
 * safety: the source MAC, ARP's and IP's claims of a frame that passes are bound, in a second
 * reading that is as plain as can be.
 */
#include <stdlib.h>

#include "datapath/guard.h"

static const uint8_t own[6] = {2, 0, 0, 0, 0, 7};
static const uint8_t ip4[4] = {10, 0, 0, 7};

static void check(const uint8_t *f, size_t len)
{
    size_t at = 12;
    if (len < 14 || memcmp(f + 6, own, 6) != 0)
        abort();
    if (f[12] == 0x81 && f[13] == 0) { /* a priority tag, and no other */
        if (len < 18 || (f[14] & 15) != 0 || f[15] != 0)
            abort();
        at = 16;
    }
    unsigned type = f[at] << 8 | f[at + 1];
    const uint8_t *p = f + at + 2;
    if (type == 0x0806 && (len < at + 30 || memcmp(p + 8, own, 6) != 0))
        abort();
    if (type == 0x0806 && memcmp(p + 14, ip4, 4) != 0 && (p[14] | p[15] | p[16] | p[17]) != 0)
        abort();
    if (type == 0x0800 && memcmp(p + 12, ip4, 4) != 0 && (p[12] | p[13] | p[14] | p[15]) != 0)
        abort();
    if (type == 0x86dd && p[6] == 58 && (p[40] == 134 || p[40] == 137))
        abort();
    if (type != 0x0806 && type != 0x8035 && type != 0x0800 && type != 0x86dd)
        if (type != 0x88a8 && type != 0x9100 && type != 0x9200) /* priority tags of other kinds */
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guard g = {.checks = GUARD_ALL, .n_macs = 1, .n_ips = 2};
    enum guard_kind kind;
    memcpy(g.mac[0].b, own, 6);
    g.ip[0].prefix = 32;
    memcpy(g.ip[0].ip.b, ip4, 4);
    g.ip[1] = (struct guard_ip){true, 128, {{0x20, 1, 0xd, 0xb8, [15] = 7}}};
    uint8_t *tight = malloc(size + (size == 0));
    memcpy(tight, data, size);
    if (guard_check(&g, tight, size, &kind) == GUARD_PASS)
        check(tight, size);
    free(tight);
    return 0;
}
