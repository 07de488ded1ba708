/* table_edit.c: rules come and go beside readers; see table.h and table_internal.h. */
#include "datapath/table_edit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/table_prune.h"

/* A view is built anew when so many times the rules or masks are there that it was built for, or
 * more have gone than are left: then its price is small beside what they cost. */
enum { REBUILD_RULES = 4, REBUILD_MASKS = 2, REBUILD_SLACK = 4096 };

/* ------------------------------------------------------------ changes */

enum trash_kind { TRASH_RULE, TRASH_VIEW, TRASH_CELLS, TRASH_BLOCK };

struct trash {
    void *what;
    enum trash_kind kind;
};

struct change {
    struct rule *rule;
    bool dead; /* else born */
};

static void throw_away(const struct trash *t)
{
    if (t->kind == TRASH_RULE)
        rule_free(t->what);
    else if (t->kind == TRASH_VIEW)
        view_free(t->what);
    else if (t->kind == TRASH_CELLS)
        cells_free(t->what);
    else
        free(t->what);
}

static void changes_free(struct table_changes *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->n_trash; i++)
        throw_away(&c->trash[i]);
    free(c->change);
    free(c->trash);
    free(c);
}

/* Grows an array of `size` bytes an element so that `more` fit. */
static bool reserve(void **array, uint32_t *cap, uint32_t n, uint32_t more, size_t size)
{
    if (n + more <= *cap)
        return true;
    uint32_t want = *cap < 8 ? 16 : *cap + *cap / 2;
    void *grown = reallocarray(*array, want < n + more ? n + more : want, size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = want < n + more ? n + more : want;
    return true;
}

/* Room to note a change of one rule and what it throws away. */
static struct table_changes *changes_reserve(struct table *t, uint32_t more)
{
    if (t->changes == NULL)
        t->changes = calloc(1, sizeof *t->changes);
    struct table_changes *c = t->changes;
    if (c == NULL || !reserve((void **)&c->change, &c->cap, c->n, more, sizeof *c->change) ||
        !reserve((void **)&c->trash, &c->cap_trash, c->n_trash, more + 3, sizeof *c->trash))
        return NULL;
    return c;
}

static void note(struct table *t, struct rule *r, bool dead)
{
    t->changes->change[t->changes->n++] = (struct change){r, dead};
}

static void trash(struct table *t, void *what, enum trash_kind kind)
{
    if (what != NULL)
        t->changes->trash[t->changes->n_trash++] = (struct trash){what, kind};
}

void table_drop_changes(struct table *t)
{
    changes_free(t->changes);
    t->changes = NULL;
}

/* ------------------------------------------------------------ rules that match everything */

static bool matches_all(const struct rule *r) { return flow_match_is_all(&r->match); }

/* The list with r added, or without it. */
static int all_change(struct table *t, const struct rule *r, bool add)
{
    const struct rule_list *old = t->all;
    uint32_t n = old != NULL ? old->n : 0, kept = 0;
    struct rule_list *l = malloc(sizeof *l + (n + 1) * sizeof l->rule[0]);
    if (l == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (add && old->rule[i]->priority <= r->priority) {
            l->rule[kept++] = r;
            add = false;
        }
        if (old->rule[i] != r)
            l->rule[kept++] = old->rule[i];
    }
    if (add)
        l->rule[kept++] = r;
    l->n = kept;
    trash(t, t->all, TRASH_BLOCK);
    atomic_store_explicit(&t->all, l, memory_order_release);
    return 0;
}

/* ------------------------------------------------------------ views */

/* All rules that don't match everything, and one more (NULL: none), in a view of their own. */
static int rebuild(struct table *t, struct rule *more)
{
    struct view *v = NULL;
    struct rule **rules = malloc((t->n_rules + 1) * sizeof(struct rule *));
    uint32_t n = 0;
    if (rules == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->n_rules; i++) {
        if (t->n_all == 0 || !matches_all(t->rules[i]))
            rules[n++] = t->rules[i];
    }
    if (more != NULL)
        rules[n++] = more;
    int err = n > 0 ? view_build(t, rules, n, &v) : 0;
    free(rules);
    if (err != 0)
        return err;
    trash(t, t->view, TRASH_VIEW);
    atomic_store_explicit(&t->view, v, memory_order_release);
    t->removed = 0;
    t->views++;
    return 0;
}

/* Does the view pack the halves that the mask looks at? */
static bool is_packed(const struct view *v, const struct flow_match *m)
{
    struct flow_key have;
    memcpy(have.w, v->fields, sizeof have.w);
    for (unsigned i = 0; i < PACK_HALVES; i++) {
        if (pack_half(&m->mask, i) != 0 && pack_half(&have, i) == 0)
            return false;
    }
    return true;
}

static bool is_outgrown(const struct table *t, const struct view *v)
{
    if (v->n > REBUILD_MASKS * v->built_n + DIRECT_MAX)
        return true;
    return v->prune != NULL && t->n_rules > REBUILD_RULES * v->built_rules;
}

/* In place; -EAGAIN: it takes a new view. */
static int put_in_place(struct table *t, struct view *v, const struct rule *r)
{
    struct hash *h = view_find(v, &r->match);
    if (h == NULL && t->forced == TABLE_EXACT)
        return -EINVAL;
    if (h == NULL)
        h = view_append(v, &r->match);
    if (h == NULL)
        return -EAGAIN;
    struct cells *old = NULL;
    if (hash_is_full(h) && hash_grow(h, v, &old) != 0)
        return -ENOMEM;
    trash(t, old, TRASH_CELLS);
    if (v->prune != NULL && !prune_add(v->prune, &r->match, (uint32_t)(h - v->hash))) {
        t->no_prune = true;
        return -EAGAIN;
    }
    view_raise(v, h, r->priority);
    hash_put(h, v, r, true);
    return 0;
}

static int put(struct table *t, struct rule *r)
{
    if (matches_all(r))
        return all_change(t, r, true);
    struct view *v = t->view;
    if (v == NULL || v->cap == 0 || !is_packed(v, &r->match) || is_outgrown(t, v))
        return rebuild(t, r);
    int err = put_in_place(t, v, r);
    return err == -EAGAIN ? rebuild(t, r) : err;
}

/* ------------------------------------------------------------ add, remove */

static void learn_fields(struct table *t, const struct rule *r)
{
    uint64_t deep = 0;
    for (unsigned w = 0; w < FLOW_WORDS; w++) {
        t->fields[w] |= r->match.mask.w[w];
        deep |= w >= 3 ? t->fields[w] : 0;
    }
    atomic_store_explicit(&t->shallow, deep == 0, memory_order_relaxed);
}

static void own(struct table *t, struct rule *r)
{
    r->at = t->n_rules;
    t->rules[t->n_rules++] = r;
    t->n_all += matches_all(r);
}

static void disown(struct table *t, struct rule *r)
{
    t->rules[r->at] = t->rules[--t->n_rules];
    t->rules[r->at]->at = r->at;
    t->n_all -= matches_all(r);
}

int table_rule_add(struct table *t, struct rule *r, uint64_t version)
{
    if (changes_reserve(t, 1) == NULL ||
        !reserve((void **)&t->rules, &t->cap_rules, t->n_rules, 1, sizeof(struct rule *)))
        return -ENOMEM;
    r->birth = version;
    r->death = RULE_LIVES;
    learn_fields(t, r);
    int err = put(t, r);
    if (err != 0)
        return err;
    own(t, r);
    note(t, r, false);
    atomic_store_explicit(&t->changed, version, memory_order_relaxed);
    return 0;
}

/* The rule's place in the view says from now on that its versions are to be looked at. */
static void mark(struct table *t, struct rule *r, bool unsettled)
{
    struct view *v = t->view;
    if (!matches_all(r) && v->cap != 0)
        hash_mark(view_find(v, &r->match), v, r, unsettled);
}

int table_rule_remove(struct table *t, struct rule *r, uint64_t version)
{
    weft_assert(r->at < t->n_rules && t->rules[r->at] == r && r->death == RULE_LIVES);
    if (changes_reserve(t, 1) == NULL)
        return -ENOMEM;
    mark(t, r, true);
    __atomic_store_n(&r->death, version, __ATOMIC_RELAXED);
    note(t, r, true);
    atomic_store_explicit(&t->changed, version, memory_order_relaxed);
    return 0;
}

/* Born and dead in one version: nobody ever sees it, and the rest is settling. Its own note has
 * room, as a rule that wasn't added has none. */
void table_undo_add(struct table *t, struct rule *r)
{
    struct change *c = t->changes->change + t->changes->n;
    while ((--c)->rule != r || c->dead)
        weft_assert(c > t->changes->change);
    mark(t, r, true);
    __atomic_store_n(&r->death, r->birth, __ATOMIC_RELAXED);
    c->dead = true;
}

void table_undo_remove(struct table *t, struct rule *r)
{
    struct change *c = t->changes->change + t->changes->n;
    while ((--c)->rule != r || !c->dead)
        weft_assert(c > t->changes->change);
    __atomic_store_n(&r->death, RULE_LIVES, __ATOMIC_RELAXED);
    c->dead = false; /* settled as if it had just been born */
}

int table_fill(struct table *t, struct rule *const *rules, uint32_t n)
{
    if (changes_reserve(t, n) == NULL ||
        !reserve((void **)&t->rules, &t->cap_rules, 0, n, sizeof(struct rule *)))
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        rules[i]->birth = 0;
        rules[i]->death = RULE_LIVES;
        learn_fields(t, rules[i]);
        own(t, rules[i]);
    }
    int err = rebuild(t, NULL);
    for (uint32_t i = 0; err == 0 && t->n_all > 0 && i < n; i++) {
        if (matches_all(rules[i]))
            err = all_change(t, rules[i], true);
    }
    table_drop_changes(t);
    return err;
}

