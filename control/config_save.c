/* control/config_save.c: struct config -> YAML text -> file.
 *
 * The printer walks the schema itself: libcyaml's own writes every default out,
 * which would bury a port's two lines under twenty. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "control/config_priv.h"

static bool plain(const char *s)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    bool letter = (*s | 32) >= 'a' && (*s | 32) <= 'z';
    if (!letter ||
        s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")])
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(s, words[i]))
            return false;
    return true;
}

static void put_text(struct strbuf *b, const char *s)
{
    if (plain(s)) {
        strbuf_adds(b, s);
        return;
    }
    strbuf_adds(b, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            strbuf_adds(b, "\\");
        strbuf_add(b, s, 1);
    }
    strbuf_adds(b, "\"");
}

static uint64_t get_uint(const void *at, size_t size)
{
    uint64_t v = 0;
    memcpy(&v, at, size);
    return v;
}

/* The value itself, behind the pointer if the schema says there is one; NULL: not given. */
static const void *value_at(const char *at, const cyaml_schema_value_t *v)
{
    if (v->flags & CYAML_FLAG_POINTER)
        return *(void *const *)at;
    return at;
}

static bool is_default(const char *base, const cyaml_schema_field_t *f)
{
    const void *at = value_at(base + f->data_offset, &f->value);
    if (!at)
        return true;
    switch (f->value.type) {
    case CYAML_SEQUENCE:
        return *(const unsigned *)(base + f->count_offset) == 0;
    case CYAML_MAPPING:
        for (const cyaml_schema_field_t *g = f->value.mapping.fields; g->key; g++)
            if (!is_default(at, g))
                return false;
        return true;
    case CYAML_STRING:
        return false;
    default:
        return !(f->value.flags & CYAML_FLAG_POINTER) && get_uint(at, f->value.data_size) == 0;
    }
}

static void put_flow(struct strbuf *b, const char *base, const cyaml_schema_field_t *f);

/* {key: value, ...} on one line */
static void put_flow_mapping(struct strbuf *b, const char *base, const cyaml_schema_field_t *fields)
{
    strbuf_adds(b, "{");
    for (const cyaml_schema_field_t *f = fields; f->key; f++)
        if (!is_default(base, f)) {
            strbuf_addf(b, "%s: ", f->key);
            put_flow(b, base, f);
            strbuf_adds(b, ", ");
        }
    strbuf_chomp(b, ", ");
    strbuf_adds(b, "}");
}

static void put_scalar(struct strbuf *b, const void *at, const cyaml_schema_value_t *v)
{
    if (v->type == CYAML_STRING)
        put_text(b, at);
    else if (v->type == CYAML_BOOL)
        strbuf_adds(b, *(const bool *)at ? "true" : "false");
    else if (v->type == CYAML_MAPPING)
        put_flow_mapping(b, at, v->mapping.fields);
    else
        strbuf_addf(b, "%" PRIu64, get_uint(at, v->data_size));
}

/* How far apart the items of a list are. */
static size_t stride(const cyaml_schema_value_t *item)
{
    return item->flags & CYAML_FLAG_POINTER ? sizeof(void *) : item->data_size;
}

static void put_flow(struct strbuf *b, const char *base, const cyaml_schema_field_t *f)
{
    const char *at = value_at(base + f->data_offset, &f->value);
    if (f->value.type != CYAML_SEQUENCE) {
        put_scalar(b, at, &f->value);
        return;
    }
    const cyaml_schema_value_t *item = f->value.sequence.entry;
    strbuf_adds(b, "[");
    for (unsigned i = 0; i < *(const unsigned *)(base + f->count_offset); i++) {
        strbuf_adds(b, i ? ", " : "");
        put_scalar(b, value_at(at + i * stride(item), item), item);
    }
    strbuf_adds(b, "]");
}

/* Lists whose items deserve a line each. */
static bool is_block_list(const cyaml_schema_field_t *f)
{
    return !strcmp(f->key, "bridges") || !strcmp(f->key, "ports") || !strcmp(f->key, "flows") ||
           !strcmp(f->key, "groups") || !strcmp(f->key, "meters") || !strcmp(f->key, "static");
}

static void put_block(struct strbuf *b, const char *base, const cyaml_schema_field_t *fields,
                      int indent);

static void put_block_list(struct strbuf *b, const char *base, const cyaml_schema_field_t *f,
                           int indent)
{
    const char *at = value_at(base + f->data_offset, &f->value);
    const cyaml_schema_value_t *item = f->value.sequence.entry;
    bool bridges = !strcmp(f->key, "bridges");
    strbuf_adds(b, "\n");
    for (unsigned i = 0; i < *(const unsigned *)(base + f->count_offset); i++) {
        const char *one = value_at(at + i * stride(item), item);
        strbuf_addf(b, "%*s- ", indent + 2, "");
        if (bridges) {
            put_block(b, one, item->mapping.fields, indent + 4);
        } else {
            put_scalar(b, one, item);
            strbuf_adds(b, "\n");
        }
    }
}

/* The first key stands where the caller has already indented. */
static void put_block(struct strbuf *b, const char *base, const cyaml_schema_field_t *fields,
                      int indent)
{
    bool first = true;
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        if (is_default(base, f))
            continue;
        strbuf_addf(b, "%*s%s:", first ? 0 : indent, "", f->key);
        first = false;
        if (f->value.type == CYAML_SEQUENCE && is_block_list(f)) {
            put_block_list(b, base, f, indent);
        } else if (!strcmp(f->key, "fdb")) {
            strbuf_addf(b, "\n%*s", indent + 2, "");
            put_block(b, value_at(base + f->data_offset, &f->value), f->value.mapping.fields,
                      indent + 2);
        } else {
            strbuf_adds(b, " ");
            put_flow(b, base, f);
            strbuf_adds(b, "\n");
        }
    }
}

int config_print(const struct config *c, struct strbuf *out, struct errbuf *e)
{
    put_block(out, (const char *)c, config_schema.mapping.fields, 0);
    return out->bad ? errbuf_set(e, ENOMEM, "out of memory") : 0;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A rename is on disk when its directory is. */
static int sync_dir_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return r;
}

static int replace(const char *path, const char *text, size_t len)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp)
        return -ENAMETOOLONG;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, text, len);
    close(fd);
    if (r == 0 && rename(temp, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temp);
    return r < 0 ? r : sync_dir_of(path);
}

int config_save(const struct config *c, const char *path, struct errbuf *e)
{
    struct strbuf b = {0};
    char real[PATH_MAX];
    int r = config_print(c, &b, e);
    if (r == 0) {
        /* A symbolic link stays one: what it points at is replaced. */
        r = replace(realpath(path, real) ? real : path, strbuf_text(&b), b.len);
        if (r < 0)
            errbuf_set(e, -r, "%s: can't be saved: %s", path, strerror(-r));
    }
    strbuf_free(&b);
    return r;
}
