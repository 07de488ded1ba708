/* control/vmport_json.c: a VM's story, as `weftctl port show` gets it. */
#include <arpa/inet.h>
#include <stdio.h>

#include "control/api_priv.h"
#include "control/vmport_priv.h"
#include "datapath/tunnel.h"

const char *vm_state_name(enum vm_state s)
{
    static const char *const names[] = {"waits", "held", "active", "away"};
    return names[s];
}

void vm_place_text(const struct vmports *v, uint32_t place, char *out, size_t len)
{
    const struct port *p = v->sw->ports[fdb_place_port(place)];
    uint16_t endpoint = fdb_place_endpoint(place);
    char ip[INET6_ADDRSTRLEN] = "";
    if (p && p->tunnel && endpoint) {
        const struct vtep *t = p->tunnel->vtep;
        bool v6 = t->opt.local.v6;
        inet_ntop(v6 ? AF_INET6 : AF_INET, endpoint_at(t, endpoint)->ip.b, ip, sizeof ip);
    }
    snprintf(out, len, *ip ? "%s (%s)" : "%s%s", *ip ? ip : "port ", p ? p->name : "(gone)");
}

static double ago(const struct vmports *v, nsec_t then)
{
    return (double)(switch_now(v->sw) - then) / 1e9;
}

static json_t *history_json(const struct vmports *v, const struct vmport *m)
{
    json_t *a = json_array();
    unsigned first = m->n_events > VM_HISTORY ? m->n_events - VM_HISTORY : 0;
    for (unsigned i = first; i < m->n_events; i++) {
        const struct vm_event *e = &m->event[i % VM_HISTORY];
        json_array_append_new(a, json_pack("{s:f,s:o}", "ago_s", ago(v, e->at), "what",
                                           api_text(e->text)));
    }
    return a;
}

static json_t *macs_json(const struct guard *g)
{
    json_t *a = json_array();
    for (unsigned i = 0; i < g->n_macs; i++)
        json_array_append_new(a, api_mac(g->mac[i]));
    return a;
}

static json_t *ips_json(const struct guard *g)
{
    json_t *a = json_array();
    for (unsigned i = 0; i < g->n_ips; i++) {
        char text[INET6_ADDRSTRLEN + 8];
        const struct guard_ip *ip = &g->ip[i];
        inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->ip.b, text, INET6_ADDRSTRLEN);
        if (ip->prefix != (ip->v6 ? 128 : 32))
            snprintf(text + strlen(text), 8, "/%u", ip->prefix);
        json_array_append_new(a, json_string(text));
    }
    return a;
}

static json_t *story(const struct vmports *v, const struct vmport *m)
{
    static const char *const activations[] = {"immediate", "rarp", "command"};
    char where[64] = "here";
    if (m->state == VM_AWAY)
        vm_place_text(v, m->place, where, sizeof where);
    return json_pack("{s:s,s:f,s:s,s:s,s:o,s:o,s:i,s:o,s:b,s:{s:o,s:o,s:i,s:o},s:o}", "state",
                     vm_state_name(m->state), "since_s", ago(v, m->since), "where",
                     m->state == VM_ACTIVE || m->state == VM_AWAY ? where : "unknown", "activation",
                     activations[m->activation], "macs", macs_json(&m->bound), "ips",
                     ips_json(&m->bound), "moves", (int)m->moves, "redirected",
                     api_u64(vm_redirected(m)), "redirects", m->redirected_until != 0,
                     "announcements", "rounds", api_u64(m->announce.rounds), "frames",
                     api_u64(m->frames), "left", (int)m->announce.left, "cancelled",
                     api_u64(m->announce.cancelled), "history", history_json(v, m));
}

json_t *vmports_json(struct vmports *v, const struct port *p)
{
    struct vmport *m;
    json_t *o = NULL;
    pthread_mutex_lock(&v->lock);
    TAILQ_FOREACH(m, &v->list, next)
        if (m->dp == p)
            o = story(v, m);
    pthread_mutex_unlock(&v->lock);
    return o;
}
