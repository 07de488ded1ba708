/* Names for the log and weftctl: the specification's own. */
#include "ofproto/wire/wire.h"

#define NAMES(array) .n = sizeof array / sizeof *array, .name = array

static const char *const hfc[] = {[OFPHFC_INCOMPATIBLE] = "OFPET_HELLO_FAILED/OFPHFC_INCOMPATIBLE",
                                  [OFPHFC_EPERM] = "OFPET_HELLO_FAILED/OFPHFC_EPERM"};
static const char *const brc[] = {[OFPBRC_BAD_VERSION] = "OFPET_BAD_REQUEST/OFPBRC_BAD_VERSION",
                                  [OFPBRC_BAD_TYPE] = "OFPET_BAD_REQUEST/OFPBRC_BAD_TYPE",
                                  [OFPBRC_BAD_MULTIPART] = "OFPET_BAD_REQUEST/OFPBRC_BAD_MULTIPART",
                                  [OFPBRC_BAD_EXPERIMENTER] =
                                      "OFPET_BAD_REQUEST/OFPBRC_BAD_EXPERIMENTER",
                                  [OFPBRC_BAD_EXP_TYPE] = "OFPET_BAD_REQUEST/OFPBRC_BAD_EXP_TYPE",
                                  [OFPBRC_EPERM] = "OFPET_BAD_REQUEST/OFPBRC_EPERM",
                                  [OFPBRC_BAD_LEN] = "OFPET_BAD_REQUEST/OFPBRC_BAD_LEN",
                                  [OFPBRC_BUFFER_EMPTY] = "OFPET_BAD_REQUEST/OFPBRC_BUFFER_EMPTY",
                                  [OFPBRC_BUFFER_UNKNOWN] =
                                      "OFPET_BAD_REQUEST/OFPBRC_BUFFER_UNKNOWN",
                                  [OFPBRC_BAD_TABLE_ID] = "OFPET_BAD_REQUEST/OFPBRC_BAD_TABLE_ID",
                                  [OFPBRC_IS_SLAVE] = "OFPET_BAD_REQUEST/OFPBRC_IS_SLAVE",
                                  [OFPBRC_BAD_PORT] = "OFPET_BAD_REQUEST/OFPBRC_BAD_PORT",
                                  [OFPBRC_BAD_PACKET] = "OFPET_BAD_REQUEST/OFPBRC_BAD_PACKET",
                                  [OFPBRC_MULTIPART_BUFFER_OVERFLOW] =
                                      "OFPET_BAD_REQUEST/OFPBRC_MULTIPART_BUFFER_OVERFLOW"};
static const char *const bac[] =
    {[OFPBAC_BAD_TYPE] = "OFPET_BAD_ACTION/OFPBAC_BAD_TYPE",
     [OFPBAC_BAD_LEN] = "OFPET_BAD_ACTION/OFPBAC_BAD_LEN",
     [OFPBAC_BAD_EXPERIMENTER] = "OFPET_BAD_ACTION/OFPBAC_BAD_EXPERIMENTER",
     [OFPBAC_BAD_EXP_TYPE] = "OFPET_BAD_ACTION/OFPBAC_BAD_EXP_TYPE",
     [OFPBAC_BAD_OUT_PORT] = "OFPET_BAD_ACTION/OFPBAC_BAD_OUT_PORT",
     [OFPBAC_BAD_ARGUMENT] = "OFPET_BAD_ACTION/OFPBAC_BAD_ARGUMENT",
     [OFPBAC_EPERM] = "OFPET_BAD_ACTION/OFPBAC_EPERM",
     [OFPBAC_TOO_MANY] = "OFPET_BAD_ACTION/OFPBAC_TOO_MANY",
     [OFPBAC_BAD_QUEUE] = "OFPET_BAD_ACTION/OFPBAC_BAD_QUEUE",
     [OFPBAC_BAD_OUT_GROUP] = "OFPET_BAD_ACTION/OFPBAC_BAD_OUT_GROUP",
     [OFPBAC_MATCH_INCONSISTENT] = "OFPET_BAD_ACTION/OFPBAC_MATCH_INCONSISTENT",
     [OFPBAC_UNSUPPORTED_ORDER] = "OFPET_BAD_ACTION/OFPBAC_UNSUPPORTED_ORDER",
     [OFPBAC_BAD_TAG] = "OFPET_BAD_ACTION/OFPBAC_BAD_TAG",
     [OFPBAC_BAD_SET_TYPE] = "OFPET_BAD_ACTION/OFPBAC_BAD_SET_TYPE",
     [OFPBAC_BAD_SET_LEN] = "OFPET_BAD_ACTION/OFPBAC_BAD_SET_LEN",
     [OFPBAC_BAD_SET_ARGUMENT] = "OFPET_BAD_ACTION/OFPBAC_BAD_SET_ARGUMENT"};
