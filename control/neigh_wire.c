#include "control/neigh_wire.h"

#include "base/csum.h"

enum {
    ARP_ETHERNET = 1,
    ARP_IP4 = 0x0800,
    ICMP6 = 58,
    NS = 135,
    NA = 136,
    HOP_LIMIT = 255,
    OPT_SLLA = 1,
    OPT_TLLA = 2,
    FLAG_R = 0x80,
    FLAG_S = 0x40,
    FLAG_O = 0x20,
};

static const char *const verdict_names[NEIGH_VERDICTS] = {
    [NEIGH_OK] = "ok",
    [NEIGH_NOT_OURS] = "not ARP or ND",
    [NEIGH_SHORT] = "cut short",
    [NEIGH_BAD_CHECKSUM] = "bad checksum",
    [NEIGH_BAD_HOP_LIMIT] = "hop limit is not 255",
    [NEIGH_BAD_CODE] = "code is not 0",
    [NEIGH_BAD_OPTION] = "bad option",
    [NEIGH_BAD_ADDRESS] = "impossible address",
    [NEIGH_OWN] = "our own",
    [NEIGH_LIMIT] = "no room to learn",
    [NEIGH_NO_INTERFACE] = "no such interface",
};

const char *neigh_verdict_name(enum neigh_verdict v)
{
    return (unsigned)v < NEIGH_VERDICTS ? verdict_names[v] : "?";
}

bool neigh_is_zero(const struct ip6 *a)
{
    static const struct ip6 zero;
    return memcmp(a, &zero, sizeof zero) == 0;
}

bool neigh_equal(const struct ip6 *a, const struct ip6 *b) { return memcmp(a, b, sizeof *a) == 0; }

bool neigh_is_absurd(const struct ip6 *a, bool ip6)
{
    static const struct ip6 loopback = {{[15] = 1}};
    if (ip6)
        return a->b[0] == 0xff || neigh_is_zero(a) || neigh_equal(a, &loopback);
    return a->b[0] == 0 || a->b[0] == 127 || a->b[0] >= 224;
}

struct ip6 neigh_solicited_node(const struct ip6 *a)
{
    struct ip6 g = {{0xff, 0x02, [11] = 0x01, [12] = 0xff}};
    memcpy(g.b + 13, a->b + 13, 3);
    return g;
}

struct ip6 neigh_all_nodes(void) { return (struct ip6){{0xff, 0x02, [15] = 1}}; }

struct mac neigh_group_mac(const struct ip6 *group)
{
    return (struct mac){
        {0x33, 0x33, group->b[12], group->b[13], group->b[14], group->b[15]},
    };
}

static bool bad_mac(struct mac m) { return mac_is_multicast(m) || mac_is_zero(m); }

static enum neigh_verdict read_arp(struct neigh_message *m, struct reader *r)
{
    uint16_t hardware = read_u16(r), protocol = read_u16(r);
    uint8_t mac_len = read_u8(r), ip_len = read_u8(r);
    uint16_t op = read_u16(r);
    read_into(r, m->sha.b, 6);
    read_into(r, m->sender.b, 4);
    read_into(r, m->tha.b, 6);
    read_into(r, m->target.b, 4);
    if (r->bad)
        return NEIGH_SHORT;
    if (hardware != ARP_ETHERNET || protocol != ARP_IP4 || mac_len != 6 || ip_len != 4)
        return NEIGH_NOT_OURS;
    if (op != 1 && op != 2)
        return NEIGH_NOT_OURS;
    m->saying = op == 1 ? NEIGH_REQUEST : NEIGH_REPLY;
    m->has_sha = true;
    bool probe = neigh_is_zero(&m->sender);
    if (bad_mac(m->sha) || (!probe && neigh_is_absurd(&m->sender, false)))
        return NEIGH_BAD_ADDRESS;
    return probe && m->saying == NEIGH_REPLY ? NEIGH_BAD_ADDRESS : NEIGH_OK;
}

/* Takes the one option that matters to this message; steps over the others (RFC 4861 section 4.6).
 */
static enum neigh_verdict read_options(struct neigh_message *m, struct reader *r, uint8_t wanted)
{
    while (r->left > 0) {
        uint8_t type = read_u8(r);
        size_t len = (size_t)read_u8(r) * 8;
        struct reader body = read_sub(r, len >= 2 ? len - 2 : SIZE_MAX);
        if (body.bad)
            return NEIGH_BAD_OPTION;
        if (type != wanted)
            continue;
        read_into(&body, m->sha.b, 6);
        m->has_sha = true;
        if (bad_mac(m->sha))
            return NEIGH_BAD_ADDRESS;
    }
    return NEIGH_OK;
}

