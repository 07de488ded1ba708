/* ports.h: a stepped switch to hang ports on, and what each test of a kind of port says often. */
#ifndef WEFT_TESTS_UNIT_PORTS_H
#define WEFT_TESTS_UNIT_PORTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/eal.h"
#include "datapath/port.h"
#include "datapath/switch.h"

static struct weft_switch *sw;

static struct port *make(const struct port_options *o)
{
    struct errbuf e = {""};
    struct port *p = NULL;
    if (port_create(sw, o, &p, &e) != 0)
        fail_msg("%s", e.text);
    return p;
}

static void refused(const struct port_options *o, int err, const char *words)
{
    struct errbuf e = {""};
    struct port *p = NULL;
    assert_int_equal(port_create(sw, o, &p, &e), -err);
    if (strstr(e.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

__attribute__((unused)) static void shell(const char *fmt, ...)
{
    char cmd[512];
    va_list a;
    va_start(a, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, a);
    va_end(a);
    if (system(cmd) != 0)
        fail_msg("failed: %s", cmd);
}

static void all_mbufs_back(void) { assert_int_equal(rte_mempool_in_use_count(sw->pool), 0); }

static const uint8_t frame60[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 1, 2, 3};

static int ports_set_up(void)
{
    struct errbuf e = {""};
    struct switch_options o = {.stepped = true, .mbufs = 8192};
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, NULL, &e) == 0 &&
        switch_create(&o, &sw, &e) == 0)
        return 0;
    print_error("%s\n", e.text);
    return -1;
}

#define NEED_ROOT()                                 \
    do {                                            \
        if (geteuid() != 0) {                       \
            print_message("needs root: skipped\n"); \
            skip();                                 \
        }                                           \
    } while (0)

#endif
