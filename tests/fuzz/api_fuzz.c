/* The API: whatever a line says, one line of JSON comes back, and the switch stays whole.
 *
 * One stepped weft with null ports serves all runs; what a run changed is put back. Lines that
 * would open a device, a file or a socket are left out: they reach outside the process. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "control/api.h"
#include "control/weft.h"
#include "datapath/eal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] = "bridges:\n"
                             "  - name: br0\n"
                             "    ports:\n"
                             "      - {name: p1, type: \"null\", tag: 10}\n"
                             "      - {name: p2, type: \"null\"}\n";

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

static struct config *fresh(void)
{
    struct config *c = NULL;
    weft_assert(config_parse(config, strlen(config), "fuzz", &c, NULL) == 0);
    return c;
}

static struct weft *the_weft(void)
{
    static struct weft *w;
    struct eal_options eal = {.hugepages = EAL_HUGE_NO, .quiet = true};
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    if (!w) {
        weft_assert(eal_start(&eal, NULL, NULL) == 0);
        weft_assert(weft_create(&o, fresh(), &w, NULL) == 0);
    }
    return w;
}

/* A port.add without a type is a tap. */
static bool reaches_outside(const json_t *req)
{
    static const char *const words[] = {"tap", "vhost", "af_packet", "pcap", "dpdk", "local"};
    const char *method = json_string_value(json_object_get(req, "method"));
    const json_t *params = json_object_get(req, "params");
    bool outside = method && !strcmp(method, "port.add") && !json_object_get(params, "type");
    char *text = json_dumps(req, JSON_ENCODE_ANY);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        outside = outside || !text || strstr(text, words[i]);
    free(text);
    return outside;
}

static void put_back(struct weft *w)
{
    struct of_bridge *b = weft_bridge(w, "br0");
    struct errbuf e = {""};
    if (b)
        ofm_clear(of_bridge_model(b), true, 0);
    weft_assert(weft_set_config(w, fresh(), false, &e) == 0);
    weft_step(w, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft *w = the_weft();
    json_t *req = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    bool skip = req && reaches_outside(req);
    json_decref(req);
    if (skip)
        return -1;
    char *answer = api_line(w, (const char *)data, size);
    weft_assert(answer && !strchr(answer, '\n'));
    json_t *a = json_loads(answer, 0, NULL);
    const json_t *error = json_object_get(a, "error");
    weft_assert(a && !error != !json_object_get(a, "result"));
    weft_assert(!error || *json_string_value(json_object_get(error, "message")));
    json_decref(a);
    free(answer);
    if (!error)
        put_back(w);
    return 0;
}
