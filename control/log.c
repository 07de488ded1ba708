/* control/log.c: one line, one write(). */
#include "control/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"error", "warning", "info", "debug"};
/* sd-daemon(3): SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG */
static const char journal_level[] = {'3', '4', '6', '7'};

struct log log_stderr(const char *who)
{
    return (
        struct log){.max = LOG_LVL_INFO, .journal = getenv("JOURNAL_STREAM") != NULL, .who = who};
}

static int put_prefix(const struct log *g, enum log_level l, char *line, size_t size)
{
    if (g->journal)
        return snprintf(line, size, "<%c>", journal_level[l]);
    if (l == LOG_LVL_INFO)
        return snprintf(line, size, "%s: ", g->who ? g->who : "weft");
    return snprintf(line, size, "%s: %s: ", g->who ? g->who : "weft", names[l]);
}

void log_vline(const struct log *g, enum log_level l, const char *fmt, va_list ap)
{
    char line[1024];
    if (l > g->max)
        return;
    size_t at = g->sink ? 0 : (size_t)put_prefix(g, l, line, sizeof line);
    int n = vsnprintf(line + at, sizeof line - at - 1, fmt, ap);
    if (n < 0)
        return;
    if (g->sink) {
        g->sink(g->ctx, l, line);
        return;
    }
    size_t len = strlen(line);
    line[len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored; /* a log that can't be written can't be logged */
}

void log_line(const struct log *g, enum log_level l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_vline(g, l, fmt, ap);
    va_end(ap);
}

bool log_level_parse(const char *name, enum log_level *out)
{
    for (unsigned i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

const char *log_level_name(enum log_level l) { return l <= LOG_LVL_DEBUG ? names[l] : "?"; }
