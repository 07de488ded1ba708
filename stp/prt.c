/* stp/prt.c: Port Role Transitions (802.1Q-2018 13.37, figures 13-20 to 13-25). */
#include "stp/machine.h"

/* ---- guards ---- */

/* The one state of each role where the machine waits. */
static unsigned entry_of(enum stp_role r)
{
    switch (r) {
    case STP_ROLE_DISABLED:
        return PRT_DISABLE_PORT;
    case STP_ROLE_MASTER:
        return PRT_MASTER_PORT;
    case STP_ROLE_ROOT:
        return PRT_ROOT_PORT;
    case STP_ROLE_DESIGNATED:
        return PRT_DESIGNATED_PORT;
    default:
        return PRT_BLOCK_PORT;
    }
}

/* Shared by Designated and Master Port: what closes it, what syncs it. */
static bool must_close(const struct stp_tport *p)
{
    bool closing = (p->sync && !p->synced) || (p->re_root && p->rr_while != 0) || p->disputed;
    closing = (closing && !p->port->oper_edge) || held(p) || shut_by_cist(p);
    return closing && (p->learn || p->forward);
}

/* The figure lets a Master Port open while reRoot would close it again, for ever; walking all start
 * states showed it. So both roles wait. */
static bool may_open(const struct stp_tport *p)
{
    return (p->rr_while == 0 || !p->re_root) && !p->sync && !held(p) && !unopened_by_cist(p);
}

static bool became_synced(const struct stp_tport *p)
{
    if (p->synced)
        return p->sync;
    return (!p->learning && !p->forwarding) || p->agreed || p->port->oper_edge;
}

static unsigned from_disabled(const struct stp_tport *p)
{
    if (p->prt == PRT_DISABLE_PORT)
        return !p->learning && !p->forwarding ? PRT_DISABLED_PORT : 0;
    return p->fd_while != max_age(p) || p->sync || p->re_root || !p->synced ? PRT_DISABLED_PORT : 0;
}

static unsigned from_master(const struct stp_tport *p)
{
    if (must_close(p))
        return PRT_MASTER_DISCARD;
    if (p->proposed && !p->agree)
        return PRT_MASTER_PROPOSED;
    if ((p->proposed && p->agree) || (!p->agree && all_synced(p)))
        return PRT_MASTER_AGREED;
    if (became_synced(p))
        return PRT_MASTER_SYNCED;
    if (p->re_root && p->rr_while == 0)
        return PRT_MASTER_RETIRED;
    bool safe = p->fd_while == 0 || (all_synced(p) && !others_wait_for_news(p));
    if (p->forward || !may_open(p) || !safe)
        return 0;
    return p->learn ? PRT_MASTER_FORWARD : PRT_MASTER_LEARN;
}

/* A Root Port may hurry when all that were root before it have retired. */
static bool root_may_open(const struct stp_tport *p)
{
    bool hurry =
        p->rb_while == 0 && rstp_version(p->port->stp) && re_rooted(p) && !others_wait_for_news(p);
    return !held(p) && !unopened_by_cist(p) && (p->fd_while == 0 || hurry);
}

static unsigned from_root(const struct stp_tport *p)
{
    if (p->disputed || ((held(p) || shut_by_cist(p)) && (p->learn || p->forward)))
        return PRT_ROOT_DISCARD;
    if (p->proposed && !p->agree)
        return PRT_ROOT_PROPOSED;
    if ((p->proposed && p->agree) || (!p->agree && all_synced(p)))
        return PRT_ROOT_AGREED;
    if ((p->agreed && !p->synced) || (p->sync && p->synced))
        return PRT_ROOT_SYNCED;
    if (!p->forward && p->rb_while == 0 && !p->re_root)
        return PRT_REROOT;
    if (p->rr_while != fwd_delay(p))
        return PRT_ROOT_PORT;
    if (p->re_root && p->forward)
        return PRT_REROOTED;
    if (p->forward || !root_may_open(p))
        return 0;
    return p->learn ? PRT_ROOT_FORWARD : PRT_ROOT_LEARN;
}

static unsigned from_designated(const struct stp_tport *p)
{
    if (must_close(p))
        return PRT_DESIGNATED_DISCARD;
    if (!p->forward && !p->agreed && !p->proposing && !p->port->oper_edge)
        return PRT_DESIGNATED_PROPOSE;
    if ((p->proposed || !p->agree) && all_synced(p))
        return PRT_DESIGNATED_AGREED;
    if (became_synced(p))
        return PRT_DESIGNATED_SYNCED;
    if (p->re_root && p->rr_while == 0)
        return PRT_DESIGNATED_RETIRED;
    bool safe = p->fd_while == 0 || (p->agreed && !others_wait_for_news(p)) || p->port->oper_edge;
    if (p->forward || !may_open(p) || !safe)
        return 0;
    return p->learn ? PRT_DESIGNATED_FORWARD : PRT_DESIGNATED_LEARN;
}

