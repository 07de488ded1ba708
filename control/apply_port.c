/* control/apply_port.c: the ports of a bridge follow its configuration.
 *
 * A port that is configured as it was is not touched. Keys that a running port can change
 * are changed; any other makes that port anew, under its old OpenFlow number. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/weft_priv.h"
#include "datapath/guard.h"
#include "datapath/tunnel.h"

static const char *const live_keys[] = {"down",
                                        "mtu",
                                        "mac",
                                        "max_macs",
                                        "tag",
                                        "vlan_mode",
                                        "trunks",
                                        "cvlans",
                                        "members",
                                        "mode",
                                        "hash",
                                        "primary",
                                        "symmetric",
                                        "min_links",
                                        "max_links",
                                        "up_delay_ms",
                                        "lacp_slow",
                                        "down_delay_ms",
                                        "lacp_passive",
                                        "lacp_fallback",
                                        "lacp_key",
                                        "rebalance_s",
                                        "lacp_priority",
                                        "qinq_ethtype",
                                        "priority_tags",
                                        "stp",
                                        "suppress",
                                        "hosts",
                                        NULL};
/* Of a router's interface: gateway_apply() follows them. */
static const char *const router_keys[] = {"router", "addresses", "urpf",       "anycast",   "dad",
                                          "vrrp",   "ra",        "dhcp_relay", "neighbors", NULL};
static const char *const vm_keys[] = {"ip",         "macs",     "vni",        "security", "allow",
                                      "activation", "announce", "redirect_s", NULL};
static const char *const vlan_keys[] = {"tag",          "vlan_mode",     "trunks", "cvlans",
                                        "qinq_ethtype", "priority_tags", NULL};

static bool is_in(const char *key, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(key, *list))
            return true;
    return false;
}

/* An automatic number that was given stays: only another explicit one is a change. */
static bool key_same(const struct weft_port *p, const struct config_port *want,
                     const cyaml_schema_field_t *f)
{
    if (!strcmp(f->key, "ofport"))
        return !want->ofport || want->ofport == p->dp->ofp_no;
    return config_field_equal(p->cfg, want, f);
}

static bool must_remake(const struct weft_port *p, const struct config_port *want)
{
    for (const cyaml_schema_field_t *f = config_port_fields; f->key; f++)
        if (!is_in(f->key, live_keys) && !is_in(f->key, router_keys) && !is_in(f->key, vm_keys) &&
            !key_same(p, want, f))
            return true;
    /* A MAC or MTU that is no longer given is the device's own again: only open() knows it. */
    return (p->cfg->mac && !want->mac);
}

static bool differs(const struct weft_port *p, const struct config_port *want,
                    const char *const *keys)
{
    for (const cyaml_schema_field_t *f = config_port_fields; f->key; f++)
        if (is_in(f->key, keys) && !key_same(p, want, f))
            return true;
    return false;
}

static bool is_local(const struct weft_port *p) { return p->cfg == NULL; }

static struct weft_port *find(struct of_bridge *b, const char *name)
{
    struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next)
        if (!is_local(p) && !strcmp(p->dp->name, name))
            return p;
    return NULL;
}

static struct weft_port *find_local(struct of_bridge *b)
{
    struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next)
        if (is_local(p))
            return p;
    return NULL;
}

static const struct config_port *wanted(const struct config_bridge *want, const char *name)
{
    for (unsigned i = 0; i < want->ports_count; i++)
        if (!strcmp(want->ports[i].name, name))
            return &want->ports[i];
    return NULL;
}

/* Should it come again in this change (made anew, or undone), it gets its number back: flows
 * that name it were compiled to the number. */
static void keep_number(struct of_bridge *b, const struct weft_port *p)
{
    struct kept_number *k = is_local(p) ? NULL : malloc(sizeof *k);
    if (k && p->dp->ofp_no == 0) { /* a bond's member has none */
        free(k);
        k = NULL;
    }
    if (!k) /* no memory: the lowest free number then */
        return;
    snprintf(k->name, sizeof k->name, "%s", p->dp->name);
    k->no = p->dp->ofp_no;
    SLIST_INSERT_HEAD(&b->kept, k, next);
}

