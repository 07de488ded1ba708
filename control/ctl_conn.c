/* control/ctl_conn.c: one line to the daemon, one line back. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/api.h"
#include "control/ctl.h"

int ctl_usage(struct ctl *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("weftctl: ", c->err);
    vfprintf(c->err, fmt, ap);
    fputc('\n', c->err);
    va_end(ap);
    return CTL_USAGE;
}

static int no_daemon(struct ctl *c, int err)
{
    fprintf(c->err, "weftctl: no weftd answers at %s: %s; start it or give --rundir\n", c->socket,
            strerror(err));
    return CTL_NO_DAEMON;
}

static int went_away(struct ctl *c)
{
    fprintf(c->err, "weftctl: weftd at %s went away before it answered\n", c->socket);
    ctl_close(c);
    return CTL_NO_DAEMON;
}

static int connect_to(struct ctl *c)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (c->fd >= 0)
        return CTL_OK;
    if (strlen(c->socket) >= sizeof un.sun_path)
        return no_daemon(c, ENAMETOOLONG);
    strcpy(un.sun_path, c->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof un) < 0) {
        int err = errno;
        if (fd >= 0)
            close(fd);
        return no_daemon(c, err);
    }
    c->fd = fd;
    return CTL_OK;
}

void ctl_close(struct ctl *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    strbuf_free(&c->rest);
}

static bool send_all(int fd, const char *s, size_t n)
{
    while (n) {
        ssize_t k = send(fd, s, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        s += k;
        n -= (size_t)k;
    }
    return true;
}

/* The next line into *line (its own memory), what is behind it stays. */
static bool read_line(struct ctl *c, struct strbuf *line)
{
    char chunk[65536];
    *line = c->rest;
    c->rest = (struct strbuf){0};
    const char *end = line->len ? memchr(line->s, '\n', line->len) : NULL;
    while (!end && !line->bad) {
        ssize_t k = recv(c->fd, chunk, sizeof chunk, 0);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        size_t had = line->len;
        strbuf_add(line, chunk, (size_t)k);
        end = line->bad ? NULL : memchr(line->s + had, '\n', (size_t)k);
    }
    if (line->bad)
        return false;
    size_t n = (size_t)(end - line->s);
    strbuf_add(&c->rest, end + 1, line->len - n - 1);
    line->len = n;
    line->s[n] = '\0';
    return true;
}

static int refused(struct ctl *c, const json_t *error)
{
    const char *code = ctl_s(error, "code");
    fprintf(c->err, "weftctl: %s\n", ctl_s(error, "message"));
    if (c->json)
        ctl_print_json(c, error);
    return strcmp(code, "EPROTO") ? CTL_REFUSED : CTL_NO_DAEMON;
}

static int take_answer(struct ctl *c, const char *text, size_t len, json_t **result)
{
    json_t *a = json_loadb(text, len, 0, NULL);
    json_t *error = json_object_get(a, "error"), *r = json_object_get(a, "result");
    int code = CTL_NO_DAEMON;
    if (error)
        code = refused(c, error);
    else if (!r)
        fprintf(c->err, "weftctl: what answers at %s is no weftd\n", c->socket);
    else
        code = CTL_OK;
    *result = code == CTL_OK ? json_incref(r) : NULL;
    json_decref(a);
    return code;
}

int ctl_call(struct ctl *c, const char *method, json_t *params, json_t **result)
{
    struct strbuf line = {0};
    *result = NULL;
    if (!params)
        params = json_object();
    int code = connect_to(c);
    json_t *req = json_pack("{s:i,s:I,s:s,s:o}", "v", API_VERSION, "id", ++c->id, "method", method,
                            "params", params);
    char *text = req ? json_dumps(req, JSON_COMPACT) : NULL;
    json_decref(req);
    if (code == CTL_OK && !text)
        code = ctl_usage(c, "the arguments are not UTF-8");
    if (code == CTL_OK && strlen(text) > API_LINE_MAX)
        code = ctl_usage(c, "the request has more than %d bytes; give less at once", API_LINE_MAX);
    if (code == CTL_OK &&
        (!send_all(c->fd, text, strlen(text)) || !send_all(c->fd, "\n", 1) || !read_line(c, &line)))
        code = went_away(c);
    if (code == CTL_OK)
        code = take_answer(c, line.s, line.len, result);
    strbuf_free(&line);
    free(text);
    return code;
}

void ctl_print_json(struct ctl *c, const json_t *v)
{
    bool watched = c->watch_s > 0; /* a stream: a line each */
    json_dumpf(v, c->out, (watched ? JSON_COMPACT : JSON_INDENT(2)) | JSON_ENCODE_ANY);
    fputc('\n', c->out);
    fflush(c->out);
}

int ctl_ask(struct ctl *c, const char *method, json_t *params, json_t **result)
{
    int code = ctl_call(c, method, params, result);
    if (code != CTL_OK || !c->json)
        return code;
    ctl_print_json(c, *result);
    json_decref(*result);
    *result = NULL;
    return CTL_OK;
}

int ctl_do(struct ctl *c, const char *method, json_t *params)
{
    json_t *r;
    int code = ctl_ask(c, method, params, &r);
    json_decref(r);
    return code;
}