static unsigned from_alternate(const struct stp_tport *p)
{
    if (p->proposed && !p->agree)
        return PRT_ALTERNATE_PROPOSED;
    if ((p->proposed && p->agree) || (!p->agree && all_synced(p)))
        return PRT_ALTERNATE_AGREED;
    if (p->fd_while != forward_delay(p) || p->sync || p->re_root || !p->synced)
        return PRT_ALTERNATE_PORT;
    return p->role == STP_ROLE_BACKUP && p->rb_while != 2 * hello_time(p) ? PRT_BACKUP_PORT : 0;
}

static unsigned from_waiting(const struct stp_tport *p)
{
    switch (p->prt) {
    case PRT_DISABLE_PORT:
    case PRT_DISABLED_PORT:
        return from_disabled(p);
    case PRT_MASTER_PORT:
        return from_master(p);
    case PRT_ROOT_PORT:
        return from_root(p);
    case PRT_DESIGNATED_PORT:
        return from_designated(p);
    case PRT_BLOCK_PORT:
        return !p->learning && !p->forwarding ? PRT_ALTERNATE_PORT : 0;
    default:
        return from_alternate(p);
    }
}

/* The figures' UCT arrows: where a state goes that doesn't wait, else 0. */
static unsigned unconditional(enum prt_state s)
{
    if (s == PRT_INIT_PORT)
        return PRT_DISABLE_PORT;
    if (s > PRT_MASTER_PORT && s <= PRT_MASTER_DISCARD)
        return PRT_MASTER_PORT;
    if (s > PRT_ROOT_PORT && s <= PRT_ROOT_DISCARD)
        return PRT_ROOT_PORT;
    if (s > PRT_DESIGNATED_PORT && s <= PRT_DESIGNATED_DISCARD)
        return PRT_DESIGNATED_PORT;
    return s > PRT_ALTERNATE_PORT ? PRT_ALTERNATE_PORT : 0;
}

unsigned stp_prt_next(const struct stp_tport *p)
{
    unsigned uct = unconditional(p->prt);
    if (uct != 0)
        return uct;
    if (!p->selected || p->updt_info)
        return 0;
    return p->role != p->selected_role ? entry_of(p->selected_role) : from_waiting(p);
}

/* ---- actions ---- */

/* setSyncTree(), 13.29.29 */
static void set_sync_tree(struct stp_tree *t)
{
    for (unsigned i = 0; i < t->stp->n_ports; i++)
        t->stp->list[i]->tree[t->index].sync = true;
    stp_touch_tree(t);
}

/* setReRootTree(), 13.29.27 */
static void set_re_root_tree(struct stp_tree *t)
{
    for (unsigned i = 0; i < t->stp->n_ports; i++)
        t->stp->list[i]->tree[t->index].re_root = true;
    stp_touch_tree(t);
}

static void become(struct stp_tport *p, enum stp_role r)
{
    if (p->role != r)
        stp_event_raise(p, STP_EVENT_ROLE);
    p->role = r;
}

/* Who was the region's way out leads now: its neighbour has yet to agree. The CIST's reRoot would
 * see to it, but an instance that kept its Root Port has none. */
static void become_designated(struct stp_tport *p)
{
    if (p->role == STP_ROLE_MASTER) {
        p->agreed = p->synced = false;
        p->sync = true;
    }
    become(p, STP_ROLE_DESIGNATED);
}

static void init_port(struct stp_tport *p)
{
    p->role = STP_ROLE_DISABLED;
    p->learn = p->forward = p->synced = false;
    p->sync = p->re_root = true;
    p->rr_while = fwd_delay(p);
    p->fd_while = max_age(p);
    p->rb_while = 0;
}

/* DISABLED_PORT and ALTERNATE_PORT: closed, so in step with the tree. */
static void rest_closed(struct stp_tport *p, uint8_t fd_while)
{
    p->fd_while = fd_while;
    p->synced = true;
    p->rr_while = 0;
    p->sync = p->re_root = false;
}

static void block(struct stp_tport *p)
{
    become(p, p->selected_role);
    p->learn = p->forward = false;
}

static void discard(struct stp_tport *p)
{
    p->learn = p->forward = p->disputed = false;
    p->fd_while = forward_delay(p);
}

static void learn(struct stp_tport *p)
{
    p->learn = true;
    p->fd_while = forward_delay(p);
}

