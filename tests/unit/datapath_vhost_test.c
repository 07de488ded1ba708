/* A vhost-user port against DPDK's virtio driver, in one process. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/ports.h"

static bool link_comes(struct port *p, bool up)
{
    for (int i = 0; i < 400; i++) {
        if (p->ops->link(p).up == up)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

/* Sends a frame from `from` until `to` has it; the virtio handshake has no event to wait for. */
static bool frame_passes(struct port *from, struct port *to)
{
    for (int i = 0; i < 100; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(sw->pool), *got[32];
        memcpy(rte_pktmbuf_append(m, 60), frame60, 60);
        uint16_t sent = from->ops->tx_burst(from, 0, &m, 1);
        if (sent == 0)
            rte_pktmbuf_free(m);
        (void)from->ops->rx_burst(from, 0, got, 0);
        uint16_t n = to->ops->rx_burst(to, 0, got, 32);
        bool ok = n > 0 && memcmp(rte_pktmbuf_mtod(got[0], void *), frame60, 60) == 0;
        rte_pktmbuf_free_bulk(got, n);
        if (ok)
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

static void a_virtio_driver_reaches_a_vhost_port_and_comes_back(void **state)
{
    (void)state;
    NEED_ROOT();
    char path[64], args[160];
    snprintf(path, sizeof path, "/tmp/weft-vhost-%d", (int)getpid());
    snprintf(args, sizeof args, "net_virtio_user0,path=%s,queues=1,queue_size=256", path);
    struct port_options server = {.name = "vm", .type = "vhost-user", .path = path, .server = true};
    struct port *v = make(&server);
    refused(&(struct port_options){.name = "vm2", .type = "vhost-user", .path = path}, EADDRINUSE,
            "port vm ");
    assert_false(v->link_up);
    for (int i = 0; i < 2; i++) {
        struct port *d =
            make(&(struct port_options){.name = "guest", .type = "dpdk", .devargs = args});
        assert_true(link_comes(v, true));
        assert_true(frame_passes(d, v));
        assert_true(frame_passes(v, d));
        port_destroy(d);
        assert_true(link_comes(v, false));
    }
    port_destroy(v);
    assert_int_not_equal(access(path, F_OK), 0);
    all_mbufs_back();
}

static void bad_socket_paths_are_explained(void **state)
{
    (void)state;
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    struct port_options o = {.name = "vm", .type = "vhost-user", .path = longer};
    refused(&o, ENAMETOOLONG, "107");
    o.path = "/tmp/weft-no-such-dir/vm";
    refused(&o, ENOENT, "no directory /tmp/weft-no-such-dir");
    o.path = "/etc/passwd";
    o.server = true;
    refused(&o, EEXIST, "no socket");
    o.path = NULL;
    refused(&o, EINVAL, "needs path");
    all_mbufs_back();
}

static int set_up(void **state)
{
    (void)state;
    return ports_set_up();
}

static int tear_down(void **state)
{
    (void)state;
    switch_destroy(sw);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_socket_paths_are_explained),
        cmocka_unit_test(a_virtio_driver_reaches_a_vhost_port_and_comes_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
