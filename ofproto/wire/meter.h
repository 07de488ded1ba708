/* ofproto/wire/meter.h: meters in messages (1.3.5, 7.3.4.4 and 7.3.5.10-12).
 *
 * As with groups, a decoder never allocates: bands go to the caller's array. Rates are in kb/s
 * (1000 bits) or packets/s, bursts in kb or packets, as the meter's flags say.
 */
#ifndef WEFT_OFPROTO_WIRE_METER_H
#define WEFT_OFPROTO_WIRE_METER_H

#include "base/limits.h"
#include "ofproto/wire/msg.h"

#define OFPM_MAX        0xffff0000u
#define OFPM_SLOWPATH   0xfffffffdu
#define OFPM_CONTROLLER 0xfffffffeu
#define OFPM_ALL        0xffffffffu

enum ofw_meter_command { OFPMC_ADD, OFPMC_MODIFY, OFPMC_DELETE };
enum { OFPMF_KBPS = 1, OFPMF_PKTPS = 2, OFPMF_BURST = 4, OFPMF_STATS = 8 };
enum { OFPMBT_DROP = 1, OFPMBT_DSCP_REMARK = 2, OFPMBT_EXPERIMENTER = 0xffff };

struct ofw_band {
    uint16_t type;
    uint32_t rate, burst;
    uint8_t prec_level; /* DSCP_REMARK: by how much the drop precedence rises */
};

struct ofw_meter_mod {
    uint16_t command; /* enum ofw_meter_command */
    uint16_t flags;
    uint32_t id;
    uint16_t n;
    const struct ofw_band *bands;
};

/* bands has room for WEFT_BANDS_MAX; a message with more is refused (OUT_OF_BANDS). */
int ofw_meter_mod_decode(struct reader r, struct ofw_band *bands, struct ofw_meter_mod *out,
                         struct ofw_error *e);
/* What a meter-mod can get wrong on its own: command, number, flags, bands. */
int ofw_meter_mod_check(const struct ofw_meter_mod *m, struct ofw_error *e);

struct ofw_meter_stats {
    uint32_t id, flows;
    uint64_t packets, bytes;
    nsec_t duration_ns;
    uint16_t n;
    struct {
        uint64_t packets, bytes;
    } bands[WEFT_BANDS_MAX];
};

struct ofw_meter_features {
    uint32_t max_meter, band_types, capabilities;
    uint8_t max_bands, max_color;
};

void ofw_meter_stats_encode(struct writer *w, const struct ofw_meter_stats *s);
/* A configuration: what the meter-mod that made it would say. */
void ofw_meter_config_encode(struct writer *w, const struct ofw_meter_mod *m);
void ofw_meter_features_encode(struct writer *w, const struct ofw_meter_features *f);
/* A request, for tests and tools. */
void ofw_meter_mod_encode(struct writer *w, uint32_t xid, const struct ofw_meter_mod *m);

#endif
