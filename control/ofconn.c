/* control/ofconn.c: controllers: connecting, listening, carrying bytes. */
#include "control/ofconn.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "control/target.h"
#include "control/tls.h"
#include "control/weft_priv.h"
#include "ofproto/wire/codec.h"

enum {
    BACKOFF_MAX_S = 8,
    READ_MAX = 16 << 10,  /* bytes a session gets at once; then others have their turn */
    WRITE_MAX = 64 << 10, /* bytes handed down; the rest stays in the session, which counts them */
    PASSIVE_MAX = WEFT_CONTROLLERS_MAX,
    ACCEPT_QUEUE =
        512, /* connections that come at once: a short queue would hold up the good ones */
};

/* One connection. */
struct conn {
    TAILQ_ENTRY(conn) next;
    struct controller *of;
    struct bufferevent *bev;
    struct ofs *s;
    bool connected, was_up;
    bool in_rx;        /* inside ofs_rx(): what it leaves is pumped when it returns */
    nsec_t give_up_ns; /* connecting: when the peer had its time to answer */
    char peer[64];     /* of a passive one */
};

/* One configured target. */
struct controller {
    TAILQ_ENTRY(controller) next;
    struct of_conns *all;
    char *text;
    struct target target;
    struct evconnlistener *listener;
    TAILQ_HEAD(, conn) conns;
    unsigned n_conns;
    nsec_t retry_ns; /* active: when to connect; NSEC_NEVER while there is a connection */
    unsigned backoff_s;
    nsec_t refused_ns; /* when that was last said */
    uint64_t n_refused;
    char why[160]; /* why the last one ended */
};

struct of_conns {
    struct of_bridge *b;
    TAILQ_HEAD(, controller) list;
    unsigned n, up;
    unsigned primary_up; /* of the active ones */
};

/* ---- a connection's end ---- */

static void count_up(struct conn *c)
{
    bool up = c->s && ofs_state(c->s) == OFS_UP;
    if (up == c->was_up)
        return;
    c->was_up = up;
    struct of_conns *all = c->of->all;
    all->up += up ? 1 : -1u;
    if (!c->of->target.passive)
        all->primary_up += up ? 1 : -1u;
    if (up) {
        c->of->backoff_s = 0;
        weft_log(all->b->w, LOG_LVL_INFO, "bridge %s: controller %s%s%s: connected",
                 all->b->dp->name, c->of->text, *c->peer ? " from " : "", c->peer);
    }
    of_bridge_fail_mode(all->b, weft_now(all->b->w));
}

static void schedule_retry(struct controller *k)
{
    k->backoff_s = k->backoff_s == 0               ? 1
                   : k->backoff_s >= BACKOFF_MAX_S ? BACKOFF_MAX_S
                                                   : k->backoff_s * 2;
    k->retry_ns = weft_now(k->all->b->w) + k->backoff_s * NSEC_PER_SEC;
    weft_kick(k->all->b->w);
}

static void conn_free(struct conn *c)
{
    struct controller *k = c->of;
    TAILQ_REMOVE(&k->conns, c, next);
    k->n_conns--;
    if (c->s)
        ofs_free(c->s);
    c->s = NULL;
    count_up(c);
    if (c->bev)
        bufferevent_free(c->bev);
    free(c);
}

/* A bufferevent keeps others from taking bytes out of its buffer, so it is thawed first. */
static void last_words(struct conn *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    SSL *ssl = c->of->target.tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;
    size_t n = evbuffer_get_length(out);
    (void)evbuffer_unfreeze(out, 1);
    if (!ssl) {
        (void)evbuffer_write(out, bufferevent_getfd(c->bev));
        return;
    }
    const void *p = n ? evbuffer_pullup(out, (ev_ssize_t)n) : NULL;
    if (p)
        (void)SSL_write(ssl, p, (int)n);
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
}

static void conn_end(struct conn *c, const char *why)
{
    struct controller *k = c->of;
    struct weft *w = k->all->b->w;
    enum log_level l = c->was_up ? LOG_LVL_WARNING : LOG_LVL_DEBUG;
    if (strcmp(k->why, why)) /* a controller that stays away is said once */
        l = LOG_LVL_WARNING;
    snprintf(k->why, sizeof k->why, "%s", why);
    weft_log(w, l, "bridge %s: controller %s%s%s: %s", k->all->b->dp->name, k->text,
             *c->peer ? " from " : "", c->peer, why);
    if (c->connected) /* the last words, an error message say, as far as the socket takes them */
        last_words(c);
    conn_free(c);
    if (!k->target.passive)
        schedule_retry(k);
}

/* ---- bytes ---- */

