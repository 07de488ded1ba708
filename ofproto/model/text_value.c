/* Values of fields, from text and back. */
#include "ofproto/model/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

enum form { FORM_DEC, FORM_HEX, FORM_LONG, FORM_PORT, FORM_MAC, FORM_IP4, FORM_IP6 };

static enum form form_of(enum flow_field f)
{
    switch (f) {
    case FF_IN_PORT:
    case FF_IN_PHY_PORT:
        return FORM_PORT;
    case FF_ETH_DST:
    case FF_ETH_SRC:
    case FF_ARP_SHA:
    case FF_ARP_THA:
    case FF_ND_SLL:
    case FF_ND_TLL:
        return FORM_MAC;
    case FF_IPV4_SRC:
    case FF_IPV4_DST:
    case FF_ARP_SPA:
    case FF_ARP_TPA:
    case FF_TUN_SRC:
    case FF_TUN_DST:
        return FORM_IP4;
    case FF_IPV6_SRC:
    case FF_IPV6_DST:
    case FF_ND_TARGET:
    case FF_TUN_IPV6_SRC:
    case FF_TUN_IPV6_DST:
        return FORM_IP6;
    case FF_METADATA:
    case FF_TUNNEL_ID:
    case FF_ETH_TYPE:
    case FF_IPV6_FLABEL:
    case FF_IPV6_EXTHDR:
    case FF_PBB_ISID:
    case FF_TCP_FLAGS:
    case FF_REG0 ... FF_REG15:
    case FF_XREG0 ... FF_XREG7:
        return FORM_HEX;
    case FF_XXREG0 ... FF_XXREG3:
        return FORM_LONG;
    default:
        return FORM_DEC;
    }
}

static const char *expected(enum flow_field f, char *room, size_t size)
{
    switch (form_of(f)) {
    case FORM_PORT:
        return "a port's name or number";
    case FORM_MAC:
        return "a MAC address as 02:00:00:00:00:01";
    case FORM_IP4:
        return "an IPv4 address as 10.0.0.1";
    case FORM_IP6:
        return "an IPv6 address as fd00::1";
    case FORM_LONG:
        return "a number of 128 bits";
    default:
        snprintf(room, size, "a number up to %#llx",
                 (unsigned long long)(UINT64_MAX >> (64 - flow_fields[f].bits)));
        return room;
    }
}

static const struct {
    const char *name;
    uint32_t no;
} reserved_ports[] = {
    {"IN_PORT", OFPP_IN_PORT}, {"TABLE", OFPP_TABLE}, {"NORMAL", OFPP_NORMAL},
    {"FLOOD", OFPP_FLOOD},     {"ALL", OFPP_ALL},     {"CONTROLLER", OFPP_CONTROLLER},
    {"LOCAL", OFPP_LOCAL},     {"ANY", OFPP_ANY},     {"NONE", OFPP_ANY},
};

enum { RESERVED_PORTS = sizeof reserved_ports / sizeof reserved_ports[0] };

bool text_port(const struct text *t, struct word w, uint32_t *no)
{
    char name[WEFT_NAME_MAX];
    uint64_t v;
    for (unsigned i = 0; i < RESERVED_PORTS; i++)
        if (word_is(w, reserved_ports[i].name)) {
            *no = reserved_ports[i].no;
            return true;
        }
    if (word_number(w, UINT32_MAX, &v)) {
        *no = (uint32_t)v;
        return true;
    }
    if (w.n >= 2 && w.s[0] == '"' && w.s[w.n - 1] == '"') {
        w.s++;
        w.n -= 2;
    }
    if (!t->names || !t->names->number || !w.n || w.n >= sizeof name)
        return false;
    memcpy(name, w.s, w.n);
    name[w.n] = '\0';
    return t->names->number(t->names->ctx, name, no);
}