static const char *const bic[] =
    {[OFPBIC_UNKNOWN_INST] = "OFPET_BAD_INSTRUCTION/OFPBIC_UNKNOWN_INST",
     [OFPBIC_UNSUP_INST] = "OFPET_BAD_INSTRUCTION/OFPBIC_UNSUP_INST",
     [OFPBIC_BAD_TABLE_ID] = "OFPET_BAD_INSTRUCTION/OFPBIC_BAD_TABLE_ID",
     [OFPBIC_UNSUP_METADATA] = "OFPET_BAD_INSTRUCTION/OFPBIC_UNSUP_METADATA",
     [OFPBIC_UNSUP_METADATA_MASK] = "OFPET_BAD_INSTRUCTION/OFPBIC_UNSUP_METADATA_MASK",
     [OFPBIC_BAD_EXPERIMENTER] = "OFPET_BAD_INSTRUCTION/OFPBIC_BAD_EXPERIMENTER",
     [OFPBIC_BAD_EXP_TYPE] = "OFPET_BAD_INSTRUCTION/OFPBIC_BAD_EXP_TYPE",
     [OFPBIC_BAD_LEN] = "OFPET_BAD_INSTRUCTION/OFPBIC_BAD_LEN",
     [OFPBIC_EPERM] = "OFPET_BAD_INSTRUCTION/OFPBIC_EPERM",
     [OFPBIC_DUP_INST] = "OFPET_BAD_INSTRUCTION/OFPBIC_DUP_INST"};
static const char *const bmc[] = {[OFPBMC_BAD_TYPE] = "OFPET_BAD_MATCH/OFPBMC_BAD_TYPE",
                                  [OFPBMC_BAD_LEN] = "OFPET_BAD_MATCH/OFPBMC_BAD_LEN",
                                  [OFPBMC_BAD_TAG] = "OFPET_BAD_MATCH/OFPBMC_BAD_TAG",
                                  [OFPBMC_BAD_DL_ADDR_MASK] =
                                      "OFPET_BAD_MATCH/OFPBMC_BAD_DL_ADDR_MASK",
                                  [OFPBMC_BAD_NW_ADDR_MASK] =
                                      "OFPET_BAD_MATCH/OFPBMC_BAD_NW_ADDR_MASK",
                                  [OFPBMC_BAD_WILDCARDS] = "OFPET_BAD_MATCH/OFPBMC_BAD_WILDCARDS",
                                  [OFPBMC_BAD_FIELD] = "OFPET_BAD_MATCH/OFPBMC_BAD_FIELD",
                                  [OFPBMC_BAD_VALUE] = "OFPET_BAD_MATCH/OFPBMC_BAD_VALUE",
                                  [OFPBMC_BAD_MASK] = "OFPET_BAD_MATCH/OFPBMC_BAD_MASK",
                                  [OFPBMC_BAD_PREREQ] = "OFPET_BAD_MATCH/OFPBMC_BAD_PREREQ",
                                  [OFPBMC_DUP_FIELD] = "OFPET_BAD_MATCH/OFPBMC_DUP_FIELD",
                                  [OFPBMC_EPERM] = "OFPET_BAD_MATCH/OFPBMC_EPERM"};
static const char *const fmfc[] =
    {[OFPFMFC_UNKNOWN] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_UNKNOWN",
     [OFPFMFC_TABLE_FULL] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_TABLE_FULL",
     [OFPFMFC_BAD_TABLE_ID] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID",
     [OFPFMFC_OVERLAP] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_OVERLAP",
     [OFPFMFC_EPERM] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_EPERM",
     [OFPFMFC_BAD_TIMEOUT] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TIMEOUT",
     [OFPFMFC_BAD_COMMAND] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_COMMAND",
     [OFPFMFC_BAD_FLAGS] = "OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_FLAGS"};
