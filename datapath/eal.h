/* datapath/eal.h: DPDK's environment, once per process.
 *
 * Brings EAL up in memory only (no files or names shared with another weftd), with hugepages when
 * there are some and without when not, no PCI scan unless asked. The one place with process-global
 * state, because DPDK's is. Called by mains and tests before switch_create().
 */
#ifndef WEFT_DATAPATH_EAL_H
#define WEFT_DATAPATH_EAL_H

#include <stdbool.h>

#include "base/errbuf.h"

enum eal_hugepages { EAL_HUGE_AUTO, EAL_HUGE_NO, EAL_HUGE_REQUIRE };

struct eal_options {
    enum eal_hugepages hugepages;
    unsigned memory_mb; /* 0: 256 without hugepages (touched as it is used); with them, grows on
                           demand */
    bool pci;           /* scan PCI (a dpdk port with a PCI address is configured) */
    const char *driver_path; /* extra PMD plugin or folder (EAL -d), or NULL */
    bool quiet;              /* EAL's own log at error level only */
};

/* What was chosen, for the start message. */
struct eal_report {
    bool hugepages;
    unsigned memory_mb;
    char advice[256]; /* what would be faster, "" when nothing */
};

/* 0 or -errno with a message. A second call does nothing and returns 0. */
int eal_start(const struct eal_options *o, struct eal_report *r, struct errbuf *e);

#endif