static bool parse_mac(struct word w, uint8_t *out)
{
    for (unsigned i = 0; i < 6; i++) {
        struct word left, right;
        uint64_t v;
        char hex[5] = "0x";
        bool more = word_split(w, ":", &left, &right);
        if (more != (i < 5) || left.n < 1 || left.n > 2)
            return false;
        memcpy(hex + 2, left.s, left.n);
        if (!word_number((struct word){.s = hex, .n = left.n + 2}, 255, &v))
            return false;
        out[i] = (uint8_t)v;
        w = right;
    }
    return true;
}

static bool parse_ip(int family, struct word w, uint8_t *out)
{
    char text[INET6_ADDRSTRLEN];
    if (w.n >= sizeof text || memchr(w.s, '\0', w.n))
        return false;
    memcpy(text, w.s, w.n);
    text[w.n] = '\0';
    return inet_pton(family, text, out) == 1;
}

/* v into the n bytes of a slot, big end first. */
static void put_number(uint8_t *out, unsigned n, uint64_t v)
{
    for (; n > 0; v >>= 8)
        out[--n] = (uint8_t)v;
}

/* Up to 32 digits in hex. */
static bool parse_long(struct word w, uint8_t *out)
{
    uint64_t high = 0, low;
    char text[20] = "0x";
    bool hex = w.n > 2 && w.s[0] == '0' && (w.s[1] == 'x' || w.s[1] == 'X');
    if (hex && w.n > 18 && w.n <= 34) {
        memcpy(text + 2, w.s + w.n - 16, 16);
        if (!word_number((struct word){.s = w.s, .n = w.n - 16}, UINT64_MAX, &high))
            return false;
        w = (struct word){.s = text, .n = 18};
    }
    if (!word_number(w, UINT64_MAX, &low))
        return false;
    put_number(out, 8, high);
    put_number(out + 8, 8, low);
    return true;
}

static bool parse_value(const struct text *t, enum flow_field f, struct word w, uint8_t *out)
{
    const struct flow_field_info *info = &flow_fields[f];
    uint64_t v;
    uint32_t port;
    memset(out, 0, 16);
    switch (form_of(f)) {
    case FORM_MAC:
        return parse_mac(w, out);
    case FORM_IP4:
        return parse_ip(AF_INET, w, out);
    case FORM_IP6:
        return parse_ip(AF_INET6, w, out);
    case FORM_LONG:
        return parse_long(w, out);
    case FORM_PORT:
        if (!text_port(t, w, &port))
            return false;
        put_number(out, 4, port);
        return true;
    default:
        if (!word_number(w, UINT64_MAX >> (64 - info->bits), &v))
            return false;
        put_number(out, info->bytes, v);
        return true;
    }
}

int text_value(const struct text *t, enum flow_field f, struct word w, struct word at,
               uint8_t value[16])
{
    char room[40];
    if (parse_value(t, f, w, value))
        return 0;
    return errbuf_set(t->e, EINVAL, "%.*s: \"%.*s\" is not %s", WORD_ARG(at), WORD_ARG(w),
                      expected(f, room, sizeof room));
}

static bool parse_prefix(enum flow_field f, struct word w, uint8_t *mask)
{
    uint64_t len;
    if (!word_number(w, flow_fields[f].bits, &len))
        return false;
    memset(mask, 0, 16);
    for (unsigned i = 0; i < len; i++)
        mask[i / 8] = (uint8_t)(mask[i / 8] | 0x80 >> i % 8);
    return true;
}

int text_masked(const struct text *t, enum flow_field f, struct word w, struct word at,
                uint8_t value[16], uint8_t mask[16])
{
    struct word left, right;
    enum form form = form_of(f);
    bool has_mask = word_split(w, "/", &left, &right);
    memset(mask, 0xff, 16);
    if (has_mask && !ofw_field_maskable(f))
        return errbuf_set(t->e, EINVAL, "%.*s: this field takes no mask: leave \"/%.*s\" out",
                          WORD_ARG(at), WORD_ARG(right));
    int r = text_value(t, f, left, at, value);
    if (r < 0 || !has_mask)
        return r;
    if ((form == FORM_IP4 || form == FORM_IP6) && parse_prefix(f, right, mask))
        return 0;
    if (word_is(right, "-1"))
        return 0;
    return text_value(t, f, right, at, mask);
}

