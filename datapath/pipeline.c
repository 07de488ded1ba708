/* pipeline.c: what happens to a burst of frames, from top to bottom. */
#include "datapath/pipeline.h"

#include "datapath/tunnel.h"

/* A packet's notes begin blank, but for where it came from and its place in the burst, by which it
 * has its action set. */
static void begin(struct port *p, struct bridge *br, struct burst *b)
{
    be32 in_port = to_be32(p->ofp_no);
    b->step = 0;
    b->alike = true;
    b->may_have_set = false;
    b->paths = NULL;
    for (uint16_t i = 0; i < b->n; i++) {
        struct pkt *k = pkt_of(b->m[i]);
        memset(k, 0, offsetof(struct pkt, key.eth_dst));
        k->in_port = p;
        k->bridge = br;
        k->action_set = i;
        k->key.in_port = k->key.in_phy_port = in_port;
    }
}

/* Those in a row that came in on one port together; all, but for what tunnels brought. */
static void admit(struct worker *w, struct burst *b)
{
    uint16_t kept = 0;
    for (uint16_t i = 0, end; i < b->n; i = end) {
        struct port *p = pkt_of(b->m[i])->in_port;
        struct burst part;
        part.n = 0;
        for (end = i; end < b->n && pkt_of(b->m[end])->in_port == p; end++)
            part.m[part.n++] = b->m[end];
        stage_admit(w, p, &part);
        memcpy(&b->m[kept], part.m, part.n * sizeof b->m[0]);
        kept = (uint16_t)(kept + part.n);
    }
    b->n = kept;
}

/* p NULL: they came in on several ports. */
static void forward(struct worker *w, struct port *p, struct bridge *br, struct burst *b)
{
    if (br == NULL) {
        for (uint16_t i = 0; i < b->n; i++)
            worker_drop(w, b->m[i], DROP_NO_BRIDGE);
        return;
    }

    /* One program and version for the whole burst: a change is seen by all of it or none. */
    const struct program *prog = atomic_load_explicit(&br->program, memory_order_acquire);
    b->version = atomic_load_explicit(&prog->version, memory_order_acquire);

    w->prog = prog;
    w->version = b->version;
    stage_parse(w, prog->depth, b); /* headers -> key and offsets */
    if (__builtin_expect(prog->tunnel_ends, 0))
        stage_tunnel_ends(b); /* who sent it, as its rules ask */
    for (uint16_t i = 0; __builtin_expect(prog->regs, 0) && i < b->n; i++)
        pkt_regs(pkt_of(b->m[i]));
    if (p != NULL)
        stage_admit(w, p, b); /* port state, length */
    else
        admit(w, b);

    struct paths paths;
    uint16_t n = b->n;
    if (prog->cached && flowcache_find(w->cache, prog, b->version, br->index, b->m, n, &paths))
        b->paths = &paths; /* the rules of most are known */
    while (b->n > 0) {     /* once a table: goto only leads forward */
        stage_classify(w, prog, b);
        stage_act(w, prog, b); /* edits, outputs, NORMAL (l2), punts; tx is queued */
    }
    if (b->paths != NULL)
        flowcache_end(b->paths, n);
    b->paths = NULL;
}

void pipeline_run(struct worker *w, struct port *p, struct burst *b)
{
    struct bridge *br = p->bridge;
    begin(p, br, b);
    if (__builtin_expect(atomic_load_explicit(&p->vteps, memory_order_acquire) != NULL, 0))
        stage_decap(w, p, b); /* what is for a VTEP of ours goes on at its tunnel's port */
    forward(w, p, br, b);
}

/* The tunnel it came by and registers are what a controller may give it in a packet-out. */
void pipeline_run_as(struct worker *w, struct port *p, struct rte_mbuf *m,
                     const struct flow_key *as)
{
    struct burst b = {.n = 1, .m = {m}};
    struct pkt *k = pkt_of(m);
    begin(p, p->bridge, &b);
    k->key.metadata = as->metadata;
    k->key.tunnel_id = as->tunnel_id;
    pkt_regs(k);
    memcpy(k->key.reg, as->reg, sizeof k->key.reg);
    if (atomic_load_explicit(&p->vteps, memory_order_acquire) != NULL)
        stage_decap(w, p, &b);
    forward(w, p, p->bridge, &b);
}

void pipeline_run_tunnel(struct worker *w, struct bridge *br, struct burst *b,
                         const struct tunnel_in *in)
{
    begin(in[0].port, br, b);
    for (uint16_t i = 0; i < b->n; i++) {
        struct pkt *k = pkt_of(b->m[i]);
        k->in_port = in[i].port;
        k->key.in_port = k->key.in_phy_port = to_be32(in[i].port->ofp_no);
        k->key.tunnel_id = to_be64(in[i].vni);
        k->tun_from = in[i].from;
        k->tun_ttl = in[i].ttl;
        k->flags |= PKT_TUNNEL;
        b->alike = b->alike && in[i].port == in[0].port && in[i].vni == in[0].vni;
    }
    forward(w, NULL, br, b);
}
