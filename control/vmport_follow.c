/* control/vmport_follow.c: late frames follow a VM that has left (datapath/redirect.h). */
#include "control/vmport_priv.h"
#include "datapath/redirect.h"

typedef uint64_t each_fn(struct bridge *b, uint16_t vid, struct mac mac);

static uint64_t each(const struct vmport *m, each_fn *fn)
{
    struct bridge *b = m->dp->bridge;
    uint64_t sum = 0;
    for (unsigned i = 0; b && i < m->n_vlans * m->bound.n_macs; i++)
        sum += fn(b, m->vlan[i / m->bound.n_macs].vid, m->bound.mac[i % m->bound.n_macs]);
    return sum;
}

void vm_redirect(struct vmports *v, struct vmport *m, nsec_t now)
{
    struct bridge *b = m->dp->bridge;
    int r = 0;
    m->redirected_until = now + m->redirect;
    for (unsigned i = 0; b && r == 0 && i < m->n_vlans * m->bound.n_macs; i++)
        r = bridge_redirect(b, m->vlan[i / m->bound.n_macs].vid, m->bound.mac[i % m->bound.n_macs],
                            m->redirected_until);
    if (r < 0)
        log_line(v->log, LOG_LVL_WARNING, "port %s: late frames don't follow its VM: too many do",
                 m->dp->name);
}

void vm_redirect_end(struct vmport *m)
{
    if (m->redirected_until)
        m->redirected += each(m, bridge_redirect_end);
    m->redirected_until = 0;
}

void vm_redirect_run(struct vmport *m, nsec_t now)
{
    if (m->redirected_until && now >= m->redirected_until)
        vm_redirect_end(m);
}

static uint64_t count(struct bridge *b, uint16_t vid, struct mac mac)
{
    return bridge_redirected(b, vid, mac);
}

uint64_t vm_redirected(const struct vmport *m)
{
    return m->redirected + (m->redirected_until ? each(m, count) : 0);
}
