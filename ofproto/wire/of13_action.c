/* Actions on the wire (1.3.5, 7.2.4). Here only their structure is judged: see
 * action_check.c for what they mean and which of them this switch supports. */
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

enum { ACTION_HEADER_BYTES = 4 };

static int bad_action(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_BAD_ACTION, code, why);
}

/* r: the action after its 4-byte header, padding included. */
static int set_field_decode(struct reader *r, struct ofw_action *a, struct ofw_error *e)
{
    size_t room = r->left;
    uint16_t oxm_class = read_u16(r);
    uint8_t number = read_u8(r), len = read_u8(r);
    if (r->bad || r->left < len)
        return bad_action(e, OFPBAC_BAD_SET_LEN, "OXM past the end of set-field");
    enum flow_field f;
    if (!oxm_field(oxm_class, number >> 1, &f))
        return bad_action(e, OFPBAC_BAD_SET_TYPE, "unknown OXM class or field");
    if (number & 1)
        return bad_action(e, OFPBAC_BAD_SET_TYPE, "set-field takes no mask in 1.3");
    a->field = (uint8_t)f;
    if (len != flow_fields[a->field].bytes)
        return bad_action(e, OFPBAC_BAD_SET_LEN, "wrong OXM length for the field");
    size_t whole = ACTION_HEADER_BYTES + OXM_HEADER_BYTES + (size_t)len;
    if (room != ofw_round8(whole) - ACTION_HEADER_BYTES)
        return bad_action(e, OFPBAC_BAD_LEN, "set-field longer than its OXM");
    read_into(r, a->value, len);
    return 0;
}

/* Length of the fixed-size actions, 0: variable or unknown. */
static size_t action_length(uint16_t type)
{
    switch (type) {
    case OFPAT_OUTPUT:
        return 16;
    case OFPAT_COPY_TTL_OUT:
    case OFPAT_COPY_TTL_IN:
    case OFPAT_SET_MPLS_TTL:
    case OFPAT_DEC_MPLS_TTL:
    case OFPAT_PUSH_VLAN:
    case OFPAT_POP_VLAN:
    case OFPAT_PUSH_MPLS:
    case OFPAT_POP_MPLS:
    case OFPAT_SET_QUEUE:
    case OFPAT_GROUP:
    case OFPAT_SET_NW_TTL:
    case OFPAT_DEC_NW_TTL:
    case OFPAT_PUSH_PBB:
    case OFPAT_POP_PBB:
        return 8;
    default:
        return 0;
    }
}

static int action_body_decode(struct reader *r, struct ofw_action *a, struct ofw_error *e)
{
    switch (a->type) {
    case OFPAT_SET_FIELD:
        return set_field_decode(r, a, e);
    case OFPAT_OUTPUT:
        a->port = read_u32(r);
        a->max_len = read_u16(r);
        return 0;
    case OFPAT_GROUP:
    case OFPAT_SET_QUEUE:
        a->port = read_u32(r);
        return 0;
    case OFPAT_PUSH_VLAN:
    case OFPAT_PUSH_MPLS:
    case OFPAT_PUSH_PBB:
    case OFPAT_POP_MPLS:
        a->ethertype = read_u16(r);
        return 0;
    case OFPAT_SET_MPLS_TTL:
    case OFPAT_SET_NW_TTL:
        a->ttl = read_u8(r);
        return 0;
    default:
        return 0;
    }
}

/* Of `len` bytes at p, its header included. */
static int experimenter_decode(const uint8_t *p, uint16_t len, struct ofw_arena *arena,
                               struct ofw_error *e)
{
    struct ofw_nx x;
    if (len > OFW_NX_MAX)
        return bad_action(e, OFPBAC_BAD_LEN, "an experimenter's action is longer than 2048 bytes");
    x.len = len;
    memcpy(x.bytes, p, len);
    if (ofw_nx_decode(&x, e) < 0)
        return -1;
    if (!ofw_nx_put(arena, p, len))
        return bad_action(e, OFPBAC_TOO_MANY, "more actions than the arena holds");
    return 0;
}

static int action_decode(struct reader *r, struct ofw_arena *arena, struct ofw_error *e)
{
    struct ofw_action *a = &arena->a[arena->n];
    const uint8_t *p = r->p;
    *a = (struct ofw_action){.type = read_u16(r)};
    uint16_t len = read_u16(r);
    if (r->bad || len < 8 || len % 8 || len - 4u > r->left)
        return bad_action(e, OFPBAC_BAD_LEN, "wrong length of an action");
    size_t fixed = action_length(a->type);
    if (!fixed && a->type != OFPAT_SET_FIELD && a->type != OFPAT_EXPERIMENTER)
        return bad_action(e, OFPBAC_BAD_TYPE, "unknown action");
    if (fixed && len != fixed)
        return bad_action(e, OFPBAC_BAD_LEN, "wrong length for this action");
    struct reader body = read_sub(r, len - 4u);
    if (a->type == OFPAT_EXPERIMENTER)
        return experimenter_decode(p, len, arena, e);
    arena->n++;
    return action_body_decode(&body, a, e);
}

int ofw_actions_decode(struct reader *r, size_t len, struct ofw_arena *arena,
                       struct ofw_actions *out, struct ofw_error *e)
{
    *out = (struct ofw_actions){0};
    struct reader list = read_sub(r, len);
    if (list.bad)
        return bad_action(e, OFPBAC_BAD_LEN, "action list past the end of the message");
    struct ofw_action *first = arena->a + arena->n;
    uint32_t start = arena->n;
    while (list.left > 0) {
        if (arena->n == arena->cap)
            return bad_action(e, OFPBAC_TOO_MANY, "more actions than the arena holds");
        if (action_decode(&list, arena, e) < 0)
            return -1;
    }
    out->n = (uint16_t)(arena->n - start);
    out->a = out->n ? first : NULL;
    return 0;
}

static void action_body_encode(struct writer *w, const struct ofw_action *a)
{
    switch (a->type) {
    case OFPAT_SET_FIELD:
        oxm_header_write(w, (enum flow_field)a->field, false);
        write_bytes(w, a->value, flow_fields[a->field].bytes);
        break;
    case OFPAT_OUTPUT:
        write_u32(w, a->port);
        write_u16(w, a->max_len);
        write_zeros(w, 6);
        break;
    case OFPAT_GROUP:
    case OFPAT_SET_QUEUE:
        write_u32(w, a->port);
        break;
    case OFPAT_PUSH_VLAN:
    case OFPAT_PUSH_MPLS:
    case OFPAT_PUSH_PBB:
    case OFPAT_POP_MPLS:
        write_u16(w, a->ethertype);
        write_zeros(w, 2);
        break;
    default:
        write_u8(w, a->ttl); /* zero for those that have none */
        write_zeros(w, 3);
        break;
    }
}

void ofw_actions_encode(struct writer *w, const struct ofw_actions *list)
{
    for (unsigned i = 0; i < list->n; i += ofw_action_slots(&list->a[i])) {
        size_t at = w->len;
        if (list->a[i].type == OFPAT_EXPERIMENTER) {
            ofw_nx_encode(w, &list->a[i]);
            continue;
        }
        write_u16(w, list->a[i].type);
        write_u16(w, 0);
        action_body_encode(w, &list->a[i]);
        write_pad(w, at, 8);
        write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    }
}
