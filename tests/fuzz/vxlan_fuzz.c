/* vxlan_fuzz.c: whatever the underlay sends, the headers are found inside the frame or refused, and
 * what was accepted says the same when it is written again.
 *
 * Input: a byte of options (0x01 IPv6, 0x02 zero checksums, 0x04 groups, 0x08 tagged, 0x30 the
 * kind), how many bytes are contiguous (0: all), then the frame.
 */
#include <stdlib.h>

#include "vxlan/outer.h"

static const struct ip6 v4_group = {{239, 1, 1, 1}}, v6_group = {{0xff, 5, [15] = 1}};

static struct outer_local local_of(uint8_t opt)
{
    struct outer_local me = {.mac = {{2, 0, 0, 0, 0, 1}},
                             .v6 = opt & 1,
                             .udp_port = VXLAN_UDP_PORT,
                             .kind = (enum vxlan_kind)(opt >> 4 & 3) % 3,
                             .zero_csum6 = opt >> 1 & 1,
                             .vlan = opt & 8 ? 5 : 0};
    me.ip = me.v6 ? (struct ip6){{0x20, 1, 0xd, 0xb8, [15] = 1}} : (struct ip6){{192, 0, 2, 1}};
    me.groups = me.v6 ? &v6_group : &v4_group;
    me.n_groups = opt >> 2 & 1;
    return me;
}

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_header(enum vxlan_kind kind, const struct vxlan *h)
{
    uint8_t b[VXLAN_BYTES];
    struct vxlan back;
    vxlan_encode(kind, h, b);
    check(vxlan_decode(kind, b, sizeof b, &back) == VXLAN_OK);
    check(back.vni == h->vni && back.policy == h->policy && back.replicated == h->replicated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct outer_local me = local_of(data[0]);
    size_t total = size - 2, len = data[1] != 0 && data[1] < total ? data[1] : total;
    uint8_t *tight = malloc(len + (len == 0)); /* a read behind it is seen */
    memcpy(tight, data + 2, len);
    struct outer o;
    if (outer_decode(&me, tight, len, total, &o) == OUTER_OK) {
        check(o.l3_off < o.udp_off && o.udp_off + 16 == o.inner_off && o.inner_off <= len);
        check(o.inner_off + (size_t)o.inner_len <= total);
        check(o.vxlan.vni <= VXLAN_VNI_MAX);
        check_header(me.kind, &o.vxlan);
    }
    free(tight);
    return 0;
}
