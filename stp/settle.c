/* stp/settle.c: the one loop that runs the machines.
 *
 * Two queues of ports: those whose variables changed, and, when nobody is left there, those whose
 * transmit machine has to be looked at; so a BPDU says what is true after everything has settled.
 * Who is touched is decided here, by what guards read: a port's own variables, its CIST's, and the
 * three tallies of the tree. */
#include "base/assert.h"
#include "stp/machine.h"

struct port_machine {
    unsigned (*next)(const struct stp_port *);
    void (*enter)(struct stp_port *, unsigned);
    size_t state; /* offset of its state */
};
struct tport_machine {
    unsigned (*next)(const struct stp_tport *);
    void (*enter)(struct stp_tport *, unsigned);
    size_t state;
};

enum { PORT_MACHINES = 3, TPORT_MACHINES = 4 };

static const struct port_machine port_machines[PORT_MACHINES] = {
    {stp_prx_next, stp_prx_enter, offsetof(struct stp_port, prx)},
    {stp_ppm_next, stp_ppm_enter, offsetof(struct stp_port, ppm)},
    {stp_bdm_next, stp_bdm_enter, offsetof(struct stp_port, bdm)},
};
static const struct port_machine transmit = {stp_ptx_next, stp_ptx_enter,
                                             offsetof(struct stp_port, ptx)};

/* Closing comes before anything that may tell a neighbour or open another port. */
static const struct tport_machine tport_machines[TPORT_MACHINES] = {
    {stp_pim_next, stp_pim_enter, offsetof(struct stp_tport, pim)},
    {stp_prt_next, stp_prt_enter, offsetof(struct stp_tport, prt)},
    {stp_pst_next, stp_pst_enter, offsetof(struct stp_tport, pst)},
    {stp_tcm_next, stp_tcm_enter, offsetof(struct stp_tport, tcm)},
};

/* ---- who has to be looked at ---- */

static void push(struct work *w, struct stp_port *p)
{
    weft_assert(w->n <= STP_PORTS_MAX);
    w->at[(w->head + w->n++) % (STP_PORTS_MAX + 1)] = p;
}

static struct stp_port *pop(struct work *w)
{
    if (w->n == 0)
        return NULL;
    struct stp_port *p = w->at[w->head];
    w->head = (w->head + 1) % (STP_PORTS_MAX + 1);
    w->n--;
    return p;
}

static void queue(struct stp_port *p)
{
    if (!p->queued)
        push(&p->stp->work, p);
    p->queued = true;
}

void stp_touch(struct stp_tport *p)
{
    p->dirty = true;
    queue(p->port);
}

void stp_touch_port(struct stp_port *p)
{
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        p->tree[t].dirty = true;
    queue(p);
}

void stp_touch_tree(struct stp_tree *t)
{
    for (unsigned i = 0; i < t->stp->n_ports; i++)
        stp_touch(&t->stp->list[i]->tree[t->index]);
}

void stp_touch_all(struct stp *s)
{
    for (unsigned i = 0; i < s->n_ports; i++)
        stp_touch_port(s->list[i]);
}

void stp_reselect(struct stp_tree *t) { t->reselect = true; }

/* ---- tallies ---- */

static void tally(struct stp_tree *t, const struct stp_tport *p, unsigned by)
{
    t->unsynced += p->synced ? 0 : by;
    t->unsettled += !p->selected || p->role != p->selected_role || p->updt_info ? by : 0;
    t->retiring += p->rr_while != 0 ? by : 0;
}

void stp_recount(struct stp_tree *t)
{
    t->unsynced = t->unsettled = t->retiring = 0;
    for (unsigned i = 0; i < t->stp->n_ports; i++)
        tally(t, &t->stp->list[i]->tree[t->index], 1);
}

/* allSynced and reRooted turn true when a tally falls to what one port may leave in it. */
static bool may_have_unlocked(const struct stp_tree *was, const struct stp_tree *t)
{
    return (t->unsynced < was->unsynced && t->unsynced <= 1) ||
           (t->unsettled < was->unsettled && t->unsettled == 0) ||
           (t->retiring < was->retiring && t->retiring <= 1);
}

/* ---- steps ---- */

static void enter_tport(struct stp_tport *p, const struct tport_machine *m, unsigned to)
{
    struct stp_tree was = *p->tree;
    tally(p->tree, p, -1u);
    m->enter(p, to);
    tally(p->tree, p, 1);
    memcpy((char *)p + m->state, &to, sizeof to);
    if (is_cist(p))
        stp_touch_port(p->port);
    else
        stp_touch(p);
    if (may_have_unlocked(&was, p->tree))
        stp_touch_tree(p->tree);
}

