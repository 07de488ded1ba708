/* stp/status.c: the engine, looked at. */
#include "stp/machine.h"

unsigned stp_trees(const struct stp *s) { return s->n_trees; }

unsigned stp_port_next(const struct stp *s, unsigned after)
{
    for (unsigned n = after + 1; n <= STP_PORTS_MAX; n++)
        if (s->by_number[n] != NULL)
            return n;
    return 0;
}

bool stp_tree_status(const struct stp *s, unsigned tree, struct stp_tree_status *out)
{
    if (tree >= s->n_trees)
        return false;
    const struct stp_tree *t = &s->tree[tree];
    *out = (struct stp_tree_status){.id = t->id,
                                    .bridge_id = t->bridge_id,
                                    .root = t->root_priority,
                                    .root_port = t->root != NULL ? t->root->port->number : 0,
                                    .times = t->root_times,
                                    .topology_changes = t->topology_changes,
                                    .last_change = t->last_change,
                                    .last_change_port = t->last_change_port};
    return true;
}

bool stp_port_status(const struct stp *s, unsigned port, struct stp_port_status *out)
{
    const struct stp_port *p = port <= STP_PORTS_MAX ? s->by_number[port] : NULL;
    if (p == NULL)
        return false;
    *out = p->count;
    out->enabled = p->enabled;
    out->oper_edge = p->oper_edge;
    out->p2p = p->p2p;
    out->send_rstp = p->send_rstp;
    out->err_disabled = p->err_disabled;
    out->boundary = at_boundary(&p->tree[0]);
    out->recovery_left_s = p->recover_while;
    return true;
}

static enum stp_why held_why(const struct stp_tport *p)
{
    if (p->port->self_loop_while != 0)
        return STP_WHY_SELF_LOOP;
    return p->port->assurance_held ? STP_WHY_ASSURANCE : STP_WHY_LOOP_GUARD;
}

static enum stp_why why(const struct stp_tport *p)
{
    if (p->forwarding)
        return STP_WHY_NOT;
    if (p->port->err_disabled)
        return STP_WHY_ERR_DISABLED;
    if (!p->port->enabled)
        return STP_WHY_LINK;
    if (held(p))
        return held_why(p);
    if (p->role == STP_ROLE_BACKUP)
        return STP_WHY_BACKUP;
    if (p->role == STP_ROLE_ALTERNATE)
        return p->port->cfg.restricted_role ? STP_WHY_ROOT_GUARD : STP_WHY_ALTERNATE;
    return p->disputed ? STP_WHY_DISPUTED : STP_WHY_WAITING;
}

bool stp_port_tree_status(const struct stp *s, unsigned port, unsigned tree,
                          struct stp_port_tree_status *out)
{
    if (port > STP_PORTS_MAX || s->by_number[port] == NULL || tree >= s->n_trees)
        return false;
    const struct stp_tport *p = &s->by_number[port]->tree[tree];
    *out = (struct stp_port_tree_status){.role = p->role,
                                         .state = p->forwarding ? STP_FORWARDING
                                                  : p->learning ? STP_LEARNING
                                                                : STP_DISCARDING,
                                         .why = why(p),
                                         .designated = p->port_priority,
                                         .cost = p->cost,
                                         .port_id = p->port_id,
                                         .forward_transitions = p->forward_transitions,
                                         .tc_active = p->tc_while != 0,
                                         .agreed = p->agreed,
                                         .proposing = p->proposing,
                                         .disputed = p->disputed,
                                         .info_age_left_s =
                                             p->info_is == INFO_RECEIVED ? p->rcvd_info_while : 0};
    return true;
}

const char *stp_role_name(enum stp_role r)
{
    static const char *const name[] =
        {[STP_ROLE_DISABLED] = "disabled",     [STP_ROLE_ROOT] = "root",
         [STP_ROLE_DESIGNATED] = "designated", [STP_ROLE_ALTERNATE] = "alternate",
         [STP_ROLE_BACKUP] = "backup",         [STP_ROLE_MASTER] = "master"};
    return name[r];
}

const char *stp_state_name(enum stp_state s)
{
    static const char *const name[] = {[STP_DISCARDING] = "discarding",
                                       [STP_LEARNING] = "learning",
                                       [STP_FORWARDING] = "forwarding"};
    return name[s];
}

const char *stp_why_text(enum stp_why w)
{
    static const char *const text[] =
        {[STP_WHY_NOT] = "",
         [STP_WHY_LINK] = "no link",
         [STP_WHY_ERR_DISABLED] = "disabled: a BPDU came on a guarded port",
         [STP_WHY_ALTERNATE] = "another port is the better way to the root",
         [STP_WHY_BACKUP] = "another of our ports serves its LAN",
         [STP_WHY_ROOT_GUARD] = "root guard: a better bridge is out there",
         [STP_WHY_LOOP_GUARD] = "loop guard: the better bridge fell silent",
         [STP_WHY_ASSURANCE] = "bridge assurance: no BPDUs are heard",
         [STP_WHY_SELF_LOOP] = "it hears its own BPDUs: looped back",
         [STP_WHY_DISPUTED] = "dispute: a worse bridge serves its LAN, ours aren't heard there",
         [STP_WHY_WAITING] = "waiting for an agreement or the forward delay"};
    return text[w];
}

const char *stp_event_text(enum stp_event e)
{
    static const char *const text[] = {[STP_EVENT_BPDU_GUARD] = "BPDU guard: a BPDU came; disabled",
                                       [STP_EVENT_RECOVERED] = "enabled again",
                                       [STP_EVENT_LOOP_GUARD] =
                                           "loop guard: BPDUs ceased; kept closed",
                                       [STP_EVENT_ASSURANCE] =
                                           "bridge assurance: no BPDUs; kept closed",
                                       [STP_EVENT_SELF_LOOP] = "hears its own BPDUs; kept closed",
                                       [STP_EVENT_CONSISTENT] = "consistent again",
                                       [STP_EVENT_ROLE] = "role changed",
                                       [STP_EVENT_TOPOLOGY] = "topology change",
                                       [STP_EVENT_MIGRATED] = "protocol changed"};
    return text[e];
}
