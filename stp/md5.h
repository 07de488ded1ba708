/* stp/md5.h: MD5 and HMAC-MD5, because 13.8 wants them.
 *
 * RFC 1321 and RFC 2104, for the MST configuration digest: a fingerprint that neighbours
 * compare, not a secret. Pure, no state, any thread.
 */
#ifndef WEFT_STP_MD5_H
#define WEFT_STP_MD5_H

#include <stddef.h>
#include <stdint.h>

void md5(const void *data, size_t len, uint8_t digest[16]);
/* key of at most 64 bytes, data of at most 8192. */
void hmac_md5(const void *key, size_t key_len, const void *data, size_t len, uint8_t digest[16]);

#endif
