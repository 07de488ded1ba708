/* control/weft.h: the whole of a running weft, as a value.
 *
 * struct weft is a switch, the configuration it follows, and per bridge an
 * OpenFlow model with its controllers. weftd runs one under libevent with
 * threads; weft-replay and the simulator run any number, stepped, on a virtual clock,
 * with the same code. Everything here is the control thread's.
 */
#ifndef WEFT_CONTROL_WEFT_H
#define WEFT_CONTROL_WEFT_H

#include <jansson.h>

#include "base/errbuf.h"
#include "control/config.h"
#include "control/log.h"
#include "datapath/switch.h"
#include "ofproto/model/model.h"
#include "ofproto/session/session.h"

struct event_base;
struct weft;
struct of_bridge; /* a bridge with its model: ofbridge.h */

struct weft_options {
    bool stepped;            /* no threads, no sockets; weft_step() */
    struct event_base *base; /* libevent's, when not stepped */
    const char *config_path; /* where changes are persisted; NULL: nowhere */
    uint64_t hash_seed;      /* 0: random */
    struct log log;          /* where log lines go: log_stderr("weftd") or a sink */
};

/* Workers and memory are taken from c (they can't change while running: a reload that changes
 * them says so and keeps the old); bridges and ports are applied. Takes c. */
int weft_create(const struct weft_options *o, struct config *c, struct weft **out,
                struct errbuf *e);
void weft_free(struct weft *w);

/* Makes the switch follow c: only what differs is touched. All of c is checked first; if applying
 * fails halfway (a device can't be opened), what was done is undone and the old configuration
 * stays in force. persist: save to config_path after applying. Takes c in any case. */
int weft_set_config(struct weft *w, struct config *c, bool persist, struct errbuf *e);
const struct config *weft_config(const struct weft *w);
/* Reads config_path again (SIGHUP, `weftctl reload`). */
int weft_reload(struct weft *w, struct errbuf *e);

/* One turn at virtual time now: timeouts, punts, workers. True while something moved. */
bool weft_step(struct weft *w, nsec_t now);
/* Control's share of a turn (in real mode: from timers and fds). */
void weft_control_run(struct weft *w, nsec_t now);

struct weft_switch *weft_switch(struct weft *w);

/* ---- a bridge's OpenFlow side ---- */

struct of_bridge *weft_bridge(struct weft *w, const char *name); /* NULL: no such */
struct of_bridge *weft_bridge_at(struct weft *w, unsigned i);    /* i-th; NULL past the end */
struct bridge *of_bridge_dp(struct of_bridge *b);
struct ofm *of_bridge_model(struct of_bridge *b);
const struct ofm_names *of_bridge_names(struct of_bridge *b);

/* Flow syntax, as `weftctl flow` and configuration give it: applied and visible on return.
 * persistent: also becomes part of the configuration's `flows` (saved by the caller through
 * weft_save_flows once per request). */
int of_bridge_flow(struct of_bridge *b, const char *text, enum ofw_flow_command cmd,
                   bool persistent, struct errbuf *e);
/* Between of_bridge_batch(b, true) and (b, false) changes become visible at the end, at once: for
 * `flow add BR -` and `flow replace`. */
void of_bridge_batch(struct of_bridge *b, bool open);
int weft_save_flows(struct weft *w, struct errbuf *e);
/* Publishes pending changes to the workers now. */
void of_bridge_commit(struct of_bridge *b);
/* Actions syntax ("output:2") on a frame. */
int of_bridge_packet_out(struct of_bridge *b, const char *in_port, const char *actions,
                         const void *frame, size_t len, struct errbuf *e);

/* Controllers of the bridge for `weftctl controller show`: target, state, role, counters. */
json_t *of_bridge_controllers(struct of_bridge *b);

/* ---- log: see log.h for the form of the lines ---- */

void weft_log(struct weft *w, enum log_level l, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void weft_set_log_level(struct weft *w, enum log_level l);

#endif
