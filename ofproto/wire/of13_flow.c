/* OFPT_FLOW_MOD and OFPT_FLOW_REMOVED (1.3.5, 7.3.4.1 and 7.4.2). */
#include "base/limits.h"
#include "ofproto/wire/wire.h"

enum {
    OFPFF_ALL = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS |
                OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS
};

static int failed(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_FLOW_MOD_FAILED, code, why);
}

/* OFPP_TABLE starts the pipeline over: it is for packet-outs only (4.5). */
static int no_output_to_table(const struct ofw_actions *list, struct ofw_error *e)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->a[i].type == OFPAT_OUTPUT && list->a[i].port == OFPP_TABLE)
            return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT,
                              "output to TABLE is for packet-outs");
    return 0;
}

int ofw_flow_mod_check(const struct ofw_flow_mod *m, struct ofw_error *e)
{
    bool is_delete = m->command == OFPFC_DELETE || m->command == OFPFC_DELETE_STRICT;
    if (m->command > OFPFC_DELETE_STRICT)
        return failed(e, OFPFMFC_BAD_COMMAND, "unknown flow-mod command");
    if (m->flags & ~OFPFF_ALL)
        return failed(e, OFPFMFC_BAD_FLAGS, "unknown flow-mod flags");
    if (m->table >= WEFT_TABLES && !(is_delete && m->table == OFPTT_ALL))
        return failed(e, OFPFMFC_BAD_TABLE_ID, "no such table");
    if (is_delete)
        return 0; /* its instructions are ignored */
    if (no_output_to_table(&m->instr.apply, e) < 0 || no_output_to_table(&m->instr.write, e) < 0)
        return -1;
    return ofw_instructions_check(&m->instr, m->table, &m->match, e);
}

int ofw_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                        struct ofw_error *e)
{
    *out = (struct ofw_flow_mod){0};
    out->cookie = read_u64(&r);
    out->cookie_mask = read_u64(&r);
    out->table = read_u8(&r);
    out->command = read_u8(&r);
    out->idle_s = read_u16(&r);
    out->hard_s = read_u16(&r);
    out->priority = read_u16(&r);
    out->buffer_id = read_u32(&r);
    out->out_port = read_u32(&r);
    out->out_group = read_u32(&r);
    out->flags = read_u16(&r);
    read_skip(&r, 2);
    if (r.bad)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "flow-mod too short");
    if (ofw_match_decode(&r, &out->match, e) < 0)
        return -1;
    if (ofw_instructions_decode(&r, arena, &out->instr, e) < 0)
        return -1;
    return ofw_flow_mod_check(out, e);
}

void ofw_flow_mod_encode(struct writer *w, uint32_t xid, const struct ofw_flow_mod *m)
{
    size_t at = of13_begin(w, OFPT_FLOW_MOD, xid);
    write_u64(w, m->cookie);
    write_u64(w, m->cookie_mask);
    write_u8(w, m->table);
    write_u8(w, m->command);
    write_u16(w, m->idle_s);
    write_u16(w, m->hard_s);
    write_u16(w, m->priority);
    write_u32(w, m->buffer_id);
    write_u32(w, m->out_port);
    write_u32(w, m->out_group);
    write_u16(w, m->flags);
    write_zeros(w, 2);
    ofw_match_encode(w, &m->match);
    ofw_instructions_encode(w, &m->instr);
    of13_finish(w, at);
}

void ofw_flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f)
{
    size_t at = of13_begin(w, OFPT_FLOW_REMOVED, xid);
    write_u64(w, f->cookie);
    write_u16(w, f->priority);
    write_u8(w, f->reason);
    write_u8(w, f->table);
    of13_duration_write(w, f->duration_ns);
    write_u16(w, f->idle_s);
    write_u16(w, f->hard_s);
    write_u64(w, f->packets);
    write_u64(w, f->bytes);
    ofw_match_encode(w, &f->match);
    of13_finish(w, at);
}
