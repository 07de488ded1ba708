/* Flow syntax: any text is taken or refused; what is taken is printed, taken again, and equal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "ofproto/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool number(void *ctx, const char *name, uint32_t *no)
{
    (void)ctx;
    *no = 5;
    return strcmp(name, "vm5") == 0;
}

static const char *name(void *ctx, uint32_t no)
{
    (void)ctx;
    return no == 5 ? "vm5" : NULL;
}

static const struct ofm_names names = {NULL, number, name};

static void print(struct strbuf *b, const struct ofw_flow_mod *m)
{
    struct ofm_flow f = {.match = m->match,
                         .priority = m->priority,
                         .flags = m->flags,
                         .idle_s = m->idle_s,
                         .hard_s = m->hard_s,
                         .table = m->table,
                         .cookie = m->cookie,
                         .instr = m->instr};
    ofm_text_flow(b, &f, &names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ofw_action room[2][8192];
    struct ofw_arena first = {.a = room[0], .cap = 8192}, second = {.a = room[1], .cap = 8192};
    struct ofw_flow_mod m, again;
    struct errbuf e;
    struct strbuf a = {0}, b = {0};
    if (size < 1)
        return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    enum ofw_flow_command command = (enum ofw_flow_command)(data[0] % 5);
    if (ofm_text_parse(text, command, &names, &first, &m, &e) == 0 && command == OFPFC_ADD) {
        print(&a, &m);
        int r = ofm_text_parse(strbuf_text(&a), OFPFC_ADD, &names, &second, &again, &e);
        if (r < 0)
            fprintf(stderr, "%s\n%s\n", strbuf_text(&a), e.text);
        weft_assert(r == 0);
        print(&b, &again);
        weft_assert(strcmp(strbuf_text(&a), strbuf_text(&b)) == 0);
        weft_assert(flow_match_equal(&m.match, &again.match));
    }
    strbuf_free(&a);
    strbuf_free(&b);
    free(text);
    return 0;
}
