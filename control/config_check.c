/* control/config_check.c: what the schema can't say, top and bridges; ports: config_check_port.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/span.h"
#include "control/target.h"

int config_refuse(struct config_check *k, const char *key, const char *fmt, ...)
{
    char text[300], path[CONFIG_PATH_MAX + 40];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!k->doc)
        return errbuf_set(k->e, EINVAL, "%s%s%s%s%s", k->about, *k->about && *key ? ": " : "", key,
                          *k->about || *key ? ": " : "", text);
    snprintf(path, sizeof path, "%s%s%s", k->path, *k->path && *key ? "." : "", key);
    return errbuf_set(k->e, EINVAL, "%s:%u: %s: %s", k->doc->name, config_doc_line(k->doc, path),
                      path, text);
}

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static int check_top(struct config_check *k)
{
    const struct config *c = k->c;
    const struct config_workers *w = &c->workers;
    if (w->cpus_count > WEFT_WORKERS_MAX)
        return config_refuse(k, "workers.cpus", "%u CPUs; at most %d", w->cpus_count,
                             WEFT_WORKERS_MAX);
    for (unsigned i = 0; i < w->cpus_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (w->cpus[i] == w->cpus[j])
                return config_refuse(k, "workers.cpus", "CPU %d is there twice", w->cpus[i]);
    if (w->idle_spin_us > 1000000)
        return config_refuse(k, "workers.idle_spin_us", "%u is too long; give 0..1000000",
                             w->idle_spin_us);
    if (w->idle_sleep_us > 1000000)
        return config_refuse(k, "workers.idle_sleep_us", "%u is too long; give 0..1000000",
                             w->idle_sleep_us);
    const struct config_memory *m = &c->memory;
    if (m->mbufs && (m->mbufs < 512 || m->mbufs > 16 << 20))
        return config_refuse(k, "memory.mbufs", "%u packet buffers; give 512..%d", m->mbufs,
                             16 << 20);
    if (m->mbuf_data_bytes && m->mbuf_data_bytes < 512)
        return config_refuse(k, "memory.mbuf_data_bytes", "%u is too small; give 512..65535",
                             m->mbuf_data_bytes);
    if (m->hugepages && !one_of(m->hugepages, (const char *[]){"auto", "no", "require", NULL}))
        return config_refuse(k, "memory.hugepages", "\"%.60s\"; expected auto, no or require",
                             m->hugepages);
    enum log_level l;
    if (c->log_level && !log_level_parse(c->log_level, &l))
        return config_refuse(k, "log_level", "\"%.60s\"; expected error, warning, info or debug",
                             c->log_level);
    if (c->bridges_count > WEFT_BRIDGES_MAX)
        return config_refuse(k, "bridges", "%u bridges; at most %d", c->bridges_count,
                             WEFT_BRIDGES_MAX);
    return 0;
}

int config_check_name(struct config_check *k, const char *name)
{
    static const char *const reserved[] = {"in_port", "table", "normal", "flood",
                                           "all",     "local", "any",    "controller",
                                           "none",    "drop",  NULL};
    if (strlen(name) >= WEFT_NAME_MAX)
        return config_refuse(k, "name", "\"%.60s\" is too long; at most %d characters", name,
                             WEFT_NAME_MAX - 1);
    size_t i = 0;
    for (; name[i]; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
            break;
    if (name[i] || name[strspn(name, "0123456789")] == '\0' || name[0] == '-' || name[0] == '.')
        return config_refuse(k, "name",
                             "\"%.60s\" is no name; give letters, digits, and _ . - inside, not "
                             "digits alone",
                             name);
    for (const char *const *r = reserved; *r; r++)
        if (!strcasecmp(name, *r))
            return config_refuse(k, "name", "\"%s\" is a word of the flow syntax; give another",
                                 name);
    return 0;
}

static int check_controllers(struct config_check *k, const struct config_bridge *b)
{
    if (b->controllers_count > WEFT_CONTROLLERS_MAX)
        return config_refuse(k, "controllers", "%u controllers; at most %d", b->controllers_count,
                             WEFT_CONTROLLERS_MAX);
    for (unsigned i = 0; i < b->controllers_count; i++) {
        char key[32];
        struct target t;
        snprintf(key, sizeof key, "controllers[%u]", i);
        if (!target_parse(b->controllers[i], &t))
            return config_refuse(k, key,
                                 "\"%.80s\" is no controller; expected tcp:ADDRESS[:PORT] or "
                                 "ptcp:[PORT][:ADDRESS], ssl: or pssl: with TLS, addresses "
                                 "numeric, IPv6 in []",
                                 b->controllers[i]);
        const struct config_tls *tls = &k->c->tls;
        if (t.tls && (!tls->private_key || !tls->certificate || !tls->ca_cert))
            return config_refuse(k, key,
                                 "\"%.80s\" needs tls: {private_key: FILE, certificate: FILE, "
                                 "ca_cert: FILE}",
                                 b->controllers[i]);
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(b->controllers[i], b->controllers[j]))
                return config_refuse(k, key, "\"%.80s\" is there twice", b->controllers[i]);
    }
    return 0;
}

static int check_fdb(struct config_check *k, const struct config_bridge *b)
{
    const struct config_fdb *f = &b->fdb;
    if (f->size > WEFT_FDB_MAX)
        return config_refuse(k, "fdb.size", "%u entries; give 1..%d", f->size, WEFT_FDB_MAX);
    if (f->ageing_s > 1000000)
        return config_refuse(k, "fdb.ageing_s", "%u seconds; give 1..1000000", f->ageing_s);
    for (unsigned i = 0; i < f->statics_count; i++) {
        const struct config_static *s = &f->statics[i];
        struct mac mac;
        char key[48];
        bool found = b->local && !strcmp(s->port, b->name);
        snprintf(key, sizeof key, "fdb.static[%u]", i);
        if (!config_mac(s->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac))
            return config_refuse(k, key, "mac: \"%.60s\" is not the MAC address of a station",
                                 s->mac);
        if (s->vlan > 4094)
            return config_refuse(k, key, "vlan: %u is not a VLAN; give 0..4094 (0: untagged)",
                                 s->vlan);
        for (unsigned j = 0; !found && j < b->ports_count; j++)
            found = !strcmp(b->ports[j].name, s->port);
        if (!found)
            return config_refuse(k, key, "port: bridge %s has no port \"%.60s\"", b->name, s->port);
    }
    return 0;
}

static int check_stp(struct config_check *k, const struct config_bridge *b)
{
    struct stp_config c;
    struct errbuf e = {""};
    return span_bridge_config(b, &c, &e) < 0 ? config_refuse(k, "stp", "%.300s", e.text) : 0;
}

static int check_bridge_keys(struct config_check *k, const struct config_bridge *b)
{
    uint64_t dpid;
    int r = config_check_name(k, b->name);
    if (r < 0)
        return r;
    if (b->local && strlen(b->name) > 15)
        return config_refuse(k, "name",
                             "\"%s\" is too long for a kernel device; at most 15 with "
                             "local: true",
                             b->name);
    if (b->datapath_id && !config_dpid(b->datapath_id, &dpid))
        return config_refuse(k, "datapath_id",
                             "\"%.60s\"; expected 16 hexadecimal digits, not all zero",
                             b->datapath_id);
    if (b->fail_mode && !one_of(b->fail_mode, (const char *[]){"standalone", "secure", NULL}))
        return config_refuse(k, "fail_mode", "\"%.60s\"; expected standalone or secure",
                             b->fail_mode);
    if (b->packet_in_rate > 10000000 || b->packet_in_burst > 10000000)
        return config_refuse(k, "packet_in_rate", "more than 10000000 packets");
    if (b->probe_s > 3600)
        return config_refuse(k, "probe_s", "%u seconds; give 1..3600", b->probe_s);
    r = check_controllers(k, b);
    if (r == 0)
        r = check_stp(k, b);
    return r < 0 ? r : check_fdb(k, b);
}

/* Names are unique over all bridges, LOCAL ports included. */
static int check_unique(struct config_check *k, unsigned bi, unsigned pi)
{
    const struct config_bridge *mine = &k->c->bridges[bi];
    const struct config_port *p = &mine->ports[pi];
    for (unsigned i = 0; i <= bi; i++) {
        const struct config_bridge *b = &k->c->bridges[i];
        unsigned n = i == bi ? pi : b->ports_count;
        for (unsigned j = 0; j < n; j++) {
            if (!strcmp(b->ports[j].name, p->name))
                return config_refuse(k, "name", "\"%s\" is a port of bridge %s already", p->name,
                                     b->name);
            if (i == bi && p->ofport && b->ports[j].ofport == p->ofport)
                return config_refuse(k, "ofport", "%u is port %s already", p->ofport,
                                     b->ports[j].name);
        }
    }
    for (unsigned i = 0; i < k->c->bridges_count; i++)
        if (k->c->bridges[i].local && !strcmp(k->c->bridges[i].name, p->name))
            return config_refuse(k, "name", "\"%s\" is the LOCAL port of that bridge", p->name);
    return 0;
}

