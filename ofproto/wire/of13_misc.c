/* The header, and the small messages: hello, error, features, config (1.3.5, 7.1, 7.3.1-2,
 * 7.4.4, 7.5.1). */
#include "ofproto/wire/bundle.h"
#include "ofproto/wire/codec.h"
#include "ofproto/wire/wire.h"

enum { OFPET_EXPERIMENTER = 0xffff };
enum { OFPHET_VERSIONBITMAP = 1, ERROR_DATA_BYTES = 64, OFPC_FRAG_MASK = 3 };

struct ofw_header ofw_header_decode(const uint8_t bytes[OF_HEADER_BYTES])
{
    struct reader r = reader_of(bytes, OF_HEADER_BYTES);
    struct ofw_header h = {.version = read_u8(&r)};
    h.type = read_u8(&r);
    h.length = read_u16(&r);
    h.xid = read_u32(&r);
    return h;
}

size_t of13_begin(struct writer *w, uint8_t type, uint32_t xid)
{
    size_t at = w->len;
    write_u8(w, OF13_VERSION);
    write_u8(w, type);
    write_u16(w, 0);
    write_u32(w, xid);
    return at;
}

/* A message that OpenFlow's 16-bit length cannot say is one that does not fit. */
void of13_finish(struct writer *w, size_t at)
{
    size_t len = w->len - at;
    if (len > OF_MESSAGE_MAX)
        w->bad = true;
    write_patch_u16(w, at + 2, (uint16_t)len);
}

void of13_duration_write(struct writer *w, nsec_t d)
{
    if (d < 0)
        d = 0;
    write_u32(w, (uint32_t)(d / NSEC_PER_SEC));
    write_u32(w, (uint32_t)(d % NSEC_PER_SEC));
}

/* Elements that we do not know or cannot read are passed over: a hello must always be
 * taken, and what is in doubt is settled by the header's version (7.5.1). */
int ofw_hello_decode(struct reader r, uint8_t header_version, uint32_t *versions,
                     struct ofw_error *e)
{
    (void)e;
    uint8_t highest = (uint8_t)(31 - __builtin_clz(ofw_codec_versions()));
    *versions = 1u << (header_version < highest ? header_version : highest);
    while (r.left >= 4) {
        uint16_t type = read_u16(&r), len = read_u16(&r);
        if (len < 4 || len - 4u > r.left)
            break;
        struct reader body = read_sub(&r, len - 4u);
        if (type == OFPHET_VERSIONBITMAP && body.left >= 4)
            *versions = read_u32(&body);
        size_t pad = ofw_round8(len) - len;
        read_skip(&r, pad < r.left ? pad : r.left);
    }
    return 0;
}

int ofw_config_decode(struct reader r, struct ofw_config *out, struct ofw_error *e)
{
    *out = (struct ofw_config){.flags = read_u16(&r)};
    out->miss_send_len = read_u16(&r);
    if (r.bad || r.left)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "config of a wrong length");
    if (out->flags >= OFPC_FRAG_MASK)
        return ofw_refuse(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS, "unknown OFPC flags");
    return 0;
}

/* The header's version is the highest offered. */
void ofw_hello_encode(struct writer *w, uint32_t xid, uint32_t versions)
{
    size_t at = w->len;
    unsigned highest = versions ? 31u - (unsigned)__builtin_clz(versions) : 0;
    write_u8(w, (uint8_t)highest);
    write_u8(w, OFPT_HELLO);
    write_u16(w, 0);
    write_u32(w, xid);
    write_u16(w, OFPHET_VERSIONBITMAP);
    write_u16(w, 8);
    write_u32(w, versions);
    of13_finish(w, at);
}

void ofw_error_encode(struct writer *w, uint32_t xid, const struct ofw_error *e,
                      const void *request, size_t len)
{
    size_t at = of13_begin(w, OFPT_ERROR, xid);
    bool extension = e->type == OFPET_BUNDLE_FAILED;
    write_u16(w, extension ? OFPET_EXPERIMENTER : e->type);
    write_u16(w, extension ? (uint16_t)(ONF_BUNDLE_ERROR + e->code) : e->code);
    if (extension)
        write_u32(w, ONF_EXPERIMENTER);
    if (len)
        write_bytes(w, request, len < ERROR_DATA_BYTES ? len : ERROR_DATA_BYTES);
    of13_finish(w, at);
}

void ofw_simple_encode(struct writer *w, uint8_t type, uint32_t xid, const void *body, size_t len)
{
    size_t at = of13_begin(w, type, xid);
    if (len)
        write_bytes(w, body, len);
    of13_finish(w, at);
}

void ofw_features_encode(struct writer *w, uint32_t xid, const struct ofw_features *f)
{
    size_t at = of13_begin(w, OFPT_FEATURES_REPLY, xid);
    write_u64(w, f->datapath_id);
    write_u32(w, f->n_buffers);
    write_u8(w, f->n_tables);
    write_u8(w, f->auxiliary_id);
    write_zeros(w, 2);
    write_u32(w, f->capabilities);
    write_zeros(w, 4);
    of13_finish(w, at);
}

void ofw_config_encode(struct writer *w, uint32_t xid, const struct ofw_config *c)
{
    size_t at = of13_begin(w, OFPT_GET_CONFIG_REPLY, xid);
    write_u16(w, c->flags);
    write_u16(w, c->miss_send_len);
    of13_finish(w, at);
}
