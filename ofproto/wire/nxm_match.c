/* Nicira's extensible match, NXM: turned into OXM bytes, which the decoder of 1.3 reads.
 *
 * Fields of the same bytes get another header; the three whose bytes differ (a 16-bit port, a whole
 * TCI, a whole TOS) are taken apart; the cookie is none of the packet and goes to the side. What is
 * not in the table is passed on as it is.
 */
#include "ofproto/wire/of10.h"
#include "ofproto/wire/wire.h"

enum { NXM_0 = 0, NXM_1 = 1, NXM_IN_PORT = 0, NXM_VLAN_TCI = 4, NXM_IP_TOS = 5, NXM_COOKIE = 30 };
enum { OXM_ROOM = 2048 };

/* OXM's number and one. */
static const uint8_t nxm_0[] = {0,
                                FF_ETH_DST + 1,
                                FF_ETH_SRC + 1,
                                FF_ETH_TYPE + 1,
                                0,
                                0,
                                FF_IP_PROTO + 1,
                                FF_IPV4_SRC + 1,
                                FF_IPV4_DST + 1,
                                FF_TCP_SRC + 1,
                                FF_TCP_DST + 1,
                                FF_UDP_SRC + 1,
                                FF_UDP_DST + 1,
                                FF_ICMPV4_TYPE + 1,
                                FF_ICMPV4_CODE + 1,
                                FF_ARP_OP + 1,
                                FF_ARP_SPA + 1,
                                FF_ARP_TPA + 1};
static const uint8_t nxm_1[] =
    {[16] = FF_TUNNEL_ID + 1,   [17] = FF_ARP_SHA + 1,     [18] = FF_ARP_THA + 1,
     [19] = FF_IPV6_SRC + 1,    [20] = FF_IPV6_DST + 1,    [21] = FF_ICMPV6_TYPE + 1,
     [22] = FF_ICMPV6_CODE + 1, [23] = FF_ND_TARGET + 1,   [24] = FF_ND_SLL + 1,
     [25] = FF_ND_TLL + 1,      [27] = FF_IPV6_FLABEL + 1, [28] = FF_IP_ECN + 1};

struct nxm {
    uint16_t nxm_class;
    uint8_t number, len;
    bool masked;
    const uint8_t *p;
};

static unsigned oxm_number(const struct nxm *t)
{
    if (t->nxm_class == NXM_0 && t->number < sizeof nxm_0)
        return nxm_0[t->number];
    return t->nxm_class == NXM_1 && t->number < sizeof nxm_1 ? nxm_1[t->number] : 0;
}

static void put_header(struct writer *w, unsigned f, bool masked, unsigned len)
{
    write_u16(w, OXM_CLASS_BASIC);
    write_u8(w, (uint8_t)(f << 1 | masked));
    write_u8(w, (uint8_t)len);
}

/* 12 bits of VID, the bit that says that there is a tag, 3 bits of priority. */
static void put_tci(struct writer *w, const struct nxm *t)
{
    uint16_t v = (uint16_t)(t->p[0] << 8 | t->p[1]);
    uint16_t m = (uint16_t)(t->masked ? t->p[2] << 8 | t->p[3] : 0xffff);
    if (m == 0)
        return;
    if (v == 0 && m == 0xffff)
        m = 0x1fff; /* no tag */
    put_header(w, FF_VLAN_VID, true, 4);
    write_u16(w, v & m & 0x1fff);
    write_u16(w, m & 0x1fff);
    if (!(m >> 13 == 7) || !(v & FLOW_VID_PRESENT))
        return;
    put_header(w, FF_VLAN_PCP, false, 1);
    write_u8(w, (uint8_t)(v >> 13));
}

static void convert(struct writer *w, const struct nxm *t, uint64_t cookie[2])
{
    unsigned f = oxm_number(t), n = t->masked ? t->len / 2u : t->len;
    if (t->nxm_class == NXM_1 && t->number == NXM_COOKIE && n == 8) {
        struct reader r = reader_of(t->p, t->len);
        cookie[0] = read_u64(&r);
        cookie[1] = t->masked ? read_u64(&r) : UINT64_MAX;
        return;
    }
    if (t->nxm_class == NXM_0 && t->number == NXM_IN_PORT && t->len == 2) {
        put_header(w, FF_IN_PORT, false, 4);
        write_u32(w, of10_port((uint16_t)(t->p[0] << 8 | t->p[1])));
        return;
    }
    if (t->nxm_class == NXM_0 && t->number == NXM_VLAN_TCI && n == 2) {
        put_tci(w, t);
        return;
    }
    if (t->nxm_class == NXM_0 && t->number == NXM_IP_TOS && t->len == 1) {
        put_header(w, FF_IP_DSCP, false, 1);
        write_u8(w, t->p[0] >> 2);
        return;
    }
    if (f) {
        put_header(w, f - 1, t->masked, t->len);
    } else {
        write_u16(w, t->nxm_class);
        write_u8(w, (uint8_t)(t->number << 1 | t->masked));
        write_u8(w, t->len);
    }
    write_bytes(w, t->p, t->len);
}

int nxm_match_decode(struct reader *r, size_t len, struct flow_match *out, uint64_t cookie[2],
                     struct ofw_error *e)
{
    uint8_t room[OXM_ROOM];
    struct writer w = writer_of(room, sizeof room);
    struct reader in = read_sub(r, len);
    if (r->bad || r->left < ofw_round8(len) - len)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "match past the end of the message");
    read_skip(r, ofw_round8(len) - len);
    cookie[0] = cookie[1] = 0;
    write_u16(&w, OFPMT_OXM);
    write_u16(&w, 0);
    while (in.left > 0) {
        struct nxm t = {.nxm_class = read_u16(&in)};
        uint8_t number = read_u8(&in);
        t.number = number >> 1;
        t.masked = number & 1;
        t.len = read_u8(&in);
        t.p = read_bytes(&in, t.len);
        if (in.bad || (t.masked && t.len % 2))
            return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "NXM past the end of the match");
        convert(&w, &t, cookie);
    }
    write_patch_u16(&w, 2, (uint16_t)w.len);
    write_pad(&w, 0, 8);
    if (w.bad)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "more fields than there are");
    struct reader oxm = reader_of(room, w.len);
    return ofw_match_decode(&oxm, out, e);
}

/* OXM headers are read by who reads NXM. Returns the length without padding. */
uint16_t nxm_match_encode(struct writer *w, const struct flow_match *m)
{
    uint8_t room[OXM_ROOM];
    struct writer oxm = writer_of(room, sizeof room);
    ofw_match_encode(&oxm, m);
    struct reader r = reader_of(room, oxm.len);
    read_skip(&r, 2);
    uint16_t len = (uint16_t)(read_u16(&r) - 4);
    size_t at = w->len;
    write_bytes(w, r.p, len);
    write_pad(w, at, 8);
    return len;
}
