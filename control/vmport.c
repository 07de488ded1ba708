/* control/vmport.c: see vmport.h. */
#include "control/vmport.h"

#include <errno.h>
#include <rte_mbuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/vmport_priv.h"
#include "datapath/pkt.h"
#include "datapath/punt.h"

enum { NOBODY = UINT32_MAX, RUN_MS = 250 };

int vmports_create(struct weft_switch *sw, const struct log *log, struct vmports **out,
                   struct errbuf *e)
{
    struct vmports *v = calloc(1, sizeof *v);
    if (!v)
        return errbuf_set(e, ENOMEM, "VMs' ports: out of memory");
    v->sw = sw;
    v->log = log;
    TAILQ_INIT(&v->list);
    pthread_mutex_init(&v->lock, NULL);
    *out = v;
    return 0;
}

void vmports_free(struct vmports *v)
{
    struct vmport *m;
    if (!v)
        return;
    while ((m = TAILQ_FIRST(&v->list))) {
        TAILQ_REMOVE(&v->list, m, next);
        free(m);
    }
    pthread_mutex_destroy(&v->lock);
    free(v);
}

void vm_note(struct vmports *v, struct vmport *m, nsec_t now, const char *fmt, ...)
{
    struct vm_event *ev = &m->event[m->n_events++ % VM_HISTORY];
    va_list ap;
    ev->at = now;
    va_start(ap, fmt);
    vsnprintf(ev->text, sizeof ev->text, fmt, ap);
    va_end(ap);
    log_line(v->log, LOG_LVL_INFO, "port %s: %s", m->dp->name, ev->text);
}

static struct vmport *find(const struct vmports *v, const struct port *p)
{
    struct vmport *m;
    TAILQ_FOREACH(m, &v->list, next)
        if (m->dp == p)
            return m;
    return NULL;
}

/* ---- states ---- */

static void go(struct vmport *m, enum vm_state s, nsec_t now)
{
    m->state = s;
    m->since = now;
}

/* The FDB says so at once, not when the first frame has been learnt. */
static void claim(struct vmports *v, struct vmport *m, nsec_t now)
{
    pthread_mutex_lock(&v->sw->learn_lock);
    const struct bridge *b = m->dp->bridge;
    for (unsigned i = 0; b && i < m->n_vlans * m->bound.n_macs; i++)
        (void)fdb_learn(b->fdb, m->vlan[i / m->bound.n_macs].vid, m->bound.mac[i % m->bound.n_macs],
                        m->dp->index, now);
    pthread_mutex_unlock(&v->sw->learn_lock);
}

static void activate(struct vmports *v, struct vmport *m, const char *why, nsec_t now)
{
    (void)gate_release(m->dp);
    vm_redirect_end(m);
    go(m, VM_ACTIVE, now);
    m->moves++;
    vm_note(v, m, now, "active (%s)", why);
    claim(v, m, now);
    vm_announce(v, m, now);
}

static void hold(struct vmports *v, struct vmport *m, nsec_t now)
{
    gate_hold(m->dp, m->activation == VM_RARP);
    go(m, VM_HELD, now);
    vm_note(v, m, now, "held until %s",
            m->activation == VM_RARP ? "its guest speaks" : "it is activated");
}

static void stop_saying(struct vmports *v, struct vmport *m, const char *why, nsec_t now)
{
    if (announce_cancel(&m->announce))
        vm_note(v, m, now, "announcements cancelled: %s", why);
}

/* The guest has gone: the next that comes is held again. */
static void lose_link(struct vmports *v, struct vmport *m, nsec_t now)
{
    stop_saying(v, m, "its guest has left", now);
    vm_note(v, m, now, "its guest has left");
    if (m->state != VM_AWAY)
        go(m, VM_WAITS, now);
    if (m->activation != VM_IMMEDIATE)
        hold(v, m, now);
}

static uint32_t heard_at(const struct vmport *m)
{
    const struct bridge *b = m->dp->bridge;
    if (!b || m->n_vlans == 0)
        return NOBODY;
    uint32_t at = fdb_lookup(b->fdb, m->vlan[0].vid, m->bound.mac[0]);
    return at == FDB_NO_PORT ? NOBODY : at;
}

