/* redirect.c: see redirect.h. */
#include "datapath/redirect.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/bridge.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"

static struct redirect *find(const struct redirect_set *s, uint16_t vid, struct mac mac)
{
    for (uint16_t i = 0; s != NULL && i < s->n; i++)
        if (s->r[i]->vid == vid && mac_equal(s->r[i]->mac, mac))
            return s->r[i];
    return NULL;
}

static const struct redirect_set *set_of(const struct bridge *b)
{
    return atomic_load_explicit(&((struct bridge *)(uintptr_t)b)->redirects, memory_order_acquire);
}

/* Replaces the set by one with `in` or without `out`. */
static int publish(struct bridge *b, struct redirect *in, const struct redirect *out)
{
    const struct redirect_set *old = set_of(b);
    uint16_t n = old != NULL ? old->n : 0;
    struct redirect_set *s = malloc(sizeof *s + (n + 1u) * sizeof s->r[0]);
    if (s == NULL)
        return -ENOMEM;
    s->n = 0;
    for (uint16_t i = 0; i < n; i++)
        if (old->r[i] != out)
            s->r[s->n++] = old->r[i];
    if (in != NULL)
        s->r[s->n++] = in;
    atomic_store_explicit(&b->redirects, s, memory_order_release);
    if (old != NULL)
        rcu_defer(b->sw->rcu, free, (void *)(uintptr_t)old);
    return 0;
}

int bridge_redirect(struct bridge *b, uint16_t vid, struct mac mac, nsec_t until)
{
    const struct redirect_set *s = set_of(b);
    struct redirect *r = find(s, vid, mac);
    if (r != NULL) {
        atomic_store(&r->until, until);
        return 0;
    }
    if (s != NULL && s->n >= REDIRECTS_MAX)
        return -ENOSPC;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->vid = vid;
    r->mac = mac;
    r->until = until;
    int e = publish(b, r, NULL);
    if (e < 0)
        free(r);
    return e;
}

uint64_t bridge_redirected(const struct bridge *b, uint16_t vid, struct mac mac)
{
    struct redirect *r = find(set_of(b), vid, mac);
    return r != NULL ? atomic_load(&r->frames) : 0;
}

uint64_t bridge_redirect_end(struct bridge *b, uint16_t vid, struct mac mac)
{
    struct redirect *r = find(set_of(b), vid, mac);
    if (r == NULL)
        return 0;
    uint64_t frames = atomic_load(&r->frames);
    if (publish(b, NULL, r) == 0)
        rcu_defer(b->sw->rcu, free, r);
    else
        atomic_store(&r->until, 0); /* no memory: it stays, and does nothing */
    return frames;
}

bool redirect_take(const struct bridge *b, uint16_t vid, struct mac dst, nsec_t now)
{
    struct redirect *r = find(set_of(b), vid, dst);
    if (r == NULL || now >= atomic_load_explicit(&r->until, memory_order_relaxed))
        return false;
    atomic_fetch_add_explicit(&r->frames, 1, memory_order_relaxed);
    return true;
}

void redirect_free_all(struct bridge *b)
{
    struct redirect_set *s = (struct redirect_set *)(uintptr_t)set_of(b);
    for (uint16_t i = 0; s != NULL && i < s->n; i++)
        free(s->r[i]);
    free(s);
}
