/* ofproto/wire/bundle.h: bundles in messages (1.4.1, 7.3.9; for 1.3 ONF's extension 230).
 *
 * The extension has the same bodies as 1.4's messages, in experimenter messages of ONF's; its
 * errors are 1.4's, as ofw_error of type OFPET_BUNDLE_FAILED: encoding for 1.3 makes experimenter
 * errors of them.
 */
#ifndef WEFT_OFPROTO_WIRE_BUNDLE_H
#define WEFT_OFPROTO_WIRE_BUNDLE_H

#include "ofproto/wire/msg.h"

#define ONF_EXPERIMENTER 0x4f4e4600u

enum { ONFT_BUNDLE_CONTROL = 2300, ONFT_BUNDLE_ADD_MESSAGE = 2301, ONF_BUNDLE_ERROR = 2300 };
enum ofw_bundle_type {
    OFPBCT_OPEN_REQUEST,
    OFPBCT_OPEN_REPLY,
    OFPBCT_CLOSE_REQUEST,
    OFPBCT_CLOSE_REPLY,
    OFPBCT_COMMIT_REQUEST,
    OFPBCT_COMMIT_REPLY,
    OFPBCT_DISCARD_REQUEST,
    OFPBCT_DISCARD_REPLY,
};
enum { OFPBF_ATOMIC = 1, OFPBF_ORDERED = 2, OFPBF_TIME = 4 };
enum { OFPET_BUNDLE_FAILED = 17 };
enum {
    OFPBFC_UNKNOWN,
    OFPBFC_EPERM,
    OFPBFC_BAD_ID,
    OFPBFC_BUNDLE_EXIST,
    OFPBFC_BUNDLE_CLOSED,
    OFPBFC_OUT_OF_BUNDLES,
    OFPBFC_BAD_TYPE,
    OFPBFC_BAD_FLAGS,
    OFPBFC_MSG_BAD_LEN,
    OFPBFC_MSG_BAD_XID,
    OFPBFC_MSG_UNSUP,
    OFPBFC_MSG_CONFLICT,
    OFPBFC_MSG_TOO_MANY,
    OFPBFC_MSG_FAILED,
    OFPBFC_TIMEOUT,
    OFPBFC_BUNDLE_IN_PROGRESS,
    OFPBFC_SCHED_NOT_SUPPORTED,
    OFPBFC_SCHED_FUTURE,
    OFPBFC_SCHED_PAST,
};

struct ofw_bundle_control {
    uint32_t id;
    uint16_t type, flags;
};

struct ofw_bundle_add {
    uint32_t id;
    uint16_t flags;
    struct ofw_header h; /* of the message in it */
    const uint8_t *message;
};

/* r: the body, behind the experimenter's header where there is one. */
int ofw_bundle_control_decode(struct reader r, struct ofw_bundle_control *out, struct ofw_error *e);
int ofw_bundle_add_decode(struct reader r, struct ofw_bundle_add *out, struct ofw_error *e);
/* `version` 4: in ONF's experimenter message. */
void ofw_bundle_control_encode(struct writer *w, uint8_t version, uint32_t xid,
                               const struct ofw_bundle_control *c);

#endif