/* RFC 4861 sections 7.1.1 and 7.1.2, after the lengths and the checksum. */
static enum neigh_verdict check_nd(const struct neigh_message *m)
{
    bool group = m->to.b[0] == 0xff;
    if (m->sender.b[0] == 0xff || neigh_is_absurd(&m->target, true))
        return NEIGH_BAD_ADDRESS;
    if (m->saying == NEIGH_REPLY)
        return (group && m->solicited) || neigh_is_zero(&m->sender) ? NEIGH_BAD_ADDRESS : NEIGH_OK;
    struct ip6 node = neigh_solicited_node(&m->target);
    if (neigh_is_zero(&m->sender) && (m->has_sha || !neigh_equal(&m->to, &node)))
        return NEIGH_BAD_ADDRESS;
    return NEIGH_OK;
}

static uint32_t pseudo_sum(const struct neigh_message *m, size_t len)
{
    const be32 tail[2] = {to_be32((uint32_t)len), to_be32(ICMP6)};
    uint32_t sum = csum_add(0, m->sender.b, 16);
    return csum_add(csum_add(sum, m->to.b, 16), tail, sizeof tail);
}

static enum neigh_verdict read_nd(struct neigh_message *m, struct reader *r)
{
    read_skip(r, 4);
    size_t payload = read_u16(r);
    uint8_t next = read_u8(r), hops = read_u8(r);
    read_into(r, m->sender.b, 16);
    read_into(r, m->to.b, 16);
    struct reader b = read_sub(r, payload), whole = b;
    uint8_t type = read_u8(&b), code = read_u8(&b);
    if (next != ICMP6 || (type != NS && type != NA))
        return b.bad ? NEIGH_SHORT : NEIGH_NOT_OURS;
    read_skip(&b, 2);
    uint8_t flags = read_u8(&b);
    read_skip(&b, 3);
    read_into(&b, m->target.b, 16);
    if (b.bad)
        return NEIGH_SHORT;
    if (hops != HOP_LIMIT)
        return NEIGH_BAD_HOP_LIMIT;
    if (csum_finish(csum_add(pseudo_sum(m, payload), whole.p, payload)) != 0)
        return NEIGH_BAD_CHECKSUM;
    if (code != 0)
        return NEIGH_BAD_CODE;
    m->saying = type == NS ? NEIGH_REQUEST : NEIGH_REPLY;
    if (type == NA) {
        m->router = flags & FLAG_R;
        m->solicited = flags & FLAG_S;
        m->override = flags & FLAG_O;
    }
    enum neigh_verdict v = read_options(m, &b, type == NS ? OPT_SLLA : OPT_TLLA);
    return v == NEIGH_OK ? check_nd(m) : v;
}

enum neigh_verdict neigh_read(struct neigh_message *m, uint16_t ethertype, const void *p,
                              size_t len)
{
    struct reader r = reader_of(p, len);
    *m = (struct neigh_message){.ip6 = ethertype == NEIGH_ETHERTYPE_IP6};
    if (ethertype == NEIGH_ETHERTYPE_ARP)
        return read_arp(m, &r);
    return m->ip6 ? read_nd(m, &r) : NEIGH_NOT_OURS;
}

static void write_arp(struct writer *w, const struct neigh_message *m)
{
    write_u16(w, ARP_ETHERNET);
    write_u16(w, ARP_IP4);
    write_u8(w, 6);
    write_u8(w, 4);
    write_u16(w, m->saying == NEIGH_REQUEST ? 1 : 2);
    write_bytes(w, m->sha.b, 6);
    write_bytes(w, m->sender.b, 4);
    write_bytes(w, m->tha.b, 6);
    write_bytes(w, m->target.b, 4);
}

static uint8_t flags_of(const struct neigh_message *m)
{
    return (uint8_t)((m->router ? FLAG_R : 0) | (m->solicited ? FLAG_S : 0) |
                     (m->override ? FLAG_O : 0));
}

static void write_nd(struct writer *w, const struct neigh_message *m)
{
    size_t len = 24 + (m->has_sha ? 8 : 0);
    bool reply = m->saying == NEIGH_REPLY;
    write_u32(w, 6u << 28);
    write_u16(w, (uint16_t)len);
    write_u8(w, ICMP6);
    write_u8(w, HOP_LIMIT);
    write_bytes(w, m->sender.b, 16);
    write_bytes(w, m->to.b, 16);
    size_t at = w->len;
    write_u8(w, reply ? NA : NS);
    write_zeros(w, 3);
    write_u8(w, reply ? flags_of(m) : 0);
    write_zeros(w, 3);
    write_bytes(w, m->target.b, 16);
    if (m->has_sha) {
        write_u8(w, reply ? OPT_TLLA : OPT_SLLA);
        write_u8(w, 1);
        write_bytes(w, m->sha.b, 6);
    }
    if (!w->bad)
        write_patch_u16(w, at + 2,
                        from_be16(csum_finish(csum_add(pseudo_sum(m, len), w->buf + at, len))));
}

void neigh_write(struct writer *w, const struct neigh_message *m)
{
    if (m->ip6)
        write_nd(w, m);
    else
        write_arp(w, m);
}
