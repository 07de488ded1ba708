"""A learning switch in OpenFlow 1.3, for weft's interop tests.

    osken-manager --ofp-listen-host 127.0.0.1 --ofp-tcp-listen-port PORT tests/interop/osken_app.py

What every OpenFlow tutorial's first controller does: a table-miss entry to the controller;
learn sources from packet-ins; a flow for each known pair; flood the rest. It also asks for
the switch's description, ports and flows, so that those replies are parsed by somebody
else's code. Events go to stdout, one a line, for the test to wait for:

    up DPID | desc DPID MFR | port DPID NO NAME | learnt DPID MAC PORT | flow DPID IN DST OUT
    flows DPID COUNT | removed DPID REASON | port-status DPID NO REASON | error TYPE CODE | down DPID
"""
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import (CONFIG_DISPATCHER, DEAD_DISPATCHER, HANDSHAKE_DISPATCHER,
                                       MAIN_DISPATCHER, set_ev_cls)
from os_ken.lib.packet import ethernet, ether_types, packet
from os_ken.ofproto import ofproto_v1_3

PRIORITY_PAIR, IDLE_S = 1, 60


def say(*words):
    print(*words, flush=True)


class LearningSwitch(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.where = {}  # (dpid, mac) -> port

    @staticmethod
    def add_flow(dp, match, actions, **kwargs):
        of, parser = dp.ofproto, dp.ofproto_parser
        apply_ = parser.OFPInstructionActions(of.OFPIT_APPLY_ACTIONS, actions)
        dp.send_msg(parser.OFPFlowMod(dp, match=match, instructions=[apply_], **kwargs))

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def on_features(self, ev):
        dp = ev.msg.datapath
        of, parser = dp.ofproto, dp.ofproto_parser
        everything = parser.OFPMatch()
        dp.send_msg(parser.OFPFlowMod(dp, command=of.OFPFC_DELETE, table_id=of.OFPTT_ALL,
                                      out_port=of.OFPP_ANY, out_group=of.OFPG_ANY,
                                      match=everything))
        to_controller = parser.OFPActionOutput(of.OFPP_CONTROLLER, of.OFPCML_NO_BUFFER)
        self.add_flow(dp, everything, [to_controller], priority=0)
        dp.send_msg(parser.OFPDescStatsRequest(dp, 0))
        dp.send_msg(parser.OFPPortDescStatsRequest(dp, 0))
        dp.send_msg(parser.OFPBarrierRequest(dp))

    @set_ev_cls(ofp_event.EventOFPBarrierReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_barrier(self, ev):
        dp = ev.msg.datapath
        of, parser = dp.ofproto, dp.ofproto_parser
        say("up", "%016x" % dp.id)
        dp.send_msg(parser.OFPFlowStatsRequest(dp, 0, of.OFPTT_ALL, of.OFPP_ANY, of.OFPG_ANY,
                                               0, 0, parser.OFPMatch()))

    @set_ev_cls(ofp_event.EventOFPDescStatsReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_desc(self, ev):
        say("desc", "%016x" % ev.msg.datapath.id, ev.msg.body.mfr_desc.decode())

    @set_ev_cls(ofp_event.EventOFPPortDescStatsReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_ports(self, ev):
        for port in ev.msg.body:
            say("port", "%016x" % ev.msg.datapath.id, port.port_no, port.name.decode())

    @set_ev_cls(ofp_event.EventOFPFlowStatsReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_flows(self, ev):
        say("flows", "%016x" % ev.msg.datapath.id, len(ev.msg.body))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def on_packet_in(self, ev):
        msg, dp = ev.msg, ev.msg.datapath
        of, parser = dp.ofproto, dp.ofproto_parser
        in_port = msg.match["in_port"]
        eth = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if eth is None or eth.ethertype == ether_types.ETH_TYPE_LLDP:
            return
        self.learn(dp, eth.src, in_port)
        out = self.where.get((dp.id, eth.dst), of.OFPP_FLOOD)
        actions = [parser.OFPActionOutput(out)]
        if out != of.OFPP_FLOOD:
            self.add_flow(dp, parser.OFPMatch(in_port=in_port, eth_src=eth.src, eth_dst=eth.dst),
                          actions, priority=PRIORITY_PAIR, idle_timeout=IDLE_S,
                          flags=of.OFPFF_SEND_FLOW_REM)
            say("flow", "%016x" % dp.id, in_port, eth.dst, out)
        data = msg.data if msg.buffer_id == of.OFP_NO_BUFFER else None
        dp.send_msg(parser.OFPPacketOut(dp, buffer_id=msg.buffer_id, in_port=in_port,
                                        actions=actions, data=data))

    def learn(self, dp, mac, port):
        if self.where.get((dp.id, mac)) != port:
            self.where[dp.id, mac] = port
            say("learnt", "%016x" % dp.id, mac, port)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def on_removed(self, ev):
        say("removed", "%016x" % ev.msg.datapath.id, ev.msg.reason)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def on_port_status(self, ev):
        dpid = ev.msg.datapath.id
        say("port-status", "%016x" % dpid, ev.msg.desc.port_no, ev.msg.reason)
        gone = [k for k, v in self.where.items() if k[0] == dpid and v == ev.msg.desc.port_no]
        for key in gone:
            del self.where[key]

    @set_ev_cls(ofp_event.EventOFPErrorMsg,
                [HANDSHAKE_DISPATCHER, CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_error(self, ev):
        say("error", ev.msg.type, ev.msg.code)

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def on_down(self, ev):
        if ev.datapath.id is not None:
            say("down", "%016x" % ev.datapath.id)
