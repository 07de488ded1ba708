/* l2_vlan.c: which VLAN a frame is in, and which tags it leaves with. */
#include "datapath/l2_vlan.h"

#include "datapath/edit_internal.h"

enum { VID_BITS = 0xfff };

const struct port_vlan l2_every_vlan = {.mode = VLAN_TRUNK, .every = true};

static bool is_empty(const uint64_t *set)
{
    for (unsigned i = 0; i < 4096 / 64; i++) {
        if (set[i] != 0)
            return false;
    }
    return true;
}

static bool is_native(const struct port_vlan *v)
{
    return v->mode == VLAN_NATIVE_TAGGED || v->mode == VLAN_NATIVE_UNTAGGED;
}

/* A native port always trunks its native VLAN, and never VLAN 0. */
static bool trunks(const struct port_vlan *v, uint16_t vid)
{
    if (is_native(v) && (vid == 0 || vid == v->tag))
        return vid == v->tag;
    return vlan_bit(v->trunks, vid) || is_empty(v->trunks);
}

static bool allows_customer(const struct port_vlan *v, uint16_t vid)
{
    return vlan_bit(v->cvlans, vid) || is_empty(v->cvlans);
}

/* ------------------------------------------------------------ in */

static uint16_t tpid_at(const struct rte_mbuf *m, size_t off)
{
    return get16(rte_pktmbuf_mtod_offset(m, const uint8_t *, off));
}

static uint16_t vid_at(const struct rte_mbuf *m, size_t off)
{
    return tpid_at(m, off + 2) & VID_BITS;
}

/* The frame as it is: its outermost tag is the bridge's. */
static struct l2_tag tag_of(const struct rte_mbuf *m, const struct pkt *k)
{
    struct l2_tag t = {.tpid = TYPE_VLAN};
    if (k->vlan_tags == 0)
        return t;
    uint16_t tci = tpid_at(m, 14);
    t.vid = tci & VID_BITS;
    t.pcp = (uint8_t)(tci >> 12);
    t.tpid = tpid_at(m, 12);
    t.in_frame = true;
    t.inner = k->vlan_tags > 1 ? vid_at(m, 16) : 0;
    return t;
}

static void enter_tunnel(const struct port_vlan *v, struct l2_tag *t)
{
    *t = (struct l2_tag){.vid = v->tag,
                         .tpid = v->qinq_ethtype != 0 ? v->qinq_ethtype : TYPE_SVLAN,
                         .inner = t->vid};
}

bool l2_vlan_in(const struct port *p, const struct rte_mbuf *m, struct l2_tag *t)
{
    *t = tag_of(m, pkt_of((struct rte_mbuf *)(uintptr_t)m));
    if (p == NULL)
        return true;
    const struct port_vlan *v = l2_vlan_of(p);
    if (v->every)
        return true;
    switch (v->mode) {
    case VLAN_ACCESS:
        if (t->vid != 0)
            return false;
        t->vid = v->tag;
        return true;
    case VLAN_NATIVE_TAGGED:
    case VLAN_NATIVE_UNTAGGED:
        if (t->vid != 0)
            return trunks(v, t->vid);
        t->vid = v->tag;
        return true;
    case VLAN_DOT1Q_TUNNEL:
        if (!allows_customer(v, t->vid))
            return false;
        enter_tunnel(v, t);
        return true;
    default:
        return trunks(v, t->vid);
    }
}

/* ------------------------------------------------------------ out */

bool l2_vlan_allows(const struct port_vlan *v, const struct l2_tag *t)
{
    switch (v->mode) {
    case VLAN_ACCESS:
        return t->vid == v->tag;
    case VLAN_DOT1Q_TUNNEL:
        return t->vid == v->tag && allows_customer(v, t->inner);
    default:
        return trunks(v, t->vid);
    }
}

/* Is a tag with VID 0 sent for its priority? */
static bool sends_priority(const struct port_vlan *v, uint8_t pcp)
{
    if (v->priority_tags == PRIO_TAGS_NONZERO)
        return pcp >> 1 != 0; /* DEI alone is no priority */
    return v->priority_tags == PRIO_TAGS_ALWAYS;
}

/* The outermost tag of m, which may be there already, becomes vid's; VID 0 leaves none, or a
 * priority tag. */
static bool write_outer(const struct port_vlan *v, struct l2_tag t, uint16_t vid,
                        struct rte_mbuf *m)
{
    uint16_t tci = (uint16_t)(t.pcp << 12 | vid);
    if (vid != 0 || sends_priority(v, t.pcp)) {
        if (!t.in_frame)
            return vlan_insert(m, t.tpid, tci);
        vlan_rewrite(m, t.tpid, tci);
    } else if (t.in_frame) {
        vlan_remove(m);
    }
    return true;
}

/* Out of a tunnel: the service tag goes, and what is inside is the customer's frame, whose own
 * priority tag is treated as any. */
static bool leave_tunnel(const struct port_vlan *v, const struct l2_tag *t, struct rte_mbuf *m)
{
    if (t->in_frame)
        vlan_remove(m);
    struct l2_tag inner = {.tpid = TYPE_VLAN};
    if (m->data_len >= 18 && is_tag(tpid_at(m, 12))) {
        uint16_t tci = tpid_at(m, 14);
        inner = (struct l2_tag){.vid = tci & VID_BITS,
                                .tpid = tpid_at(m, 12),
                                .pcp = (uint8_t)(tci >> 12),
                                .in_frame = true};
    }
    return write_outer(v, inner, inner.vid, m);
}

bool l2_vlan_write(const struct port_vlan *v, const struct l2_tag *t, struct rte_mbuf *m)
{
    switch (v->mode) {
    case VLAN_ACCESS:
        return write_outer(v, *t, 0, m);
    case VLAN_NATIVE_UNTAGGED:
        return write_outer(v, *t, t->vid == v->tag ? 0 : t->vid, m);
    case VLAN_DOT1Q_TUNNEL:
        return leave_tunnel(v, t, m);
    default:
        return write_outer(v, *t, t->vid, m);
    }
}
