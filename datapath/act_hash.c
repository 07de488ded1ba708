/* act_hash.c: which of several ways a flow takes: multipath and bundle (ovs-actions(7)). */
#include "datapath/act_internal.h"
#include "datapath/group.h"
#include "datapath/hash.h"

/* As in nx_hash_fields. */
enum { BY_ETH_SRC, BY_L4, BY_L3L4, BY_L3L4_UDP, BY_NW_SRC, BY_NW_DST, BY_L3 };
enum { BY_MODULO, BY_THRESHOLD, BY_HRW, BY_ITER };

static uint64_t mac_of(const struct mac *m)
{
    uint64_t v = 0;
    memcpy(&v, m, sizeof *m);
    return v;
}

/* Symmetric: both directions of a conversation have one hash. */
static void add_l3(const struct flow_key *k, uint64_t w[6])
{
    w[2] = k->w[6] ^ k->w[8];
    w[3] = k->w[7] ^ k->w[9];
    w[4] = k->ip_proto;
}

static void add_l4(const struct flow_key *k, uint64_t w[6], bool udp)
{
    if (k->ip_frag == 0 && (k->ip_proto == 6 || k->ip_proto == 132 || (udp && k->ip_proto == 17)))
        w[5] = (uint64_t)(k->l4_src ^ k->l4_dst);
}

static uint64_t hash_of(const struct flow_key *k, uint16_t fields, uint16_t basis)
{
    uint64_t w[6] = {fields};
    switch (fields) {
    case BY_ETH_SRC:
        w[1] = mac_of(&k->eth_src);
        break;
    case BY_L4:
        w[1] = (mac_of(&k->eth_src) ^ mac_of(&k->eth_dst)) | (uint64_t)k->vlan_vid << 48;
        w[0] ^= (uint64_t)k->eth_type << 16;
        add_l3(k, w);
        add_l4(k, w, false);
        break;
    case BY_NW_SRC:
        w[2] = k->w[6];
        w[3] = k->w[7];
        break;
    case BY_NW_DST:
        w[2] = k->w[8];
        w[3] = k->w[9];
        break;
    case BY_L3:
        add_l3(k, w);
        w[4] = 0;
        break;
    default:
        add_l3(k, w);
        add_l4(k, w, fields == BY_L3L4_UDP);
    }
    return hash_words(w, 6, basis);
}

/* The highest lot wins: who comes or goes moves nobody between the others. */
static uint32_t draw(uint64_t hash, uint32_t n)
{
    uint32_t best = 0;
    uint64_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t lot = hash_u64(i, hash);
        if (i == 0 || lot > most) {
            most = lot;
            best = i;
        }
    }
    return best;
}

/* Among the smallest power of two that holds n; those beyond n draw again. */
static uint32_t iterate(uint64_t hash, uint32_t n)
{
    uint32_t mask = n <= 1 ? 0 : UINT32_MAX >> __builtin_clz(n - 1);
    uint32_t link = (uint32_t)hash & mask;
    for (uint32_t i = 1; link >= n; i++)
        link = i < 64 ? (uint32_t)hash_u64(i, hash) & mask : (uint32_t)(hash % n);
    return link;
}

uint32_t act_multipath(const struct flow_key *k, const struct op_ext *x)
{
    uint64_t hash = hash_of(k, x->fields, x->basis);
    uint32_t n = x->max_link + 1u;
    switch (x->algorithm) {
    case BY_MODULO:
        return (uint32_t)((uint32_t)hash % n);
    case BY_THRESHOLD:
        return (uint32_t)((hash >> 32) * n >> 32);
    case BY_HRW:
        return draw(hash, n);
    default:
        return iterate(hash ^ x->arg, n);
    }
}

static uint32_t member(const struct op *op, uint32_t i)
{
    return op[1 + i / OP_DATA_PORTS].ports[i % OP_DATA_PORTS];
}

uint32_t act_bundle(const struct bridge *br, const struct flow_key *k, const struct op *op)
{
    bool by_hash = op->ext.algorithm != 0;
    uint64_t hash = by_hash ? hash_of(k, op->ext.fields, op->ext.basis) : 0, most = 0;
    uint32_t best = OFPP_ANY;
    for (uint32_t i = 0; i < op->ext.arg; i++) {
        uint32_t no = member(op, i);
        uint64_t lot = by_hash ? hash_u64(i, hash) : 0;
        if (!group_port_live(br, no) || (best != OFPP_ANY && lot <= most))
            continue;
        best = no;
        most = lot;
    }
    return best;
}
