/* control/api_fdb.c: where MACs live. */
#include <errno.h>
#include <string.h>

#include "control/api_priv.h"
#include "datapath/tunnel.h"

struct listing {
    json_t *list;
    const struct weft_switch *sw;
    uint16_t port; /* FDB_NO_PORT: all */
    int vlan;      /* -1: all */
    nsec_t now;
};

static bool add_entry(void *ctx, const struct fdb_entry *f)
{
    struct listing *l = ctx;
    const struct port *p = f->port < WEFT_PORTS_MAX ? atomic_load(&l->sw->ports[f->port]) : NULL;
    if ((l->port != FDB_NO_PORT && l->port != f->port) || (l->vlan >= 0 && l->vlan != f->vlan))
        return true;
    json_t *o = json_pack("{s:s,s:i,s:o,s:b,s:i}", "port", p ? p->name : "", "vlan", (int)f->vlan,
                          "mac", api_mac(f->mac), "static", f->is_static, "moves", (int)f->moves);
    if (p && p->tunnel && f->endpoint)
        json_object_set_new(o, "remote", api_endpoint(p->tunnel->vtep, f->endpoint));
    if (!f->is_static) {
        nsec_t age = l->now > f->used_ns ? l->now - f->used_ns : 0;
        json_object_set_new(o, "age_s", json_integer(age / NSEC_PER_SEC));
    }
    json_array_append_new(l->list, o);
    return true;
}

static json_t *counters_json(const struct fdb_counters *c)
{
    return json_pack("{s:i,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "entries", (int)c->entries,
                     "statics", (int)c->statics, "size", (int)c->size, "learned",
                     api_u64(c->learned), "moved", api_u64(c->moved), "aged", api_u64(c->aged),
                     "flushed", api_u64(c->flushed), "full", api_u64(c->full), "port_limit",
                     api_u64(c->port_limit), "static_conflict", api_u64(c->static_conflict));
}

/* The optional filters: port and VLAN; a port implies its bridge. */
static int filters(struct weft *w, json_t *params, struct of_bridge **b, uint16_t *port, int *vlan,
                   struct errbuf *e)
{
    struct weft_port *p;
    struct of_bridge *home = NULL;
    uint64_t v;
    int r = api_bridge(w, params, "bridge", b, e);
    if (r == 0)
        r = api_port(w, params, "port", &home, &p, e);
    if (r == 0)
        r = api_uint(params, "vlan", 4095, UINT64_MAX, &v, e);
    if (r < 0)
        return r;
    if (p && *b && home != *b)
        return errbuf_set(e, ENOENT, "port %s: is in bridge %s, not in %s", p->dp->name,
                          home->dp->name, (*b)->dp->name);
    *b = p ? home : *b;
    *port = p ? p->dp->index : FDB_NO_PORT;
    *vlan = v == UINT64_MAX ? -1 : (int)v;
    return 0;
}

static int fdb_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    struct listing l = {.sw = w->sw, .now = weft_now(w)};
    int r = filters(w, params, &one, &l.port, &l.vlan, e);
    if (r < 0)
        return r;
    json_t *all = json_array();
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++) {
        if (one && b != one)
            continue;
        struct fdb_counters c = fdb_counters(b->dp->fdb);
        l.list = json_array();
        fdb_each(b->dp->fdb, add_entry, &l);
        json_array_append_new(all, json_pack("{s:s,s:o,s:o}", "bridge", b->dp->name, "entries",
                                             l.list, "counters", counters_json(&c)));
    }
    return api_done(all, out, e);
}

static int fdb_flush_some(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    uint16_t port;
    int vlan;
    uint64_t n = 0;
    int r = filters(w, params, &one, &port, &vlan, e);
    if (r < 0)
        return r;
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++)
        if (!one || b == one)
            n += fdb_flush(b->dp->fdb, port, vlan);
    return api_done(json_pack("{s:o}", "flushed", api_u64(n)), out, e);
}

static int fdb_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    uint64_t vlan;
    int r = api_uint(params, "vlan", 4094, 0, &vlan, e);
    if (r < 0)
        return r;
    struct config *c = api_edit(w, e);
    r = c ? config_static_add(c, api_str(params, "bridge"), api_str(params, "mac"), (uint16_t)vlan,
                              api_str(params, "port"), e)
          : -ENOMEM;
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

/* A static entry goes from the configuration, a learnt one from the table only. */
static int fdb_del_one(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct mac mac;
    uint64_t vlan;
    const char *text = api_str(params, "mac");
    int r = api_bridge(w, params, "bridge", &b, e);
    if (r == 0)
        r = api_uint(params, "vlan", 4095, 0, &vlan, e);
    if (r < 0)
        return r;
    if (!config_mac(text, &mac))
        return errbuf_set(e, EINVAL, "\"%.60s\" is not a MAC address; write 02:00:00:00:00:01",
                          text);
    struct config *c = api_edit(w, e);
    if (!c)
        return -ENOMEM;
    if (config_static_del(c, b->dp->name, text, (uint16_t)vlan, NULL) == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    if (fdb_del(b->dp->fdb, (uint16_t)vlan, mac) < 0)
        return errbuf_set(e, ENOENT, "bridge %s: no %s in VLAN %u", b->dp->name, text,
                          (unsigned)vlan);
    return api_done(json_object(), out, e);
}

const struct api_method api_fdb_methods[] = {
    {"fdb.show",
     fdb_show,
     {{"bridge", API_STRING, false}, {"port", API_STRING, false}, {"vlan", API_NUMBER, false}},
     "entries with port, VLAN, MAC and age"},
    {"fdb.flush",
     fdb_flush_some,
     {{"bridge", API_STRING, false}, {"port", API_STRING, false}, {"vlan", API_NUMBER, false}},
     "forgets learnt entries"},
    {"fdb.add",
     fdb_add,
     {{"bridge", API_STRING, true},
      {"mac", API_STRING, true},
      {"vlan", API_NUMBER, false},
      {"port", API_STRING, true}},
     "adds a static entry to the configuration"},
    {"fdb.del",
     fdb_del_one,
     {{"bridge", API_STRING, true}, {"mac", API_STRING, true}, {"vlan", API_NUMBER, false}},
     "deletes one entry, static or learnt"},
    {0},
};
