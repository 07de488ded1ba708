#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void weft_assert_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: violated invariant: %s; this is a bug in weft, stopping\n", file, line,
            what);
    abort();
}