static void root_forward(struct stp_tport *p)
{
    p->fd_while = 0;
    p->forward = true;
}

static void designated_forward(struct stp_tport *p)
{
    p->forward = true;
    p->fd_while = 0;
    p->agreed = p->port->send_rstp;
}

static void root_discard(struct stp_tport *p)
{
    if (p->disputed)
        p->rb_while = (uint8_t)(3 * hello_time(p));
    p->learn = p->forward = p->disputed = false;
    p->fd_while = fwd_delay(p);
}

static void propose(struct stp_tport *p)
{
    p->proposing = true;
    if (is_cist(p)) /* EdgeDelay, 13.28 */
        p->port->edge_delay_while = p->port->p2p ? MIGRATE_TIME : max_age(p);
    stp_new_info(p);
}

static void agree(struct stp_tport *p)
{
    p->proposed = false;
    p->agree = true;
    stp_new_info(p);
}

static void synced(struct stp_tport *p)
{
    p->synced = true;
    p->sync = false;
}

static void enter_closed(struct stp_tport *p, unsigned state)
{
    switch (state) {
    case PRT_INIT_PORT:
        init_port(p);
        break;
    case PRT_DISABLED_PORT:
        rest_closed(p, max_age(p));
        break;
    case PRT_ALTERNATE_PORT:
        rest_closed(p, forward_delay(p));
        break;
    case PRT_ALTERNATE_PROPOSED:
        set_sync_tree(p->tree);
        p->proposed = false;
        break;
    case PRT_ALTERNATE_AGREED:
        agree(p);
        break;
    case PRT_BACKUP_PORT:
        p->rb_while = (uint8_t)(2 * hello_time(p));
        break;
    default: /* PRT_DISABLE_PORT, PRT_BLOCK_PORT */
        block(p);
    }
}

static void enter_root(struct stp_tport *p, unsigned state)
{
    switch (state) {
    case PRT_ROOT_PORT:
        become(p, STP_ROLE_ROOT);
        p->rr_while = fwd_delay(p);
        break;
    case PRT_ROOT_PROPOSED:
        set_sync_tree(p->tree);
        p->proposed = false;
        break;
    case PRT_ROOT_AGREED:
        p->sync = false;
        agree(p);
        break;
    case PRT_ROOT_SYNCED:
        synced(p);
        break;
    case PRT_REROOT:
        set_re_root_tree(p->tree);
        break;
    case PRT_ROOT_FORWARD:
        root_forward(p);
        break;
    case PRT_ROOT_LEARN:
        learn(p);
        break;
    case PRT_REROOTED:
        p->re_root = false;
        break;
    default: /* PRT_ROOT_DISCARD */
        root_discard(p);
    }
}

/* Master states mirror Designated ones, but a Master Port proposes through the CIST alone. */
static void enter_designated(struct stp_tport *p, unsigned state)
{
    switch (state) {
    case PRT_DESIGNATED_PORT:
        become_designated(p);
        break;
    case PRT_MASTER_PORT:
        become(p, STP_ROLE_MASTER);
        break;
    case PRT_DESIGNATED_PROPOSE:
        propose(p);
        break;
    case PRT_MASTER_PROPOSED:
        set_sync_tree(p->tree);
        p->proposed = false;
        break;
    case PRT_DESIGNATED_AGREED:
        p->sync = false;
        agree(p);
        break;
    case PRT_MASTER_AGREED:
        p->proposed = p->sync = false;
        p->agree = true;
        stp_new_info(&p->port->tree[0]); /* the CIST's agreement waited for it: all_agree() */
        break;
    case PRT_DESIGNATED_SYNCED:
    case PRT_MASTER_SYNCED:
        p->rr_while = 0;
        synced(p);
        break;
    case PRT_DESIGNATED_RETIRED:
    case PRT_MASTER_RETIRED:
        p->re_root = false;
        break;
    case PRT_DESIGNATED_FORWARD:
    case PRT_MASTER_FORWARD:
        designated_forward(p);
        break;
    case PRT_DESIGNATED_LEARN:
    case PRT_MASTER_LEARN:
        learn(p);
        break;
    default: /* PRT_DESIGNATED_DISCARD, PRT_MASTER_DISCARD */
        discard(p);
    }
}

void stp_prt_enter(struct stp_tport *p, unsigned state)
{
    if (state >= PRT_ROOT_PORT && state <= PRT_ROOT_DISCARD)
        enter_root(p, state);
    else if (state >= PRT_MASTER_PORT && state <= PRT_DESIGNATED_DISCARD)
        enter_designated(p, state);
    else
        enter_closed(p, state);
}
