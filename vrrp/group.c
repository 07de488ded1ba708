/* Sync groups: members are Active together or not at all, since a flow's two directions pass two of
 * them. A member whose Active_Down_Timer ran out is only "ready"; when all are, all become Active.
 * So a partition of one link can't make a group flap: there the other links' Active is still heard.
 * An instance without a group is a ring of one, and takes the same way.
 */
#include "vrrp/internal.h"

static struct instance *next(const struct vrrp *v, const struct instance *i)
{
    return &v->all[i->group_next];
}

static bool can_run(const struct instance *i) { return i->c.enabled && i->up && !i->fault; }

static bool all_can_run(const struct vrrp *v, const struct instance *i)
{
    const struct instance *j = i;
    do {
        if (!can_run(j))
            return false;
        j = next(v, j);
    } while (j != i);
    return true;
}

static bool all_ready(const struct vrrp *v, const struct instance *i)
{
    const struct instance *j = i;
    do {
        if (!j->ready && j->state != VRRP_ACTIVE)
            return false;
        j = next(v, j);
    } while (j != i);
    return true;
}

void group_reconsider(struct vrrp *v, struct instance *i, enum vrrp_reason why)
{
    bool can = all_can_run(v, i);
    struct instance *j = i;
    do {
        if (can && j->state == VRRP_INITIALIZE)
            machine_startup(v, j);
        else if (!can)
            machine_shutdown(v, j, j == i ? why : VRRP_WHY_GROUP);
        j = next(v, j);
    } while (j != i);
}

void group_promote(struct vrrp *v, struct instance *i, enum vrrp_reason why)
{
    struct instance *j = i;
    i->ready = true;
    i->down_at = NSEC_NEVER;
    if (!all_ready(v, i))
        return;
    do {
        if (j->state != VRRP_ACTIVE)
            machine_enter_active(v, j, j == i ? why : VRRP_WHY_GROUP);
        j = next(v, j);
    } while (j != i);
}

void group_demote(struct vrrp *v, struct instance *i)
{
    for (struct instance *j = next(v, i); j != i; j = next(v, j)) {
        if (j->state != VRRP_ACTIVE)
            continue;
        machine_enter_backup(v, j, VRRP_WHY_GROUP);
        pend(v, j, DO_SEND_ZERO);
    }
}

void group_join(struct vrrp *v, struct instance *i)
{
    i->group_next = id_of(v, i);
    for (unsigned n = 0; i->c.group != 0 && n < v->n_index; n++) {
        struct instance *j = &v->all[v->index[n].id];
        if (j == i || j->c.group != i->c.group)
            continue;
        i->group_next = j->group_next;
        j->group_next = id_of(v, i);
        return;
    }
}

void group_leave(struct vrrp *v, struct instance *i)
{
    struct instance *before = i;
    while (next(v, before) != i)
        before = next(v, before);
    before->group_next = i->group_next;
    i->group_next = id_of(v, i);
}