/* ---- printing ---- */

static bool is_plain_name(const char *name)
{
    struct word w = word_of(name);
    if (!w.n || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (unsigned i = 0; i < RESERVED_PORTS; i++)
        if (word_is(w, reserved_ports[i].name))
            return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == w.n;
}

void text_print_port(struct strbuf *b, uint32_t no, const struct ofm_names *names)
{
    for (unsigned i = 0; i < RESERVED_PORTS; i++)
        if (reserved_ports[i].no == no) {
            strbuf_adds(b, reserved_ports[i].name);
            return;
        }
    const char *name = names && names->name ? names->name(names->ctx, no) : NULL;
    if (name && is_plain_name(name))
        strbuf_adds(b, name);
    else
        strbuf_addf(b, "%u", no);
}

static uint64_t get_number(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static void print_long(struct strbuf *b, const uint8_t *v)
{
    uint64_t high = get_number(v, 8), low = get_number(v + 8, 8);
    if (high)
        strbuf_addf(b, "0x%llx%016llx", (unsigned long long)high, (unsigned long long)low);
    else
        strbuf_addf(b, "0x%llx", (unsigned long long)low);
}

void text_print_value(struct strbuf *b, enum flow_field f, const uint8_t *v,
                      const struct ofm_names *names)
{
    char text[INET6_ADDRSTRLEN];
    uint64_t number = get_number(v, flow_fields[f].bytes < 8 ? flow_fields[f].bytes : 8);
    switch (form_of(f)) {
    case FORM_PORT:
        text_print_port(b, (uint32_t)number, names);
        break;
    case FORM_MAC:
        strbuf_addf(b, "%02x:%02x:%02x:%02x:%02x:%02x", v[0], v[1], v[2], v[3], v[4], v[5]);
        break;
    case FORM_IP4:
        strbuf_addf(b, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
        break;
    case FORM_IP6:
        strbuf_adds(b, inet_ntop(AF_INET6, v, text, sizeof text) ? text : "::");
        break;
    case FORM_LONG:
        print_long(b, v);
        break;
    case FORM_HEX:
        strbuf_addf(b, f == FF_ETH_TYPE ? "0x%04llx" : "0x%llx", (unsigned long long)number);
        break;
    default:
        strbuf_addf(b, "%llu", (unsigned long long)number);
    }
}

/* Leading ones of n bytes, or -1 when others follow. */
static int prefix_length(const uint8_t *mask, unsigned n)
{
    unsigned len = 0;
    while (len < n * 8 && mask[len / 8] & 0x80 >> len % 8)
        len++;
    for (unsigned i = len; i < n * 8; i++)
        if (mask[i / 8] & 0x80 >> i % 8)
            return -1;
    return (int)len;
}

void text_print_masked(struct strbuf *b, enum flow_field f, const struct flow_match *m,
                       const struct ofm_names *names)
{
    const uint8_t *value = flow_slot_const(&m->key, f), *mask = flow_slot_const(&m->mask, f);
    unsigned n = flow_fields[f].bytes;
    enum form form = form_of(f);
    int prefix = prefix_length(mask, n);
    if (prefix == (int)n * 8 && form == FORM_HEX && f != FF_ETH_TYPE) {
        strbuf_addf(b, "%#llx", (unsigned long long)get_number(value, n)); /* 0 without its 0x */
    } else if (prefix == (int)n * 8) {
        text_print_value(b, f, value, names);
    } else if (form == FORM_DEC || form == FORM_HEX) {
        strbuf_addf(b, "0x%llx/0x%llx", (unsigned long long)get_number(value, n),
                    (unsigned long long)get_number(mask, n));
    } else {
        text_print_value(b, f, value, names);
        strbuf_adds(b, "/");
        if (prefix >= 0 && (form == FORM_IP4 || form == FORM_IP6))
            strbuf_addf(b, "%d", prefix);
        else
            text_print_value(b, f, mask, names);
    }
}
