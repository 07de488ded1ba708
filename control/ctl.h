/* control/ctl.h: weftctl, in parts.
 *
 * weftctl is a thin client: a command builds the parameters of an API method, sends one line, and
 * shows what comes back, as tables for people or, with --json, as the API gave it. Whatever
 * it knows of bridges, ports and keys it asks the daemon. A command is a row of the table in
 * ctl_help.c, which help and completion read too. struct ctl holds the run's options and
 * streams, so tests give their own. One thread.
 */
#ifndef WEFT_CONTROL_CTL_H
#define WEFT_CONTROL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/strbuf.h"

/* Exit codes. */
enum { CTL_OK, CTL_REFUSED, CTL_USAGE, CTL_NO_DAEMON };

/* Options that only some commands take. */
enum { CTL_OPT_STRICT = 1, CTL_OPT_WATCH = 2, CTL_OPT_ALL = 4 };

struct ctl {
    FILE *in, *out, *err;
    char socket[256];
    bool json;
    unsigned given; /* CTL_OPT_* */
    double watch_s; /* repeat so often; 0: once */
    double over_s;  /* rates are over so long */
    int fd;         /* -1: not connected */
    json_int_t id;
    struct strbuf rest; /* bytes behind the last answer */
};

struct ctl_command {
    const char *noun, *verb; /* verb NULL: the noun is the command */
    int (*run)(struct ctl *c, int argc, char **argv);
    int min, max; /* arguments; max -1: any number */
    unsigned options;
    const char *args;     /* "BRIDGE PORT [KEY=VALUE]...": completion reads the words, too */
    const char *text;     /* one line */
    const char *examples; /* lines, or NULL */
};

/* The whole of weftctl but main(); returns the exit code. */
int ctl_main(struct ctl *c, int argc, char **argv);

/* ---- ctl_conn.c ---- */

/* Calls a method (params taken, may be NULL). CTL_OK with *result, or the exit code, the reason
 * having been printed. */
