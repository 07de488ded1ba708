/* vxlan.c: the three headers, read and written. */
#include "vxlan/vxlan.h"

#include "base/bytes.h"

enum {
    FLAG_I = 0x08, /* RFC 7348 section 5 */
    GBP_G = 0x80,
    GBP_D = 0x40, /* in the second byte, as A is */
    GBP_A = 0x08,
    GPE_VERSION = 0x30,
    GPE_P = 0x04,
    GPE_B = 0x02,
    GPE_O = 0x01,
};

static enum vxlan_error gpe_decode(const uint8_t *p, struct vxlan *out)
{
    if (p[0] & GPE_VERSION)
        return VXLAN_VERSION;
    if (p[0] & GPE_O)
        return VXLAN_OAM;
    out->replicated = (p[0] & GPE_B) != 0;
    /* P clear: the payload is Ethernet, whatever the byte says (draft section 3.1). */
    out->next = p[0] & GPE_P ? p[3] : VXLAN_NEXT_ETHERNET;
    return out->next == VXLAN_NEXT_ETHERNET ? VXLAN_OK : VXLAN_PROTOCOL;
}

static void gbp_decode(const uint8_t *p, struct vxlan *out)
{
    out->has_policy = (p[0] & GBP_G) != 0;
    if (!out->has_policy)
        return;
    out->dont_learn = (p[1] & GBP_D) != 0;
    out->policy_applied = (p[1] & GBP_A) != 0;
    out->policy = (uint16_t)(p[2] << 8 | p[3]);
}

enum vxlan_error vxlan_decode(enum vxlan_kind kind, const uint8_t *p, size_t len, struct vxlan *out)
{
    struct reader r = reader_of(p, len);
    uint8_t b[VXLAN_BYTES];
    read_into(&r, b, sizeof b);
    if (r.bad)
        return VXLAN_SHORT;
    if (!(b[0] & FLAG_I))
        return VXLAN_NO_VNI;
    *out = (struct vxlan){.vni = (uint32_t)b[4] << 16 | (uint32_t)b[5] << 8 | b[6],
                          .next = VXLAN_NEXT_ETHERNET};
    if (kind == VXLAN_GPE)
        return gpe_decode(b, out);
    if (kind == VXLAN_GBP)
        gbp_decode(b, out);
    return VXLAN_OK;
}

static void gbp_encode(const struct vxlan *h, uint8_t *out)
{
    if (!h->has_policy)
        return;
    out[0] |= GBP_G;
    out[1] = (uint8_t)((h->dont_learn ? GBP_D : 0) | (h->policy_applied ? GBP_A : 0));
    out[2] = (uint8_t)(h->policy >> 8);
    out[3] = (uint8_t)h->policy;
}

void vxlan_encode(enum vxlan_kind kind, const struct vxlan *h, uint8_t out[VXLAN_BYTES])
{
    memset(out, 0, VXLAN_BYTES);
    out[0] = FLAG_I;
    out[4] = (uint8_t)(h->vni >> 16);
    out[5] = (uint8_t)(h->vni >> 8);
    out[6] = (uint8_t)h->vni;
    if (kind == VXLAN_GPE) {
        out[0] |= (uint8_t)(GPE_P | (h->replicated ? GPE_B : 0) | (h->oam ? GPE_O : 0));
        out[3] = h->next;
    } else if (kind == VXLAN_GBP) {
        gbp_encode(h, out);
    }
}

const char *vxlan_error_name(enum vxlan_error e)
{
    static const char *const names[] = {"ok", "short", "no-vni", "version", "oam", "protocol"};
    return e < sizeof names / sizeof *names ? names[e] : "?";
}
