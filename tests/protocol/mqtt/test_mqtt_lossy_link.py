"""QoS 1 and 2 over a wire that loses and reorders: QoS 1 arrives at least once, QoS 2 exactly once.

What keeps its order are the packets of one packet id in one direction. TCP keeps the order of everything, and QoS 2
rests on it: no peer could tell a copy that comes after PUBREL from the next message with that id.
"""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    Event,
    Limits,
    PublishAcked,
    PublishReceived,
    Resends,
    ServerSession,
    TooManyInFlight,
)
from mooring.protocol.mqtt.decode import FIRST_BYTES
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.packets import Packet
from mooring.protocol.mqtt.reader import PacketReader, bounds
from protocol.mqtt.mqtt_link import CID, DOWN, UP

LIMITS = Limits(max_in_flight=3, max_waiting=4, resends=Resends(5.0, sends=1_000_000), max_unacknowledged=50)
EVERY_KIND = bounds("on the wire", frozenset(FIRST_BYTES), Limits())


def packets_in(data: bytes) -> list[Packet]:
    reader = PacketReader(EVERY_KIND)
    reader.feed(data)
    found = []
    while (packet := reader.next_packet()) is not None:
        found.append(packet)
    return found


class LossyLink(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.server = ServerSession(0.0, LIMITS)
        self.client = ClientSession(0.0, LIMITS)
        self.client.connect(Connect(CID), 0.0)
        self.server.receive_data(self.client.data_to_send(), 0.0)
        self.server.accept(0.0)
        self.client.receive_data(self.server.data_to_send(), 0.0)
        self.wires: dict[str, list[Packet]] = {"up": [], "down": []}
        self.sent: dict[bytes, int] = {}  # payload → QoS
        self.ids: dict[tuple[str, int], bytes] = {}
        self.received: list[bytes] = []
        self.confirmed: list[bytes] = []
        self.unanswered: list[tuple[str, int]] = []

    def collect(self) -> None:
        self.wires["up"] += packets_in(self.client.data_to_send())
        self.wires["down"] += packets_in(self.server.data_to_send())

    def take(self, side: str, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PublishReceived):
                self.received.append(event.payload)
                self.unanswered.append((side, event.packet_id))
            elif isinstance(event, PublishAcked):
                payload = self.ids.pop((side, event.packet_id))
                assert payload in self.received, "confirmed before it arrived"
                self.confirmed.append(payload)
        self.collect()

    def deliver(self, wire: str, at: int) -> None:
        packet = self.wires[wire].pop(at)
        if wire == "up":
            self.take("server", self.server.receive_data(encode(packet), self.now))
        else:
            self.take("client", self.client.receive_data(encode(packet), self.now))

    @rule(qos=st.integers(1, 2))
    def publish_up(self, qos: int) -> None:
        payload = len(self.sent).to_bytes(2)
        try:
            packet_id = self.client.publish(UP, payload, qos, self.now)
        except TooManyInFlight:
            return
        self.ids["client", packet_id] = payload
        self.sent[payload] = qos
        self.collect()

    @rule()
    def publish_down(self) -> None:
        payload = len(self.sent).to_bytes(2)
        try:
            packet_id = self.server.publish(DOWN, payload, 1, self.now)
        except TooManyInFlight:
            return
        self.ids["server", packet_id] = payload
        self.sent[payload] = 1
        self.collect()

    @precondition(lambda self: any(self.wires.values()))
    @rule(data=st.data())
    def packet_arrives(self, data: st.DataObject) -> None:
        wire = data.draw(st.sampled_from([name for name, queue in self.wires.items() if queue]))
        queue = self.wires[wire]
        firsts = {getattr(packet, "packet_id", 0): at for at, packet in reversed(list(enumerate(queue)))}
        self.deliver(wire, data.draw(st.sampled_from(sorted(firsts.values()))))

    @precondition(lambda self: any(self.wires.values()))
    @rule(data=st.data())
    def packet_is_lost(self, data: st.DataObject) -> None:
        wire = data.draw(st.sampled_from([name for name, queue in self.wires.items() if queue]))
        self.wires[wire].pop(data.draw(st.integers(0, len(self.wires[wire]) - 1)))

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def application_commits(self, data: st.DataObject) -> None:
        side, packet_id = self.unanswered.pop(data.draw(st.integers(0, len(self.unanswered) - 1)))
        (self.server if side == "server" else self.client).acknowledge(packet_id)
        self.collect()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.take("client", self.client.on_time(self.now))
        self.take("server", self.server.on_time(self.now))

    @invariant()
    def nothing_comes_twice_at_qos_2(self) -> None:
        exactly_once = [payload for payload in self.received if self.sent[payload] == 2]
        assert len(exactly_once) == len(set(exactly_once))
        assert len(self.confirmed) == len(set(self.confirmed))

    @invariant()
    def both_sessions_live(self) -> None:
        assert not self.server.is_over
        assert not self.client.is_over

    def teardown(self) -> None:
        """When nothing is lost any more, everything arrives, is confirmed, and nothing is left behind."""
        for _ in range(100):
            while any(self.wires.values()) or self.unanswered:
                for wire in ("up", "down"):
                    if self.wires[wire]:
                        self.deliver(wire, 0)
                while self.unanswered:
                    side, packet_id = self.unanswered.pop()
                    (self.server if side == "server" else self.client).acknowledge(packet_id)
                    self.collect()
            if len(self.confirmed) == len(self.sent):
                break
            self.time_passes(5.0)
        assert set(self.received) == set(self.sent)
        assert sorted(self.confirmed) == sorted(self.sent)
        self.nothing_comes_twice_at_qos_2()
        assert not self.server._inbound._kept
        assert not self.client._outbound._flying


TestLossyLink = LossyLink.TestCase
TestLossyLink.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
