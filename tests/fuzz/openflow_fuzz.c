/* Any bytes as an OpenFlow message: every decoder, and what a flow-mod says survives encoding. */
#include <stdlib.h>

#include "base/assert.h"
#include "ofproto/wire/group.h"
#include "ofproto/wire/meter.h"
#include "ofproto/wire/role.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool same_actions(const struct ofw_actions *a, const struct ofw_actions *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->a, b->a, a->n * sizeof *a->a) == 0);
}

static bool same_instructions(const struct ofw_instructions *a, const struct ofw_instructions *b)
{
    return a->has_apply == b->has_apply && a->has_write == b->has_write && a->clear == b->clear &&
           a->has_goto == b->has_goto && a->has_metadata == b->has_metadata &&
           a->goto_table == b->goto_table && a->metadata == b->metadata &&
           a->metadata_mask == b->metadata_mask && same_actions(&a->apply, &b->apply) &&
           same_actions(&a->write, &b->write);
}

static bool same_mod(const struct ofw_flow_mod *a, const struct ofw_flow_mod *b)
{
    return a->cookie == b->cookie && a->cookie_mask == b->cookie_mask && a->table == b->table &&
           a->command == b->command && a->idle_s == b->idle_s && a->hard_s == b->hard_s &&
           a->priority == b->priority && a->flags == b->flags && a->buffer_id == b->buffer_id &&
           a->out_port == b->out_port && a->out_group == b->out_group &&
           flow_match_equal(&a->match, &b->match) && same_instructions(&a->instr, &b->instr);
}

static void round_trip(const struct ofw_flow_mod *mod, struct ofw_arena *arena)
{
    static uint8_t buf[OF_MESSAGE_MAX];
    struct writer w = writer_of(buf, sizeof buf);
    struct ofw_flow_mod back;
    struct ofw_error e = {0};
    ofw_flow_mod_encode(&w, 1, mod);
    weft_assert(!w.bad);
    struct reader body = reader_of(buf + OF_HEADER_BYTES, w.len - OF_HEADER_BYTES);
    weft_assert(ofw_flow_mod_decode(body, arena, &back, &e) == 0);
    weft_assert(same_mod(mod, &back));
}

/* A refusal names an error of the specification. */
static void verdict(int rc, const struct ofw_error *e)
{
    weft_assert(rc == 0 || strcmp(ofw_error_name(e->type, e->code), "unknown error") != 0);
}

static void decode_others(struct reader body, uint8_t version, struct ofw_arena *arena)
{
    struct ofw_packet_out po;
    struct ofw_port_mod pm;
    struct ofw_multipart_req q;
    struct ofw_config c;
    struct ofw_error e = {0};
    uint32_t versions;
    verdict(ofw_packet_out_decode(body, arena, &po, &e), &e);
    verdict(ofw_port_mod_decode(body, &pm, &e), &e);
    verdict(ofw_multipart_decode(body, &q, &e), &e);
    verdict(ofw_config_decode(body, &c, &e), &e);
    verdict(ofw_hello_decode(body, version, &versions, &e), &e);
}

static void decode_things(struct reader body, struct ofw_arena *arena)
{
    static struct ofw_bucket buckets[OFW_BUCKETS_MAX];
    struct ofw_band bands[WEFT_BANDS_MAX];
    struct ofw_group_mod group;
    struct ofw_meter_mod meter;
    struct ofw_role_msg role;
    struct ofw_async async;
    struct ofw_error e = {0};
    arena->n = 0;
    verdict(ofw_group_mod_decode(body, arena, buckets, &group, &e), &e);
    verdict(ofw_meter_mod_decode(body, bands, &meter, &e), &e);
    verdict(ofw_role_decode(body, &role, &e), &e);
    verdict(ofw_async_decode(body, &async, &e), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ofw_action space[3 * OF_MESSAGE_MAX / 8];
    struct ofw_arena arena = {.a = space, .cap = sizeof space / sizeof *space};
    struct ofw_flow_mod mod;
    struct ofw_error e = {0};
    if (n < OF_HEADER_BYTES || n > OF_MESSAGE_MAX)
        return 0;
    struct ofw_header h = ofw_header_decode(data);
    struct reader body = reader_of(data + OF_HEADER_BYTES, n - OF_HEADER_BYTES);
    weft_assert(ofw_type_name(h.type));
    int rc = ofw_flow_mod_decode(body, &arena, &mod, &e);
    verdict(rc, &e);
    if (rc == 0)
        round_trip(&mod, &arena);
    arena.n = 0;
    decode_others(body, h.version, &arena);
    decode_things(body, &arena);
    return 0;
}
