/* control/api.h: one JSON line in, one JSON line out.
 *
 * Request  {"v":1,"id":7,"method":"port.add","params":{...}}
 * Answer   {"v":1,"id":7,"result":...}   or
 * {"v":1,"id":7,"error":{"code":"ENOENT","message":"..."}}
 *
 * The socket is <rundir>/api.sock, mode 0600. api_call() is the same without the socket:
 * for tests, the fuzzer, weft-replay. Methods are in api_*.c, one file a noun, and tabled in api.c.
 */
#ifndef WEFT_CONTROL_API_H
#define WEFT_CONTROL_API_H

#include <jansson.h>

#include "base/errbuf.h"

struct weft;
struct api;
struct event_base;

enum { API_VERSION = 1, API_LINE_MAX = 16 << 20 };

/* Runs a method. 0 and *result (new reference), or -errno with a message. */
int api_call(struct weft *w, const char *method, json_t *params, json_t **result, struct errbuf *e);
/* One line of text to one line of text (without newline); never NULL but out of memory. Free with
 * free(). */
char *api_line(struct weft *w, const char *line, size_t len);

/* Listens on path (replacing a dead socket, refusing a live one). */
int api_listen(struct event_base *base, struct weft *w, const char *path, struct api **out,
               struct errbuf *e);
void api_free(struct api *a);

#endif
