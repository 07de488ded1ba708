/* A scenario's files: configuration, pcaps, steps. */
#include <dirent.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/replay.h"

int replay_add_frame(struct replay_frames *l, nsec_t when, unsigned cause, const void *bytes,
                     size_t len)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct replay_frame *f = realloc(l->f, cap * sizeof *f);
        if (!f)
            return -ENOMEM;
        l->f = f;
        l->cap = cap;
    }
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, len);
    l->f[l->n++] = (struct replay_frame){.when = when, .cause = cause, .bytes = copy, .len = len};
    return 0;
}

void replay_free_frames(struct replay_frames *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->f[i].bytes);
    free(l->f);
    *l = (struct replay_frames){0};
}

int replay_read_pcap(const char *path, struct replay_frames *out, struct errbuf *e)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct pcap_pkthdr *h;
    const u_char *bytes;
    int more;
    pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!p)
        return errbuf_set(e, EINVAL, "%s: %s", path, why);
    if (pcap_datalink(p) != DLT_EN10MB) {
        pcap_close(p);
        return errbuf_set(e, EINVAL, "%s: link type %s; give Ethernet", path,
                          pcap_datalink_val_to_name(pcap_datalink(p)));
    }
    while ((more = pcap_next_ex(p, &h, &bytes)) == 1) {
        nsec_t when = h->ts.tv_sec * NSEC_PER_SEC + h->ts.tv_usec; /* tv_usec holds ns here */
        if (replay_add_frame(out, when, 0, bytes, h->caplen) < 0)
            break;
    }
    int r = more == PCAP_ERROR_BREAK ? 0 : errbuf_set(e, EINVAL, "%s: %s", path, pcap_geterr(p));
    pcap_close(p);
    return r;
}

int replay_write_pcap(const char *path, const struct replay_frames *in, struct errbuf *e)
{
    pcap_t *p =
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262144, PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t *d = p ? pcap_dump_open(p, path) : NULL;
    if (!d) {
        int r = errbuf_set(e, EIO, "%s: %s", path, p ? pcap_geterr(p) : "out of memory");
        if (p)
            pcap_close(p);
        return r;
    }
    for (size_t i = 0; i < in->n; i++) {
        struct pcap_pkthdr h = {.caplen = (bpf_u_int32)in->f[i].len,
                                .len = (bpf_u_int32)in->f[i].len};
        h.ts.tv_sec = in->f[i].when / NSEC_PER_SEC;
        h.ts.tv_usec = in->f[i].when % NSEC_PER_SEC;
        pcap_dump((u_char *)d, &h, in->f[i].bytes);
    }
    bool bad = pcap_dump_flush(d) != 0;
    pcap_dump_close(d);
    pcap_close(p);
    return bad ? errbuf_set(e, EIO, "%s: write failed: %s", path, strerror(errno)) : 0;
}

static int add_event(struct replay *r, nsec_t when, const struct port *p, const void *bytes,
                     size_t len)
{
    if (r->n_events == r->cap_events) {
        size_t cap = r->cap_events ? 2 * r->cap_events : 64;
        struct replay_event *v = realloc(r->events, cap * sizeof *v);
        if (!v)
            return -ENOMEM;
        r->events = v;
        r->cap_events = cap;
    }
    uint8_t *copy = malloc(len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    r->events[r->n_events] = (struct replay_event){.when = when,
                                                   .order = (unsigned)r->n_events,
                                                   .bytes = copy,
                                                   .len = len};
    if (p)
        snprintf(r->events[r->n_events].port, WEFT_NAME_MAX, "%s", p->name);
    r->n_events++;
    return 0;
}

int replay_check_names(const struct replay *r, const char *sub, struct errbuf *e)
{
    char path[REPLAY_PATH];
    int err = 0;
    snprintf(path, sizeof path, "%s/%s", r->dir, sub);
    DIR *d = opendir(path);
    if (!d)
        return 0;
    for (const struct dirent *f; err == 0 && (f = readdir(d)) != NULL;) {
        char name[sizeof f->d_name];
        size_t len = strlen(f->d_name);
        if (len <= 5 || strcmp(f->d_name + len - 5, ".pcap") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(len - 5), f->d_name);
        if (!port_find(weft_switch(r->w), name))
            err = errbuf_set(e, ENOENT, "%s/%s: no port is called so; rename or remove it", path,
                             f->d_name);
    }
    closedir(d);
    return err;
}

static int load_inputs(struct replay *r, struct errbuf *e)
{
    struct weft_switch *sw = weft_switch(r->w);
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++) {
        struct port *p = atomic_load(&sw->ports[i]);
        char path[REPLAY_PATH];
        struct replay_frames in = {0};
        if (!p)
            continue;
        snprintf(path, sizeof path, "%s/in/%s.pcap", r->dir, p->name);
        if (access(path, R_OK) != 0)
            continue;
        int err = replay_read_pcap(path, &in, e);
        for (size_t k = 0; err == 0 && k < in.n; k++)
            err = add_event(r, in.f[k].when, p, in.f[k].bytes, in.f[k].len);
        replay_free_frames(&in);
        if (err < 0)
            return err;
    }
    return 0;
}

/* "SECONDS COMMAND" a line; # begins a comment. */
static int load_steps(struct replay *r, struct errbuf *e)
{
    char path[REPLAY_PATH], line[4096];
    int number = 0, err = 0;
    snprintf(path, sizeof path, "%s/steps", r->dir);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (err == 0 && fgets(line, sizeof line, f)) {
        char *rest;
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        double at = strtod(line, &rest);
        if (rest == line || *rest != ' ')
            err = errbuf_set(e, EINVAL, "%s:%d: \"%s\": a step is SECONDS COMMAND", path, number,
                             line);
        else
            err = add_event(r, (nsec_t)(at * 1e9 + 0.5), NULL, rest + 1, strlen(rest + 1));
    }
    fclose(f);
    return err;
}

static int by_time(const void *a, const void *b)
{
    const struct replay_event *x = a, *y = b;
    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

int replay_load(struct replay *r, struct errbuf *e)
{
    int err = replay_check_names(r, "in", e);
    if (err == 0)
        err = load_steps(r, e); /* first, so that a step precedes a frame of the same time */
    if (err == 0)
        err = load_inputs(r, e);
    if (err < 0)
        return err;
    if (r->n_events == 0)
        return errbuf_set(e, ENOENT, "%s: nothing goes in: no in/PORT.pcap of a configured port",
                          r->dir);
    qsort(r->events, r->n_events, sizeof *r->events, by_time);
    r->hits = calloc(r->n_events, sizeof *r->hits);
    return r->hits ? 0 : errbuf_set(e, ENOMEM, "%s: out of memory", r->dir);
}
