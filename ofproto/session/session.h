/* ofproto/session/session.h: one OpenFlow connection, without the connection.
 *
 * Bytes go in with ofs_rx(), bytes to send come out of ofs_out(); time comes in
 * with `now`. What a message asks of the switch goes through `struct ofs_host`:
 * control implements it for a real bridge, a test with a few lines. Versions
 * are negotiated (hello and bitmap); today 1.3 only.
 *
 * Liveness: after `probe_ns` without a byte from the peer an echo request is sent; as
 * long again without an answer ends the connection (ofs_rx/ofs_tick return -1).
 * Output is bounded: packet-ins beyond `max_backlog` bytes, or more of one reason than their rate
 * allows (so that misses don't starve those that rules ask for), are dropped and counted; replies
 * stop the reading instead (ofs_wants_rx false) until the peer drains; flow-removed and port-status
 * messages beyond WEFT_NEWS_BYTES are dropped and counted.
 */
#ifndef WEFT_OFPROTO_SESSION_SESSION_H
#define WEFT_OFPROTO_SESSION_SESSION_H

#include "ofproto/model/model.h"
#include "ofproto/wire/role.h"

struct ofs;

/* What the controllers of one bridge share of roles (1.3.5, 6.3.6). Zeroed: no election yet. */
struct ofs_election {
    bool known;
    uint64_t generation;
};

/* The switch as a session sees it. All calls are synchronous. */
struct ofs_host {
    void *ctx;
    struct ofm *model;
    void (*features)(void *ctx, struct ofw_features *out);
    void (*desc)(void *ctx, struct ofw_desc *out);
    /* Ports in order of number, LOCAL last; returns how many there are (may exceed max). */
    size_t (*ports)(void *ctx, struct ofw_port *out, size_t max);
    bool (*port_exists)(void *ctx, uint32_t no);
    bool (*port_stats)(void *ctx, uint32_t no, struct ofw_port_stats *out);
    void (*table_stats)(void *ctx, uint8_t table, uint64_t *lookups, uint64_t *matches);
    int (*port_mod)(void *ctx, const struct ofw_port_mod *m, struct ofw_error *e);
    /* buffer_id, if any, is resolved by the host: BUFFER_UNKNOWN/BUFFER_EMPTY. */
    int (*packet_out)(void *ctx, const struct ofw_packet_out *p, struct ofw_error *e);
    /* flow-mod with a buffer_id: run the buffered packet through the tables (after commit). */
    int (*buffer_release)(void *ctx, uint32_t buffer_id, struct ofw_error *e);
    struct ofs_election *election;
    size_t
        *bundle_bytes; /* that the bundles of all sessions of the bridge hold; NULL: this one's */
    /* Makes every other session that is master a slave (ofs_demote). */
    void (*demote)(void *ctx, const struct ofs *master);
    /* Makes every change of the model so far visible to packets, before it returns. */
    void (*commit)(void *ctx);
};

struct ofs_options {
    nsec_t probe_ns;    /* 0: 5 s */
    size_t max_backlog; /* bytes; 0: 1 MiB */
    uint32_t packet_in_rate,
        packet_in_burst; /* packets a second of one reason; 0: no limit; the rate */
};

enum ofs_state { OFS_HELLO, OFS_UP, OFS_CLOSED };

struct ofs_counters {
    uint64_t rx_messages, tx_messages, errors_sent, errors_received, packet_ins, packet_ins_dropped,
        packet_ins_limited, flow_mods, packet_outs, bundles, news_dropped;
};

struct ofs *ofs_create(const struct ofs_host *host, const struct ofs_options *o, nsec_t now);
void ofs_free(struct ofs *s);

/* Takes bytes as they come, any split. 0, or -1: close the connection (flush ofs_out first;
 * ofs_why() says why). */
int ofs_rx(struct ofs *s, const void *bytes, size_t n, nsec_t now);
int ofs_tick(struct ofs *s, nsec_t now);
nsec_t ofs_deadline(const struct ofs *s);
bool ofs_wants_rx(const struct ofs *s);

/* What waits to be sent; NULL/0 when nothing. ofs_sent() takes n of it away, and goes on with what
 * had to wait for room: a dump, messages that have come. It may call the host. */
const void *ofs_out(const struct ofs *s, size_t *n);
void ofs_sent(struct ofs *s, size_t n);

/* Asynchronous messages; ignored unless the session is up. */
void ofs_packet_in(struct ofs *s, const struct ofw_packet_in *p);
/* What time it is, for the rate of packet-ins. */
void ofs_time(struct ofs *s, nsec_t now);
void ofs_flow_removed(struct ofs *s, const struct ofw_flow_removed *f);
void ofs_port_status(struct ofs *s, uint8_t reason, const struct ofw_port *p);

/* Does this session want packet-ins of this reason? */
bool ofs_wants_packet_in(const struct ofs *s, uint8_t reason);
void ofs_demote(struct ofs *s);
/* "equal", "master", "slave" */
const char *ofs_role_name(const struct ofs *s);

enum ofs_state ofs_state(const struct ofs *s);
uint8_t ofs_version(const struct ofs *s); /* 0 before it is agreed */
/* miss_send_len from SET_CONFIG: how much of a packet with no explicit max_len to send. */
uint16_t ofs_miss_send_len(const struct ofs *s);
struct ofs_counters ofs_counters(const struct ofs *s);
const char *ofs_why(const struct ofs *s); /* last error or reason to close, "" if none */

#endif
