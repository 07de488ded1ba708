/* Which versions there are, and 1.3's codec. */
#include "ofproto/wire/codec.h"

#include "ofproto/wire/wire.h"

static size_t begin13(struct writer *w, uint32_t xid, uint16_t type, bool nx)
{
    (void)nx;
    return ofw_multipart_begin(w, xid, type);
}

const struct ofw_codec of13_codec = {
    .version = OF13_VERSION,
    .flow_mod_decode = ofw_flow_mod_decode,
    .packet_out_decode = ofw_packet_out_decode,
    .port_mod_decode = ofw_port_mod_decode,
    .group_mod_decode = ofw_group_mod_decode,
    .multipart_decode = ofw_multipart_decode,
    .async_decode = ofw_async_decode,
    .error_encode = ofw_error_encode,
    .features_encode = ofw_features_encode,
    .packet_in_encode = ofw_packet_in_encode,
    .flow_removed_encode = ofw_flow_removed_encode,
    .port_status_encode = ofw_port_status_encode,
    .async_encode = ofw_async_encode,
    .multipart_begin = begin13,
    .flow_stats_encode = ofw_flow_stats_encode,
    .aggregate_encode = ofw_aggregate_encode,
    .table_stats_encode = ofw_table_stats_encode,
    .port_stats_encode = ofw_port_stats_encode,
    .port_desc_encode = ofw_port_desc_encode,
    .group_desc_encode = ofw_group_desc_encode,
};

static const struct ofw_codec *const codecs[] = {&of10_codec, &of13_codec, &of14_codec,
                                                 &of15_codec};

enum { CODECS = sizeof codecs / sizeof codecs[0] };

const struct ofw_codec *ofw_codec(uint8_t version)
{
    for (unsigned i = 0; i < CODECS; i++)
        if (codecs[i]->version == version)
            return codecs[i];
    return NULL;
}

uint32_t ofw_codec_versions(void)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < CODECS; i++)
        bits |= 1u << codecs[i]->version;
    return bits;
}

uint8_t ofw_codec_type(const struct ofw_codec *c, uint8_t wire)
{
    if (!c->types)
        return wire;
    return wire < c->n_types ? c->types[wire] : UINT8_MAX;
}

void ofw_codec_sign(const struct ofw_codec *c, uint8_t *bytes)
{
    bytes[0] = c->version;
    for (uint8_t i = 0; i < c->n_types; i++)
        if (c->types[i] == bytes[1]) {
            bytes[1] = i;
            return;
        }
}
