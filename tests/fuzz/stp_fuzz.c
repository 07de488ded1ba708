/* A bridge with three ports and two instances that hears anything: records of one byte what, one
 * byte how long, then that many bytes. After each the machines are at rest, and BPDUs that it sends
 * can be read. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "stp/bpdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stp *make(uint8_t how)
{
    static const enum stp_version version[] = {STP_VERSION_STP, STP_VERSION_RSTP, STP_VERSION_MSTP,
                                               STP_VERSION_MSTP};
    struct stp_config c;
    struct stp_port_config pc;
    struct stp_link up = {.up = true, .full_duplex = true, .speed_mbps = 1000};
    struct stp *s;
    stp_config_default(&c);
    stp_port_config_default(&pc);
    c.version = version[how & 3];
    c.mac = mac_from_u64(0x020000000001);
    if (c.version == STP_VERSION_MSTP) {
        c.n_mstis = 2;
        c.msti[0] = (struct stp_msti_config){1, 4096};
        c.msti[1] = (struct stp_msti_config){2, 8192};
    }
    pc.loop_guard = how & 4;
    pc.network = how & 8;
    pc.auto_edge = !pc.network;
    weft_assert(stp_create(&c, 0, &s, NULL) == 0);
    for (unsigned p = 1; p <= 3; p++) {
        weft_assert(stp_port_add(s, p, &pc, 0, NULL) == 0);
        stp_link(s, p, &up, 0);
    }
    return s;
}

/* What we send is well-formed. A Configuration BPDU may be as old as it can get: it is sent
 * all the same (802.1D-2004, 17.21.20), and the next bridge discards it (9.3.4). */
static bool is_sound(const struct stp_action *a)
{
    struct bpdu b;
    int r = bpdu_decode(a->pdu, a->len, &b);
    return r == 0 || (b.kind == BPDU_CONFIG && b.times.message_age == b.times.max_age);
}

static void drain(struct stp *s)
{
    struct stp_action a;
    weft_assert(stp_at_rest(s));
    while (stp_poll(s, &a))
        if (a.kind == STP_ACT_SEND)
            weft_assert(is_sound(&a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct stp *s = make(data[0]);
    nsec_t now = 0;
    for (size_t at = 1; at + 2 <= size;) {
        uint8_t what = data[at], len = data[at + 1];
        at += 2;
        size_t n = len < size - at ? len : size - at;
        if (what < 0xc0) {
            stp_rx(s, 1 + what % 3, data + at, n, now);
            at += n;
        } else if (what < 0xf0) {
            stp_tick(s, now = stp_deadline(s));
        } else {
            struct stp_link l = {.up = what & 1, .full_duplex = what & 2, .speed_mbps = 1000};
            stp_link(s, 1 + what % 3, &l, now);
        }
        drain(s);
    }
    stp_free(s);
    return 0;
}