static const char *const gmfc[] =
    {[OFPGMFC_GROUP_EXISTS] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_GROUP_EXISTS",
     [OFPGMFC_INVALID_GROUP] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_INVALID_GROUP",
     [OFPGMFC_WEIGHT_UNSUPPORTED] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_WEIGHT_UNSUPPORTED",
     [OFPGMFC_OUT_OF_GROUPS] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_OUT_OF_GROUPS",
     [OFPGMFC_OUT_OF_BUCKETS] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_OUT_OF_BUCKETS",
     [OFPGMFC_CHAINING_UNSUPPORTED] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_CHAINING_UNSUPPORTED",
     [OFPGMFC_WATCH_UNSUPPORTED] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_WATCH_UNSUPPORTED",
     [OFPGMFC_LOOP] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_LOOP",
     [OFPGMFC_UNKNOWN_GROUP] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_UNKNOWN_GROUP",
     [OFPGMFC_CHAINED_GROUP] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_CHAINED_GROUP",
     [OFPGMFC_BAD_TYPE] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_BAD_TYPE",
     [OFPGMFC_BAD_COMMAND] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_BAD_COMMAND",
     [OFPGMFC_BAD_BUCKET] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_BAD_BUCKET",
     [OFPGMFC_BAD_WATCH] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_BAD_WATCH",
     [OFPGMFC_EPERM] = "OFPET_GROUP_MOD_FAILED/OFPGMFC_EPERM"};
static const char *const pmfc[] = {[OFPPMFC_BAD_PORT] = "OFPET_PORT_MOD_FAILED/OFPPMFC_BAD_PORT",
                                   [OFPPMFC_BAD_HW_ADDR] =
                                       "OFPET_PORT_MOD_FAILED/OFPPMFC_BAD_HW_ADDR",
                                   [OFPPMFC_BAD_CONFIG] =
                                       "OFPET_PORT_MOD_FAILED/OFPPMFC_BAD_CONFIG",
                                   [OFPPMFC_BAD_ADVERTISE] =
                                       "OFPET_PORT_MOD_FAILED/OFPPMFC_BAD_ADVERTISE",
                                   [OFPPMFC_EPERM] = "OFPET_PORT_MOD_FAILED/OFPPMFC_EPERM"};
static const char *const tmfc[] = {[OFPTMFC_BAD_TABLE] = "OFPET_TABLE_MOD_FAILED/OFPTMFC_BAD_TABLE",
                                   [OFPTMFC_BAD_CONFIG] =
                                       "OFPET_TABLE_MOD_FAILED/OFPTMFC_BAD_CONFIG",
                                   [OFPTMFC_EPERM] = "OFPET_TABLE_MOD_FAILED/OFPTMFC_EPERM"};
static const char *const qofc[] = {[OFPQOFC_BAD_PORT] = "OFPET_QUEUE_OP_FAILED/OFPQOFC_BAD_PORT",
                                   [OFPQOFC_BAD_QUEUE] = "OFPET_QUEUE_OP_FAILED/OFPQOFC_BAD_QUEUE",
                                   [OFPQOFC_EPERM] = "OFPET_QUEUE_OP_FAILED/OFPQOFC_EPERM"};
static const char *const scfc[] = {[OFPSCFC_BAD_FLAGS] =
                                       "OFPET_SWITCH_CONFIG_FAILED/OFPSCFC_BAD_FLAGS",
                                   [OFPSCFC_BAD_LEN] = "OFPET_SWITCH_CONFIG_FAILED/OFPSCFC_BAD_LEN",
                                   [OFPSCFC_EPERM] = "OFPET_SWITCH_CONFIG_FAILED/OFPSCFC_EPERM"};
static const char *const rrfc[] = {[OFPRRFC_STALE] = "OFPET_ROLE_REQUEST_FAILED/OFPRRFC_STALE",
                                   [OFPRRFC_UNSUP] = "OFPET_ROLE_REQUEST_FAILED/OFPRRFC_UNSUP",
                                   [OFPRRFC_BAD_ROLE] =
                                       "OFPET_ROLE_REQUEST_FAILED/OFPRRFC_BAD_ROLE"};
static const char *const mmfc[] =
    {[OFPMMFC_UNKNOWN] = "OFPET_METER_MOD_FAILED/OFPMMFC_UNKNOWN",
     [OFPMMFC_METER_EXISTS] = "OFPET_METER_MOD_FAILED/OFPMMFC_METER_EXISTS",
     [OFPMMFC_INVALID_METER] = "OFPET_METER_MOD_FAILED/OFPMMFC_INVALID_METER",
     [OFPMMFC_UNKNOWN_METER] = "OFPET_METER_MOD_FAILED/OFPMMFC_UNKNOWN_METER",
     [OFPMMFC_BAD_COMMAND] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_COMMAND",
     [OFPMMFC_BAD_FLAGS] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_FLAGS",
     [OFPMMFC_BAD_RATE] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_RATE",
     [OFPMMFC_BAD_BURST] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_BURST",
     [OFPMMFC_BAD_BAND] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_BAND",
     [OFPMMFC_BAD_BAND_VALUE] = "OFPET_METER_MOD_FAILED/OFPMMFC_BAD_BAND_VALUE",
     [OFPMMFC_OUT_OF_METERS] = "OFPET_METER_MOD_FAILED/OFPMMFC_OUT_OF_METERS",
     [OFPMMFC_OUT_OF_BANDS] = "OFPET_METER_MOD_FAILED/OFPMMFC_OUT_OF_BANDS"};

