/* What came against what is expected, and a first difference that a person can read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/ctl.h"
#include "control/replay.h"
#include "datapath/eal.h"

static void show_frame(struct strbuf *b, const char *title, const struct replay_frame *f)
{
    struct strbuf hex = {0};
    if (!f) {
        strbuf_addf(b, "  %s: no frame\n", title);
        return;
    }
    for (size_t i = 0; i < f->len && i < 128; i++)
        strbuf_addf(&hex, "%02x", f->bytes[i]);
    strbuf_addf(b, "  %s: %lld.%09lld s, %zu bytes, ", title, (long long)(f->when / NSEC_PER_SEC),
                (long long)(f->when % NSEC_PER_SEC), f->len);
    ctl_frame(b, strbuf_text(&hex));
    strbuf_addf(b, "\n    %s%s\n", strbuf_text(&hex), f->len > 128 ? "..." : "");
    strbuf_free(&hex);
}

static bool same(const struct replay_frame *a, const struct replay_frame *b)
{
    return a && b && a->when == b->when && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static void show_difference(struct strbuf *b, const struct replay_frame *want,
                            const struct replay_frame *got)
{
    size_t at = 0;
    if (!want || !got)
        return;
    if (want->when != got->when)
        strbuf_adds(b, "  the times differ\n");
    while (at < want->len && at < got->len && want->bytes[at] == got->bytes[at])
        at++;
    if (at < want->len || at < got->len)
        strbuf_addf(b, "  the first differing byte is at offset %zu\n", at);
}

static void show_event(const struct replay *r, struct strbuf *b, size_t cause)
{
    const struct replay_event *v = &r->events[cause];
    struct replay_frame in = {.when = v->when, .bytes = v->bytes, .len = v->len};
    char title[WEFT_NAME_MAX + 32];
    if (v->port[0] == '\0') {
        strbuf_addf(b, "  it came of the step \"%s\"\n", (const char *)v->bytes);
        return;
    }
    snprintf(title, sizeof title, "the frame into %s", v->port);
    show_frame(b, title, &in);
    strbuf_addf(b, "  which hit\n%s", r->hits[cause][0] ? r->hits[cause] : "    no rule\n");
}

/* What came names its event. What didn't come is looked for among the frames that went in at the
 * time it was expected: that's where it was lost. */
static void show_cause(const struct replay *r, struct strbuf *b, const struct replay_frame *want,
                       const struct replay_frame *got)
{
    if (got) {
        show_event(r, b, got->cause);
        return;
    }
    for (size_t i = 0; want && i < r->n_events; i++)
        if (r->events[i].port[0] && r->events[i].when == want->when)
            show_event(r, b, i);
}

static int compare_port(const struct replay *r, const struct port *p, struct strbuf *why,
                        struct errbuf *e)
{
    const struct replay_frames *got = &r->out[p->index];
    struct replay_frames want = {0};
    char path[REPLAY_PATH];
    snprintf(path, sizeof path, "%s/out/%s.pcap", r->dir, p->name);
    int err = access(path, F_OK) == 0 ? replay_read_pcap(path, &want, e) : 0;
    for (size_t i = 0; err == 0 && (i < want.n || i < got->n); i++) {
        const struct replay_frame *w = i < want.n ? &want.f[i] : NULL;
        const struct replay_frame *g = i < got->n ? &got->f[i] : NULL;
        if (same(w, g))
            continue;
        strbuf_addf(why, "%s: port %s: frame %zu differs (%zu expected, %zu came)\n", r->dir,
                    p->name, i + 1, want.n, got->n);
        show_frame(why, "expected", w);
        show_frame(why, "came", g);
        show_difference(why, w, g);
        show_cause(r, why, w, g);
        err = 1;
    }
    replay_free_frames(&want);
    return err;
}

static void add_drops(const struct replay *r, struct strbuf *b)
{
    for (unsigned i = 0; i < DROP_COUNT; i++) {
        uint64_t n = switch_drops(weft_switch(r->w), (enum drop_reason)i);
        if (n)
            strbuf_addf(b, "%s %llu\n", drop_name((enum drop_reason)i), (unsigned long long)n);
    }
}

