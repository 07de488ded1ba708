/* lacp/pdu.h: LACPDUs and Marker PDUs, bytes <-> structs (6.4.2, 6.5.3).
 *
 * Both begin with the Slow Protocols subtype and are 110 bytes. A version 1 receiver looks at
 * neither the version, nor the TLV types, nor reserved fields of what a later version sends
 * (6.4.2.3, 6.4.12): the Actor, Partner and Collector are where they always were. Their lengths are
 * checked, since a wrong one means that the fields aren't there. Later versions append TLVs: those
 * of version 2 that we know are noted, the others skipped, and a malformed tail spoils nothing.
 * Pure, no state.
 */
#ifndef WEFT_LACP_PDU_H
#define WEFT_LACP_PDU_H

#include "lacp/lacp.h"

enum { LACP_SUBTYPE = 1, LACP_SUBTYPE_MARKER = 2 };
enum { MARKER_INFORMATION = 1, MARKER_RESPONSE = 2 };

struct lacp_pdu {
    uint8_t version;
    struct lacp_info actor, partner;
    uint16_t max_delay; /* Collector_Max_Delay, tens of microseconds */
    bool has_algorithm; /* version 2: Port Algorithm TLV, 6.4.2.4.1 */
    uint32_t algorithm;
    uint16_t unknown_tlvs;
};

struct marker_pdu {
    uint8_t type; /* MARKER_INFORMATION or MARKER_RESPONSE */
    uint16_t port;
    struct mac system;
    uint32_t transaction;
};

/* 0, or -EPROTO: too short, or a length is wrong. The subtype is the caller's to have read. */
int lacp_pdu_read(const void *pdu, size_t len, struct lacp_pdu *out);
int marker_pdu_read(const void *pdu, size_t len, struct marker_pdu *out);
/* Exactly LACP_PDU_LEN bytes; lacp_pdu_write() writes version 1. */
void lacp_pdu_write(const struct lacp_pdu *p, uint8_t out[LACP_PDU_LEN]);
void marker_pdu_write(const struct marker_pdu *p, uint8_t out[LACP_PDU_LEN]);

#endif
