/* control/target.h: where a controller is.
 *
 * "tcp:ADDRESS[:PORT]": we connect; "ssl:" the same with TLS; "pssl:" and "ptcp:[PORT][:ADDRESS]":
 * we listen (any local address when none is given, as ovs-vswitchd does). Addresses are numeric,
 * IPv6 in brackets; the port is IANA's 6653 unless given. Any thread.
 */
#ifndef WEFT_CONTROL_TARGET_H
#define WEFT_CONTROL_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

enum { TARGET_PORT = 6653 };

struct target {
    bool passive, tls;
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

bool target_parse(const char *text, struct target *out);
/* "127.0.0.1:43210", "[::1]:43210" */
void target_print(const struct sockaddr *a, socklen_t len, char *out, size_t size);

#endif