void apply_forget_numbers(struct of_bridge *b)
{
    struct kept_number *k;
    while ((k = SLIST_FIRST(&b->kept))) {
        SLIST_REMOVE_HEAD(&b->kept, next);
        free(k);
    }
}

void apply_port_destroy(struct of_bridge *b, struct weft_port *p)
{
    struct ofw_port desc;
    of_port_describe(p, &desc);
    TAILQ_REMOVE(&b->ports, p, next);
    keep_number(b, p);
    weft_log(b->w, LOG_LVL_INFO, "port %s: deleted", p->dp->name);
    span_port_gone(b->w->span, p->dp);
    gateway_port_gone(b->w->gateway, p->dp);
    vmports_gone(b->w->vms, p->dp);
    port_destroy(p->dp);
    of_port_status(b, OFPPR_DELETE, &desc);
    config_port_free(p->cfg);
    free(p);
}

void apply_ports_delete(struct of_bridge *b, const struct config_bridge *want)
{
    struct weft_port *p = TAILQ_FIRST(&b->ports), *next;
    for (; p; p = next) {
        next = TAILQ_NEXT(p, next);
        const struct config_port *cp = is_local(p) ? NULL : wanted(want, p->dp->name);
        if (is_local(p) ? !want->local : !cp || must_remake(p, cp))
            apply_port_destroy(b, p);
    }
}

/* ---- making ---- */

/* The numbers that somebody asks for by name are not given to others. */
static void reserve_numbers(struct of_bridge *b, const struct config_bridge *want)
{
    memset(b->reserved, 0, sizeof b->reserved);
    for (unsigned i = 0; i < want->ports_count; i++) {
        uint32_t no = want->ports[i].ofport;
        b->reserved[no / 64] |= UINT64_C(1) << (no % 64);
    }
}

static bool number_free(struct of_bridge *b, uint32_t no)
{
    return !vlan_bit(b->reserved, (uint16_t)no) && !of_dp_port(b, no);
}

static uint32_t choose_number(struct of_bridge *b, const struct config_port *cp)
{
    uint32_t no = cp->ofport;
    const struct kept_number *k;
    if (no)
        return no;
    SLIST_FOREACH(k, &b->kept, next)
        if (!strcmp(k->name, cp->name) && number_free(b, k->no))
            return k->no;
    for (no = 1; no < WEFT_PORTS_MAX && !number_free(b, no);)
        no++;
    return no < WEFT_PORTS_MAX ? no : 0; /* 0: bridge_attach complains */
}

/* In place of a number: it belongs to a bond, not to the bridge. */
#define MEMBER OFPP_ANY

/* Port security, as the keys have it. */
static int set_guard(struct port *p, const struct config_port *cp, struct errbuf *e)
{
    struct guard g;
    int r = port_set_guard(p, config_guard(cp, p->mac, &g) ? &g : NULL);
    return r < 0 ? errbuf_set(e, -r, "out of memory") : 0;
}

static int set_up(struct of_bridge *b, struct port *p, const struct config_port *cp, uint32_t no,
                  struct errbuf *e)
{
    struct port_vlan v;
    config_port_vlan(cp, &v);
    int r = port_set_vlan(p, &v, e);
    if (r == 0)
        r = set_guard(p, cp, e);
    if (cp->activation && strcmp(cp->activation, "immediate") != 0)
        gate_hold(p, false); /* from its first moment in the bridge; vmports_set() says how */
    if (r == 0 && cp->down)
        r = port_set_config(p, PORT_CFG_DOWN, PORT_CFG_DOWN, e);
    port_set_fdb_limit(p, cp->max_macs);
    if (no != MEMBER && b->stp_trees > 0 && !cp->stp.off && p->tunnel == NULL && p->router == NULL)
        gate_enable(p, b->stp_trees); /* until its spanning tree says more */
    return r < 0 || no == MEMBER ? r : bridge_attach(b->dp, p, no, e);
}

