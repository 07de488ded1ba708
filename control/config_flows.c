/* control/config_flows.c: the flows, groups and meters of a bridge, as far as they can be judged
 * before it exists: their syntax and the names of ports in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "ofproto/model/meter.h"

/* Its ports' numbers are not known yet; any will do to check the rest. */
static bool known_name(void *ctx, const char *name, uint32_t *no)
{
    const struct config_bridge *b = ctx;
    *no = 1;
    for (unsigned i = 0; i < b->ports_count; i++)
        if (!strcmp(b->ports[i].name, name))
            return true;
    *no = OFPP_LOCAL;
    return b->local && !strcmp(b->name, name);
}

bool config_is_of_list(const char *key)
{
    return !strcmp(key, "flows") || !strcmp(key, "groups") || !strcmp(key, "meters");
}

/* What a check needs, of each kind. */
struct room {
    struct ofm_names names;
    struct ofw_arena arena;
    struct ofm_group_text buckets;
    struct ofw_band bands[WEFT_BANDS_MAX];
};

static int check_flow(struct room *t, const char *text, struct errbuf *why)
{
    struct ofw_flow_mod mod;
    return ofm_text_parse(text, OFPFC_ADD, &t->names, &t->arena, &mod, why);
}

static int check_group(struct room *t, const char *text, struct errbuf *why)
{
    struct ofw_group_mod mod;
    return ofm_group_parse(text, OFPGC_ADD, &t->names, &t->arena, &t->buckets, &mod, why);
}

static int check_meter(struct room *t, const char *text, struct errbuf *why)
{
    struct ofw_meter_mod mod;
    return ofm_meter_parse(text, OFPMC_ADD, t->bands, &mod, why);
}

static int check_list(struct config_check *k, const char *bridge, const char *name, char **list,
                      unsigned n, struct room *t,
                      int (*check)(struct room *t, const char *text, struct errbuf *why))
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < n; i++) {
        struct errbuf why = {""};
        char key[32];
        t->arena.n = 0;
        snprintf(key, sizeof key, "%s[%u]", name, i);
        if (check(t, list[i], &why) < 0)
            r = config_refuse(k, key, "bridge %s: \"%.100s\": %s", bridge, list[i], why.text);
    }
    return r;
}

int config_check_flows(struct config_check *k, const struct config_bridge *b)
{
    if (b->flows_count + b->groups_count + b->meters_count == 0)
        return 0;
    struct room *t = calloc(1, sizeof *t);
    if (t) {
        t->names = (struct ofm_names){.ctx = (void *)b, .number = known_name};
        t->arena.cap = OF_MESSAGE_MAX / 8;
        t->arena.a = malloc(t->arena.cap * sizeof *t->arena.a);
    }
    if (!t || !t->arena.a) {
        free(t);
        return config_refuse(k, "flows", "out of memory");
    }
    int r = check_list(k, b->name, "meters", b->meters, b->meters_count, t, check_meter);
    if (r == 0)
        r = check_list(k, b->name, "groups", b->groups, b->groups_count, t, check_group);
    if (r == 0)
        r = check_list(k, b->name, "flows", b->flows, b->flows_count, t, check_flow);
    free(t->arena.a);
    free(t);
    return r;
}
