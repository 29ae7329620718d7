"""Whatever comes: the same events however it is cut, nothing raised, an end in good order, bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    ConnectRequested,
    DeliveryUnconfirmed,
    Disconnected,
    Event,
    KeepAliveExpired,
    Limits,
    ProtocolViolated,
    PublishReceived,
    RateExceeded,
    RemoteProtocolError,
    ServerSession,
    Subscribe,
)
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.errors import __all__ as error_names
from protocol.mqtt.mqtt_link import CONNACK, CONNECT, DEVICE, open_server
from protocol.mqtt.mqtt_strategies import any_packet, connects, from_client

TIGHT = Limits(
    max_packet_bytes=400,
    max_connect_bytes=200,
    max_early_bytes=300,
    max_held_bytes=2000,
    max_topic_length=20,
    max_subscriptions=4,
    max_unacknowledged=5,
    max_in_flight=2,
    max_waiting=2,
    packets_per_s=10.0,
    burst=20,
)
LAST = (Disconnected, ProtocolViolated, KeepAliveExpired)


class Application:
    """Lets every client in; grants and commits at once when it is `prompt`, else never. Notes every event."""

    def __init__(self, limits: Limits, *, prompt: bool) -> None:
        self.server = ServerSession(0.0, limits)
        self.prompt = prompt
        self.events: list[Event] = []
        self.sent = b""

    def receive(self, data: bytes, now: float = 0.0) -> None:
        self.take(self.server.receive_data(data, now), now)

    def take(self, events: list[Event], now: float) -> None:
        for event in events:
            self.events.append(event)
            match event:
                case ConnectRequested(repeated=False):
                    self.take(self.server.accept(now), now)
                case Subscribe() if self.prompt:
                    self.server.grant(event.packet_id, [qos for _, qos in event.filters])
                case PublishReceived() if self.prompt and event.qos:
                    self.server.acknowledge(event.packet_id)
        self.sent += self.server.data_to_send()


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


streams = st.builds(
    lambda connect, rest, end: encode(connect) + b"".join(map(encode, rest)) + end,
    connects,
    st.lists(from_client, max_size=12),
    st.sampled_from([b"", b"\xe0\0", b"\0\0", b"\x30"]),
)


@given(streams, st.data())
def test_any_cut_of_a_stream_gives_the_same_events_and_answers(stream: bytes, data: st.DataObject) -> None:
    whole, cut = Application(Limits(), prompt=False), Application(Limits(), prompt=False)
    whole.receive(stream)
    for piece in data.draw(pieces(stream)):
        cut.receive(piece)
    assert cut.events == whole.events
    assert cut.sent == whole.sent


@given(streams)
def test_byte_by_byte_gives_the_same_events_and_answers(stream: bytes) -> None:
    whole, cut = Application(Limits(), prompt=False), Application(Limits(), prompt=False)
    whole.receive(stream)
    for at in range(len(stream)):
        cut.receive(stream[at : at + 1])
    assert cut.events == whole.events
    assert cut.sent == whole.sent


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A valid stream with some bytes replaced, inserted or dropped."""
    data = bytearray(draw(streams))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


any_bytes = st.one_of(
    st.binary(max_size=200),
    mutations(),
    st.binary(max_size=100).map(lambda data: CONNECT + data),
    st.lists(any_packet, max_size=6).map(lambda some: CONNECT + b"".join(map(encode, some))),
)


def in_good_order(events: list[Event], over: bool) -> None:
    """One last event and nothing behind it; each violation is of a documented class and says why."""
    ends = [event for event in events if isinstance(event, LAST)]
    assert len(ends) == over
    assert not over or events[-1] is ends[0]
    for event in ends:
        if isinstance(event, ProtocolViolated):
            assert event.reason
            assert issubclass(event.error, RemoteProtocolError)
            assert event.error.__name__ in error_names


@given(st.lists(any_bytes, min_size=1, max_size=4), st.lists(st.floats(0, 5), min_size=8, max_size=8))
def test_any_bytes_to_a_server_end_in_good_order(chunks: list[bytes], waits: list[float]) -> None:
    application, now = Application(TIGHT, prompt=True), 0.0
    for chunk, wait in zip(chunks, waits, strict=False):
        application.receive(chunk, now)
        now += wait
        application.take(application.server.on_time(now), now)
    over = application.server.is_over
    in_good_order(application.events, over)
    application.take(application.server.receive_eof(), now)
    in_good_order(application.events, over=True)
    assert application.server.next_deadline() is None


@given(st.lists(any_bytes, min_size=1, max_size=4), st.booleans())
def test_any_bytes_to_a_client_end_in_good_order(chunks: list[bytes], welcome: bool) -> None:
    client = ClientSession(0.0, TIGHT)
    client.connect(DEVICE, 0.0)
    events = client.receive_data(CONNACK, 0.0)[1:] if welcome else []
    if welcome:
        client.publish("a", b"x", 1, 0.0)
        client.publish("a", b"x", 2, 0.0)
    for chunk in chunks:
        events += client.receive_data(chunk, 0.0)
    over = client.is_over
    events += client.receive_eof()
    assert client.is_over
    assert not over or client.receive_data(b"\0", 0.0) == []
    assert sum(isinstance(event, DeliveryUnconfirmed) for event in events) <= 2


@given(st.lists(any_bytes, min_size=1, max_size=30))
def test_a_server_that_nobody_drives_stays_small(chunks: list[bytes]) -> None:
    """The worst application: it lets the client in and then neither answers, nor sends, nor stops reading."""
    server = ServerSession(0.0, TIGHT)
    events = server.receive_data(CONNECT, 0.0)
    events += server.accept(0.0)
    for chunk in chunks * 5:
        events += server.receive_data(chunk, 0.0)
    assert sum(isinstance(event, PublishReceived) and event.qos > 0 for event in events) <= TIGHT.max_unacknowledged
    assert sum(isinstance(event, Subscribe) for event in events) <= TIGHT.max_subscriptions
    assert sum(isinstance(event, RateExceeded) for event in events) <= 1
    assert len(events) <= TIGHT.burst + 2
    assert server._reader.held_bytes <= TIGHT.max_held_bytes
    assert len(server.data_to_send()) <= TIGHT.max_held_bytes


@pytest.mark.parametrize(
    "wire",
    [
        b"\x30\x0a\0\x08s3cret/+",
        b"\x30\x0a\0\x08s3cret/\xff",
        b"\x82\x0b\0\1\0\7s3cret#\0",
        b"\xa2\x0a\0\1\0\7s3cret\0",
        encode(Connect("s3cret", None, b"s3cret")),
        b"s3cret",
    ],
)
@pytest.mark.parametrize("welcome", [False, True])
def test_no_reason_repeats_what_came(wire: bytes, welcome: bool) -> None:
    server = open_server() if welcome else ServerSession(0.0)
    events = server.receive_data(wire, 0.0)
    assert not welcome or isinstance(events[-1], ProtocolViolated)
    assert "s3cret" not in "".join(event.reason for event in events if isinstance(event, ProtocolViolated))
