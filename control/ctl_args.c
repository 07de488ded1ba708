/* control/ctl_args.c: what stands behind a command. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

int ctl_keys(struct ctl *c, json_t *params, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        const char *eq = strchr(argv[i], '=');
        char key[64];
        if (!eq || eq == argv[i] || (size_t)(eq - argv[i]) >= sizeof key)
            return ctl_usage(c, "\"%s\" is not KEY=VALUE", argv[i]);
        snprintf(key, sizeof key, "%.*s", (int)(eq - argv[i]), argv[i]);
        if (json_object_get(params, key))
            return ctl_usage(c, "\"%s\" is given twice", key);
        json_t *v = eq[1] ? json_string(eq + 1) : json_null();
        if (!v)
            return ctl_usage(c, "the value of %s is not UTF-8", key);
        json_object_set_new(params, key, v);
    }
    return CTL_OK;
}

static int add_flow(struct ctl *c, json_t *list, const char *text)
{
    json_t *v = json_string(text);
    if (!v)
        return ctl_usage(c, "flow %zu is not UTF-8", json_array_size(list) + 1);
    json_array_append_new(list, v);
    return CTL_OK;
}

static int add_lines(struct ctl *c, json_t *list, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int code = CTL_OK;
    while (code == CTL_OK && (n = getline(&line, &cap, f)) >= 0) {
        line[strcspn(line, "#\n")] = '\0';
        char *s = line + strspn(line, " \t\r");
        for (n = (ssize_t)strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
            s[n - 1] = '\0';
        if (*s)
            code = add_flow(c, list, s);
    }
    free(line);
    return code;
}

static int add_source(struct ctl *c, json_t *list, const char *word)
{
    if (!strcmp(word, "-"))
        return add_lines(c, list, c->in);
    if (*word != '@')
        return add_flow(c, list, word);
    FILE *f = fopen(word + 1, "re");
    if (!f)
        return ctl_usage(c, "%s: %s", word + 1, strerror(errno));
    int code = add_lines(c, list, f);
    fclose(f);
    return code;
}

int ctl_flows(struct ctl *c, int argc, char **argv, json_t **out)
{
    json_t *list = json_array();
    int code = CTL_OK;
    for (int i = 0; i < argc && code == CTL_OK; i++)
        code = add_source(c, list, argv[i]);
    if (code != CTL_OK) {
        json_decref(list);
        list = NULL;
    }
    *out = list;
    return code;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Levenshtein's, a row at a time; words longer than the row are far from everything. */
unsigned ctl_distance(const char *a, const char *b)
{
    unsigned row[32];
    size_t n = strlen(b);
    if (n + 1 > sizeof row / sizeof row[0])
        return 100;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 1; j <= n; j++) {
            unsigned above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}
