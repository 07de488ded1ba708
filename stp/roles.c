/* stp/roles.c: Port Role Selection (802.1Q-2018 13.36) and its updtRolesTree() (13.29.34). */
#include "stp/machine.h"

static uint32_t add_cost(uint32_t a, uint32_t b) { return a > UINT32_MAX - b ? UINT32_MAX : a + b; }

/* What was heard on p may lead to the root (13.29.34 a, b). Beyond the standard's test that it
 * isn't our own word: what names us as the root, or as the region's, and comes from others is our
 * own word of old, going round. Without this, a region counts such memories to infinity hop by hop,
 * and each lap of regions anew. */
static bool is_candidate(const struct stp_tport *p)
{
    const struct stp_vector *v = &p->port_priority;
    uint64_t own = id_address(p->tree->bridge_id);
    bool ours = id_address(v->bridge) == own || id_address(v->regional) == own ||
                (is_cist(p) && id_address(v->root) == own);
    return p->info_is == INFO_RECEIVED && !p->port->cfg.restricted_role && !ours && !p->outdated &&
           (is_cist(p) || !at_boundary(p));
}

/* Root path priority vector: what was heard, and the way to there (13.9, 13.10). */
static struct stp_vector root_path(const struct stp_tport *p)
{
    struct stp_vector v = p->port_priority;
    if (heard_inside(p)) {
        v.int_cost = add_cost(v.int_cost, p->cost);
    } else {
        v.ext_cost = add_cost(v.ext_cost, p->cost);
        v.regional = p->tree->bridge_id;
        v.int_cost = 0;
    }
    return v;
}

static struct stp_vector own_vector(const struct stp_tree *t)
{
    return (struct stp_vector){.root = t->index == 0 ? t->bridge_id : 0,
                               .regional = t->bridge_id,
                               .bridge = t->bridge_id};
}

/* 13.29.34 b: the best way, the receiving port's identifier decides between equals. */
static void select_root(struct stp_tree *t)
{
    struct stp_vector best = own_vector(t);
    struct stp_tport *root = NULL;
    for (unsigned i = 0; i < t->stp->n_ports; i++) {
        struct stp_tport *p = &t->stp->list[i]->tree[t->index];
        if (!is_candidate(p))
            continue;
        struct stp_vector v = root_path(p);
        int r = stp_vector_cmp(&v, &best);
        if (r < 0 || (r == 0 && root != NULL && p->port_id < root->port_id)) {
            best = v;
            root = p;
        }
    }
    t->root_priority = best;
    t->root = root;
}

/* 13.29.34 c */
static void select_times(struct stp_tree *t)
{
    const struct stp_config *c = &t->stp->cfg;
    t->root_times = (struct stp_times){.max_age = c->max_age_s,
                                       .forward_delay = c->forward_delay_s,
                                       .hello = c->hello_s,
                                       .hops = c->max_hops};
    if (t->root == NULL)
        return;
    t->root_times = t->root->port_times;
    if (heard_inside(t->root))
        t->root_times.hops--; /* never 0: what has no hop left ages on receipt */
    else
        t->root_times.message_age++;
}

/* 13.29.34 d, e; 13.11 for the neighbour that knows no regions */
static void designate(struct stp_tport *p)
{
    p->designated_priority = p->tree->root_priority;
    p->designated_priority.bridge = p->tree->bridge_id;
    p->designated_priority.port = p->port_id;
    if (is_cist(p) && !p->port->send_rstp) { /* as whoever hears it takes it */
        p->designated_priority.regional = p->tree->bridge_id;
        p->designated_priority.int_cost = 0;
    }
    p->designated_times = p->tree->root_times;
    p->designated_times.hello = p->port->stp->cfg.hello_s;
}

static bool needs_update(const struct stp_tport *p)
{
    return stp_vector_cmp(&p->port_priority, &p->designated_priority) != 0 ||
           !stp_times_equal(&p->port_times, &p->designated_times);
}

static void select_designated(struct stp_tport *p, bool update)
{
    p->selected_role = STP_ROLE_DESIGNATED;
    p->updt_info = update;
}

/* infoIs is Received: Root, or the two that block, or Designated since we know better. */
static void select_by_received(struct stp_tport *p)
{
    if (p == p->tree->root) {
        p->selected_role = STP_ROLE_ROOT;
        p->updt_info = false;
    } else if (stp_vector_cmp(&p->designated_priority, &p->port_priority) < 0) {
        select_designated(p, true);
    } else {
        bool own = id_address(p->port_priority.bridge) == id_address(p->tree->bridge_id);
        p->selected_role = own ? STP_ROLE_BACKUP : STP_ROLE_ALTERNATE;
        p->updt_info = false;
    }
}

/* 13.29.34 g, h: at the region's boundary an MSTI follows the CIST. */
static void select_at_boundary(struct stp_tport *p)
{
    switch (cist_of(p)->selected_role) {
    case STP_ROLE_ROOT:
        p->selected_role = STP_ROLE_MASTER;
        break;
    case STP_ROLE_ALTERNATE:
    case STP_ROLE_BACKUP:
        p->selected_role = STP_ROLE_ALTERNATE;
        break;
    default:
        p->selected_role = STP_ROLE_DESIGNATED;
    }
    p->updt_info = needs_update(p);
}

static void select_role(struct stp_tport *p)
{
    p->updt_info = false;
    if (p->info_is == INFO_DISABLED)
        p->selected_role = STP_ROLE_DISABLED;
    else if (!is_cist(p) && at_boundary(p))
        select_at_boundary(p);
    else if (p->info_is == INFO_AGED)
        select_designated(p, true);
    else if (p->info_is == INFO_MINE)
        select_designated(p, needs_update(p));
    else
        select_by_received(p);
}

/* syncMaster(), 13.29.30: the region's way to the root is another; every instance has to sync anew.
 * Beyond the standard, boundary ports take their consent back too: it rested on what is unsynced
 * now. */
static void sync_master(struct stp *s)
{
    for (unsigned i = 0; i < s->n_ports; i++)
        for (unsigned t = 1; t < s->n_trees; t++) {
            struct stp_tport *p = &s->list[i]->tree[t];
            p->agree = false;
            if (!s->list[i]->info_internal)
                continue;
            p->agreed = p->synced = false;
            p->sync = true;
        }
    for (unsigned t = 1; t < s->n_trees; t++)
        stp_recount(&s->tree[t]);
}

void stp_prs_enter(struct stp_tree *t)
{
    struct stp_vector before = t->root_priority;
    t->reselect = false; /* clearReselectTree() */
    select_root(t);
    select_times(t);
    if (t->index == 0 && before.regional != t->root_priority.regional &&
        (before.ext_cost != 0 || t->root_priority.ext_cost != 0))
        sync_master(t->stp);
    for (unsigned i = 0; i < t->stp->n_ports; i++) {
        struct stp_tport *p = &t->stp->list[i]->tree[t->index];
        designate(p);
        select_role(p);
        p->selected = true; /* setSelectedTree() */
    }
    stp_recount(t);
    stp_touch_tree(t);
    for (unsigned i = 1; t->index == 0 && i < t->stp->n_trees; i++)
        stp_reselect(&t->stp->tree[i]); /* boundary roles follow the CIST's */
}
