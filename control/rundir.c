#include "control/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_dirs(const char *path)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return -ENAMETOOLONG;
    for (char *p = part + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return mkdir(part, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int taken(int fd, const char *path, struct errbuf *e)
{
    char pid[16] = "";
    ssize_t n = read(fd, pid, sizeof pid - 1);
    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return errbuf_set(e, EBUSY, "%s: in use by the weftd of pid %s; give another --rundir", path,
                      *pid ? pid : "?");
}

int rundir_open(const char *path, int *lock_fd, struct errbuf *e)
{
    char lock[PATH_MAX];
    int r = make_dirs(path);
    if (r < 0)
        return errbuf_set(e, -r, "%s: can't be created: %s", path, strerror(-r));
    if (snprintf(lock, sizeof lock, "%s/lock", path) >= (int)sizeof lock)
        return errbuf_set(e, ENAMETOOLONG, "%s: too long", path);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return errbuf_set(e, errno, "%s: %s", lock, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = taken(fd, path, e);
        close(fd);
        return r;
    }
    (void)!ftruncate(fd, 0);
    (void)!dprintf(fd, "%d\n", (int)getpid());
    *lock_fd = fd;
    return 0;
}

void rundir_close(int lock_fd)
{
    if (lock_fd >= 0)
        close(lock_fd); /* the lock goes with it; the file stays, or an unlink would race */
}
