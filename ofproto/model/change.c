/* The queue of flows whose images are not what they should be. */
#include "ofproto/model/priv.h"

void change_note(struct ofm *m, struct node *n)
{
    if (n->changed)
        return;
    n->changed = true;
    n->changed_next = NULL;
    if (m->changed_last)
        m->changed_last->changed_next = n;
    else
        m->changed_first = n;
    m->changed_last = n;
}

void ofm_each_change(const struct ofm *m, bool (*fn)(void *ctx, const struct ofm_change *c),
                     void *ctx)
{
    for (struct node *n = m->changed_first; n; n = n->changed_next) {
        struct ofm_change c = {.flow = &n->f,
                               .ended = n->ended,
                               .image = n->image,
                               .fresh = &n->fresh};
        if (!fn(ctx, &c))
            return;
    }
}

void ofm_changes_done(struct ofm *m)
{
    for (struct node *n = m->changed_first, *next; n; n = next) {
        next = n->changed_next;
        n->changed = false;
        n->image = n->fresh;
        n->fresh = NULL;
        if (n->ended)
            node_release(n);
    }
    m->changed_first = m->changed_last = NULL;
}

void ofm_forget_images(struct ofm *m)
{
    for (struct node *n = m->changed_first; n; n = n->changed_next)
        n->image = NULL;
    for (unsigned t = 0; t < WEFT_TABLES; t++) {
        for (struct node *n = m->table[t] ? index_first(m->table[t], UINT16_MAX) : NULL; n;
             n = index_next(m->table[t], n)) {
            n->image = NULL;
            change_note(m, n);
        }
    }
}
