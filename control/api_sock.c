/* control/api_sock.c: api_line() over a unix socket.
 *
 * A client has one answer under way at a time: while it is slow to read, nothing more is
 * read from it, so memory is bounded by one request and one answer a client, and there are
 * CLIENTS_MAX of them. One line a turn, so that none of them holds up the loop. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/api.h"
#include "control/weft.h"

enum {
    CLIENTS_MAX = 64,
    STALLED_S = 60,      /* a client that reads nothing of its answer for so long is cut off */
    BIG_BYTES = 1 << 20, /* an answer after which memory is given back to the kernel */
};

struct client {
    TAILQ_ENTRY(client) next;
    struct api *api;
    struct bufferevent *bev;
    size_t seen; /* bytes at the front of the input that hold no newline */
    bool eof, last;
    bool big; /* the answer under way */
};

struct api {
    struct weft *w;
    struct event_base *base;
    struct evconnlistener *listener;
    char *path;
    TAILQ_HEAD(, client) clients;
    unsigned n_clients;
};

static void client_free(struct client *c)
{
    TAILQ_REMOVE(&c->api->clients, c, next);
    c->api->n_clients--;
    bufferevent_free(c->bev);
    free(c);
}

static void free_text(const void *text, size_t len, void *arg)
{
    (void)len, (void)arg;
    free((void *)text);
}

/* Takes text, and copies it nowhere. */
static void say(struct client *c, char *text)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t len = text ? strlen(text) : 0;
    if (!text || evbuffer_add_reference(out, text, len, free_text, NULL) < 0) {
        free(text);
        c->last = true;
        return;
    }
    evbuffer_add(out, "\n", 1);
    c->big = len > BIG_BYTES;
}

/* Length of the first line, its newline left out; -1: it isn't whole yet. */
static ssize_t line_length(struct client *c, struct evbuffer *in)
{
    struct evbuffer_ptr from;
    size_t len = evbuffer_get_length(in);
    if (c->eof)
        c->seen = 0;
    if (len <= c->seen || evbuffer_ptr_set(in, &from, c->seen, EVBUFFER_PTR_SET) < 0)
        return -1;
    struct evbuffer_ptr at = evbuffer_search(in, "\n", 1, &from);
    if (at.pos < 0 && c->eof)
        return (ssize_t)len; /* the last line needs no newline */
    if (at.pos < 0)
        c->seen = len;
    return at.pos;
}

static void one_line(struct client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    ssize_t len = line_length(c, in);
    if (len < 0 && evbuffer_get_length(in) > API_LINE_MAX) {
        say(c, api_line(c->api->w, "", (size_t)API_LINE_MAX + 1)); /* says that it is too long */
        c->last = true;
    }
    if (len < 0)
        return;
    unsigned char *line = evbuffer_pullup(in, c->eof ? -1 : len + 1);
    if (line)
        say(c, api_line(c->api->w, (char *)line, (size_t)len));
    c->last = c->last || !line;
    evbuffer_drain(in, (size_t)len + 1);
    c->seen = 0;
}

static bool pending(const struct client *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev)) > 0;
}

static void turn(struct client *c)
{
    if (!pending(c) && !c->last)
        one_line(c);
    if (pending(c))
        bufferevent_disable(c->bev, EV_READ); /* until on_written */
    else if (c->eof || c->last)
        client_free(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    turn(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;
    if (pending(c))
        return;
    if (c->big)
        malloc_trim(0);
    c->big = false;
    if (!c->eof && !c->last)
        bufferevent_enable(bev, EV_READ);
    turn(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct client *c = arg;
    (void)bev;
    if (!(what & BEV_EVENT_EOF) || (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))) {
        client_free(c);
        return;
    }
    c->eof = true; /* half closed: what it asked is answered yet */
    turn(c);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
                      void *arg)
{
    struct api *a = arg;
    struct timeval stalled = {.tv_sec = STALLED_S};
    (void)l, (void)sa, (void)len;
    struct client *c = a->n_clients < CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
    if (c)
        c->bev = bufferevent_socket_new(a->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c || !c->bev) {
        static const char busy[] = "{\"v\":1,\"id\":null,\"error\":{\"code\":\"EBUSY\",\"message\":"
                                   "\"too many clients\"}}\n";
        (void)!send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        evutil_closesocket(fd);
        free(c);
        return;
    }
    c->api = a;
    TAILQ_INSERT_TAIL(&a->clients, c, next);
    a->n_clients++;
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, (size_t)API_LINE_MAX + 1);
    bufferevent_set_timeouts(c->bev, NULL, &stalled);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* ---- the socket ---- */

static bool somebody_answers(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool live = fd >= 0 && (connect(fd, (const struct sockaddr *)un, sizeof *un) == 0 ||
                            errno == EAGAIN || errno == EACCES);
    if (fd >= 0)
        close(fd);
    return live;
}

static int refuse(int err, const char *path, const char *why, struct errbuf *e)
{
    return errbuf_set(e, err, "API socket %s: %s", path, why);
}

static int bind_path(const char *path, int *out, struct errbuf *e)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof un.sun_path)
        return refuse(ENAMETOOLONG, path, "a path of more than 107 bytes; give a shorter --rundir",
                      e);
    strcpy(un.sun_path, path);
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return refuse(EEXIST, path, "is something else than a socket; remove it", e);
    if (somebody_answers(&un))
        return refuse(EADDRINUSE, path, "another weftd answers there; give another --rundir", e);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* fchmod before bind: the file is never there with more rights. */
    if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&un, sizeof un) < 0) {
        int err = errno;
        if (fd >= 0)
            close(fd);
        return refuse(err, path, strerror(err), e);
    }
    *out = fd;
    return 0;
}

int api_listen(struct event_base *base, struct weft *w, const char *path, struct api **out,
               struct errbuf *e)
{
    int fd, r = bind_path(path, &fd, e);
    if (r < 0)
        return r;
    struct api *a = calloc(1, sizeof *a);
    char *copy = strdup(path);
    struct evconnlistener *l =
        a && copy ? evconnlistener_new(base, on_accept, a,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, fd)
                  : NULL;
    if (!l) {
        close(fd);
        unlink(path);
        free(copy);
        free(a);
        return refuse(ENOMEM, path, "out of memory", e);
    }
    *a = (struct api){.w = w, .base = base, .listener = l, .path = copy};
    TAILQ_INIT(&a->clients);
    *out = a;
    return 0;
}

void api_free(struct api *a)
{
    struct client *c;
    if (!a)
        return;
    while ((c = TAILQ_FIRST(&a->clients)))
        client_free(c);
    evconnlistener_free(a->listener);
    unlink(a->path);
    free(a->path);
    free(a);
}
