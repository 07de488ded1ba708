/* control/tls.c: OpenSSL's context, made anew when a file has changed. */
#include "control/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES = 3 };

/* What tells a file from the one that was there before. */
struct stamp {
    char path[256];
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

struct tls {
    SSL_CTX *ctx; /* NULL: none could be made yet */
    struct stamp stamp[FILES];
};

struct tls *tls_create(void) { return calloc(1, sizeof(struct tls)); }

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

static const char *openssl_says(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return text ? text : "OpenSSL doesn't say why";
}

static int take_stamps(const struct config_tls *c, struct stamp out[FILES], struct errbuf *e)
{
    const char *paths[FILES] = {c->private_key, c->certificate, c->ca_cert};
    memset(out, 0, FILES * sizeof *out);
    for (unsigned i = 0; i < FILES; i++) {
        struct stat st;
        if (!paths[i])
            return errbuf_set(
                e, EINVAL, "tls: give private_key, certificate and ca_cert for ssl: controllers");
        if (stat(paths[i], &st) < 0)
            return errbuf_set(e, errno, "tls: %s: %s", paths[i], strerror(errno));
        snprintf(out[i].path, sizeof out[i].path, "%s", paths[i]);
        out[i].dev = st.st_dev;
        out[i].ino = st.st_ino;
        out[i].size = st.st_size;
        out[i].changed = st.st_mtim;
    }
    return 0;
}

static int load(SSL_CTX *ctx, const struct config_tls *c, struct errbuf *e)
{
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (SSL_CTX_use_certificate_chain_file(ctx, c->certificate) != 1)
        return errbuf_set(e, EINVAL, "tls: certificate %s: %s", c->certificate, openssl_says());
    if (SSL_CTX_use_PrivateKey_file(ctx, c->private_key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return errbuf_set(e, EINVAL, "tls: private_key %s: %s", c->private_key, openssl_says());
    if (SSL_CTX_load_verify_locations(ctx, c->ca_cert, NULL) != 1)
        return errbuf_set(e, EINVAL, "tls: ca_cert %s: %s", c->ca_cert, openssl_says());
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(c->ca_cert));
    return 0;
}

/* Makes the context follow the files. */
static int refresh(struct tls *t, const struct config_tls *c, struct errbuf *e)
{
    struct stamp now[FILES];
    int r = take_stamps(c, now, e);
    if (r < 0 || (t->ctx && !memcmp(now, t->stamp, sizeof now)))
        return r;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    r = ctx ? load(ctx, c, e) : errbuf_set(e, ENOMEM, "tls: out of memory");
    if (r < 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    SSL_CTX_free(t->ctx); /* connections that are up hold it as long as they need it */
    t->ctx = ctx;
    memcpy(t->stamp, now, sizeof now);
    return 0;
}

SSL *tls_connection(struct tls *t, const struct config_tls *c, struct errbuf *e)
{
    if (refresh(t, c, e) < 0 && !t->ctx)
        return NULL;
    SSL *s = SSL_new(t->ctx);
    if (!s)
        errbuf_set(e, ENOMEM, "tls: out of memory");
    return s;
}

void tls_describe(const SSL *s, char *out, size_t size)
{
    X509 *peer = SSL_get0_peer_certificate(s);
    char name[100] = "";
    if (peer)
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
    snprintf(out, size, "%s %s, CN=%s", SSL_get_version(s), SSL_get_cipher_name(s), name);
}
