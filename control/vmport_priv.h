/* control/vmport_priv.h: what the files of vmport.h share. Under vmports.lock. */
#ifndef WEFT_CONTROL_VMPORT_PRIV_H
#define WEFT_CONTROL_VMPORT_PRIV_H

#include <pthread.h>
#include <sys/queue.h>

#include "control/announce.h"
#include "control/vmport.h"
#include "datapath/guard.h"

enum {
    VM_HISTORY = 24, /* events kept */
    VM_VLANS_MAX = 64,
    VM_QUIET_MS = 500,    /* away for less: coming back is not announced */
    VM_LOOK_MS = 10,      /* least time between two looks at where MACs are */
    VM_FRAMES_PPS = 5000, /* announcements of all VMs together */
    VM_FRAMES_BURST = 1000,
};

enum vm_state { VM_WAITS, VM_HELD, VM_ACTIVE, VM_AWAY };
enum vm_activation { VM_IMMEDIATE, VM_RARP, VM_COMMAND };
enum vm_form { VM_FORM_REQUEST, VM_FORM_REPLY, VM_FORM_BOTH, VM_FORM_OFF };

struct vm_event {
    nsec_t at;
    char text[96];
};

/* The bridge's VLAN, and the tag that the VM's own frames have; 0: none. */
struct vm_vlan {
    uint16_t vid, tag;
};

struct vmport {
    TAILQ_ENTRY(vmport) next;
    struct port *dp;
    struct guard bound;
    struct vm_vlan vlan[VM_VLANS_MAX];
    unsigned n_vlans;
    enum vm_activation activation;
    enum vm_form form;
    enum vm_state state;
    bool up;      /* its link, as last seen */
    nsec_t since; /* in this state */
    struct announce announce;
    uint64_t frames;         /* announcements sent */
    nsec_t redirect;         /* for how long after it has left */
    nsec_t redirected_until; /* 0: no redirect now */
    uint64_t redirected;     /* frames, of redirects that are over */
    unsigned moves;          /* times it went away or came */
    uint32_t place;          /* away: fdb_place() */
    struct vm_event event[VM_HISTORY];
    unsigned n_events; /* ever */
};

struct vmports {
    struct weft_switch *sw;
    const struct log *log;
    pthread_mutex_t lock;
    TAILQ_HEAD(, vmport) list;
    nsec_t looked_at;
    nsec_t bucket_full_at;
};

const char *vm_state_name(enum vm_state s);
void vm_note(struct vmports *v, struct vmport *m, nsec_t now, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "uplink1", or "192.0.2.2 (vxlan5000)" */
void vm_place_text(const struct vmports *v, uint32_t place, char *out, size_t len);
/* vmport_say.c: starts announcing, and sends what is due. */
/* vmport_follow.c: late frames follow the VM from now on; no more; is it over? */
void vm_redirect(struct vmports *v, struct vmport *m, nsec_t now);
void vm_redirect_end(struct vmport *m);
void vm_redirect_run(struct vmport *m, nsec_t now);
uint64_t vm_redirected(const struct vmport *m);
void vm_announce(struct vmports *v, struct vmport *m, nsec_t now);
void vm_send_due(struct vmports *v, struct vmport *m, nsec_t now);

#endif
