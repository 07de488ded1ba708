/* program.c: programs, which are little more than their tables. */
#include "datapath/program.h"

#include <stdlib.h>

#include "base/assert.h"
#include "datapath/flowcache.h"
#include "datapath/idset.h"
#include "datapath/pkt.h"
#include "datapath/table.h"

enum set_slot op_slot(enum op_code code)
{
    static const uint8_t slots[] = {
        [OP_OUTPUT] = SLOT_OUTPUT,
        [OP_SET_FIELD] = SLOT_SET,
        [OP_PUSH_VLAN] = SLOT_PUSH_VLAN,
        [OP_POP_VLAN] = SLOT_POP,
        [OP_PUSH_MPLS] = SLOT_PUSH_MPLS,
        [OP_POP_MPLS] = SLOT_POP,
        [OP_DEC_IP_TTL] = SLOT_DEC_TTL,
        [OP_SET_IP_TTL] = SLOT_SET,
        [OP_DEC_MPLS_TTL] = SLOT_DEC_TTL,
        [OP_SET_MPLS_TTL] = SLOT_SET,
        [OP_COPY_TTL_OUT] = SLOT_COPY_TTL_OUT,
        [OP_COPY_TTL_IN] = SLOT_COPY_TTL_IN,
        [OP_PUSH_PBB] = SLOT_PUSH_PBB,
        [OP_POP_PBB] = SLOT_POP,
        [OP_GROUP] = SLOT_GROUP,
        [OP_MOVE... OP_COUNT - 1] = SLOT_SET,
    };
    weft_assert(code < sizeof slots);
    return (enum set_slot)slots[code];
}

struct program *program_create(void) { return calloc(1, sizeof(struct program)); }

/* Where fields lie in the key: in_port, metadata and tunnel_id; Ethernet and VLAN; the rest. */
static enum pkt_depth depth_of(const uint64_t fields[FLOW_WORDS])
{
    struct flow_key k;
    memcpy(k.w, fields, sizeof k.w);
    uint64_t l2 = k.w[3] | k.w[4] | k.vlan_pcp, rest = 0;
    k.vlan_pcp = 0;
    for (unsigned i = 5; i < FLOW_PARSED; i++)
        rest |= k.w[i];
    if (rest != 0)
        return PKT_DEPTH_ALL;
    return l2 != 0 ? PKT_DEPTH_L2 : PKT_DEPTH_PORT;
}

void program_set_table(struct program *p, uint8_t id, struct table *t)
{
    weft_assert(id < WEFT_TABLES && p->tables[id] == NULL);
    if (t == NULL)
        return;
    p->tables[id] = t;
    if (id >= p->n_tables)
        p->n_tables = id + 1u;
}

/* What the tables look at, all together. */
static void fields_of(const struct program *p, uint64_t fields[FLOW_WORDS])
{
    memset(fields, 0, FLOW_WORDS * sizeof *fields);
    for (unsigned t = 0; t < p->n_tables; t++) {
        uint64_t words[FLOW_WORDS];
        if (p->tables[t] == NULL)
            continue;
        table_fields(p->tables[t], words);
        for (unsigned i = 0; i < FLOW_WORDS; i++)
            fields[i] |= words[i];
    }
}

/* A probe costs some twenty cycles and a path from the cache some sixty. */
enum { CACHE_WORTH_PROBES = 6 };

static bool is_dear(const struct program *p)
{
    uint32_t probes = 0;
    for (unsigned i = 0; i < p->n_tables && probes < CACHE_WORTH_PROBES; i++)
        probes += p->tables[i] != NULL ? table_probes(p->tables[i]) : 0;
    return probes >= CACHE_WORTH_PROBES;
}

void program_seal(struct program *p, const struct program *before, uint64_t version)
{
    for (unsigned t = 0; t < p->n_tables; t++) {
        if (p->tables[t] != NULL && (before == NULL || before->tables[t] != p->tables[t]))
            table_bear(p->tables[t], version);
    }
    fields_of(p, p->fields_used);
    p->depth = (uint8_t)depth_of(p->fields_used);
    for (unsigned i = FLOW_PARSED; i < FLOW_REGS; i++)
        p->tunnel_ends |= p->fields_used[i] != 0;
    for (unsigned i = FLOW_REGS; i < FLOW_WORDS; i++)
        p->regs |= p->fields_used[i] != 0;
    p->dear = is_dear(p);
    /* Registers are zero in all that comes in: they tell no flows apart. */
    uint64_t fields[FLOW_WORDS] = {0};
    memcpy(fields, p->fields_used, FLOW_REGS * sizeof fields[0]);
    shape_init(&p->shape, fields);
    p->cached = !p->uncertain && p->dear && p->shape.n <= PATH_WORDS;
    bool same =
        before != NULL && memcmp(&before->fields_used, &p->fields_used, sizeof p->fields_used) == 0;
    p->shape_since = same ? before->shape_since : version;
    p->version = version;
}

bool program_is_outdated(const struct program *p)
{
    uint64_t fields[FLOW_WORDS];
    fields_of(p, fields);
    return memcmp(fields, p->fields_used, sizeof fields) != 0 || is_dear(p) != p->dear;
}

void program_free(struct program *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->n_tables; i++)
        table_release(p->tables[i]);
    idset_release(p->groups);
    idset_release(p->meters);
    free(p);
}

struct program *program_normal(void)
{
    struct op normal = {.code = OP_OUTPUT, .port = OFPP_NORMAL, .max_len = 0xffff};
    struct program *p = program_create();
    struct rule *r = rule_create(&normal, 1, NULL, 0);
    struct table *t = r != NULL ? table_build(&r, 1) : NULL;
    if (p == NULL || t == NULL) {
        if (t != NULL)
            table_release(t);
        else
            rule_free(r);
        program_free(p);
        return NULL;
    }
    program_set_table(p, 0, t);
    return p;
}