static void enter_port(struct stp_port *p, const struct port_machine *m, unsigned to)
{
    m->enter(p, to);
    memcpy((char *)p + m->state, &to, sizeof to);
    stp_touch_port(p);
}

/* One step of each machine that can take one; returns how many could. */
static unsigned step_tport(struct stp_tport *p)
{
    unsigned steps = 0, to;
    p->dirty = false;
    for (unsigned m = 0; m < TPORT_MACHINES; m++)
        if ((to = tport_machines[m].next(p)) != 0) {
            enter_tport(p, &tport_machines[m], to);
            steps++;
        }
    return steps;
}

static unsigned step_port(struct stp_port *p)
{
    unsigned steps = 0, to;
    p->queued = false;
    for (unsigned m = 0; m < PORT_MACHINES; m++)
        if ((to = port_machines[m].next(p)) != 0) {
            enter_port(p, &port_machines[m], to);
            steps++;
        }
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        if (p->tree[t].dirty)
            steps += step_tport(&p->tree[t]);
    if (!p->tx_queued)
        push(&p->stp->tx_work, p);
    p->tx_queued = true;
    return steps;
}

static unsigned step_transmit(struct stp_port *p)
{
    unsigned steps = 0, to;
    p->tx_queued = false;
    for (; (to = transmit.next(p)) != 0; steps++) {
        transmit.enter(p, to);
        p->ptx = to;
    }
    return steps;
}

static unsigned select_roles(struct stp *s)
{
    unsigned steps = 0;
    for (unsigned t = 0; t < s->n_trees; t++)
        if (s->tree[t].reselect) {
            stp_prs_enter(&s->tree[t]);
            steps++;
        }
    return steps;
}

/* A few hundred steps of each machine are far more than any event takes. */
static bool run(struct stp *s, size_t budget)
{
    struct stp_port *p;
    for (size_t steps = 0; steps <= budget;) {
        unsigned selected = select_roles(s);
        if (selected == 0 && (p = pop(&s->work)) != NULL)
            steps += step_port(p);
        else if (selected == 0 && (p = pop(&s->tx_work)) != NULL)
            steps += step_transmit(p);
        else if (selected == 0)
            return true;
        steps += selected;
    }
    return false;
}

void stp_settle(struct stp *s)
{
    if (run(s, 1000 + (size_t)300 * s->n_ports * s->n_trees))
        return;
    s->overruns++; /* goes on at the next tick, which touches all */
    s->work.n = s->tx_work.n = 0;
    for (unsigned i = 0; i < s->n_ports; i++)
        s->list[i]->queued = s->list[i]->tx_queued = false;
}

/* ---- begin, and the proof of rest ---- */

static void begin_tport(struct stp_tport *p)
{
    stp_pim_enter(p, p->pim = PIM_DISABLED);
    stp_prt_enter(p, p->prt = PRT_INIT_PORT);
    stp_pst_enter(p, p->pst = PST_DISCARDING);
    stp_tcm_enter(p, p->tcm = TCM_INACTIVE);
}

void stp_begin_port(struct stp_port *p)
{
    stp_prx_enter(p, p->prx = PRX_DISCARD);
    stp_ppm_enter(p, p->ppm = PPM_CHECKING_RSTP);
    stp_bdm_enter(p, p->bdm = p->cfg.edge ? BDM_EDGE : BDM_NOT_EDGE);
    stp_ptx_enter(p, p->ptx = PTX_TRANSMIT_INIT);
    for (unsigned t = 0; t < p->stp->n_trees; t++) {
        begin_tport(&p->tree[t]);
        stp_recount(p->tree[t].tree);
    }
    stp_touch_port(p);
}

static bool port_at_rest(const struct stp_port *p)
{
    bool rest = transmit.next(p) == 0;
    for (unsigned m = 0; m < PORT_MACHINES; m++)
        rest = rest && port_machines[m].next(p) == 0;
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        for (unsigned m = 0; m < TPORT_MACHINES; m++)
            rest = rest && tport_machines[m].next(&p->tree[t]) == 0;
    return rest;
}

bool stp_at_rest(const struct stp *s)
{
    bool rest = s->overruns == 0;
    for (unsigned i = 0; i < s->n_ports; i++)
        rest = rest && port_at_rest(s->list[i]);
    for (unsigned t = 0; t < s->n_trees; t++) {
        const struct stp_tree *had = &s->tree[t];
        struct stp_tree fresh = *had;
        stp_recount(&fresh);
        rest = rest && !had->reselect && fresh.unsynced == had->unsynced &&
               fresh.unsettled == had->unsettled && fresh.retiring == had->retiring;
    }
    return rest;
}