/* From the session to the socket, as much as is proper. */
static void pump_out(struct conn *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t n;
    const void *p;
    while (evbuffer_get_length(out) < WRITE_MAX && (p = ofs_out(c->s, &n)) && n) {
        n = n < WRITE_MAX ? n : WRITE_MAX;
        if (evbuffer_add(out, p, n) < 0)
            return; /* no memory now: the session keeps it */
        ofs_sent(c->s, n);
    }
}

/* From the socket to the session. False: the connection has ended and c is gone. */
static bool pump_in(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    uint8_t bytes[READ_MAX];
    int r = 0, n = 0;
    while (r == 0 && ofs_wants_rx(c->s) && (n = evbuffer_remove(in, bytes, sizeof bytes)) > 0) {
        c->in_rx = true;
        r = ofs_rx(c->s, bytes, (size_t)n, weft_now(c->of->all->b->w));
        c->in_rx = false;
        pump_out(c);
    }
    if (r < 0) {
        conn_end(c, ofs_why(c->s));
        return false;
    }
    if (ofs_wants_rx(c->s))
        bufferevent_enable(c->bev, EV_READ);
    else
        bufferevent_disable(c->bev, EV_READ);
    return true;
}

static void after(struct of_bridge *b)
{
    of_bridge_events(b);
    of_bridge_commit_soon(b);
    weft_kick(b->w); /* deadlines have moved */
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    struct of_bridge *b = c->of->all->b;
    (void)bev;
    if (pump_in(c))
        count_up(c);
    after(b);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    (void)bev;
    pump_out(c);
    /* Room again: what was left unread in our buffer goes on. */
    if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0 || ofs_wants_rx(c->s))
        on_read(bev, c);
}

static void start_session(struct conn *c)
{
    struct of_bridge *b = c->of->all->b;
    struct ofs_options o = {.probe_ns = (b->cfg->probe_s ? b->cfg->probe_s : 5) * NSEC_PER_SEC,
                            .packet_in_rate = b->cfg->packet_in_rate,
                            .packet_in_burst = b->cfg->packet_in_burst};
    int one = 1;
    setsockopt(bufferevent_getfd(c->bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->connected = true;
    c->s = ofs_create(&b->host, &o, weft_now(b->w));
    if (!c->s) {
        conn_end(c, "out of memory");
        return;
    }
    bufferevent_setwatermark(c->bev, EV_READ, 0, 4 * READ_MAX);
    bufferevent_setwatermark(c->bev, EV_WRITE, WRITE_MAX / 2, 0);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    pump_out(c);
    weft_kick(b->w);
}

static const char *error_text(struct conn *c)
{
    unsigned long ssl = c->of->target.tls ? bufferevent_get_openssl_error(c->bev) : 0;
    const char *why = ssl ? ERR_reason_error_string(ssl) : NULL;
    return why ? why : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    struct of_bridge *b = c->of->all->b;
    (void)bev;
    if (what & BEV_EVENT_CONNECTED)
        start_session(c);
    else if (what & BEV_EVENT_EOF)
        conn_end(c, "closed by the controller");
    else if (what & BEV_EVENT_ERROR)
        conn_end(c, error_text(c));
    weft_kick(b->w);
}

/* ---- coming up ---- */

static struct bufferevent *tls_new(struct controller *k, evutil_socket_t fd)
{
    struct weft *w = k->all->b->w;
    struct errbuf e = {""};
    SSL *ssl = w->config ? tls_connection(w->tls, &w->config->tls, &e) : NULL;
    if (!ssl) {
        snprintf(k->why, sizeof k->why, "%.150s", e.text);
        weft_log(w, LOG_LVL_WARNING, "bridge %s: controller %s: %s", k->all->b->dp->name, k->text,
                 e.text);
        return NULL;
    }
    struct bufferevent *bev =
        bufferevent_openssl_socket_new(w->base, fd, ssl,
                                       k->target.passive ? BUFFEREVENT_SSL_ACCEPTING
                                                         : BUFFEREVENT_SSL_CONNECTING,
                                       BEV_OPT_CLOSE_ON_FREE);
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    else
        SSL_free(ssl);
    return bev;
}

/* fd stays the caller's when there is no memory. */
static struct conn *conn_new(struct controller *k, evutil_socket_t fd)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->of = k;
    c->give_up_ns = weft_now(k->all->b->w) + BACKOFF_MAX_S * NSEC_PER_SEC;
    c->bev = k->target.tls ? tls_new(k, fd)
                           : bufferevent_socket_new(k->all->b->w->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev) {
        free(c);
        return NULL;
    }
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    TAILQ_INSERT_TAIL(&k->conns, c, next);
    k->n_conns++;
    return c;
}

static void start_connect(struct controller *k)
{
    struct conn *c = conn_new(k, -1);
    k->retry_ns = NSEC_NEVER;
    if (!c) {
        schedule_retry(k);
        return;
    }
    /* A refusal at once (no route) comes through on_event as well, or by the return value. */
    if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&k->target.addr,
                                   (int)k->target.addr_len) < 0 &&
        TAILQ_FIRST(&k->conns) == c)
        conn_end(c, strerror(errno));
}

