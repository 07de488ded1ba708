/* control/ctl_text.c: figures and frames for people. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "control/ctl.h"

struct ctl_fig ctl_si(double v)
{
    static const char units[] = " kMGTPE";
    struct ctl_fig f;
    unsigned u = 0;
    if (v < 9999.5) {
        snprintf(f.s, sizeof f.s, "%.0f", v);
        return f;
    }
    for (; v >= 999.5 && units[u + 1]; u++)
        v /= 1000;
    snprintf(f.s, sizeof f.s, v < 9.995 ? "%.2f%c" : v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
    return f;
}

struct ctl_fig ctl_bytes(double v)
{
    static const char units[] = "BKMGTPE";
    struct ctl_fig f;
    unsigned u = 0;
    for (; v >= 1023.5 && units[u + 1]; u++)
        v /= 1024;
    snprintf(f.s, sizeof f.s, u && v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
    return f;
}

struct ctl_fig ctl_age(double s)
{
    struct ctl_fig f;
    unsigned long n = s > 0 ? (unsigned long)s : 0;
    if (s < 9.95)
        snprintf(f.s, sizeof f.s, "%.1fs", s > 0 ? s : 0);
    else if (n < 60)
        snprintf(f.s, sizeof f.s, "%lus", n);
    else if (n < 3600)
        snprintf(f.s, sizeof f.s, "%lum%02lus", n / 60, n % 60);
    else if (n < 86400)
        snprintf(f.s, sizeof f.s, "%luh%02lum", n / 3600, n / 60 % 60);
    else
        snprintf(f.s, sizeof f.s, "%lud%02luh", n / 86400, n / 3600 % 24);
    return f;
}

/* ---- frames ---- */

static size_t unhex(const char *hex, uint8_t *out, size_t max)
{
    size_t n = 0;
    unsigned v;
    while (n < max && hex[2 * n] && hex[2 * n + 1] && sscanf(hex + 2 * n, "%2x", &v) == 1)
        out[n++] = (uint8_t)v;
    return n;
}

static void add_mac(struct strbuf *b, const uint8_t *m)
{
    strbuf_addf(b, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void add_ip4(struct strbuf *b, uint32_t a)
{
    strbuf_addf(b, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void add_l4(struct strbuf *b, struct reader *r, uint8_t proto)
{
    const char *name = proto == 6 ? "TCP" : proto == 17 ? "UDP" : proto == 132 ? "SCTP" : NULL;
    if (proto == 1 || proto == 58) {
        uint8_t type = read_u8(r);
        bool ask = type == (proto == 1 ? 8 : 128), reply = type == (proto == 1 ? 0 : 129);
        strbuf_addf(b, proto == 1 ? " ICMP" : " ICMPv6");
        if (ask || reply)
            strbuf_adds(b, ask ? " echo request" : " echo reply");
        else if (!r->bad)
            strbuf_addf(b, " type %u", type);
        return;
    }
    if (!name) {
        strbuf_addf(b, " proto %u", proto);
        return;
    }
    uint16_t src = read_u16(r), dst = read_u16(r);
    strbuf_addf(b, " %s", name);
    if (!r->bad)
        strbuf_addf(b, " %u > %u", src, dst);
}

static void add_ipv4(struct strbuf *b, struct reader *r)
{
    uint8_t vhl = read_u8(r);
    read_skip(r, 5);
    uint16_t frag = read_u16(r);
    read_skip(r, 1);
    uint8_t proto = read_u8(r);
    read_skip(r, 2);
    uint32_t src = read_u32(r), dst = read_u32(r);
    if (r->bad || vhl >> 4 != 4) {
        strbuf_adds(b, " IPv4, broken");
        return;
    }
    strbuf_adds(b, " ");
    add_ip4(b, src);
    strbuf_adds(b, " > ");
    add_ip4(b, dst);
    read_skip(r, (vhl & 15) > 5 ? ((vhl & 15) - 5) * 4u : 0);
    if (frag & 0x1fff)
        strbuf_addf(b, " proto %u fragment", proto);
    else
        add_l4(b, r, proto);
}

static void add_ipv6(struct strbuf *b, struct reader *r)
{
    uint8_t src[16], dst[16], proto;
    char text[INET6_ADDRSTRLEN];
    read_skip(r, 6);
    proto = read_u8(r);
    read_skip(r, 1);
    read_into(r, src, 16);
    read_into(r, dst, 16);
    if (r->bad) {
        strbuf_adds(b, " IPv6, broken");
        return;
    }
    strbuf_addf(b, " %s", inet_ntop(AF_INET6, src, text, sizeof text));
    strbuf_addf(b, " > %s", inet_ntop(AF_INET6, dst, text, sizeof text));
    add_l4(b, r, proto);
}

static void add_arp(struct strbuf *b, struct reader *r)
{
    read_skip(r, 6);
    uint16_t op = read_u16(r);
    read_skip(r, 6);
    uint32_t spa = read_u32(r);
    read_skip(r, 6);
    uint32_t tpa = read_u32(r);
    if (r->bad) {
        strbuf_adds(b, " ARP, broken");
        return;
    }
    strbuf_adds(b, op == 1 ? " ARP who has " : " ARP ");
    add_ip4(b, op == 1 ? tpa : spa);
    strbuf_adds(b, op == 1 ? ", tell " : " is at home, to ");
    add_ip4(b, op == 1 ? spa : tpa);
}

void ctl_frame(struct strbuf *b, const char *hex)
{
    uint8_t bytes[256], mac[12];
    struct reader r = reader_of(bytes, unhex(hex, bytes, sizeof bytes));
    read_into(&r, mac, sizeof mac);
    uint16_t type = read_u16(&r);
    if (r.bad) {
        strbuf_adds(b, "too short for Ethernet");
        return;
    }
    add_mac(b, mac + 6);
    strbuf_adds(b, " > ");
    add_mac(b, mac);
    while (!r.bad && (type == 0x8100 || type == 0x88a8)) {
        strbuf_addf(b, " vlan %u", read_u16(&r) & 0xfff);
        type = read_u16(&r);
    }
    if (r.bad)
        strbuf_adds(b, ", cut short");
    else if (type == 0x0800)
        add_ipv4(b, &r);
    else if (type == 0x86dd)
        add_ipv6(b, &r);
    else if (type == 0x0806)
        add_arp(b, &r);
    else if (type < 0x600)
        strbuf_adds(b, " 802.2");
    else
        strbuf_addf(b, " type 0x%04x", type);
}

/* ---- results ---- */

const char *ctl_s(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

double ctl_n(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

long long ctl_i(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

bool ctl_b(const json_t *o, const char *key) { return json_is_true(json_object_get(o, key)); }

void ctl_join(struct strbuf *b, const json_t *list)
{
    const json_t *v;
    size_t i;
    json_array_foreach((json_t *)list, i, v)
        strbuf_addf(b, "%s%s", i ? "," : "", json_string_value(v) ? json_string_value(v) : "");
}
