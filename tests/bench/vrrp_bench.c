/* What 4,000 virtual routers cost: being Active at 10 cs, being Backup, and a flood of forged
 * packets. */
#include <stdio.h>
#include <time.h>

#include "vrrp/vrrp.h"

enum { MANY = 4000, LINKS = 16, SECONDS = 5, PACKETS = 2000000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct vrrp *make(uint8_t priority)
{
    struct vrrp *v = vrrp_create(MANY, LINKS);
    struct vrrp_config c = vrrp_config_default();
    struct errbuf e;
    c.priority = priority;
    c.interval_cs = 10;
    c.announce_count = 1;
    c.n_addrs = 1;
    c.addr[0] = (struct ip6){{10, 0, 0, 1}};
    for (unsigned n = 0; v != NULL && n < MANY; n++) {
        c.link = n / 255;
        c.vrid = (uint8_t)(n % 255 + 1);
        if (vrrp_add(v, &c, 0, &e) < 0)
            return NULL;
    }
    for (uint32_t k = 0; v != NULL && k < LINKS; k++) {
        struct vrrp_link up = {.up = true, .has_ip4 = true, .ip4 = {{10, 0, 0, 50}}};
        vrrp_link(v, k, &up, 1000 * k);
    }
    return v;
}

static unsigned drain(struct vrrp *v)
{
    static struct vrrp_action a;
    unsigned sent = 0;
    while (vrrp_poll(v, &a))
        sent += a.kind == VRRP_SEND;
    return sent;
}

/* Nanoseconds of work an advertisement sent; and how much of a CPU they take. */
static void active(void)
{
    struct vrrp *v = make(VRRP_OWNER);
    unsigned sent = 0;
    drain(v);
    double begin = now_ns();
    for (nsec_t now; (now = vrrp_deadline(v)) < SECONDS * NSEC_PER_SEC;) {
        vrrp_tick(v, now);
        sent += drain(v);
    }
    double took = now_ns() - begin;
    printf("%d Active, 10 cs: %.0f ns an advertisement sent, %.2f %% of a CPU\n", MANY, took / sent,
           100 * took / (SECONDS * 1e9));
    vrrp_destroy(v);
}

static void hear(const char *what, uint8_t ttl)
{
    struct vrrp *v = make(100);
    uint8_t b[64];
    struct ip6 addr = {{10, 0, 0, 1}};
    struct vrrp_advert a = {.ttl = ttl,
                            .version = 3,
                            .priority = 200,
                            .n_addrs = 1,
                            .interval_cs = 10};
    a.src = (struct ip6){{10, 0, 0, 60}};
    a.dst = vrrp_group_address(false);
    nsec_t now = 1000000;
    drain(v);
    double begin = now_ns();
    for (unsigned n = 0; n < PACKETS; n++, now += 1000) {
        struct writer w = writer_of(b, sizeof b);
        a.vrid = (uint8_t)(n % 255 + 1);
        vrrp_advert_write(&w, &a, &addr);
        (void)vrrp_rx(v, n / 255 % 15, b, w.len, now);
    }
    drain(v);
    printf("%s: %.0f ns (with making it)\n", what, (now_ns() - begin) / PACKETS);
    vrrp_destroy(v);
}

int main(void)
{
    active();
    hear("one heard by a Backup", 255);
    hear("one forged, refused", 64);
    return 0;
}
