/* control/target.c: "tcp:127.0.0.1:6653" -> an address. */
#include "control/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_address(struct target *t, const char *text, unsigned port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&t->addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->addr;
    size_t len = strlen(text);
    char bare[64];
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        t->addr_len = sizeof *v4;
        return true;
    }
    if (len < 3 || len >= sizeof bare || text[0] != '[' || text[len - 1] != ']')
        return false;
    snprintf(bare, sizeof bare, "%.*s", (int)(len - 2), text + 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    t->addr_len = sizeof *v6;
    return inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1;
}

static bool port_number(const char *text, unsigned *port)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long v = strtoul(text, &end, 10);
    *port = (unsigned)v;
    return *end == '\0' && v >= 1 && v <= 65535;
}

/* ADDRESS[:PORT] */
static bool parse_active(const char *text, struct target *t)
{
    char address[80];
    unsigned port = TARGET_PORT;
    const char *after = *text == '[' ? strchr(text, ']') : text;
    const char *colon = after ? strchr(after, ':') : NULL;
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (len >= sizeof address || (colon && !port_number(colon + 1, &port)))
        return false;
    snprintf(address, sizeof address, "%.*s", (int)len, text);
    return set_address(t, address, port);
}

/* [PORT][:ADDRESS] */
static bool parse_passive(const char *text, struct target *t)
{
    char number[8];
    unsigned port = TARGET_PORT;
    size_t len = strcspn(text, ":");
    if (len >= sizeof number)
        return false;
    snprintf(number, sizeof number, "%.*s", (int)len, text);
    if (len && !port_number(number, &port))
        return false;
    return set_address(t, text[len] ? text + len + 1 : "0.0.0.0", port);
}

bool target_parse(const char *text, struct target *out)
{
    memset(out, 0, sizeof *out);
    out->tls = !strncmp(text, "ssl:", 4) || !strncmp(text, "pssl:", 5);
    out->passive = !strncmp(text, "ptcp:", 5) || !strncmp(text, "pssl:", 5);
    if (out->passive)
        return parse_passive(text + 5, out);
    return (out->tls || !strncmp(text, "tcp:", 4)) && parse_active(text + 4, out);
}

void target_print(const struct sockaddr *a, socklen_t len, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    if (a->sa_family == AF_INET && len >= sizeof *v4) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%u", host, ntohs(v4->sin_port));
    } else if (a->sa_family == AF_INET6 && len >= sizeof *v6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        snprintf(out, size, "?");
    }
}
