/* control/log.h: lines for the operator.
 *
 * On a terminal or in a file a line reads "weftd: warning: port vm1: ..."; under systemd
 * (JOURNAL_STREAM is set) it starts with the journal's level, "<4>port vm1: ...". A struct log is a
 * value inside struct weft: a test or weft-replay gives its own sink. One write() a line, so lines
 * of threads don't mix. Any thread; the level is set by control.
 */
#ifndef WEFT_CONTROL_LOG_H
#define WEFT_CONTROL_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARNING, LOG_LVL_INFO, LOG_LVL_DEBUG };

struct log {
    enum log_level max; /* lines above it are dropped */
    bool journal;
    const char *who;                                             /* "weftd" */
    void (*sink)(void *ctx, enum log_level l, const char *text); /* NULL: stderr */
    void *ctx;
};

/* To stderr, at level info, with the journal's prefixes when it listens. */
struct log log_stderr(const char *who);
void log_line(const struct log *g, enum log_level l, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_vline(const struct log *g, enum log_level l, const char *fmt, va_list ap);
/* "warning" -> LOG_LVL_WARNING. False: no such level. */
bool log_level_parse(const char *name, enum log_level *out);
const char *log_level_name(enum log_level l);

#endif
