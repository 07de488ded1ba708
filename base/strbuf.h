/* base/strbuf.h: text that grows.
 *
 * For dumps, flow syntax and messages; never on the fast path. A failed
 * allocation sets `bad` and drops what follows, so that callers test once at
 * the end. strbuf_free() on a zeroed or freed strbuf is fine.
 */
#ifndef WEFT_BASE_STRBUF_H
#define WEFT_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *s; /* NUL-terminated when not NULL */
    size_t len, cap;
    bool bad;
};

void strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_add(struct strbuf *b, const char *text, size_t n);
void strbuf_adds(struct strbuf *b, const char *text);
/* Removes `suffix` from the end if it is there (the last comma of a list). */
void strbuf_chomp(struct strbuf *b, const char *suffix);
/* The text ("" when empty); stays valid until the next change. */
const char *strbuf_text(const struct strbuf *b);
void strbuf_free(struct strbuf *b);

#endif