static void go_away(struct vmports *v, struct vmport *m, uint32_t place, nsec_t now)
{
    char where[64];
    vm_place_text(v, place, where, sizeof where);
    m->place = place;
    m->moves++;
    stop_saying(v, m, "it is heard from elsewhere", now);
    go(m, VM_AWAY, now);
    vm_note(v, m, now, "away: its MAC is at %s", where);
    vm_redirect(v, m, now);
}

/* Without a new link: two have its MAC, or it was somebody else's lie. If they take turns, nobody
 * shouts. */
static void come_back(struct vmports *v, struct vmport *m, nsec_t now)
{
    bool quiet = now - m->since < VM_QUIET_MS * NSEC_PER_MSEC;
    vm_redirect_end(m);
    go(m, VM_ACTIVE, now);
    m->moves++;
    vm_note(v, m, now, "active (it is heard here again)");
    if (!quiet)
        vm_announce(v, m, now);
}

/* Its MAC is where the last frame of it came from. */
static void look(struct vmports *v, struct vmport *m, nsec_t now)
{
    uint32_t at = heard_at(m);
    bool elsewhere = at != NOBODY && at != m->dp->index, was_here = m->moves > 0;
    if (m->state == VM_AWAY && at == m->dp->index && m->up)
        come_back(v, m, now);
    else if (elsewhere && (m->state == VM_ACTIVE || (m->state == VM_WAITS && was_here) ||
                           (m->state == VM_AWAY && at != m->place)))
        go_away(v, m, at, now);
}

static void step(struct vmports *v, struct vmport *m, bool looks, nsec_t now)
{
    bool up = atomic_load_explicit(&m->dp->link_up, memory_order_relaxed);
    bool came = up && !m->up, went = !up && m->up;
    m->up = up;
    if (m->state == VM_HELD && !gate_is_held(m->dp))
        activate(v, m, "its guest spoke", now);
    else if ((m->state == VM_WAITS || m->state == VM_AWAY) && came)
        activate(v, m, "its link came up", now);
    else if ((m->state == VM_ACTIVE || m->state == VM_AWAY) && went)
        lose_link(v, m, now);
    if (looks)
        look(v, m, now);
    vm_redirect_run(m, now);
    vm_send_due(v, m, now);
}

nsec_t vmports_run(struct vmports *v, nsec_t now)
{
    struct vmport *m;
    nsec_t due = NSEC_NEVER;
    pthread_mutex_lock(&v->lock);
    bool looks = now - v->looked_at >= VM_LOOK_MS * NSEC_PER_MSEC;
    if (looks)
        v->looked_at = now;
    TAILQ_FOREACH(m, &v->list, next) {
        step(v, m, looks, now);
        nsec_t d = announce_deadline(&m->announce);
        due = d < due ? d : due;
    }
    if (!looks && !TAILQ_EMPTY(&v->list) && v->looked_at + VM_LOOK_MS * NSEC_PER_MSEC < due)
        due = v->looked_at + VM_LOOK_MS * NSEC_PER_MSEC;
    pthread_mutex_unlock(&v->lock);
    return due;
}

void vmports_poke(struct vmports *v) { (void)vmports_run(v, switch_now(v->sw)); }

bool vmports_rx(struct vmports *v, struct rte_mbuf *b, nsec_t now)
{
    if (pkt_of(b)->reason != PUNT_ACTIVATED)
        return false;
    pthread_mutex_lock(&v->lock);
    struct vmport *m = find(v, pkt_of(b)->in_port);
    if (m)
        step(v, m, false, now);
    pthread_mutex_unlock(&v->lock);
    rte_pktmbuf_free(b);
    return true;
}

/* ---- control ---- */

static enum vm_activation activation_of(const struct config_port *cfg)
{
    const char *s = cfg->activation ? cfg->activation : "immediate";
    return !strcmp(s, "rarp") ? VM_RARP : !strcmp(s, "command") ? VM_COMMAND : VM_IMMEDIATE;
}

static enum vm_form form_of(const struct config_port *cfg)
{
    static const char *const names[] = {"request", "reply", "both", "off"};
    for (unsigned i = 0; cfg->announce && i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], cfg->announce))
            return (enum vm_form)i;
    return VM_FORM_REQUEST;
}

