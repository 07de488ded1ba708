/* Cutting text into words. */
#include "ofproto/model/text.h"

static bool is_space(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct word word_of(const char *s) { return (struct word){.s = s, .n = strlen(s)}; }

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

bool word_is(struct word w, const char *s)
{
    for (size_t i = 0; i < w.n; i++)
        if (lower(w.s[i]) != lower(s[i])) /* s[i] is NUL at the latest where it ends */
            return false;
    return s[w.n] == '\0';
}

static void cut(struct word *w, size_t n)
{
    w->s += n;
    w->n -= n;
}

/* Bytes of rest up to a separator outside parentheses. */
static size_t value_length(struct word rest)
{
    unsigned depth = 0;
    size_t i = 0;
    for (; i < rest.n; i++) {
        if (depth == 0 && (is_space(rest.s[i]) || rest.s[i] == ')'))
            break;
        if (rest.s[i] == '(')
            depth++;
        else if (rest.s[i] == ')')
            depth--;
    }
    return i;
}

/* Bytes of rest, which begins after a "(", up to its ")"; rest.n when there is none. */
static size_t inside_length(struct word rest)
{
    unsigned depth = 1;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.s[i] == '(')
            depth++;
        else if (rest.s[i] == ')' && --depth == 0)
            return i;
    }
    return rest.n;
}

bool word_next(struct word *rest, struct pair *out)
{
    while (rest->n && is_space(rest->s[0]))
        cut(rest, 1);
    if (!rest->n)
        return false;
    *out = (struct pair){.key = {.s = rest->s}, .whole = *rest};
    while (out->key.n < rest->n && !is_space(rest->s[out->key.n]) &&
           !memchr("=:()", rest->s[out->key.n], 4))
        out->key.n++;
    cut(rest, out->key.n);
    char c = rest->n ? rest->s[0] : ' ';
    if (c == '(') {
        cut(rest, 1);
        size_t n = inside_length(*rest);
        out->unclosed = n == rest->n;
        out->value = (struct word){.s = rest->s, .n = n};
        cut(rest, out->unclosed ? n : n + 1);
        if (rest->n > 2 && rest->s[0] == '-' && rest->s[1] == '>') {
            cut(rest, 2);
            out->tail = (struct word){.s = rest->s, .n = value_length(*rest)};
            cut(rest, out->tail.n);
        }
    } else if (c == '=' || c == ':') {
        cut(rest, 1);
        out->value = (struct word){.s = rest->s, .n = value_length(*rest)};
        cut(rest, out->value.n);
    } else if (c == ')') {
        cut(rest, 1); /* a stray one: it makes the word unknown */
        out->key.n++;
    }
    out->has_value = out->value.s != NULL;
    out->whole.n = (size_t)(rest->s - out->whole.s);
    return true;
}

bool word_split(struct word w, const char *at, struct word *left, struct word *right)
{
    const char *p = w.n ? memmem(w.s, w.n, at, strlen(at)) : NULL;
    *left = w;
    *right = (struct word){.s = "", .n = 0};
    if (!p)
        return false;
    left->n = (size_t)(p - w.s);
    right->s = p + strlen(at);
    right->n = w.n - left->n - strlen(at);
    return true;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = lower(c);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

bool word_number(struct word w, uint64_t max, uint64_t *out)
{
    unsigned base = 10;
    if (w.n > 2 && w.s[0] == '0' && lower(w.s[1]) == 'x') {
        base = 16;
        cut(&w, 2);
    }
    uint64_t v = 0;
    for (size_t i = 0; i < w.n; i++) {
        unsigned d = digit(w.s[i]);
        if (d >= base || v > (UINT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    *out = v;
    return w.n > 0 && v <= max;
}

/* Levenshtein's distance, of words short enough to be keywords; 99 for others. */
static unsigned distance_of(struct word w, const char *s)
{
    unsigned row[33];
    size_t n = strlen(s);
    if (n >= 32 || w.n >= 32)
        return 99;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= w.n; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned above = row[j];
            unsigned best = diagonal + (lower(w.s[i - 1]) != s[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[n];
}

/* Of words equally far, that with the longer common beginning. */
void word_nearer(struct word w, const char *s, unsigned *distance, const char **best)
{
    unsigned common = 0, d = distance_of(w, s);
    if (d >= w.n || d >= 3)
        return;
    while (common < w.n && common < 31 && lower(w.s[common]) == s[common])
        common++;
    d = d * 32 + 31 - common;
    if (d >= *distance)
        return;
    *distance = d;
    *best = s;
}
