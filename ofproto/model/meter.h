/* ofproto/model/meter.h: the meters of one bridge, as OpenFlow means them (1.3.5, 5.7, 6.6).
 *
 * As with groups: a flow that names a meter that does not exist is refused
 * (OFPMMFC_INVALID_METER), and deleting a meter deletes the flows that name it. Counters of what a
 * meter let in and of what each band took are ids like a flow's. Reached through struct ofm;
 * control thread.
 */
#ifndef WEFT_OFPROTO_MODEL_METER_H
#define WEFT_OFPROTO_MODEL_METER_H

#include "ofproto/model/group.h"
#include "ofproto/wire/meter.h"

struct ofm_meter {
    uint32_t id;
    uint16_t flags, n;
    bool persistent;  /* came from configuration or weftctl */
    uint64_t version; /* changes with the meter; never reused in a model */
    nsec_t created_ns;
    uint32_t flows; /* how many name it */
    struct ofm_count count;
    struct ofw_band band[WEFT_BANDS_MAX];
    struct ofm_count band_count[WEFT_BANDS_MAX];
};

/* ADD, MODIFY, DELETE; all or nothing: on -1 nothing changed and *e says why. */
int ofm_meter_mod(struct ofm *m, const struct ofw_meter_mod *mod, bool persistent, nsec_t now,
                  struct ofw_error *e);
const struct ofm_meter *ofm_meter(const struct ofm *m, uint32_t id);
uint32_t ofm_meter_count(const struct ofm *m);
/* In order of their numbers, i < ofm_meter_count(). */
const struct ofm_meter *ofm_meter_at(const struct ofm *m, uint32_t i);
/* Grows with each change of any meter. */
uint64_t ofm_meter_version(const struct ofm *m);
void ofm_meter_stats(const struct ofm *m, const struct ofm_meter *t, nsec_t now,
                     struct ofw_meter_stats *out);
/* As the meter-mod that would make it. */
struct ofw_meter_mod ofm_meter_config(const struct ofm_meter *t);

/* ---- text_meter.c: as ovs-ofctl writes them ---- */

/* "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=100". For DELETE only the number
 * ("meter=all", or nothing, means all). bands has room for WEFT_BANDS_MAX. 0, or -EINVAL with a
 * message. */
int ofm_meter_parse(const char *text, enum ofw_meter_command command, struct ofw_band *bands,
                    struct ofw_meter_mod *out, struct errbuf *e);
void ofm_meter_print(struct strbuf *b, const struct ofw_meter_mod *m);

#endif
