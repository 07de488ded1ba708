/* control/handover.c: see handover.h. */
#include "control/handover.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX = 2 * EVP_MAX_MD_SIZE + 1 };

static bool digest(const json_t *state, char hex[HEX])
{
    uint8_t md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *text = json_dumps(state, JSON_COMPACT | JSON_SORT_KEYS);
    bool ok = text && EVP_Digest(text, strlen(text), md, &n, EVP_sha256(), NULL) == 1;
    free(text);
    for (unsigned i = 0; ok && i < n; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", md[i]);
    return ok;
}

json_t *handover_seal(const char *port, json_t *state)
{
    char hex[HEX] = "";
    if (!state || !digest(state, hex)) {
        json_decref(state);
        return NULL;
    }
    return json_pack("{s:s,s:i,s:s,s:o,s:s}", "weft", "port-handover", "version", HANDOVER_VERSION,
                     "port", port, "state", state, "sha256", hex);
}

static const json_t *bad(struct errbuf *e, const char *what)
{
    errbuf_set(e, EINVAL, "handover: %s", what);
    return NULL;
}

bool handover_carries(const char *key)
{
    static const char *const keys[] = {"mac",      "macs",       "ip",     "vni",       "tag",
                                       "trunks",   "security",   "allow",  "max_macs",  "mtu",
                                       "announce", "redirect_s", "ofport", "vlan_mode", NULL};
    for (const char *const *k = keys; *k; k++)
        if (!strcmp(*k, key))
            return true;
    return false;
}

const json_t *handover_open(const json_t *doc, struct errbuf *e)
{
    char hex[HEX] = "";
    const char *kind = json_string_value(json_object_get(doc, "weft")), *key;
    const char *sum = json_string_value(json_object_get(doc, "sha256"));
    const json_t *version = json_object_get(doc, "version"), *state = json_object_get(doc, "state");
    json_t *v;
    if (!kind || strcmp(kind, "port-handover"))
        return bad(e, "this is no port's; make one with `weftctl port handover export PORT`");
    if (!json_is_integer(version) || json_integer_value(version) < 1 ||
        json_integer_value(version) > HANDOVER_VERSION)
        return bad(e, "its version is not one that this weftd knows (1)");
    if (!json_is_object(state) || !sum || !digest(state, hex) || strcmp(hex, sum) != 0)
        return bad(e, "its checksum is wrong: cut short, or edited; export it again");
    json_object_foreach((json_t *)(uintptr_t)state, key, v) if (!handover_carries(key))
    {
        errbuf_set(e, EINVAL, "handover: it has the key \"%.60s\", which this weftd doesn't know",
                   key);
        return NULL;
    }
    return state;
}
