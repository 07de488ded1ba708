/* control/announce.h: when a VM's place is announced, and with which frames.
 *
 * Two pure parts. The schedule: a round at once, the next after `initial`, then each `step` later
 * than the one before it (QEMU's announce-self: 0, 50, 200, 450, 800 ms), because the frames of a
 * round may be lost just when a network learns that somebody has moved. Starting again while it
 * runs begins anew, though never sooner than `spacing` after the last round, so that nobody can
 * make us flood. Cancelling ends it: the VM has left, or somebody else says that it has it.
 *
 * The frames: gratuitous ARP (RFC 5227 section 2.3 announces by request; a reply is for hosts that
 * want one), an unsolicited Neighbor Advertisement with override (RFC 4861 section 7.2.6), and for
 * a MAC without an address RARP (RFC 903; what QEMU and librte_vhost send), which no host answers,
 * but every bridge learns from. All broadcast or to all nodes; a tag if they need one.
 *
 * No clock, no allocation. Any thread, one at a time per struct.
 */
#ifndef WEFT_CONTROL_ANNOUNCE_H
#define WEFT_CONTROL_ANNOUNCE_H

#include "base/bytes.h"

struct announce_times {
    uint32_t initial_ms, step_ms, max_ms; /* gaps between rounds */
    uint32_t spacing_ms;                  /* least gap between a round and a new start's first */
    uint8_t rounds;
};

#define ANNOUNCE_TIMES_DEFAULT ((struct announce_times){50, 100, 550, 10, 5})

struct announce {
    uint8_t left;   /* rounds still to come; 0: idle */
    uint8_t done;   /* of this start */
    nsec_t due;     /* of the next; while left > 0 */
    nsec_t last_at; /* of the last that was taken */
    bool any;       /* last_at says something */
    uint64_t rounds, starts, cancelled;
};

void announce_start(struct announce *a, const struct announce_times *t, nsec_t now);
/* True: there was something to cancel. */
bool announce_cancel(struct announce *a);
/* NSEC_NEVER: idle. */
nsec_t announce_deadline(const struct announce *a);
/* True: send a round now; the next is then scheduled from `now`. */
bool announce_take(struct announce *a, const struct announce_times *t, nsec_t now);

/* ---- frames ---- */

enum { ANNOUNCE_FRAME_MAX = 14 + 4 + 40 + 24 + 8 };

enum announce_form { ANNOUNCE_ARP_REQUEST, ANNOUNCE_ARP_REPLY, ANNOUNCE_NA, ANNOUNCE_RARP };

/* What is announced. ip: an IPv4 address lies in its first four bytes; RARP: not looked at. */
struct announce_what {
    enum announce_form form;
    struct mac mac;
    struct ip6 ip;
    uint16_t vid; /* of a tag; 0: none */
    bool router;  /* NA's R flag (RFC 4861 section 4.4) */
};

/* Writes the frame, unpadded; w->bad when it has no room. */
void announce_write(struct writer *w, const struct announce_what *what);

#endif
