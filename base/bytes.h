/* base/bytes.h: bounds-checked readers and writers for wire bytes.
 *
 * A reader walks a byte range that somebody else owns. Reading past the end
 * yields zeros and sets `bad`, once and for good, so that a decoder can read a
 * whole struct straight down and test `bad` a single time at the end. A
 * writer is its mirror: writing past the end writes nothing and sets `bad`,
 * while `len` goes on counting, so the caller learns the size it would have
 * needed. Neither allocates. Any thread.
 */
#ifndef WEFT_BASE_BYTES_H
#define WEFT_BASE_BYTES_H

#include "base/types.h"

struct reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

struct writer {
    uint8_t *buf;
    size_t cap;
    size_t len; /* bytes written, or wanted when bad */
    bool bad;
};

static inline struct reader reader_of(const void *p, size_t len)
{
    return (struct reader){.p = p, .left = len, .bad = false};
}

/* The next n bytes, or NULL (and bad) when fewer are left. */
static inline const uint8_t *read_bytes(struct reader *r, size_t n)
{
    if (r->bad || r->left < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

static inline void read_into(struct reader *r, void *to, size_t n)
{
    const uint8_t *p = read_bytes(r, n);
    if (p)
        memcpy(to, p, n);
    else
        memset(to, 0, n);
}

static inline void read_skip(struct reader *r, size_t n) { (void)read_bytes(r, n); }

/* Host-order integers. */
static inline uint8_t read_u8(struct reader *r)
{
    uint8_t v;
    read_into(r, &v, sizeof v);
    return v;
}
static inline uint16_t read_u16(struct reader *r)
{
    be16 v;
    read_into(r, &v, sizeof v);
    return from_be16(v);
}
static inline uint32_t read_u32(struct reader *r)
{
    be32 v;
    read_into(r, &v, sizeof v);
    return from_be32(v);
}
static inline uint64_t read_u64(struct reader *r)
{
    be64 v;
    read_into(r, &v, sizeof v);
    return from_be64(v);
}

/* A reader over the next n bytes, which the outer one skips. */
static inline struct reader read_sub(struct reader *r, size_t n)
{
    const uint8_t *p = read_bytes(r, n);
    return p ? reader_of(p, n) : (struct reader){.p = NULL, .left = 0, .bad = true};
}

static inline struct writer writer_of(void *buf, size_t cap)
{
    return (struct writer){.buf = buf, .cap = cap, .len = 0, .bad = false};
}

/* Room for n bytes, zeroed, or NULL (and bad) when the buffer is full. */
static inline uint8_t *write_room(struct writer *w, size_t n)
{
    size_t at = w->len;
    w->len += n;
    if (w->bad || w->cap < w->len) {
        w->bad = true;
        return NULL;
    }
    memset(w->buf + at, 0, n);
    return w->buf + at;
}

static inline void write_bytes(struct writer *w, const void *from, size_t n)
{
    uint8_t *p = write_room(w, n);
    if (p)
        memcpy(p, from, n);
}

static inline void write_zeros(struct writer *w, size_t n) { (void)write_room(w, n); }
static inline void write_u8(struct writer *w, uint8_t v) { write_bytes(w, &v, sizeof v); }
static inline void write_u16(struct writer *w, uint16_t v)
{
    be16 x = to_be16(v);
    write_bytes(w, &x, sizeof x);
}
static inline void write_u32(struct writer *w, uint32_t v)
{
    be32 x = to_be32(v);
    write_bytes(w, &x, sizeof x);
}
static inline void write_u64(struct writer *w, uint64_t v)
{
    be64 x = to_be64(v);
    write_bytes(w, &x, sizeof x);
}

/* Overwrites a 16-bit length field written earlier at offset `at`. */
static inline void write_patch_u16(struct writer *w, size_t at, uint16_t v)
{
    be16 x = to_be16(v);
    if (!w->bad && at + sizeof x <= w->len)
        memcpy(w->buf + at, &x, sizeof x);
}

/* Zeros up to the next multiple of `align` counted from offset `from`. */
static inline void write_pad(struct writer *w, size_t from, size_t align)
{
    size_t over = (w->len - from) % align;
    if (over)
        write_zeros(w, align - over);
}

#endif
