/* control/span.c: what control wants of spanning trees; see span.h. */
#include "control/span.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/span_priv.h"
#include "datapath/gate.h"
#include "ofproto/wire/msg.h"

int span_create(struct weft_switch *sw, const struct log *log, struct span **out, struct errbuf *e)
{
    struct span *g = calloc(1, sizeof *g);
    if (g == NULL)
        return errbuf_set(e, ENOMEM, "spanning tree: out of memory");
    g->sw = sw;
    g->log = log;
    pthread_mutex_init(&g->lock, NULL);
    *out = g;
    return 0;
}

/* The bridge without its spanning tree: every port as it was before. */
static void forget(struct span *g, struct span_bridge *s)
{
    for (unsigned n = 1; n <= STP_PORTS_MAX; n++)
        if (s->port[n].dp != NULL)
            gate_disable(s->port[n].dp);
    (void)gate_set_map(s->dp, NULL);
    g->bridge[s->dp->index] = NULL;
    stp_free(s->stp);
    free(s);
}

void span_free(struct span *g)
{
    for (unsigned i = 0; g != NULL && i < WEFT_BRIDGES_MAX; i++)
        if (g->bridge[i] != NULL)
            forget(g, g->bridge[i]);
    if (g != NULL)
        pthread_mutex_destroy(&g->lock);
    free(g);
}

struct span_bridge *span_of(struct span *g, const struct bridge *b)
{
    return b != NULL ? g->bridge[b->index] : NULL;
}

/* ---- bridges ---- */

static int publish_map(struct bridge *b, const struct stp_config *c, struct errbuf *e)
{
    uint8_t tree[4096] = {0};
    for (unsigned v = 0; v < 4096; v++)
        for (unsigned i = 0; c->vlan_msti[v] != 0 && i < c->n_mstis; i++)
            if (c->msti[i].id == c->vlan_msti[v])
                tree[v] = (uint8_t)(i + 1);
    int r = fdb_set_trees(b->fdb, tree);
    r = r < 0 ? r : gate_set_map(b, c->n_mstis > 0 ? tree : NULL);
    return r < 0 ? errbuf_set(e, ENOMEM, "spanning tree: out of memory") : 0;
}

/* The bridge's address: kept as long as it lives. A number of its own, so that it doesn't change
 * with its ports. */
static struct mac address_of(const struct bridge *b, const struct weft_switch *sw)
{
    const struct bridge_ports *ports = atomic_load(&b->ports);
    uint64_t h = sw->hash_key ^ (uint64_t)(b->index + 1) << 20;
    if (ports->n > 0) /* the first port's, as hardware has it */
        return ports->list[0]->mac;
    return mac_from_u64((h & UINT64_C(0xfeffffffffff)) | UINT64_C(0x020000000000));
}

static int new_engine(struct span *g, struct bridge *b, const struct stp_config *c,
                      struct errbuf *e)
{
    struct span_bridge *s = calloc(1, sizeof *s);
    if (s == NULL)
        return errbuf_set(e, ENOMEM, "spanning tree: out of memory");
    s->dp = b;
    s->cfg = *c;
    int r = stp_create(c, switch_now(g->sw), &s->stp, e);
    if (r == 0)
        r = publish_map(b, c, e);
    if (r < 0) {
        stp_free(s->stp);
        free(s);
        return r;
    }
    g->bridge[b->index] = s;
    return 0;
}

static int follow(struct span *g, struct bridge *b, struct stp_config *c, bool on, struct errbuf *e)
{
    struct span_bridge *s = span_of(g, b);
    int r = 0;
    if (s != NULL && on) {
        c->mac = s->cfg.mac;
        r = stp_configure(s->stp, c, switch_now(g->sw), e);
        if (r == 0)
            s->cfg = *c;
        if (r != -EBUSY)
            return r;
    }
    if (s != NULL)
        forget(g, s);
    if (!on)
        return 0;
    if (mac_is_zero(c->mac))
        c->mac = address_of(b, g->sw);
    return new_engine(g, b, c, e);
}

int span_bridge(struct span *g, struct bridge *b, const struct config_bridge *want,
                struct errbuf *e)
{
    struct stp_config *c = malloc(sizeof *c);
    int r = c != NULL ? span_bridge_config(want, c, e) : -ENOMEM;
    pthread_mutex_lock(&g->lock);
    if (r == 0)
        r = follow(g, b, c, span_trees(want) > 0, e);
    pthread_mutex_unlock(&g->lock);
    free(c);
    return r;
}

void span_bridge_gone(struct span *g, struct bridge *b)
{
    pthread_mutex_lock(&g->lock);
    if (span_of(g, b) != NULL)
        forget(g, span_of(g, b));
    pthread_mutex_unlock(&g->lock);
}

/* ---- ports ---- */

static void leave(struct span *g, struct span_bridge *s, struct port *p)
{
    uint32_t n = p->ofp_no;
    if (s != NULL && n <= STP_PORTS_MAX && s->port[n].dp == p) {
        stp_port_del(s->stp, n, switch_now(g->sw));
        s->port[n].dp = NULL;
    }
    gate_disable(p);
}

static int join(struct span *g, struct span_bridge *s, struct port *p,
                const struct stp_port_config *c, struct errbuf *e)
{
    uint32_t n = p->ofp_no;
    nsec_t now = switch_now(g->sw);
    if (s->port[n].dp == p)
        return stp_port_configure(s->stp, n, c, now, e);
    gate_enable(p, stp_trees(s->stp));
    int r = stp_port_add(s->stp, n, c, now, e);
    if (r == 0)
        s->port[n] = (struct span_port){.dp = p};
    return r;
}

int span_port(struct span *g, struct port *p, const struct config_port *want, struct errbuf *e)
{
    struct stp_port_config c;
    pthread_mutex_lock(&g->lock);
    struct span_bridge *s = span_of(g, p->bridge);
    int r = span_port_config(want, s != NULL ? &s->cfg : NULL, &c, e);
    if (r == 0 && (s == NULL || want->stp.off || p->tunnel != NULL || p->router != NULL ||
                   p->ofp_no > STP_PORTS_MAX))
        leave(g, s, p);
    else if (r == 0)
        r = join(g, s, p, &c, e);
    g->links_due = 0;
    pthread_mutex_unlock(&g->lock);
    return r;
}

void span_port_gone(struct span *g, struct port *p)
{
    pthread_mutex_lock(&g->lock);
    leave(g, span_of(g, p->bridge), p);
    pthread_mutex_unlock(&g->lock);
}

int span_do(struct span *g, struct port *p, enum span_verb v, struct errbuf *e)
{
    pthread_mutex_lock(&g->lock);
    struct span_bridge *s = span_of(g, p->bridge);
    bool part = s != NULL && p->ofp_no <= STP_PORTS_MAX && s->port[p->ofp_no].dp == p;
    if (part && v == SPAN_MIGRATE)
        stp_migrate(s->stp, p->ofp_no, switch_now(g->sw));
    else if (part)
        stp_recover(s->stp, p->ofp_no, switch_now(g->sw));
    pthread_mutex_unlock(&g->lock);
    return part ? 0
                : errbuf_set(e, ENOENT,
                             "port %s: takes no part in a spanning tree; see `weftctl stp show`",
                             p->name);
}
