/* base/assert.h: an assert is a bug of ours, and stays on in release builds.
 *
 * weftd never runs on after a violated assert: forwarding with a broken
 * invariant could leak one tenant's frames to another. Bad *input* is never an
 * assert; it is an error return with a message, or a drop reason.
 */
#ifndef WEFT_BASE_ASSERT_H
#define WEFT_BASE_ASSERT_H

/* Prints file, line and the violated condition to stderr and aborts. */
_Noreturn void weft_assert_fail(const char *what, const char *file, int line);

#define weft_assert(cond) \
    (__builtin_expect(!!(cond), 1) ? (void)0 : weft_assert_fail(#cond, __FILE__, __LINE__))

#endif
