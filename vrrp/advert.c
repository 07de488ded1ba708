#include "vrrp/advert.h"

#include "base/csum.h"

enum {
    TYPE_ADVERTISEMENT = 1,
    FIXED_BYTES = 8,      /* of the message, before the addresses */
    AUTH_BYTES = 8,       /* of version 2, behind the addresses */
    TRAFFIC_CLASS = 0xc0, /* CS6, internetwork control (RFC 4594) */
};

static const char *const verdict_names[VRRP_VERDICTS] = {
    [VRRP_OK] = "ok",
    [VRRP_BAD_IP] = "bad IP header",
    [VRRP_BAD_PROTOCOL] = "not protocol 112",
    [VRRP_BAD_TTL] = "TTL is not 255",
    [VRRP_BAD_VERSION] = "wrong version",
    [VRRP_BAD_TYPE] = "unknown type",
    [VRRP_BAD_COUNT] = "no address",
    [VRRP_BAD_LENGTH] = "cut short",
    [VRRP_BAD_CHECKSUM] = "bad checksum",
    [VRRP_BAD_INTERVAL] = "wrong interval",
    [VRRP_BAD_AUTH] = "unknown authentication",
    [VRRP_BAD_ADDRESS] = "first address not link-local",
    [VRRP_BAD_VRID] = "unknown VRID",
    [VRRP_BAD_DESTINATION] = "wrong destination",
    [VRRP_BAD_SOURCE] = "wrong source",
    [VRRP_OWN_PACKET] = "our own",
    [VRRP_SHADOWED_V2] = "version 2 beside version 3",
};

const char *vrrp_verdict_name(enum vrrp_verdict v)
{
    return (unsigned)v < VRRP_VERDICTS ? verdict_names[v] : "?";
}

struct mac vrrp_mac(bool ip6, uint8_t vrid)
{
    return (struct mac){{0x00, 0x00, 0x5e, 0x00, ip6 ? 0x02 : 0x01, vrid}};
}

struct ip6 vrrp_group_address(bool ip6)
{
    if (ip6)
        return (struct ip6){{0xff, 0x02, [15] = 0x12}};
    return (struct ip6){{224, 0, 0, 18}};
}

struct mac vrrp_group_mac(bool ip6)
{
    if (ip6)
        return (struct mac){{0x33, 0x33, 0x00, 0x00, 0x00, 0x12}};
    return (struct mac){{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}};
}

bool vrrp_is_link_local(const struct ip6 *a) { return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80; }

static size_t address_bytes(bool ip6) { return ip6 ? 16 : 4; }

/* RFC 8200 section 8.1; for IPv4 the same idea as TCP's (RFC 9293 section 3.1). */
static uint32_t pseudo_sum(const struct vrrp_advert *a, size_t len)
{
    const be32 upper = to_be32((uint32_t)len), next = to_be32(VRRP_PROTOCOL);
    uint32_t sum = csum_add(0, a->src.b, address_bytes(a->ip6));
    sum = csum_add(sum, a->dst.b, address_bytes(a->ip6));
    sum = csum_add(sum, &upper, sizeof upper);
    return csum_add(sum, &next, sizeof next);
}

static bool sum_fits(uint32_t sum, const uint8_t *msg, size_t len)
{
    return csum_finish(csum_add(sum, msg, len)) == 0;
}

/* RFC 9568 section 5.2.8: IPv6 with pseudo-header, IPv4 without; see the header about "or with". */
static bool checksum_fits(struct vrrp_advert *a, const uint8_t *msg, size_t len)
{
    if (a->ip6)
        return sum_fits(pseudo_sum(a, len), msg, len);
    if (sum_fits(0, msg, len))
        return true;
    a->pseudo_header = a->version == 3 && sum_fits(pseudo_sum(a, len), msg, len);
    return a->pseudo_header;
}

/* Leaves *r at the payload, cut to the length that the IP header states. */
static enum vrrp_verdict read_ip4(struct vrrp_advert *a, struct reader *r)
{
    struct reader whole = *r;
    size_t header = (size_t)(read_u8(r) & 15) * 4;
    read_skip(r, 1);
    size_t total = read_u16(r);
    read_skip(r, 2);
    uint16_t fragment = read_u16(r);
    a->ttl = read_u8(r);
    uint8_t protocol = read_u8(r);
    read_skip(r, 2);
    read_into(r, a->src.b, 4);
    read_into(r, a->dst.b, 4);
    if (r->bad || header < 20 || total < header || whole.left < total)
        return VRRP_BAD_IP;
    const uint8_t *p = read_bytes(&whole, header);
    if (csum_finish(csum_add(0, p, header)) != 0 || (fragment & 0x3fff) != 0)
        return VRRP_BAD_IP;
    *r = read_sub(&whole, total - header);
    return protocol == VRRP_PROTOCOL ? VRRP_OK : VRRP_BAD_PROTOCOL;
}

static enum vrrp_verdict read_ip6(struct vrrp_advert *a, struct reader *r)
{
    read_skip(r, 4);
    size_t payload = read_u16(r);
    uint8_t next = read_u8(r);
    a->ttl = read_u8(r);
    read_into(r, a->src.b, 16);
    read_into(r, a->dst.b, 16);
    *r = read_sub(r, payload);
    if (r->bad)
        return VRRP_BAD_IP;
    return next == VRRP_PROTOCOL ? VRRP_OK : VRRP_BAD_PROTOCOL;
}

