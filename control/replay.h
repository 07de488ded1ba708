/* control/replay.h: weft-replay, in parts.
 *
 * A scenario is a folder: config.yaml (ports of type ring), in/PORT.pcap, and
 * what must come of it: out/PORT.pcap and `drops`. The real datapath and control run on a virtual
 * clock that the pcaps' timestamps move, in one thread, so a scenario gives the same bytes each
 * time. What comes out is compared byte for byte, times included; the first difference is told with
 * the frame decoded and the rules it hit. One thread; EAL must be up.
 */
#ifndef WEFT_CONTROL_REPLAY_H
#define WEFT_CONTROL_REPLAY_H

#include "base/strbuf.h"
#include "control/weft.h"

enum { REPLAY_PATH = 512 };

/* A frame that goes in, or a step. In order of time, then of appearance. */
struct replay_event {
    nsec_t when;
    unsigned order;
    char port[WEFT_NAME_MAX]; /* a name, as a step may delete the port; "": a step */
    uint8_t *bytes;           /* the frame, or the step's text, NUL-terminated */
    size_t len;
};

/* A frame that came out. */
struct replay_frame {
    nsec_t when;
    unsigned cause; /* index of the event that it came of */
    uint8_t *bytes;
    size_t len;
};

struct replay_frames {
    struct replay_frame *f;
    size_t n, cap;
};

struct replay {
    const char *dir;
    struct weft *w;
    struct replay_event *events;
    size_t n_events, cap_events;
    struct replay_frames out[WEFT_PORTS_MAX]; /* by port index */
    char **hits;                              /* per event: the rules hit, "" for none */
    struct strbuf hit;
    nsec_t now;
};

/* ---- replay_load.c: a scenario's files. 0 or -errno with a message ---- */
int replay_load(struct replay *r, struct errbuf *e);
/* -ENOENT for a NAME.pcap in dir/sub that no port is called after: it would be compared with
 * nothing and pass. */
int replay_check_names(const struct replay *r, const char *sub, struct errbuf *e);
int replay_read_pcap(const char *path, struct replay_frames *out, struct errbuf *e);
int replay_write_pcap(const char *path, const struct replay_frames *in, struct errbuf *e);
int replay_add_frame(struct replay_frames *l, nsec_t when, unsigned cause, const void *bytes,
                     size_t len);
void replay_free_frames(struct replay_frames *l);

/* ---- replay_run.c ---- */
int replay_run(struct replay *r, struct errbuf *e);

/* ---- replay_compare.c ---- */
/* 0: as expected; 1: not, with a report in *why; -errno with a message. */
int replay_compare(const struct replay *r, struct strbuf *why, struct errbuf *e);
/* Writes what came as what is expected. */
int replay_update(const struct replay *r, struct errbuf *e);

/* All of a scenario; the answers of replay_compare(). */
int replay_scenario(const char *dir, bool update, struct strbuf *why, struct errbuf *e);

#endif
