/* base/errbuf.h: an error message on its way to a person.
 *
 * A function that can be refused takes a `struct errbuf *` last and returns a
 * negative errno; the message names the object, the value and the remedy
 * ("port vm1: MTU 70 is below 576; give 576..9216"). The caller may add who it
 * was about with errbuf_prefix(). A NULL errbuf is allowed everywhere.
 */
#ifndef WEFT_BASE_ERRBUF_H
#define WEFT_BASE_ERRBUF_H

struct errbuf {
    char text[1024];
};

/* Sets the text (truncating) and returns -err, for `return errbuf_set(e, EINVAL, ...)`. */
int errbuf_set(struct errbuf *e, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts a formatted prefix before the text that is there. */
void errbuf_prefix(struct errbuf *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
