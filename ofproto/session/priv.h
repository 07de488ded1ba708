/* ofproto/session/priv.h: what the files of this room share, and nobody else uses.
 *
 * Bytes that came wait in `in` until they are a whole message and the session is free to take it;
 * it is not while a dump is on its way or more than max_backlog bytes wait in `out`. A dump of
 * flows is a cursor into the model: its next message is made when the one before has been sent, so
 * a million flows cost a few messages of memory.
 */
#ifndef WEFT_OFPROTO_SESSION_PRIV_H
#define WEFT_OFPROTO_SESSION_PRIV_H

#include "ofproto/model/undo.h"
#include "ofproto/session/session.h"
#include "ofproto/wire/codec.h"

enum { DUMP_AHEAD = 256 << 10 /* bytes of a dump that may wait in `out` */ };
enum { PACKET_IN_REASONS = 8 };

struct bytes {
    uint8_t *p;
    size_t from, to, cap; /* p[from..to) counts */
};

struct dump {
    bool active;
    uint32_t xid;
    struct ofw_multipart_req req;
    struct ofm_cursor at;
};

struct bundle;

/* What a message that changes the switch does: in a bundle it is first checked, later done. */
enum change_mode { CHANGE_NOW, CHANGE_CHECK, CHANGE_UNDOABLE };

struct ofs {
    struct ofs_host host;
    struct ofs_options options;
    enum ofs_state state;
    uint8_t version;               /* 0: not agreed on */
    const struct ofw_codec *codec; /* of the version; 1.3's until then */
    bool table_id, nxm;            /* 1.0: a command names its table; flow-removeds are NXT's */
    struct bytes in, out;
    struct ofw_arena arena;
    struct ofw_config config;
    uint32_t role; /* enum ofw_role */
    struct ofw_async async;
    struct dump dump;
    struct bucket {
        nsec_t since; /* full tokens came up to here */
        uint64_t spent;
    } packet_in[PACKET_IN_REASONS];
    struct bundle *bundles;
    size_t bundle_bytes; /* when nobody else counts them */
    enum change_mode mode;
    struct ofm_undo *undo; /* in mode CHANGE_UNDOABLE */
    bool changed;          /* flow-mods since the last commit */
    bool probing;          /* an echo request waits for its answer */
    bool progress;         /* the peer took bytes since the last tick */
    nsec_t now, alive_ns, probed_ns;
    uint32_t last_xid;
    struct ofs_counters counters;
    char why[160];
};

/* One whole message. */
struct message {
    const uint8_t *bytes;
    struct ofw_header h;
    struct reader body;
};

/* ---- session.c ---- */

/* Room for one message at the end of `out`; session_written() makes it count. */
struct writer session_writer(struct ofs *s);
void session_written(struct ofs *s, const struct writer *w);
void session_error(struct ofs *s, const struct message *m, const struct ofw_error *e);
void session_close(struct ofs *s, const char *why);
size_t session_backlog(const struct ofs *s);
void session_commit(struct ofs *s);
/* The message at `bytes`, whose length is known to be right. */
struct message session_message(const struct ofs *s, const uint8_t *bytes);

/* Sets *e and returns -1, so that a handler refuses in one line. */
static inline int session_refuse(struct ofw_error *e, uint16_t type, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = type, .code = code, .why = why};
    return -1;
}

/* ---- handle.c ---- */

/* 0, or -1 with the error to be sent. */
int handle_message(struct ofs *s, const struct message *m, struct ofw_error *e);

/* ---- nicira.c ---- */

/* r: what follows the experimenter's header. */
int nicira_message(struct ofs *s, const struct message *m, uint32_t type, struct reader r,
                   struct ofw_error *e);
/* A flow-mod of 1.0 in Nicira's form. */
int handle_nx_flow_mod(struct ofs *s, struct reader r, struct ofw_error *e);
int role_change(struct ofs *s, struct ofw_role_msg *r, struct ofw_error *e);

/* ---- multipart.c, table_features.c ---- */

int multipart_request(struct ofs *s, const struct message *m, struct ofw_error *e);
/* Goes on with a dump as far as DUMP_AHEAD allows. */
void multipart_continue(struct ofs *s);

/* A reply of entries, split into as many messages as it takes. */
struct reply {
    struct ofs *s;
    uint32_t xid;
    uint16_t type;
    bool nx;
    size_t at, empty; /* where it starts; its length without entries */
    struct writer w;
};
struct reply reply_begin(struct ofs *s, uint32_t xid, uint16_t type);
/* Appends what `encode` writes; begins another message when it doesn't fit in this one. */
typedef void (*reply_encode)(struct reply *r, const void *entry);
void reply_add(struct reply *r, reply_encode encode, const void *entry);
/* All ports, in memory of the caller's; NULL: no memory, and the session is closed. */
struct ofw_port *multipart_ports(struct ofs *s, size_t *n);
void reply_end(struct reply *r, bool more);

void table_features_reply(struct ofs *s, uint32_t xid);
/* Bit per OFPAT_* that can be used. */
uint32_t table_features_actions(void);

/* ---- role.c ---- */

extern const struct ofw_async role_async_default;
int role_request(struct ofs *s, const struct message *m, struct ofw_error *e);
int role_check(const struct ofs *s, uint8_t type, struct ofw_error *e);
bool role_wants(const struct ofs *s, const uint32_t mask[2], uint8_t reason);
int set_async(struct ofs *s, const struct message *m, struct ofw_error *e);
void get_async(struct ofs *s, uint32_t xid);

/* ---- bundle.c ---- */

/* r: the body of 1.4's message, which is what follows the header of ONF's experimenter message. */
int bundle_control(struct ofs *s, const struct message *m, struct reader r, struct ofw_error *e);
int bundle_add(struct ofs *s, const struct message *m, struct reader r, struct ofw_error *e);
/* Discards those that nothing happens to; when the next one is due. */
void bundle_expire(struct ofs *s);
nsec_t bundle_deadline(const struct ofs *s);
void bundle_free_all(struct ofs *s);

/* ---- handle.c ---- */

/* A change as s->mode says; -1 with the error to be sent. */
int handle_change(struct ofs *s, const struct message *m, struct ofw_error *e);
/* What a flow-mod or packet-out of a bundle leaves to do when the model is committed. */
int handle_after_commit(struct ofs *s, const struct message *m, struct ofw_error *e);

/* ---- group.c ---- */

int group_mod(struct ofs *s, const struct message *m, struct ofw_error *e);
void group_stats(struct ofs *s, uint32_t xid, uint32_t id);
void group_desc(struct ofs *s, uint32_t xid);
void group_features(struct ofs *s, uint32_t xid);

/* ---- meter.c ---- */

int meter_mod(struct ofs *s, const struct message *m, struct ofw_error *e);
int meter_reply(struct ofs *s, uint32_t xid, const struct ofw_multipart_req *q,
                struct ofw_error *e);
void meter_features(struct ofs *s, uint32_t xid);

#endif