/* ------------------------------------------------------------ settle */

struct table_changes *table_take_changes(struct table *t)
{
    struct table_changes *c = t->changes;
    if (c == NULL)
        return NULL;
    t->changes = NULL;
    c->table = table_ref(t);
    return c;
}

static void settle_born(struct table *t, struct rule *r)
{
    if (r->death != RULE_LIVES)
        return; /* it is dying already */
    __atomic_store_n(&r->birth, 0, __ATOMIC_RELAXED);
    mark(t, r, false);
}

/* Nobody can see r; who looks at it nevertheless is waited for before it is freed. */
static int settle_dead(struct table *t, struct rule *r)
{
    int err = 0;
    if (changes_reserve(t, 1) == NULL)
        return -ENOMEM;
    disown(t, r);
    if (matches_all(r))
        err = all_change(t, r, false);
    else if (t->view->cap == 0)
        err = rebuild(t, NULL);
    else
        hash_take(view_find(t->view, &r->match), t->view, r);
    if (err != 0) {
        own(t, r); /* there is room: it was there */
        return err;
    }
    t->removed++;
    trash(t, r, TRASH_RULE);
    return 0;
}

int table_settle(struct table_changes *c, struct table_changes **more)
{
    struct table *t = c->table;
    int err = 0;
    *more = NULL;
    for (; err == 0 && c->done < c->n; c->done += err == 0) {
        struct change *one = &c->change[c->done];
        if (one->dead)
            err = settle_dead(t, one->rule);
        else
            settle_born(t, one->rule);
    }
    if (err != 0)
        return err;
    if (t->view != NULL && t->removed > t->n_rules + REBUILD_SLACK && changes_reserve(t, 1) != NULL)
        (void)rebuild(t, NULL); /* another time, if there is no memory now */
    *more = table_take_changes(t);
    changes_free(c);
    table_release(t);
    return 0;
}