static const struct {
    size_t n;
    const char *const *name;
} errors[] = {
    [OFPET_HELLO_FAILED] = {NAMES(hfc)},
    [OFPET_BAD_REQUEST] = {NAMES(brc)},
    [OFPET_BAD_ACTION] = {NAMES(bac)},
    [OFPET_BAD_INSTRUCTION] = {NAMES(bic)},
    [OFPET_BAD_MATCH] = {NAMES(bmc)},
    [OFPET_FLOW_MOD_FAILED] = {NAMES(fmfc)},
    [OFPET_GROUP_MOD_FAILED] = {NAMES(gmfc)},
    [OFPET_PORT_MOD_FAILED] = {NAMES(pmfc)},
    [OFPET_TABLE_MOD_FAILED] = {NAMES(tmfc)},
    [OFPET_QUEUE_OP_FAILED] = {NAMES(qofc)},
    [OFPET_SWITCH_CONFIG_FAILED] = {NAMES(scfc)},
    [OFPET_ROLE_REQUEST_FAILED] = {NAMES(rrfc)},
    [OFPET_METER_MOD_FAILED] = {NAMES(mmfc)},
};

const char *ofw_error_name(uint16_t type, uint16_t code)
{
    if (type >= sizeof errors / sizeof *errors || code >= errors[type].n)
        return "unknown error";
    return errors[type].name[code];
}

static const char *const types[] = {[OFPT_HELLO] = "OFPT_HELLO",
                                    [OFPT_ERROR] = "OFPT_ERROR",
                                    [OFPT_ECHO_REQUEST] = "OFPT_ECHO_REQUEST",
                                    [OFPT_ECHO_REPLY] = "OFPT_ECHO_REPLY",
                                    [OFPT_EXPERIMENTER] = "OFPT_EXPERIMENTER",
                                    [OFPT_FEATURES_REQUEST] = "OFPT_FEATURES_REQUEST",
                                    [OFPT_FEATURES_REPLY] = "OFPT_FEATURES_REPLY",
                                    [OFPT_GET_CONFIG_REQUEST] = "OFPT_GET_CONFIG_REQUEST",
                                    [OFPT_GET_CONFIG_REPLY] = "OFPT_GET_CONFIG_REPLY",
                                    [OFPT_SET_CONFIG] = "OFPT_SET_CONFIG",
                                    [OFPT_PACKET_IN] = "OFPT_PACKET_IN",
                                    [OFPT_FLOW_REMOVED] = "OFPT_FLOW_REMOVED",
                                    [OFPT_PORT_STATUS] = "OFPT_PORT_STATUS",
                                    [OFPT_PACKET_OUT] = "OFPT_PACKET_OUT",
                                    [OFPT_FLOW_MOD] = "OFPT_FLOW_MOD",
                                    [OFPT_GROUP_MOD] = "OFPT_GROUP_MOD",
                                    [OFPT_PORT_MOD] = "OFPT_PORT_MOD",
                                    [OFPT_TABLE_MOD] = "OFPT_TABLE_MOD",
                                    [OFPT_MULTIPART_REQUEST] = "OFPT_MULTIPART_REQUEST",
                                    [OFPT_MULTIPART_REPLY] = "OFPT_MULTIPART_REPLY",
                                    [OFPT_BARRIER_REQUEST] = "OFPT_BARRIER_REQUEST",
                                    [OFPT_BARRIER_REPLY] = "OFPT_BARRIER_REPLY",
                                    [OFPT_QUEUE_GET_CONFIG_REQUEST] =
                                        "OFPT_QUEUE_GET_CONFIG_REQUEST",
                                    [OFPT_QUEUE_GET_CONFIG_REPLY] = "OFPT_QUEUE_GET_CONFIG_REPLY",
                                    [OFPT_ROLE_REQUEST] = "OFPT_ROLE_REQUEST",
                                    [OFPT_ROLE_REPLY] = "OFPT_ROLE_REPLY",
                                    [OFPT_GET_ASYNC_REQUEST] = "OFPT_GET_ASYNC_REQUEST",
                                    [OFPT_GET_ASYNC_REPLY] = "OFPT_GET_ASYNC_REPLY",
                                    [OFPT_SET_ASYNC] = "OFPT_SET_ASYNC",
                                    [OFPT_METER_MOD] = "OFPT_METER_MOD"};

const char *ofw_type_name(uint8_t type)
{
    return type < sizeof types / sizeof *types ? types[type] : "unknown type";
}