/* Said once a second at most: who floods us with connections shall not flood the log as well. */
static void refused(struct controller *k)
{
    nsec_t now = weft_now(k->all->b->w);
    k->n_refused++;
    if (now - k->refused_ns < NSEC_PER_SEC && k->refused_ns)
        return;
    k->refused_ns = now;
    weft_log(k->all->b->w, LOG_LVL_WARNING,
             "bridge %s: controller %s: one more connection refused (%llu so far), there are %u",
             k->all->b->dp->name, k->text, (unsigned long long)k->n_refused, k->n_conns);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int len,
                      void *arg)
{
    struct controller *k = arg;
    bool room = k->n_conns < PASSIVE_MAX;
    struct conn *c = room ? conn_new(k, fd) : NULL;
    (void)l;
    if (!c) {
        if (!room)
            refused(k);
        evutil_closesocket(fd);
        return;
    }
    target_print(a, (socklen_t)len, c->peer, sizeof c->peer);
    if (!k->target.tls)
        start_session(c); /* else when hands are shaken */
    else
        weft_kick(k->all->b->w);
}

static int start_listen(struct controller *k, struct errbuf *e)
{
    k->retry_ns = NSEC_NEVER;
    k->listener =
        evconnlistener_new_bind(k->all->b->w->base, on_accept, k,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                ACCEPT_QUEUE, (struct sockaddr *)&k->target.addr,
                                (int)k->target.addr_len);
    if (k->listener)
        return 0;
    return errbuf_set(e, errno, "bridge %s: controller %s: can't listen: %s", k->all->b->dp->name,
                      k->text, strerror(errno));
}

/* ---- the list ---- */

static void controller_free(struct controller *k)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&k->conns)))
        conn_free(c);
    if (k->listener)
        evconnlistener_free(k->listener);
    TAILQ_REMOVE(&k->all->list, k, next);
    k->all->n--;
    free(k->text);
    free(k);
}

static int controller_new(struct of_conns *all, const char *text, struct errbuf *e)
{
    struct controller *k = calloc(1, sizeof *k);
    char *copy = strdup(text);
    if (!k || !copy || !target_parse(text, &k->target)) {
        free(k);
        free(copy);
        return errbuf_set(e, ENOMEM, "controller %s: out of memory", text);
    }
    k->all = all;
    k->text = copy;
    TAILQ_INIT(&k->conns);
    TAILQ_INSERT_TAIL(&all->list, k, next);
    all->n++;
    int r = k->target.passive ? start_listen(k, e) : 0;
    if (r < 0)
        controller_free(k);
    return r; /* an active one connects at the next turn: retry_ns is 0 */
}

struct of_conns *of_conns_create(struct of_bridge *b)
{
    struct of_conns *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->b = b;
    TAILQ_INIT(&all->list);
    return all;
}

void of_conns_free(struct of_conns *all)
{
    struct controller *k;
    if (!all)
        return;
    while ((k = TAILQ_FIRST(&all->list)))
        controller_free(k);
    free(all);
}

static bool in_list(const char *text, char **list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(text, list[i]))
            return true;
    return false;
}

static bool have(const struct of_conns *all, const char *text)
{
    const struct controller *k;
    TAILQ_FOREACH(k, &all->list, next)
        if (!strcmp(k->text, text))
            return true;
    return false;
}

int of_conns_set(struct of_conns *all, char **targets, unsigned n, struct errbuf *e)
{
    struct controller *k = TAILQ_FIRST(&all->list), *next;
    int r = 0;
    for (; k; k = next) {
        next = TAILQ_NEXT(k, next);
        if (!in_list(k->text, targets, n))
            controller_free(k);
    }
    for (unsigned i = 0; r == 0 && i < n; i++)
        if (!have(all, targets[i]))
            r = controller_new(all, targets[i], e);
    return r;
}

void of_conns_drop(struct of_conns *all)
{
    struct controller *k;
    struct conn *c;
    TAILQ_FOREACH(k, &all->list, next) {
        while ((c = TAILQ_FIRST(&k->conns)))
            conn_free(c);
        k->retry_ns = k->target.passive ? NSEC_NEVER : 0;
    }
}

