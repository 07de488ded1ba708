/* control/linkwatch.h: hears at once when a kernel device of our namespace goes up or down.
 *
 * Link states are polled (devices of other namespaces, vhost-user, PCI), but a fast failover group
 * waits for nobody, so rtnetlink's news make the next poll due at once. What the news say is not
 * read: the poll asks.
 */
#ifndef WEFT_CONTROL_LINKWATCH_H
#define WEFT_CONTROL_LINKWATCH_H

/* A descriptor that becomes readable with news; -errno when the kernel gives none. */
int linkwatch_open(void);
/* Forgets the news that have come. */
void linkwatch_drain(int fd);

#endif