static void read_drops(const struct replay *r, struct strbuf *b)
{
    char path[REPLAY_PATH], line[128];
    snprintf(path, sizeof path, "%s/drops", r->dir);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        strbuf_adds(b, line);
    if (f)
        fclose(f);
}

int replay_compare(const struct replay *r, struct strbuf *why, struct errbuf *e)
{
    struct weft_switch *sw = weft_switch(r->w);
    struct strbuf got = {0}, want = {0};
    int result = replay_check_names(r, "out", e);
    for (unsigned i = 0; result == 0 && i < WEFT_PORTS_MAX; i++) {
        struct port *p = atomic_load(&sw->ports[i]);
        if (p)
            result = compare_port(r, p, why, e);
    }
    add_drops(r, &got);
    read_drops(r, &want);
    if (result == 0 && strcmp(strbuf_text(&got), strbuf_text(&want)) != 0) {
        strbuf_addf(why, "%s: drops differ\n  expected:\n%s  counted:\n%s", r->dir,
                    strbuf_text(&want), strbuf_text(&got));
        result = 1;
    }
    strbuf_free(&got);
    strbuf_free(&want);
    return result;
}

static int update_port(const struct replay *r, const struct port *p, struct errbuf *e)
{
    char path[REPLAY_PATH];
    snprintf(path, sizeof path, "%s/out/%s.pcap", r->dir, p->name);
    if (r->out[p->index].n)
        return replay_write_pcap(path, &r->out[p->index], e);
    if (unlink(path) != 0 && errno != ENOENT)
        return errbuf_set(e, errno, "%s: can't be removed: %s", path, strerror(errno));
    return 0;
}

int replay_update(const struct replay *r, struct errbuf *e)
{
    struct weft_switch *sw = weft_switch(r->w);
    struct strbuf drops = {0};
    char path[REPLAY_PATH];
    int err = 0;
    snprintf(path, sizeof path, "%s/out", r->dir);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return errbuf_set(e, errno, "%s: %s", path, strerror(errno));
    for (unsigned i = 0; err == 0 && i < WEFT_PORTS_MAX; i++) {
        struct port *p = atomic_load(&sw->ports[i]);
        if (p)
            err = update_port(r, p, e);
    }
    add_drops(r, &drops);
    snprintf(path, sizeof path, "%s/drops", r->dir);
    FILE *f = err == 0 ? fopen(path, "w") : NULL;
    if (err == 0 && (!f || fputs(strbuf_text(&drops), f) < 0))
        err = errbuf_set(e, errno, "%s: %s", path, strerror(errno));
    if (f)
        fclose(f);
    strbuf_free(&drops);
    return err;
}

static void to_stderr(void *ctx, enum log_level l, const char *text)
{
    (void)ctx;
    if (l <= LOG_LVL_WARNING)
        fprintf(stderr, "weft-replay: %s\n", text);
}

static int make_weft(struct replay *r, struct errbuf *e)
{
    struct config *c = NULL;
    char path[REPLAY_PATH];
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = to_stderr}};
    snprintf(path, sizeof path, "%s/config.yaml", r->dir);
    int err = config_load(path, &c, e);
    return err < 0 ? err : weft_create(&o, c, &r->w, e);
}

static void free_replay(struct replay *r)
{
    for (size_t i = 0; i < r->n_events; i++) {
        free(r->events[i].bytes);
        if (r->hits)
            free(r->hits[i]);
    }
    free(r->hits);
    free(r->events);
    strbuf_free(&r->hit);
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++)
        replay_free_frames(&r->out[i]);
    weft_free(r->w);
    free(r);
}

int replay_scenario(const char *dir, bool update, struct strbuf *why, struct errbuf *e)
{
    struct replay *r = calloc(1, sizeof *r);
    if (!r)
        return errbuf_set(e, ENOMEM, "%s: out of memory", dir);
    r->dir = dir;
    int err = make_weft(r, e);
    if (err == 0)
        err = replay_load(r, e);
    if (err == 0)
        err = replay_run(r, e);
    if (err == 0)
        err = update ? replay_update(r, e) : replay_compare(r, why, e);
    free_replay(r);
    return err;
}
