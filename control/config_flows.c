/* control/config_flows.c: the flows of a bridge, as far as they can be judged before it exists:
 * their syntax and the names of ports in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "ofproto/model/model.h"

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

int config_check_flows(struct config_check *k, const struct config_bridge *b)
{
    struct ofm_names names = {.ctx = (void *)b, .number = known_name};
    struct ofw_arena arena = {.cap = OF_MESSAGE_MAX / 8};
    int r = 0;
    if (b->flows_count == 0)
        return 0;
    arena.a = malloc(arena.cap * sizeof *arena.a);
    if (!arena.a)
        return config_refuse(k, "flows", "out of memory");
    for (unsigned i = 0; r == 0 && i < b->flows_count; i++) {
        struct ofw_flow_mod mod;
        struct errbuf why = {""};
        char key[32];
        arena.n = 0;
        snprintf(key, sizeof key, "flows[%u]", i);
        if (ofm_text_parse(b->flows[i], OFPFC_ADD, &names, &arena, &mod, &why) < 0)
            r = config_refuse(k, key, "bridge %s: \"%.100s\": %s", b->name, b->flows[i], why.text);
    }
    free(arena.a);
    return r;
}
