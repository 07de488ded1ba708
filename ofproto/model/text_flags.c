/* Fields whose bits have names: tcp_flags and nw_frag (ovs-fields(7)). */
#include "ofproto/model/text.h"

#include <errno.h>

static const char *const tcp_names[] = {"fin", "syn", "rst", "psh", "ack",  "urg",
                                        "ece", "cwr", "ns",  "[9]", "[10]", "[11]"};
enum { TCP_NAMES = sizeof tcp_names / sizeof tcp_names[0], TCP_ALL = 0xfff };

static const struct {
    const char *name;
    uint8_t value, mask;
} frags[] = {{"no", 0, 3}, {"yes", 1, 1}, {"first", 1, 3}, {"later", 3, 3}, {"not_later", 0, 2}};
enum { FRAGS = sizeof frags / sizeof frags[0] };

/* "+syn-ack" */
static bool signed_flags(struct word w, uint16_t *value, uint16_t *mask)
{
    *value = *mask = 0;
    while (w.n > 1 && (w.s[0] == '+' || w.s[0] == '-')) {
        struct word name = {.s = w.s + 1, .n = 0};
        while (name.n + 1 < w.n && name.s[name.n] != '+' && name.s[name.n] != '-')
            name.n++;
        unsigned i = 0;
        while (i < TCP_NAMES && !word_is(name, tcp_names[i]))
            i++;
        if (i == TCP_NAMES || *mask >> i & 1)
            return false;
        *mask = (uint16_t)(*mask | 1u << i);
        *value = (uint16_t)(*value | (w.s[0] == '+') << i);
        w.s += name.n + 1;
        w.n -= name.n + 1;
    }
    return w.n == 0 && *mask != 0;
}

int text_tcp_flags(const struct text *t, const struct pair *p, uint8_t value[16], uint8_t mask[16])
{
    uint16_t v, m;
    struct word left, right;
    uint64_t a, b = TCP_ALL;
    bool has_mask = word_split(p->value, "/", &left, &right);
    if (!signed_flags(p->value, &v, &m)) {
        if (!word_number(left, TCP_ALL, &a) || (has_mask && !word_number(right, TCP_ALL, &b)))
            return errbuf_set(t->e, EINVAL, "%.*s: expected tcp_flags=+syn-ack, or a number",
                              WORD_ARG(p->whole));
        m = (uint16_t)b;
        v = (uint16_t)(a & b);
    }
    value[0] = (uint8_t)(v >> 8);
    value[1] = (uint8_t)v;
    mask[0] = (uint8_t)(m >> 8);
    mask[1] = (uint8_t)m;
    return 0;
}

int text_frag(const struct text *t, const struct pair *p, uint8_t value[16], uint8_t mask[16])
{
    for (unsigned i = 0; i < FRAGS; i++)
        if (word_is(p->value, frags[i].name)) {
            value[0] = frags[i].value;
            mask[0] = frags[i].mask;
            return 0;
        }
    return errbuf_set(t->e, EINVAL, "%.*s: expected nw_frag=no, yes, first, later or not_later",
                      WORD_ARG(p->whole));
}

void text_print_tcp_flags(struct strbuf *b, const struct flow_match *m)
{
    unsigned value = from_be16(m->key.tcp_flags), mask = from_be16(m->mask.tcp_flags) & TCP_ALL;
    if (mask == TCP_ALL) {
        strbuf_addf(b, "tcp_flags=0x%03x,", value);
        return;
    }
    strbuf_adds(b, "tcp_flags=");
    for (unsigned i = 0; i < TCP_NAMES; i++)
        if (mask >> i & 1)
            strbuf_addf(b, "%s%s", value >> i & 1 ? "+" : "-", tcp_names[i]);
    strbuf_adds(b, ",");
}

void text_print_frag(struct strbuf *b, const struct flow_match *m)
{
    uint8_t value = m->key.ip_frag & 3, mask = m->mask.ip_frag & 3;
    for (unsigned i = 0; i < FRAGS; i++)
        if (frags[i].value == value && frags[i].mask == mask) {
            strbuf_addf(b, "nw_frag=%s,", frags[i].name);
            return;
        }
    strbuf_addf(b, "nw_frag=%s,", "no"); /* value 2: a later fragment that is none; none is so */
}
