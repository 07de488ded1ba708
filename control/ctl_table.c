/* control/ctl_table.c: columns that line up. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

static void add(struct ctl_table *t, char *text)
{
    if (t->cells == t->cap) {
        unsigned cap = t->cap * 2 + 64;
        char **more = realloc(t->cell, cap * sizeof *more);
        t->bad = t->bad || !more;
        t->cell = more ? more : t->cell;
        t->cap = more ? cap : t->cap;
    }
    if (t->bad || !text) {
        t->bad = true;
        free(text);
        return;
    }
    t->cell[t->cells++] = text;
}

void ctl_table_init(struct ctl_table *t, const char *headers)
{
    memset(t, 0, sizeof *t);
    while (*headers && t->columns < CTL_COLUMNS_MAX) {
        bool right = *headers == '>';
        headers += right;
        size_t n = strcspn(headers, "|");
        t->right[t->columns++] = right;
        add(t, strndup(headers, n));
        headers += n;
        headers += *headers == '|';
    }
}

void ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    add(t, n < 0 ? NULL : text);
}

/* Characters, not bytes, of UTF-8. */
static unsigned width(const char *s)
{
    unsigned n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

static void print_row(const struct ctl_table *t, unsigned row, const unsigned *widest, FILE *out)
{
    unsigned owed = 0; /* spaces, written only when something follows */
    for (unsigned i = 0; i < t->columns && row + i < t->cells; i++) {
        const char *s = t->cell[row + i];
        unsigned room = widest[i] - width(s);
        if (*s)
            fprintf(out, "%*s%s", (int)(owed + (t->right[i] ? room : 0)), "", s);
        owed = *s ? (t->right[i] ? 2 : room + 2) : owed + widest[i] + 2;
    }
    fputc('\n', out);
}

void ctl_table_print(struct ctl_table *t, FILE *out, const char *none)
{
    unsigned widest[CTL_COLUMNS_MAX] = {0};
    for (unsigned i = 0; i < t->cells; i++) {
        unsigned n = width(t->cell[i]), *w = &widest[i % t->columns];
        *w = n > *w ? n : *w;
    }
    if (t->cells <= t->columns && none)
        fputs(none, out);
    for (unsigned row = 0; row < t->cells && (t->cells > t->columns || !none); row += t->columns)
        print_row(t, row, widest, out);
    if (t->bad)
        fputs("(out of memory: the rest is missing)\n", out);
    for (unsigned i = 0; i < t->cells; i++)
        free(t->cell[i]);
    free(t->cell);
    memset(t, 0, sizeof *t);
}
