#include "base/errbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int errbuf_set(struct errbuf *e, int err, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
    }
    return -err;
}

void errbuf_prefix(struct errbuf *e, const char *fmt, ...)
{
    if (!e)
        return;
    char head[256], old[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    memcpy(old, e->text, sizeof old);
    size_t n = strlen(head);
    memcpy(e->text, head, n);
    snprintf(e->text + n, sizeof e->text - n, "%s", old);
}
