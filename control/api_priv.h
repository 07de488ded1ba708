/* control/api_priv.h: what the files of the API share.
 *
 * A method is a row: its name, the parameters that it takes with their types, a line of help and
 * a function. api.c checks the parameters against the row before the function is called, so that a
 * function reads them without asking: a required one is there, and each is of its type. Rows that
 * take keys of the configuration besides say so by ending with API_YAML_PORT or API_YAML_BRIDGE.
 * Control thread.
 */
#ifndef WEFT_CONTROL_API_PRIV_H
#define WEFT_CONTROL_API_PRIV_H

#include "control/api.h"
#include "control/config_priv.h"
#include "control/weft_priv.h"

enum api_type {
    API_STRING,
    API_NUMBER,
    API_BOOL,
    API_STRINGS,
    API_YAML_PORT,
    API_YAML_BRIDGE,
    API_YAML_VTEP
};

struct api_param {
    const char *name;
    enum api_type type;
    bool required;
};

typedef int api_fn(struct weft *w, json_t *params, json_t **out, struct errbuf *e);

enum { API_PARAMS_MAX = 8 };

struct api_method {
    const char *name;
    api_fn *fn;
    struct api_param params[API_PARAMS_MAX]; /* ends with a NULL name, or at the maximum */
    const char *text;
};

/* The tables of api_*.c; each ends with a NULL name. */
extern const struct api_method api_bridge_methods[], api_port_methods[], api_flow_methods[],
    api_group_methods[], api_bond_methods[], api_fdb_methods[], api_vtep_methods[],
    api_router_methods[], api_stats_methods[], api_vmport_methods[], api_stp_methods[],
    api_daemon_methods[], api_trace_methods[];
/* Calls fn for every method. */
void api_methods_each(void (*fn)(void *ctx, const struct api_method *m), void *ctx);
/* "string", "number", ... */
const char *api_type_name(enum api_type t);

/* ---- parameters ---- */

const char *api_str(const json_t *params, const char *name); /* NULL: not given */
bool api_flag(const json_t *params, const char *name);
/* fallback when it is not given; -EINVAL when it is outside 0..max. */
int api_uint(const json_t *params, const char *name, uint64_t max, uint64_t fallback, uint64_t *out,
             struct errbuf *e);
/* The bridge that parameter `name` names. *out NULL when the parameter is not given. */
int api_bridge(struct weft *w, const json_t *params, const char *name, struct of_bridge **out,
               struct errbuf *e);
/* The port that it names, with its bridge. */
int api_port(struct weft *w, const json_t *params, const char *name, struct of_bridge **b,
             struct weft_port **out, struct errbuf *e);
struct weft_port *api_find_port(struct weft *w, const char *name, struct of_bridge **b);

/* Sets keys of a port or bridge of c from all params that are not in skip (ends with NULL). */
enum api_thing { API_OF_BRIDGE, API_OF_PORT, API_OF_VTEP };
int api_set_keys(struct config *c, enum api_thing t, const char *name, const json_t *params,
                 const char *const *skip, struct errbuf *e);
/* Applies c (taken), saves, and answers {}. */
int api_apply(struct weft *w, struct config *c, json_t **out, struct errbuf *e);
/* A copy of the configuration to edit; NULL with a message. */
struct config *api_edit(struct weft *w, struct errbuf *e);

/* Bytes in hexadecimal, blanks and colons between them; `out` has room for WEFT_FRAME_MAX. */
int api_hex(const char *s, uint8_t *out, size_t *len, struct errbuf *e);

/* ---- results ---- */

/* Text from anywhere: what is not UTF-8 becomes '?'. */
json_t *api_text(const char *s);
json_t *api_u64(uint64_t v);
json_t *api_mac(struct mac m);
struct vtep;
/* "192.0.2.2" */
json_t *api_ip(const struct ip6 *ip, bool v6);
json_t *api_endpoint(const struct vtep *v, uint16_t number);
/* A struct of the configuration by its schema, without what was not given. */
json_t *api_config_json(const void *base, const cyaml_schema_field_t *fields);
/* "10", "20-29" */
json_t *api_vlans(const uint64_t set[4096 / 64]);
/* 0 when *out could be made, else -ENOMEM. */
int api_done(json_t *result, json_t **out, struct errbuf *e);

json_t *api_counters(const struct port *p);
json_t *api_port_json(const struct of_bridge *b, const struct weft_port *p);
json_t *api_bridge_json(struct of_bridge *b);

#endif
