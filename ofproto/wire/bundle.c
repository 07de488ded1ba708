/* OFPT_BUNDLE_CONTROL and OFPT_BUNDLE_ADD_MESSAGE (1.4.1, 7.3.9.2 and 7.3.9.6). */
#include "ofproto/wire/bundle.h"

#include "ofproto/wire/wire.h"

enum { OFPT14_BUNDLE_CONTROL = 33 };

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

/* Properties: none is known but experimenters', which are passed over. */
int ofw_bundle_control_decode(struct reader r, struct ofw_bundle_control *out, struct ofw_error *e)
{
    out->id = read_u32(&r);
    out->type = read_u16(&r);
    out->flags = read_u16(&r);
    return r.bad ? bad_length(e) : 0;
}

int ofw_bundle_add_decode(struct reader r, struct ofw_bundle_add *out, struct ofw_error *e)
{
    out->id = read_u32(&r);
    read_skip(&r, 2);
    out->flags = read_u16(&r);
    out->message = r.p;
    if (r.bad || r.left < OF_HEADER_BYTES)
        return bad_length(e);
    out->h = ofw_header_decode(r.p);
    if (out->h.length < OF_HEADER_BYTES || out->h.length > r.left)
        return ofw_refuse(e, OFPET_BUNDLE_FAILED, OFPBFC_MSG_BAD_LEN,
                          "the message is not as long as it says");
    return 0;
}

void ofw_bundle_control_encode(struct writer *w, uint8_t version, uint32_t xid,
                               const struct ofw_bundle_control *c)
{
    bool extension = version <= OF13_VERSION;
    size_t at = of13_begin(w, extension ? OFPT_EXPERIMENTER : OFPT14_BUNDLE_CONTROL, xid);
    if (extension) {
        write_u32(w, ONF_EXPERIMENTER);
        write_u32(w, ONFT_BUNDLE_CONTROL);
    }
    write_u32(w, c->id);
    write_u16(w, c->type);
    write_u16(w, c->flags);
    of13_finish(w, at);
}
