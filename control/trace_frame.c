/* control/trace_frame.c: the least frame that a match is true of, for `weftctl trace`. */
#include "control/trace_priv.h"

#include <string.h>

#include "base/bytes.h"

enum { ETH_VLAN = 0x8100, ETH_IP = 0x0800, ETH_IP6 = 0x86dd, ETH_ARP = 0x0806, ETH_MPLS = 0x8847 };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

static void write_l4(struct writer *w, const struct flow_key *k)
{
    size_t at = w->len;
    switch (k->ip_proto) {
    case TCP:
        write_bytes(w, &k->l4_src, 2);
        write_bytes(w, &k->l4_dst, 2);
        write_zeros(w, 8);
        write_u16(w, (uint16_t)(0x5000 | from_be16(k->tcp_flags)));
        write_u16(w, 0xffff);
        write_zeros(w, 4);
        break;
    case UDP:
        write_bytes(w, &k->l4_src, 2);
        write_bytes(w, &k->l4_dst, 2);
        write_u16(w, 8 + 18);
        write_u16(w, 0);
        break;
    case SCTP:
        write_bytes(w, &k->l4_src, 2);
        write_bytes(w, &k->l4_dst, 2);
        write_zeros(w, 8);
        break;
    case ICMP:
    case ICMP6:
        write_u8(w, k->icmp_type);
        write_u8(w, k->icmp_code);
        write_zeros(w, 6);
        if (k->icmp_type == 135 || k->icmp_type == 136) {
            write_bytes(w, &k->nd_target, 16);
            write_u8(w, k->icmp_type == 135 ? 1 : 2);
            write_u8(w, 1);
            write_bytes(w, k->icmp_type == 135 ? &k->arp_sha : &k->arp_tha, 6);
        }
        break;
    default:
        break;
    }
    if (w->len - at < 26)
        write_zeros(w, 26 - (w->len - at));
}

static void write_ip(struct writer *w, const struct flow_key *k)
{
    size_t at = w->len;
    write_u8(w, 0x45);
    write_u8(w, (uint8_t)(k->ip_dscp << 2 | k->ip_ecn));
    write_zeros(w, 4);
    write_u16(w, k->ip_frag & FLOW_FRAG_LATER ? 1 : k->ip_frag ? 0x2000 : 0);
    write_u8(w, k->ip_ttl ? k->ip_ttl : 64);
    write_u8(w, k->ip_proto);
    write_zeros(w, 2);
    write_bytes(w, &k->ip_src, 4);
    write_bytes(w, &k->ip_dst, 4);
    write_l4(w, k);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    uint32_t sum = 0;
    for (size_t i = at; i < at + 20; i += 2)
        sum += (uint32_t)(w->buf[i] << 8 | w->buf[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    write_patch_u16(w, at + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

static void write_ip6(struct writer *w, const struct flow_key *k)
{
    size_t at = w->len;
    uint8_t tos = (uint8_t)(k->ip_dscp << 2 | k->ip_ecn);
    write_u32(w, 6u << 28 | (uint32_t)tos << 20 | (from_be32(k->ipv6_flabel) & 0xfffff));
    write_u16(w, 0);
    write_u8(w, k->ip_proto);
    write_u8(w, k->ip_ttl ? k->ip_ttl : 64);
    write_bytes(w, &k->ip_src, 16);
    write_bytes(w, &k->ip_dst, 16);
    write_l4(w, k);
    write_patch_u16(w, at + 4, (uint16_t)(w->len - at - 40));
}

static void write_arp(struct writer *w, const struct flow_key *k)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4};
    write_bytes(w, head, sizeof head);
    write_bytes(w, &k->arp_op, 2);
    write_bytes(w, &k->arp_sha, 6);
    write_bytes(w, &k->ip_src, 4);
    write_bytes(w, &k->arp_tha, 6);
    write_bytes(w, &k->ip_dst, 4);
}

size_t trace_frame(const struct flow_key *k, uint8_t *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    uint16_t type = from_be16(k->eth_type);
    write_bytes(&w, &k->eth_dst, 6);
    write_bytes(&w, &k->eth_src, 6);
    if (from_be16(k->vlan_vid) & FLOW_VID_PRESENT) {
        write_u16(&w, ETH_VLAN);
        write_u16(&w, (uint16_t)((from_be16(k->vlan_vid) & 0xfff) | k->vlan_pcp << 13));
    }
    write_u16(&w, type ? type : 0x88b5); /* IEEE's local experimental Ethertype */
    if (type == ETH_IP)
        write_ip(&w, k);
    else if (type == ETH_IP6)
        write_ip6(&w, k);
    else if (type == ETH_ARP)
        write_arp(&w, k);
    else if (type == ETH_MPLS || type == ETH_MPLS + 1)
        write_u32(&w, from_be32(k->mpls_label) << 12 | (uint32_t)k->mpls_tc << 9 |
                          (uint32_t)k->mpls_bos << 8 | 64);
    if (w.len < 60)
        write_zeros(&w, 60 - w.len);
    return w.bad ? 0 : w.len;
}
