/* ofproto/model/text.h: what the files of the flow syntax share, and nobody else uses.
 *
 * A flow's text is cut into words without being copied: "key", "key=value", "key:value",
 * "key(value)". Match words may come in any order, while what a word means depends on others
 * (tp_src on tcp, nw_src on arp), so they are collected first and applied in stages: types, then
 * protocols, then ICMP types, then the rest. Each message shows the word that is wrong.
 */
#ifndef WEFT_OFPROTO_MODEL_TEXT_H
#define WEFT_OFPROTO_MODEL_TEXT_H

#include "base/strbuf.h"
#include "ofproto/model/model.h"

/* ---- text_word.c ---- */

struct word {
    const char *s;
    size_t n;
};

/* For printf("%.*s"), with a bound on what a message shows. */
#define WORD_ARG(w) ((w).n < 60 ? (int)(w).n : 60), (w).s

struct pair {
    struct word key, value, whole;
    struct word tail;         /* of "key(value)->tail" */
    bool has_value, unclosed; /* unclosed: a "(" without its ")" */
};

struct word word_of(const char *s);
bool word_is(struct word w, const char *s); /* letters of either case */
/* Cuts the next word off rest; false at the end. */
bool word_next(struct word *rest, struct pair *out);
/* Splits at the first `at`; false: w has none, *left is w. */
bool word_split(struct word w, const char *at, struct word *left, struct word *right);
/* Decimal or 0x, up to max. */
bool word_number(struct word w, uint64_t max, uint64_t *out);
/* Is s a typo or two away from w, and nearer than *best? Then it becomes the best. */
enum { WORD_FAR = 1000 }; /* *distance at first */
void word_nearer(struct word w, const char *s, unsigned *distance, const char **best);

/* ---- text_value.c ---- */

struct text {
    const struct ofm_names *names;
    struct ofw_arena *arena;
    struct errbuf *e;
};

/* "port vm1", "LOCAL", "3": false when there is none such. */
bool text_port(const struct text *t, struct word w, uint32_t *no);
/* One value of field f, as its slot holds it. -EINVAL with a message that begins with `at`. */
int text_value(const struct text *t, enum flow_field f, struct word w, struct word at,
               uint8_t value[16]);
/* "v" or "v/mask" ("/len" for addresses); mask all ones when there is none. */
int text_masked(const struct text *t, enum flow_field f, struct word w, struct word at,
                uint8_t value[16], uint8_t mask[16]);
void text_print_value(struct strbuf *b, enum flow_field f, const uint8_t *value,
                      const struct ofm_names *names);
/* "value", "value/mask" or "value/len" */
void text_print_masked(struct strbuf *b, enum flow_field f, const struct flow_match *m,
                       const struct ofm_names *names);
void text_print_port(struct strbuf *b, uint32_t no, const struct ofm_names *names);

/* ---- text_match.c ---- */

enum { TEXT_WORDS_MAX = 64 };

int text_match(const struct text *t, const struct pair *words, unsigned n, struct flow_match *m);
/* The field that a word means in set_field, given the match; false: none. */
bool text_field(struct word name, const struct flow_match *m, enum flow_field *f);
/* What field f requires, as words: "tcp". */
const char *text_needs(enum flow_field f);
/* The name by which ovs-ofctl prints f in set_field. */
const char *text_field_name(enum flow_field f);
void text_match_nearer(struct word w, unsigned *distance, const char **best);

/* ---- text_action.c ---- */

/* One action, appended to the arena (mod_vlan_vid of untagged frames: two). m: the match, NULL
 * for a packet-out. 1: it is none of the actions' words. */
int text_action(const struct text *t, const struct pair *p, const struct flow_match *m);
void text_action_nearer(struct word w, unsigned *distance, const char **best);

/* ---- text_flags.c: tcp_flags, nw_frag ---- */

int text_tcp_flags(const struct text *t, const struct pair *p, uint8_t value[16], uint8_t mask[16]);
int text_frag(const struct text *t, const struct pair *p, uint8_t value[16], uint8_t mask[16]);
void text_print_tcp_flags(struct strbuf *b, const struct flow_match *m);
void text_print_frag(struct strbuf *b, const struct flow_match *m);

/* ---- text_nicira.c, text_nicira_print.c: Nicira's actions (wire/nicira.h) ---- */

struct nx_sub;
/* "NXM_NX_REG0[0..15]", "reg0[0]", "eth_src" */
bool text_sub(struct word w, const struct flow_match *m, struct nx_sub *out);
void text_print_sub(struct strbuf *b, const struct nx_sub *s);
/* The action of this subtype, appended to the arena. */
int text_nicira(const struct text *t, uint16_t subtype, const struct pair *p,
                const struct flow_match *m);
int text_output_sub(const struct text *t, const struct pair *p, const struct flow_match *m);
int text_controller(const struct text *t, const struct pair *p);
int text_load_masked(const struct text *t, const struct pair *p, enum flow_field f,
                     const uint8_t *value, const uint8_t *mask);
void text_print_nicira(struct strbuf *b, const struct ofw_action *a, const struct ofm_names *names);
const char *text_hash_name(unsigned v);
const char *text_multipath_name(unsigned v);
const char *text_bundle_name(unsigned v);
const char *text_reason_name(unsigned v);

/* ---- text_list.c: lists of actions, instructions ---- */

/* What text may hold: such a flow still fits a message of OFPMP_FLOW. */
enum { TEXT_ACTIONS_MAX = 2048 };

/* The rest after "actions=". */
int text_instructions(const struct text *t, struct word rest, const struct flow_match *m,
                      struct ofw_instructions *out);
int text_actions(const struct text *t, struct word rest, const struct flow_match *m,
                 struct ofw_actions *out);

/* ---- text_print.c ---- */

void text_print_action(struct strbuf *b, const struct ofw_action *a, const struct ofm_names *names);

#endif
