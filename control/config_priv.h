/* control/config_priv.h: what the files of the configuration share.
 *
 * The schema (config_schema.c) is libcyaml's, and it is the one list of keys:
 * loading, printing, copying and setting a key by name all walk it. Because libcyaml
 * stops at the first surprise with little to say, config_walk.c goes over the parsed YAML
 * document with the same schema before, and gives the messages people see; the document is
 * kept through config_check() so that a complaint about a value finds its line again.
 */
#ifndef WEFT_CONTROL_CONFIG_PRIV_H
#define WEFT_CONTROL_CONFIG_PRIV_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "control/config.h"
#include "control/log.h"
#include "datapath/bond.h"

enum { CONFIG_BYTES_MAX = 64 << 20, CONFIG_PATH_MAX = 192 };

extern const cyaml_schema_value_t config_schema;
extern const cyaml_schema_field_t config_port_fields[];
extern const cyaml_schema_field_t config_bridge_fields[];
extern const cyaml_schema_field_t config_vtep_fields[];
extern const cyaml_schema_field_t config_router_fields[];

/* libcyaml's settings, quiet. */
cyaml_config_t config_cyaml(void);
const cyaml_schema_field_t *config_field_find(const cyaml_schema_field_t *f, const char *key);
/* Range of an integer of the schema. */
uint64_t config_uint_max(const cyaml_schema_value_t *v);
/* Sets the field inside *base from text, freeing what was there. NULL: as if never given. */
int config_field_set(void *base, const cyaml_schema_field_t *f, const char *value,
                     struct errbuf *e);

bool config_field_equal(const void *a, const void *b, const cyaml_schema_field_t *f);
bool config_fields_equal(const void *a, const void *b, const cyaml_schema_field_t *fields);
/* Workers and memory are the same. */
bool config_same_fixed(const struct config *a, const struct config *b);
struct config_port *config_port_copy(const struct config_port *p);
void config_port_free(struct config_port *p);
/* A copy without ports and flows. */
struct config_bridge *config_bridge_head(const struct config_bridge *b);
void config_bridge_free(struct config_bridge *b);
/* Takes the list. */
void config_set_flows(struct config_bridge *b, char **flows, unsigned n);
void config_set_groups(struct config_bridge *b, char **groups, unsigned n);
void config_set_meters(struct config_bridge *b, char **meters, unsigned n);
/* The configured one, or one from the bridge's name; and the machine's id, when `portable` is
 * false. Never 0. */
uint64_t config_bridge_dpid(const struct config_bridge *b, bool portable);

/* A parsed document with its name for messages. */
struct config_doc {
    yaml_document_t yaml;
    const char *name;
};
int config_doc_parse(struct config_doc *d, const char *text, size_t len, const char *name,
                     struct errbuf *e);
bool config_doc_empty(struct config_doc *d);
/* Every key known, every value of its type: else -EINVAL with file:line: path: text. */
int config_doc_walk(struct config_doc *d, struct errbuf *e);
/* Line of "bridges[0].ports[1].tag", or of the nearest thing above it. */
unsigned config_doc_line(struct config_doc *d, const char *path);

/* The semantic check; doc NULL: messages name bridge and port instead of a line. */
struct config_check {
    const struct config *c;
    struct config_doc *doc;
    struct errbuf *e;
    char path[CONFIG_PATH_MAX];  /* "bridges[0].ports[1]" */
    char about[CONFIG_PATH_MAX]; /* "port vm1", "bridge br0", "" */
};
/* Sets the message and returns -EINVAL. */
int config_refuse(struct config_check *k, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int config_check_all(struct config_check *k);
int config_check_name(struct config_check *k, const char *name);
int config_check_port(struct config_check *k, const struct config_bridge *b,
                      const struct config_port *p);
/* config_bond.c: keys of bonds; and what they say, for the datapath. */
int config_check_bond(struct config_check *k, const struct config_bridge *b,
                      const struct config_port *p);
void config_bond(const struct config_port *p, struct bond_config *out);
/* The bond of b that names the port as its member, or NULL. */
const struct config_port *config_bond_of(const struct config_bridge *b, const char *port);
/* config_vm.c: keys of VMs' ports. */
int config_check_vm(struct config_check *k, const struct config_bridge *b,
                    const struct config_port *p);
/* flows, groups, meters: lists that have commands of their own. */
bool config_is_of_list(const char *key);
/* config_vtep.c */
/* remote_ip: flow. */
bool config_remote_is_flow(const struct config_port *p);
int config_check_vteps(struct config_check *k);
int config_check_tunnel(struct config_check *k, const struct config_port *p);
struct config_vtep *config_vtep_copy(const struct config_vtep *v);
void config_vtep_free(struct config_vtep *v);
/* config_router.c */
int config_check_routers(struct config_check *k);
int config_check_interface(struct config_check *k, const struct config_port *p);
struct vrrp_config;
/* gateway_vrrp.c: false: an address doesn't parse. link and group are the caller's. */
bool config_vrrp(const struct config_vrrp *c, struct vrrp_config *out);
/* gateway_static.c: is that a gateway of this family, with interface and weight? */
bool config_route_via(const char *text, bool ip6);
/* Every flow, group and meter parses (config_flows.c). */
int config_check_flows(struct config_check *k, const struct config_bridge *b);

/* ---- config_text.c: values inside strings ---- */

/* "02:00:00:00:00:01" */
bool config_mac(const char *text, struct mac *out);
/* Adds "10" or "20-29" to a VLAN set. */
bool config_vlans(const char *text, uint64_t set[4096 / 64]);
bool config_dpid(const char *text, uint64_t *out);
/* "192.0.2.1" or "2001:db8::1"; with prefix not NULL also "/24". An IPv4 address lies in the first
 * four bytes. */
bool config_ip(const char *text, struct ip6 *out, bool *v6, uint8_t *prefix);

#endif
