/* The YAML reader: nothing crashes it, and what it takes is printed and taken back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "control/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = NULL, *again = NULL, *copy;
    struct strbuf one = {0}, two = {0};
    struct errbuf e = {""};
    if (config_parse((const char *)data, size, "fuzz", &c, &e) < 0) {
        weft_assert(e.text[0] != '\0');
        return 0;
    }
    weft_assert(config_print(c, &one, &e) == 0);
    weft_assert(config_parse(strbuf_text(&one), one.len, "again", &again, &e) == 0);
    copy = config_copy(again);
    weft_assert(copy && config_print(copy, &two, &e) == 0);
    weft_assert(strcmp(strbuf_text(&one), strbuf_text(&two)) == 0);
    strbuf_free(&one);
    strbuf_free(&two);
    config_free(c);
    config_free(again);
    config_free(copy);
    return 0;
}