static int create(struct of_bridge *b, const struct config_port *cp, uint32_t no,
                  struct config_port *cfg, struct errbuf *e)
{
    struct port_options o;
    struct port *dp = NULL;
    struct ofw_port desc;
    struct port_link link = {0};
    struct weft_port *p = calloc(1, sizeof *p);
    config_port_options(cp, &o);
    struct ip6 *remotes = config_port_remotes(cp, &o.n_remotes);
    o.remotes = remotes;
    int r = p ? port_create(b->w->sw, &o, &dp, e) : errbuf_set(e, ENOMEM, "out of memory");
    free(remotes);
    if (r == 0)
        r = set_up(b, dp, cp, no, e);
    if (r == 0) {
        (void)port_poll_link(dp, &link);
        r = cfg ? vmports_set(b->w->vms, dp, cp, e) : 0;
    }
    if (r < 0) {
        port_destroy(dp);
        free(p);
        return r;
    }
    p->dp = dp;
    p->cfg = cfg;
    TAILQ_INSERT_TAIL(&b->ports, p, next);
    p->link = link;
    if (no == MEMBER)
        weft_log(b->w, LOG_LVL_INFO, "port %s: created, %s, member of a bond", dp->name, cp->type);
    else if (no == OFPP_LOCAL)
        weft_log(b->w, LOG_LVL_INFO, "port %s: created, tap, OpenFlow port LOCAL", dp->name);
    else
        weft_log(b->w, LOG_LVL_INFO, "port %s: created, %s, OpenFlow port %u", dp->name, cp->type,
                 dp->ofp_no);
    of_port_describe(p, &desc);
    of_port_status(b, OFPPR_ADD, &desc);
    return 0;
}

static int create_port(struct of_bridge *b, const struct config_port *cp, bool member,
                       struct errbuf *e)
{
    struct config_port *cfg = config_port_copy(cp);
    uint32_t no = member ? MEMBER : choose_number(b, cp);
    int r = cfg ? create(b, cp, no, cfg, e) : errbuf_set(e, ENOMEM, "out of memory");
    if (r < 0)
        config_port_free(cfg);
    return r;
}

static int create_local(struct of_bridge *b, struct errbuf *e)
{
    struct config_port cp = {.name = b->dp->name, .type = (char *)"tap", .stp = {.off = true}};
    return create(b, &cp, OFPP_LOCAL, NULL, e);
}

/* ---- changing ---- */

static int change_keys(struct weft_port *p, const struct config_port *cp, struct errbuf *e)
{
    int r = 0;
    struct mac mac;
    struct port_vlan v;
    uint16_t mtu = cp->mtu ? cp->mtu : 1500;
    if (!cp->mtu && (p->dp->tunnel || apply_mtu_follows(cp)))
        mtu = p->dp->mtu; /* follows the underlay's: apply_vteps_link(), apply_mtus() */
    if (p->dp->tunnel)
        p->dp->tunnel->auto_mtu = !cp->mtu;
    if (differs(p, cp, vlan_keys)) {
        config_port_vlan(cp, &v);
        r = port_set_vlan(p->dp, &v, e);
    }
    if (r == 0 && mtu != p->dp->mtu)
        r = port_set_mtu(p->dp, mtu, e);
    if (r == 0 && cp->mac && config_mac(cp->mac, &mac) && !mac_equal(mac, p->dp->mac))
        r = port_set_mac(p->dp, mac, e);
    if (r == 0 && cp->down != p->cfg->down)
        r = port_set_config(p->dp, cp->down ? PORT_CFG_DOWN : 0, PORT_CFG_DOWN, e);
    if (r == 0)
        port_set_fdb_limit(p->dp, cp->max_macs);
    return r == 0 ? set_guard(p->dp, cp, e) : r;
}

