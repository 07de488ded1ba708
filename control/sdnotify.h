/* control/sdnotify.h: sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET. */
#ifndef WEFT_CONTROL_SDNOTIFY_H
#define WEFT_CONTROL_SDNOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=..."; nothing happens without a socket. */
void sdnotify(const char *state);
/* "RELOADING=1" with the time that systemd wants beside it. */
void sdnotify_reloading(void);

#endif
