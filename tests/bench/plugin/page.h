/* tests/bench/plugin/page.h: what the driver net_weftgen and its runner share.
 *
 * A file in /dev/shm, mapped by both: one `struct page_port` a port. Each group of fields has one
 * writer and cache lines of its own. tests/bench/page.py knows the same layout; page_version stands
 * for it.
 */
#ifndef WEFT_TESTS_BENCH_PAGE_H
#define WEFT_TESTS_BENCH_PAGE_H

#include <stdint.h>

enum {
    PAGE_VERSION = 0x57470001,
    PAGE_PORTS = 8,
    PAGE_TXQ = 16,
    PAGE_HIST = 1024, /* 16 steps to each doubling of nanoseconds */
};

enum page_flags {
    PAGE_LATENCY =
        1 << 0,          /* stamp the last 8 bytes of some on rx, read them on tx; 64-byte frames */
    PAGE_FRESH = 1 << 1, /* every pass over the frames adds one to the field at fresh_offset */
    PAGE_SUM = 1 << 2,   /* sum up a hash of each sent frame, whatever the order */
    PAGE_PATIENT = 1 << 3, /* at a rate: what isn't taken in time waits, none is missed */
};

/* By the runner, while `run` is 0. */
struct page_orders {
    uint32_t run;
    uint32_t flags;
    uint64_t rate;  /* frames a second; 0: as many as are asked for */
    uint64_t limit; /* then stop; 0: for ever */
    uint32_t load;  /* a new number: load the file at `path` */
    uint32_t start; /* a new number: counters of the pass (limit, rate) begin again */
    uint8_t pad[32];
};

/* By the thread that receives. */
struct page_rx {
    uint64_t packets, bytes;
    uint64_t nombuf; /* frames not made for want of mbufs */
    uint64_t missed; /* at a given rate: frames that came to a full ring of 1024 */
    uint32_t loaded; /* `load` that was followed; loaded_error: its errno */
    int32_t error;
    uint32_t started; /* `start` that was followed */
    uint32_t tid;     /* the thread that polls */
    uint64_t frames;  /* in the file that is loaded */
    uint64_t polls;   /* calls while running */
};

/* By the thread that sends on this queue. */
struct page_tx {
    uint64_t packets, bytes, sum;
    uint64_t pad[5];
};

struct page_port {
    struct page_orders orders;
    struct page_rx rx;
    struct page_tx tx[PAGE_TXQ];
    uint64_t hist[PAGE_HIST];
    char path[256];
};

struct page {
    uint32_t version, ports;
    uint64_t tsc_hz; /* by the driver */
    uint8_t pad[48];
    struct page_port port[PAGE_PORTS];
};

_Static_assert(sizeof(struct page_orders) == 64, "a cache line");
_Static_assert(sizeof(struct page_rx) == 64, "a cache line");
_Static_assert(sizeof(struct page_tx) == 64, "a cache line");
_Static_assert(sizeof(struct page) % 64 == 0, "whole cache lines");

/* A file of frames: this header, then `count` records of `stride` bytes. A record's last four bytes
 * are the frame's length without FCS (16 bits, host order) and two of padding; the bytes before it
 * are the frame's beginning. What a longer frame has beyond is filler that nobody reads. */
struct frames_header {
    char magic[8]; /* "WEFTGEN1" */
    uint32_t stride, fresh_offset;
    uint64_t count;
    uint8_t pad[40];
};
_Static_assert(sizeof(struct frames_header) == 64, "a cache line");

#endif
