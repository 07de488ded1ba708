/* base/limits.h: every table has a maximum, and here it is.
 *
 * Reaching one is a clean error (control, OpenFlow) or a named drop (packets).
 */
#ifndef WEFT_BASE_LIMITS_H
#define WEFT_BASE_LIMITS_H

enum {
    WEFT_NAME_MAX = 32,          /* bytes of a port's or bridge's name, NUL included */
    WEFT_PORTS_MAX = 4096,       /* ports of a switch, and of a bridge */
    WEFT_BRIDGES_MAX = 256,      /* bridges of a switch */
    WEFT_WORKERS_MAX = 64,       /* worker threads of a switch */
    WEFT_BURST = 32,             /* packets a stage sees at once */
    WEFT_TABLES = 254,           /* OpenFlow tables of a bridge: 0..253 */
    WEFT_FLOWS_MAX = 1000000,    /* rules of one OpenFlow table */
    WEFT_GROUPS_MAX = 65536,     /* groups of a bridge */
    WEFT_BUCKETS_MAX = 2048,     /* buckets of a group */
    WEFT_RESUBMIT_DEPTH = 64,    /* resubmits inside resubmits */
    WEFT_RESUBMITS_MAX = 4096,   /* resubmits of one packet */
    WEFT_STACK_MAX = 32,         /* values pushed and not popped yet, of one packet */
    WEFT_GROUP_DEPTH = 16,       /* groups that forward to groups */
    WEFT_GROUP_COPIES = 4096,    /* copies that groups make of one packet */
    WEFT_METERS_MAX = 65536,     /* meters of a bridge */
    WEFT_BANDS_MAX = 16,         /* bands of a meter */
    WEFT_FDB_DEFAULT = 8192,     /* MAC entries of a bridge unless configured */
    WEFT_FDB_MAX = 1 << 20,      /* and at the most */
    WEFT_FRAME_MAX = 65535 + 64, /* bytes of a frame, a GSO frame included */
    WEFT_MTU_MIN = 68,           /* RFC 791 */
    WEFT_MTU_MAX = 9216,
    WEFT_BONDS_MAX = 64,           /* bonds of a switch */
    WEFT_VTEPS_MAX = 64,           /* our VTEPs in a switch */
    WEFT_REMOTES_MAX = 4096,       /* remote VTEPs that a VNI floods to */
    WEFT_RECIRC_MAX = 8,           /* OFPP_TABLE and patch hops of one packet */
    WEFT_OF_BUFFERS = 256,         /* buffered packet-ins of a bridge */
    WEFT_CONTROLLERS_MAX = 16,     /* controller connections of a bridge */
    WEFT_NEWS_BYTES = 32 << 20,    /* flow-removeds that wait for a controller who does not read */
    WEFT_BUNDLES_MAX = 16,         /* open bundles of a controller connection */
    WEFT_BUNDLE_BYTES = 256 << 20, /* of messages in the bundles of a bridge; and of what to undo */
    WEFT_BUNDLE_IDLE_S = 10,       /* an open bundle that nothing happens to is discarded */
};

#endif