/* ---- time ---- */

static nsec_t sooner(nsec_t a, nsec_t b) { return a < b ? a : b; }

static nsec_t run_conns(struct controller *k, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    struct conn *c = TAILQ_FIRST(&k->conns), *next;
    for (; c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (!c->s && now >= c->give_up_ns) {
            conn_end(c, "no answer");
            continue;
        }
        if (!c->s) {
            due = sooner(due, c->give_up_ns);
            continue;
        }
        if (ofs_tick(c->s, now) < 0) {
            pump_out(c);
            conn_end(c, ofs_why(c->s));
            continue;
        }
        pump_out(c);
        due = sooner(due, ofs_deadline(c->s));
    }
    return due;
}

nsec_t of_conns_run(struct of_conns *all, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    struct controller *k;
    TAILQ_FOREACH(k, &all->list, next) {
        if (now >= k->retry_ns)
            start_connect(k);
        due = sooner(due, run_conns(k, now));
        due = sooner(due, k->retry_ns);
    }
    return due;
}

static void send_now(struct conn *c)
{
    if (!c->in_rx)
        pump_out(c);
}

void of_conns_each(struct of_conns *all, void (*fn)(void *ctx, struct ofs *s), void *ctx)
{
    struct controller *k;
    struct conn *c;
    TAILQ_FOREACH(k, &all->list, next)
        TAILQ_FOREACH(c, &k->conns, next)
            if (c->s && ofs_state(c->s) == OFS_UP) {
                fn(ctx, c->s);
                send_now(c);
            }
}

unsigned of_conns_up(const struct of_conns *all) { return all->up; }
unsigned of_conns_primary_up(const struct of_conns *all) { return all->primary_up; }

unsigned of_conns_primary(const struct of_conns *all)
{
    const struct controller *k;
    unsigned n = 0;
    TAILQ_FOREACH(k, &all->list, next)
        n += !k->target.passive;
    return n;
}

bool of_conns_wants_misses(const struct of_conns *all)
{
    const struct controller *k;
    const struct conn *c;
    TAILQ_FOREACH(k, &all->list, next)
        TAILQ_FOREACH(c, &k->conns, next)
            if (!k->target.passive && c->was_up && c->s && ofs_version(c->s) == OF10_VERSION)
                return true;
    return false;
}

/* ---- for weftctl ---- */

static const char *version_name(uint8_t version)
{
    static const char *const names[] = {"", "1.0", "1.1", "1.2", "1.3", "1.4", "1.5"};
    return version < sizeof names / sizeof names[0] ? names[version] : "?";
}

static json_t *conn_json(const struct controller *k, const struct conn *c)
{
    struct ofs_counters n = {0};
    const char *state = k->target.passive ? "listening" : "waiting";
    char tls[160] = "";
    if (c) {
        state = !c->connected ? "connecting" : c->was_up ? "connected" : "handshake";
        n = c->s ? ofs_counters(c->s) : n;
        if (c->connected && k->target.tls)
            tls_describe(bufferevent_openssl_get_ssl(c->bev), tls, sizeof tls);
    }
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}}",
        "target", k->text, "state", state, "role", c && c->s ? ofs_role_name(c->s) : "equal",
        "version", version_name(c && c->s ? ofs_version(c->s) : 0), "peer", c ? c->peer : "", "tls",
        tls, "last_error", k->why, "refused", (json_int_t)k->n_refused, "counters",
        "packet_ins_limited", (json_int_t)n.packet_ins_limited, "bundles", (json_int_t)n.bundles,
        "news_dropped", (json_int_t)n.news_dropped, "rx_messages", (json_int_t)n.rx_messages,
        "tx_messages", (json_int_t)n.tx_messages, "errors_sent", (json_int_t)n.errors_sent,
        "errors_received", (json_int_t)n.errors_received, "packet_ins", (json_int_t)n.packet_ins,
        "packet_ins_dropped", (json_int_t)n.packet_ins_dropped, "flow_mods",
        (json_int_t)n.flow_mods, "packet_outs", (json_int_t)n.packet_outs);
}

json_t *of_conns_json(const struct of_conns *all)
{
    json_t *list = json_array();
    const struct controller *k;
    const struct conn *c;
    TAILQ_FOREACH(k, &all->list, next) {
        if (TAILQ_EMPTY(&k->conns))
            json_array_append_new(list, conn_json(k, NULL));
        TAILQ_FOREACH(c, &k->conns, next)
            json_array_append_new(list, conn_json(k, c));
    }
    return list;
}

json_t *of_bridge_controllers(struct of_bridge *b)
{
    return b->conns ? of_conns_json(b->conns) : json_array();
}
