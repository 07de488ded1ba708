/* stp/bpdu.h: BPDUs, bytes <-> struct (IEEE 802.1Q-2018 clause 14).
 *
 * Four kinds: Configuration and TCN BPDUs of STP, RST BPDUs, MST BPDUs. Decoding follows 14.4: a
 * BPDU with a newer version than ours is read as the newest that we know, what is too short for its
 * type is refused, and a version 3 BPDU whose lengths don't add up is an RST BPDU. Times are whole
 * seconds here; the wire counts 1/256 s and is rounded. Pure.
 */
#ifndef WEFT_STP_BPDU_H
#define WEFT_STP_BPDU_H

#include "stp/stp.h"

enum bpdu_kind { BPDU_CONFIG, BPDU_TCN, BPDU_RST, BPDU_MST };

/* Flags (14.2.9 and figure 14-2). Config BPDUs have TC and TC_ACK only. */
enum bpdu_flag {
    BPDU_TC = 0x01,
    BPDU_PROPOSAL = 0x02,
    BPDU_ROLE = 0x0c,
    BPDU_LEARNING = 0x10,
    BPDU_FORWARDING = 0x20,
    BPDU_AGREEMENT = 0x40,
    BPDU_TC_ACK = 0x80, /* CIST */
    BPDU_MASTER = 0x80, /* MSTI */
};

/* Port roles inside BPDU_ROLE. */
enum bpdu_role {
    BPDU_ROLE_UNKNOWN = 0x00, /* in an MSTI's flags: Master Port */
    BPDU_ROLE_ALTERNATE = 0x04,
    BPDU_ROLE_ROOT = 0x08,
    BPDU_ROLE_DESIGNATED = 0x0c,
};

/* MST Configuration Identifier (13.8). */
struct bpdu_region {
    char name[STP_REGION_MAX]; /* zero-padded */
    uint16_t revision;
    uint8_t digest[16];
};

/* MSTI Configuration Message (14.4.1). */
struct bpdu_msti {
    uint8_t flags;
    uint64_t regional; /* MSTI Regional Root Identifier; bits 48..59 are the MSTID */
    uint32_t int_cost;
    uint8_t bridge_priority; /* upper 4 bits */
    uint8_t port_priority;   /* upper 4 bits */
    uint8_t hops;
};

struct bpdu {
    enum bpdu_kind kind;
    uint8_t flags;
    uint64_t root;
    uint32_t ext_cost;
    uint64_t regional; /* Config and RST: Bridge Identifier; MST: CIST Regional Root Identifier */
    uint16_t port;
    struct stp_times times; /* hops: MST only */
    struct bpdu_region region;
    uint32_t int_cost;
    uint64_t bridge;
    unsigned n_mstis;
    struct bpdu_msti msti[STP_MSTIS_MAX];
};

/* 0 or -EPROTO. Octets after a BPDU's end are ignored (14.4). */
int bpdu_decode(const void *pdu, size_t len, struct bpdu *b);
/* Writes b; returns its length, 4..STP_PDU_MAX. */
size_t bpdu_encode(const struct bpdu *b, uint8_t pdu[STP_PDU_MAX]);

#endif
