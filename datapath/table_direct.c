/* table_direct.c: a few rules, compared one by one from the highest priority down. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_internal.h"

static int by_priority(const void *a, const void *b)
{
    const struct direct_rule *x = a, *y = b;
    int by = (int)y->rule->priority - (int)x->rule->priority;
    return by != 0 ? by : (x->first > y->first) - (x->first < y->first);
}

static uint32_t count_words(struct rule *const *rules, uint32_t n)
{
    uint32_t words = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned w = 0; w < FLOW_WORDS; w++)
            words += rules[i]->match.mask.w[w] != 0;
    }
    return words;
}

static uint32_t add_tests(struct word_test *t, const struct flow_match *m)
{
    uint32_t n = 0;
    for (unsigned w = 0; w < FLOW_WORDS; w++) {
        if (m->mask.w[w] != 0)
            t[n++] = (struct word_test){.mask = m->mask.w[w], .value = m->key.w[w], .word = w};
    }
    return n;
}

int direct_build(struct direct *d, struct rule *const *rules, uint32_t n)
{
    *d = (struct direct){.n = n};
    d->rules = calloc(n + 1, sizeof *d->rules);
    d->tests = calloc(count_words(rules, n) + 1, sizeof *d->tests);
    if (d->rules == NULL || d->tests == NULL) {
        direct_clear(d);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++)
        d->rules[i] = (struct direct_rule){.rule = rules[i], .first = i};
    qsort(d->rules, n, sizeof *d->rules, by_priority);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        d->rules[i].first = at;
        d->rules[i].n = add_tests(d->tests + at, &d->rules[i].rule->match);
        at += d->rules[i].n;
    }
    return 0;
}

void direct_clear(struct direct *d)
{
    free(d->rules);
    free(d->tests);
    *d = (struct direct){0};
}

static const struct rule *direct_find(const struct direct *d, const struct flow_key *k,
                                      uint64_t version)
{
    for (uint32_t r = 0; r < d->n; r++) {
        const struct word_test *t = d->tests + d->rules[r].first;
        uint64_t diff = 0;
        for (uint32_t i = 0; i < d->rules[r].n; i++)
            diff |= (k->w[t[i].word] & t[i].mask) ^ t[i].value;
        if (diff == 0 && rule_is_there(d->rules[r].rule, version))
            return d->rules[r].rule;
    }
    return NULL;
}

void direct_burst(const struct direct *d, const struct flow_key *const *k, unsigned n,
                  uint64_t version, const struct rule *floor, const struct rule **out)
{
    for (unsigned i = 0; i < n; i++) {
        const struct rule *r = direct_find(d, k[i], version);
        out[i] = r == NULL || (floor != NULL && r->priority < floor->priority) ? floor : r;
    }
}