static int change_port(struct of_bridge *b, struct weft_port *p, const struct config_port *cp,
                       struct errbuf *e)
{
    struct ofw_port desc;
    if (!differs(p, cp, live_keys) && !differs(p, cp, router_keys) && !differs(p, cp, vm_keys))
        return 0;
    struct config_port *cfg = config_port_copy(cp);
    if (!cfg)
        return errbuf_set(e, ENOMEM, "out of memory");
    int r = change_keys(p, cp, e);
    if (r < 0) {
        config_port_free(cfg);
        return r;
    }
    config_port_free(p->cfg);
    p->cfg = cfg;
    weft_log(b->w, LOG_LVL_INFO, "port %s: changed", p->dp->name);
    r = vmports_set(b->w->vms, p->dp, cfg, e);
    of_port_describe(p, &desc);
    of_port_status(b, OFPPR_MODIFY, &desc);
    return r;
}

/* ---- bonds ---- */

/* Who belongs to a bond from now on leaves the bridge: never both, or there would be a loop. */
static void detach_members(struct of_bridge *b, const struct config_bridge *want)
{
    struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next) {
        struct ofw_port desc;
        if (is_local(p) || !p->dp->bridge || !config_bond_of(want, p->dp->name))
            continue;
        of_port_describe(p, &desc);
        bridge_detach(p->dp);
        of_port_status(b, OFPPR_DELETE, &desc);
    }
}

static int set_bond(struct of_bridge *b, const struct config_port *cp, struct errbuf *e)
{
    struct port *members[BOND_MEMBERS_MAX];
    struct bond_config c;
    unsigned n = 0;
    config_bond(cp, &c);
    for (unsigned i = 0; i < cp->members_count && n < BOND_MEMBERS_MAX; i++) {
        struct weft_port *m = find(b, cp->members[i]);
        if (!m)
            continue; /* it joins when it comes */
        if (cp->primary && !strcmp(cp->primary, cp->members[i]))
            c.primary = (int)n;
        members[n++] = m->dp;
    }
    return bond_set(find(b, cp->name)->dp, &c, members, n, e);
}

/* Who belongs to no bond any more comes back. */
static int attach_others(struct of_bridge *b, struct errbuf *e)
{
    struct weft_port *p;
    int r = 0;
    TAILQ_FOREACH(p, &b->ports, next) {
        struct ofw_port desc;
        if (r < 0 || p->dp->bridge || p->dp->member_of)
            continue;
        r = bridge_attach(b->dp, p->dp, choose_number(b, p->cfg), e);
        of_port_describe(p, &desc);
        if (r == 0)
            of_port_status(b, OFPPR_ADD, &desc);
    }
    return r;
}

static int apply_bonds(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    int r = 0;
    for (int leave = 1; leave >= 0; leave--) /* a member may go from one bond to another */
        for (unsigned i = 0; r == 0 && i < want->ports_count; i++) {
            struct config_port cp = want->ports[i];
            struct weft_port *p = strcmp(cp.type, "bond") ? NULL : find(b, cp.name);
            if (p && leave)
                bond_keep(p->dp, cp.members, cp.members_count);
            else if (p)
                r = set_bond(b, &cp, e);
        }
    return r < 0 ? r : attach_others(b, e);
}

int apply_ports_create(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    reserve_numbers(b, want);
    detach_members(b, want);
    int r = want->local && !find_local(b) ? create_local(b, e) : 0;
    for (unsigned i = 0; r == 0 && i < want->ports_count; i++) {
        struct config_port cp = want->ports[i];
        struct weft_port *p = find(b, cp.name);
        cp.tag = cp.vni ? config_vni_tag(want, &cp) : cp.tag;
        r = p ? change_port(b, p, &cp, e)
              : create_port(b, &cp, config_bond_of(want, cp.name) != NULL, e);
        if (r < 0 && e && !strstr(e->text, cp.name))
            errbuf_prefix(e, "port %s: ", cp.name);
    }
    return r < 0 ? r : apply_bonds(b, want, e);
}

int apply_ports_stp(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    struct weft_port *p;
    int r = span_bridge(b->w->span, b->dp, want, e);
    TAILQ_FOREACH(p, &b->ports, next)
        if (r == 0 && !is_local(p))
            r = span_port(b->w->span, p->dp, p->cfg, e);
    if (r < 0)
        errbuf_prefix(e, "bridge %s: ", b->dp->name);
    return r;
}