static void set_vlans(struct vmport *m, const struct config_port *cfg)
{
    struct port_vlan v;
    config_port_vlan(cfg, &v);
    m->n_vlans = 0;
    if (v.mode != VLAN_TRUNK || cfg->trunks_count == 0)
        m->vlan[m->n_vlans++] = (struct vm_vlan){.vid = v.tag};
    for (uint16_t vid = 1; vid < 4095 && cfg->trunks_count && m->n_vlans < VM_VLANS_MAX; vid++)
        if (vlan_bit(v.trunks, vid) && vid != v.tag)
            m->vlan[m->n_vlans++] = (struct vm_vlan){.vid = vid, .tag = vid};
}

static struct vmport *add(struct vmports *v, struct port *p)
{
    struct vmport *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->dp = p;
    TAILQ_INSERT_TAIL(&v->list, m, next);
    return m;
}

static void begin(struct vmports *v, struct vmport *m, nsec_t now)
{
    go(m, VM_WAITS, now);
    if (m->activation != VM_IMMEDIATE)
        hold(v, m, now);
    step(v, m, false, now);
}

/* Bindings or VLANs that are new are announced, too. */
static void follow(struct vmports *v, struct vmport *m, const struct vmport *had, nsec_t now)
{
    bool other = memcmp(&had->bound, &m->bound, sizeof m->bound) != 0 ||
                 memcmp(had->vlan, m->vlan, sizeof m->vlan) != 0;
    if (m->state == VM_HELD && m->activation == VM_IMMEDIATE)
        activate(v, m, "by configuration", now);
    else if (m->state == VM_HELD)
        gate_hold(m->dp, m->activation == VM_RARP);
    else if (m->state == VM_ACTIVE && other)
        vm_announce(v, m, now);
}

static void drop(struct vmports *v, struct vmport *m)
{
    if (!m)
        return;
    (void)gate_release(m->dp);
    vm_redirect_end(m);
    TAILQ_REMOVE(&v->list, m, next);
    free(m);
}

int vmports_set(struct vmports *v, struct port *p, const struct config_port *cfg, struct errbuf *e)
{
    struct guard bound;
    int r = 0;
    bool is_vm = config_bindings(cfg, p->mac, &bound) && p->bridge;
    nsec_t now = switch_now(v->sw);
    pthread_mutex_lock(&v->lock);
    struct vmport *m = find(v, p);
    bool is_new = !m;
    if (!is_vm)
        drop(v, m);
    else if (is_new && !(m = add(v, p)))
        r = errbuf_set(e, ENOMEM, "port %s: out of memory", p->name);
    if (is_vm && r == 0) {
        struct vmport had = *m;
        m->bound = bound;
        m->activation = activation_of(cfg);
        m->form = form_of(cfg);
        m->redirect = (cfg->redirect_s ? cfg->redirect_s : 5) * NSEC_PER_SEC;
        set_vlans(m, cfg);
        if (is_new)
            begin(v, m, now);
        else
            follow(v, m, &had, now);
    }
    pthread_mutex_unlock(&v->lock);
    return r;
}

void vmports_gone(struct vmports *v, struct port *p)
{
    pthread_mutex_lock(&v->lock);
    drop(v, find(v, p));
    pthread_mutex_unlock(&v->lock);
}

static int refuse(const struct port *p, struct errbuf *e)
{
    return errbuf_set(e, ENOENT,
                      "port %s: is no VM's; bind addresses to it first (`weftctl port set %s "
                      "ip=...`)",
                      p->name, p->name);
}

int vmports_announce(struct vmports *v, struct port *p, struct errbuf *e)
{
    struct vmport *m;
    int n = 0;
    nsec_t now = switch_now(v->sw);
    pthread_mutex_lock(&v->lock);
    TAILQ_FOREACH(m, &v->list, next)
        if ((!p || m->dp == p) && m->state == VM_ACTIVE) {
            vm_announce(v, m, now);
            n++;
        }
    m = p ? find(v, p) : NULL;
    if (p && !m)
        n = refuse(p, e);
    else if (p && n == 0)
        n = errbuf_set(e, EAGAIN, "port %s: is not active but %s; nothing to announce", p->name,
                       vm_state_name(m->state));
    pthread_mutex_unlock(&v->lock);
    return n;
}

int vmports_activate(struct vmports *v, struct port *p, struct errbuf *e)
{
    nsec_t now = switch_now(v->sw);
    pthread_mutex_lock(&v->lock);
    struct vmport *m = find(v, p);
    if (m)
        activate(v, m, "by command", now);
    pthread_mutex_unlock(&v->lock);
    return m ? 0 : refuse(p, e);
}