int ctl_call(struct ctl *c, const char *method, json_t *params, json_t **result);
/* The same; with --json the result is printed and *result is NULL on CTL_OK. */
int ctl_ask(struct ctl *c, const char *method, json_t *params, json_t **result);
/* Calls, prints the result if --json, and drops it. */
int ctl_do(struct ctl *c, const char *method, json_t *params);
void ctl_print_json(struct ctl *c, const json_t *v);
void ctl_close(struct ctl *c);
/* Prints "weftctl: ..." and returns CTL_USAGE. */
int ctl_usage(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- ctl_args.c ---- */

/* Puts KEY=VALUE words into params; an empty value is null: the key is taken away. */
int ctl_keys(struct ctl *c, json_t *params, int argc, char **argv);
/* The flows of words, "-" (stdin) and "@FILE"; blank lines and #-comments are left out. */
int ctl_flows(struct ctl *c, int argc, char **argv, json_t **out);
/* Edit distance, for "did you mean". */
unsigned ctl_distance(const char *a, const char *b);

/* ---- ctl_table.c: columns that line up ---- */

enum { CTL_COLUMNS_MAX = 16 };

struct ctl_table {
    unsigned columns, cells;
    bool right[CTL_COLUMNS_MAX];
    bool bad;
    char **cell; /* row by row; the headers first */
    unsigned cap;
};

/* Headers separated by '|'; one that begins with '>' is aligned to the right. */
void ctl_table_init(struct ctl_table *t, const char *headers);
void ctl_table_cell(struct ctl_table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints and frees. Without rows: `none` instead, when it isn't NULL. */
void ctl_table_print(struct ctl_table *t, FILE *out, const char *none);

/* ---- ctl_text.c: figures and frames for people ---- */

struct ctl_fig {
    char s[32];
};

/* 1234567 -> "1.23M"; below 10000 as it is. */
struct ctl_fig ctl_si(double v);
/* "1.2G" of bytes, by 1024 */
struct ctl_fig ctl_bytes(double v);
/* Seconds: "0.4s", "12s", "3m12s", "2h05m", "3d04h" */
struct ctl_fig ctl_age(double s);
/* "02:..:01 > ff:..:ff vlan 10 ARP who has 10.0.0.2, tell 10.0.0.1" */
void ctl_frame(struct strbuf *b, const char *hex);

/* Fields of results, with something harmless for what is not there. */
const char *ctl_s(const json_t *o, const char *key);
double ctl_n(const json_t *o, const char *key);
long long ctl_i(const json_t *o, const char *key);
bool ctl_b(const json_t *o, const char *key);
/* ["10","20-29"] -> "10,20-29" */
void ctl_join(struct strbuf *b, const json_t *list);

/* ---- ctl_help.c, ctl_complete.c ---- */

extern const struct ctl_command ctl_commands[];
const struct ctl_command *ctl_find(const char *noun, const char *verb);
bool ctl_is_noun(const char *noun);
int ctl_help(struct ctl *c, int argc, char **argv);
int ctl_completion(struct ctl *c, int argc, char **argv);
int ctl_complete(struct ctl *c, int argc, char **argv);

/* ---- commands: ctl_show.c, ctl_edit.c, ctl_flow.c, ctl_group.c, ctl_stats.c ---- */

int ctl_show(struct ctl *c, int argc, char **argv);
int ctl_bridge_list(struct ctl *c, int argc, char **argv);
int ctl_bridge_show(struct ctl *c, int argc, char **argv);
int ctl_port_list(struct ctl *c, int argc, char **argv);
int ctl_port_show(struct ctl *c, int argc, char **argv);
int ctl_controller_show(struct ctl *c, int argc, char **argv);
int ctl_table_show(struct ctl *c, int argc, char **argv);
int ctl_config_show(struct ctl *c, int argc, char **argv);
int ctl_version(struct ctl *c, int argc, char **argv);

int ctl_bridge_add(struct ctl *c, int argc, char **argv);
int ctl_bridge_del(struct ctl *c, int argc, char **argv);
int ctl_bridge_set(struct ctl *c, int argc, char **argv);
int ctl_port_add(struct ctl *c, int argc, char **argv);
int ctl_port_del(struct ctl *c, int argc, char **argv);
int ctl_port_set(struct ctl *c, int argc, char **argv);
int ctl_port_activate(struct ctl *c, int argc, char **argv);
int ctl_port_handover(struct ctl *c, int argc, char **argv);
int ctl_announce(struct ctl *c, int argc, char **argv);
/* The part of `port show` about a VM. */
void ctl_vm_details(struct ctl *c, const json_t *vm);
int ctl_reload(struct ctl *c, int argc, char **argv);
int ctl_log_level(struct ctl *c, int argc, char **argv);
int ctl_api(struct ctl *c, int argc, char **argv);

int ctl_router_show(struct ctl *c, int argc, char **argv);
int ctl_router_route(struct ctl *c, int argc, char **argv);
int ctl_router_neigh(struct ctl *c, int argc, char **argv);
int ctl_vrrp_show(struct ctl *c, int argc, char **argv);
int ctl_vtep_show(struct ctl *c, int argc, char **argv);
int ctl_vtep_add(struct ctl *c, int argc, char **argv);
int ctl_vtep_set(struct ctl *c, int argc, char **argv);
int ctl_vtep_del(struct ctl *c, int argc, char **argv);
int ctl_vni_show(struct ctl *c, int argc, char **argv);
int ctl_stp_show(struct ctl *c, int argc, char **argv);
int ctl_stp_migrate(struct ctl *c, int argc, char **argv);
int ctl_stp_recover(struct ctl *c, int argc, char **argv);
int ctl_fdb_show(struct ctl *c, int argc, char **argv);
int ctl_fdb_flush(struct ctl *c, int argc, char **argv);
int ctl_fdb_add(struct ctl *c, int argc, char **argv);
int ctl_fdb_del(struct ctl *c, int argc, char **argv);

int ctl_flow_add(struct ctl *c, int argc, char **argv);
int ctl_flow_mod(struct ctl *c, int argc, char **argv);
int ctl_flow_del(struct ctl *c, int argc, char **argv);
int ctl_flow_dump(struct ctl *c, int argc, char **argv);
int ctl_flow_replace(struct ctl *c, int argc, char **argv);
int ctl_group_add(struct ctl *c, int argc, char **argv);
int ctl_group_mod(struct ctl *c, int argc, char **argv);
int ctl_group_del(struct ctl *c, int argc, char **argv);
int ctl_group_show(struct ctl *c, int argc, char **argv);
int ctl_meter_add(struct ctl *c, int argc, char **argv);
int ctl_meter_mod(struct ctl *c, int argc, char **argv);
int ctl_meter_del(struct ctl *c, int argc, char **argv);
int ctl_meter_show(struct ctl *c, int argc, char **argv);
int ctl_bond_show(struct ctl *c, int argc, char **argv);
int ctl_lacp_show(struct ctl *c, int argc, char **argv);
int ctl_lacp_marker(struct ctl *c, int argc, char **argv);
int ctl_trace(struct ctl *c, int argc, char **argv);
int ctl_packet_out(struct ctl *c, int argc, char **argv);

int ctl_stats(struct ctl *c, int argc, char **argv);
int ctl_perf(struct ctl *c, int argc, char **argv);
int ctl_drops(struct ctl *c, int argc, char **argv);

#endif