static int check_ports(struct config_check *k, unsigned bi)
{
    const struct config_bridge *b = &k->c->bridges[bi];
    int r = 0;
    for (unsigned i = 0; r == 0 && i < b->ports_count; i++) {
        snprintf(k->path, sizeof k->path, "bridges[%u].ports[%u]", bi, i);
        snprintf(k->about, sizeof k->about, "port %.100s", b->ports[i].name);
        r = config_check_port(k, b, &b->ports[i]);
        if (r == 0)
            r = check_unique(k, bi, i);
    }
    return r;
}

static int check_bridge(struct config_check *k, unsigned bi)
{
    const struct config_bridge *b = &k->c->bridges[bi];
    snprintf(k->path, sizeof k->path, "bridges[%u]", bi);
    snprintf(k->about, sizeof k->about, "bridge %.100s", b->name);
    for (unsigned i = 0; i < bi; i++)
        if (!strcmp(k->c->bridges[i].name, b->name))
            return config_refuse(k, "name", "\"%.60s\" is a bridge already", b->name);
    int r = check_bridge_keys(k, b);
    if (r == 0)
        r = check_ports(k, bi);
    if (r < 0)
        return r;
    snprintf(k->path, sizeof k->path, "bridges[%u]", bi);
    snprintf(k->about, sizeof k->about, "bridge %.100s", b->name);
    return config_check_flows(k, b);
}

int config_check_all(struct config_check *k)
{
    int r = check_top(k);
    if (r == 0)
        r = config_check_vteps(k);
    if (r == 0)
        r = config_check_routers(k);
    for (unsigned i = 0; r == 0 && i < k->c->bridges_count; i++)
        r = check_bridge(k, i);
    return r;
}

int config_check(const struct config *c, struct errbuf *e)
{
    struct config_check k = {.c = c, .e = e};
    return config_check_all(&k);
}