static enum vrrp_verdict read_ip(struct vrrp_advert *a, struct reader *r)
{
    uint8_t version = r->left ? r->p[0] >> 4 : 0;
    a->ip6 = version == 6;
    if (version == 4)
        return read_ip4(a, r);
    return version == 6 ? read_ip6(a, r) : VRRP_BAD_IP;
}

/* The interval's two bytes: 4 reserved bits and 12 of centiseconds, or (version 2) the
 * authentication type and whole seconds. */
static void read_interval(struct vrrp_advert *a, struct reader *r)
{
    uint16_t v = read_u16(r);
    if (a->version == 3) {
        a->interval_cs = v & 0x0fff;
        return;
    }
    a->auth_type = (uint8_t)(v >> 8);
    a->interval_cs = (uint16_t)((v & 0xff) * 100);
}

static enum vrrp_verdict read_message(struct vrrp_advert *a, struct reader *r)
{
    const struct reader whole = *r;
    uint8_t first = read_u8(r);
    a->version = first >> 4;
    a->vrid = read_u8(r);
    a->priority = read_u8(r);
    a->n_addrs = read_u8(r);
    read_interval(a, r);
    read_skip(r, 2);
    if (r->bad)
        return VRRP_BAD_LENGTH;
    if (a->version != 3 && (a->version != 2 || a->ip6))
        return VRRP_BAD_VERSION;
    if ((first & 15) != TYPE_ADVERTISEMENT)
        return VRRP_BAD_TYPE;
    if (a->n_addrs == 0)
        return VRRP_BAD_COUNT;
    size_t len = FIXED_BYTES + a->n_addrs * address_bytes(a->ip6);
    if (whole.left < len)
        return VRRP_BAD_LENGTH;
    *r = read_sub(r, len - FIXED_BYTES);
    if (a->version == 2 && whole.left >= len + AUTH_BYTES)
        len += AUTH_BYTES;
    if (!checksum_fits(a, whole.p, len))
        return VRRP_BAD_CHECKSUM;
    if (a->interval_cs == 0)
        return VRRP_BAD_INTERVAL;
    if (a->auth_type > VRRP_AUTH_SIMPLE_TEXT)
        return VRRP_BAD_AUTH;
    struct reader peek = *r;
    struct ip6 first_addr;
    read_into(&peek, first_addr.b, address_bytes(a->ip6));
    return a->ip6 && !vrrp_is_link_local(&first_addr) ? VRRP_BAD_ADDRESS : VRRP_OK;
}

enum vrrp_verdict vrrp_advert_read(struct vrrp_advert *a, struct reader *addrs, const void *p,
                                   size_t len)
{
    struct reader r = reader_of(p, len);
    *a = (struct vrrp_advert){0};
    enum vrrp_verdict v = read_ip(a, &r);
    if (v == VRRP_OK)
        v = read_message(a, &r);
    *addrs = r;
    return v;
}

static void write_ip4(struct writer *w, const struct vrrp_advert *a, size_t payload)
{
    size_t at = w->len;
    write_u8(w, 0x45);
    write_u8(w, TRAFFIC_CLASS);
    write_u16(w, (uint16_t)(20 + payload));
    write_u32(w, 0x4000); /* no identification needed: don't fragment (RFC 6864) */
    write_u8(w, a->ttl);
    write_u8(w, VRRP_PROTOCOL);
    write_u16(w, 0);
    write_bytes(w, a->src.b, 4);
    write_bytes(w, a->dst.b, 4);
    if (!w->bad)
        write_patch_u16(w, at + 10, from_be16(csum_finish(csum_add(0, w->buf + at, 20))));
}

static void write_ip6(struct writer *w, const struct vrrp_advert *a, size_t payload)
{
    write_u32(w, 6u << 28 | (uint32_t)TRAFFIC_CLASS << 20);
    write_u16(w, (uint16_t)payload);
    write_u8(w, VRRP_PROTOCOL);
    write_u8(w, a->ttl);
    write_bytes(w, a->src.b, 16);
    write_bytes(w, a->dst.b, 16);
}

static uint16_t interval_field(const struct vrrp_advert *a)
{
    if (a->version == 3)
        return a->interval_cs & 0x0fff;
    unsigned seconds = (a->interval_cs + 99u) / 100;
    return (uint16_t)(seconds == 0 ? 1 : seconds > 255 ? 255 : seconds);
}

void vrrp_advert_write(struct writer *w, const struct vrrp_advert *a, const struct ip6 *addrs)
{
    size_t one = address_bytes(a->ip6);
    size_t len = FIXED_BYTES + a->n_addrs * one + (a->version == 2 ? AUTH_BYTES : 0);
    if (a->ip6)
        write_ip6(w, a, len);
    else
        write_ip4(w, a, len);
    size_t at = w->len;
    write_u8(w, (uint8_t)(a->version << 4 | TYPE_ADVERTISEMENT));
    write_u8(w, a->vrid);
    write_u8(w, a->priority);
    write_u8(w, a->n_addrs);
    write_u16(w, interval_field(a));
    write_u16(w, 0);
    for (unsigned i = 0; i < a->n_addrs; i++)
        write_bytes(w, addrs[i].b, one);
    if (a->version == 2)
        write_zeros(w, AUTH_BYTES);
    if (w->bad)
        return;
    bool pseudo = a->ip6 || (a->pseudo_header && a->version == 3);
    uint32_t sum = csum_add(pseudo ? pseudo_sum(a, len) : 0, w->buf + at, len);
    write_patch_u16(w, at + 6, from_be16(csum_finish(sum)));
}
