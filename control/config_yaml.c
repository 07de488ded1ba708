/* control/config_yaml.c: text or file -> struct config. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/config_priv.h"

/* libcyaml's first line, should it refuse what the walk let pass. */
static void keep_first(cyaml_log_t level, void *ctx, const char *fmt, va_list ap)
{
    char *text = ctx;
    if (level >= CYAML_LOG_ERROR && !*text)
        vsnprintf(text, 200, fmt, ap);
}

static int load(struct config_doc *d, const char *text, size_t len, struct config **out,
                struct errbuf *e)
{
    char why[200] = "";
    struct config *c = NULL;
    cyaml_config_t y = config_cyaml();
    y.log_fn = keep_first;
    y.log_ctx = why;
    y.log_level = CYAML_LOG_ERROR;
    cyaml_err_t r = CYAML_OK;
    if (!config_doc_empty(d))
        r = cyaml_load_data((const uint8_t *)text, len, &y, &config_schema, (void **)&c, NULL);
    why[strcspn(why, "\n")] = '\0';
    if (r == CYAML_ERR_OOM)
        return errbuf_set(e, ENOMEM, "%s: out of memory", d->name);
    if (r == CYAML_ERR_ALIAS)
        return errbuf_set(e, EINVAL, "%s: YAML aliases (*name) are not taken; write it out",
                          d->name);
    if (r != CYAML_OK)
        return errbuf_set(e, EINVAL, "%s: %s", d->name, *why ? why : cyaml_strerror(r));
    *out = c ? c : config_empty();
    return *out ? 0 : errbuf_set(e, ENOMEM, "%s: out of memory", d->name);
}

int config_parse(const char *text, size_t len, const char *name, struct config **out,
                 struct errbuf *e)
{
    struct config_doc d;
    struct config *c = NULL;
    int r = config_doc_parse(&d, text, len, name, e);
    if (r < 0)
        return r;
    r = config_doc_walk(&d, e);
    if (r == 0)
        r = load(&d, text, len, &c, e);
    if (r == 0) {
        struct config_check k = {.c = c, .doc = &d, .e = e};
        r = config_check_all(&k);
    }
    yaml_document_delete(&d.yaml);
    if (r < 0) {
        config_free(c);
        return r;
    }
    *out = c;
    return 0;
}

static int read_all(int fd, const char *path, char **text, size_t *len, struct errbuf *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return errbuf_set(e, errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_BYTES_MAX)
        return errbuf_set(e, EINVAL, "%s: expected a file of at most %d bytes", path,
                          CONFIG_BYTES_MAX);
    size_t n = 0, cap = (size_t)st.st_size + 1;
    char *t = malloc(cap);
    if (!t)
        return errbuf_set(e, ENOMEM, "%s: out of memory", path);
    ssize_t got;
    while (n < cap && (got = read(fd, t + n, cap - n)) != 0) {
        if (got < 0 && errno != EINTR) {
            int err = errno;
            free(t);
            return errbuf_set(e, err, "%s: %s", path, strerror(err));
        }
        n += got > 0 ? (size_t)got : 0;
    }
    *text = t;
    *len = n;
    return 0;
}

int config_load(const char *path, struct config **out, struct errbuf *e)
{
    char *text = NULL;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errbuf_set(e, errno, "%s: %s", path, strerror(errno));
    int r = read_all(fd, path, &text, &len, e);
    close(fd);
    if (r < 0)
        return r;
    r = config_parse(text, len, path, out, e);
    free(text);
    return r;
}
