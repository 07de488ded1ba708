/* control/tls.h: the keys that controllers' TLS connections are made with.
 *
 * One private key and certificate for weftd, one file of authorities that controllers' certificates
 * must descend from: both sides show one, or there is no connection. TLS 1.2 and up. The files are
 * looked at again for each connection, so that a renewed certificate is used from the next one on,
 * without a reload; while they can't be read, the last ones that could are used. Control thread.
 */
#ifndef WEFT_CONTROL_TLS_H
#define WEFT_CONTROL_TLS_H

#include "base/errbuf.h"
#include "control/config.h"

typedef struct ssl_st SSL;
struct tls;

/* NULL: no memory. */
struct tls *tls_create(void);
void tls_free(struct tls *t);
/* A connection yet to be made; NULL with a message: the files are missing or wrong. */
SSL *tls_connection(struct tls *t, const struct config_tls *c, struct errbuf *e);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384, CN=controller" */
void tls_describe(const SSL *s, char *out, size_t size);

#endif
