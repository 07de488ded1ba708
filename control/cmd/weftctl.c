/* control/cmd/weftctl.c: the command line of weftd. */
#include "control/ctl.h"

int main(int argc, char **argv)
{
    struct ctl c = {.in = stdin, .out = stdout, .err = stderr, .fd = -1};
    return ctl_main(&c, argc, argv);
}
