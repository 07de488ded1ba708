/* control/rundir.h: a runtime directory of our own.
 *
 * Created 0755 when missing. The file "lock" in it is held with flock() as long as the
 * process lives, and says its pid, so two weftd never share one and a dead one never blocks.
 */
#ifndef WEFT_CONTROL_RUNDIR_H
#define WEFT_CONTROL_RUNDIR_H

#include "base/errbuf.h"

/* 0 with the lock's descriptor, or -errno (-EBUSY: another weftd) with a message. */
int rundir_open(const char *path, int *lock_fd, struct errbuf *e);
void rundir_close(int lock_fd);

#endif
