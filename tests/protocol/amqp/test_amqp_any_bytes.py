"""Whatever comes: the same events however it is cut, nothing raised, an end in good order, bounded memory."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pamqp import base, body, frame, header
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue

from mooring.protocol.amqp import (
    Acked,
    ConnectionClosed,
    ConsumeRequested,
    DeclareRequested,
    Event,
    GetRequested,
    Limits,
    LoginRequested,
    ProtocolViolated,
    ReplyCode,
    Returned,
    ServerSession,
    State,
)
from protocol.amqp.amqp_link import MESSAGE, PROTOCOL, plain

TIGHT = Limits(frame_max=4096, channel_max=3, max_consumers=3, max_unacked=6, max_acks_waiting=4)
CREDENTIALS = frame.marshal(Connection.StartOk({}, "PLAIN", plain(), "en_US"), 0)
HANDSHAKE = (
    PROTOCOL
    + CREDENTIALS
    + frame.marshal(Connection.TuneOk(3, 4096, 60), 0)
    + frame.marshal(Connection.Open("quec-open"), 0)
)

TAGS, NAMES, CONSUMERS, EITHER = range(6), ("", "q", "other", "gone"), ("", "c", "d"), (False, True)
METHODS: list[base.Frame] = [
    Channel.Open(),
    Channel.Close(200, "", 0, 0),
    Channel.CloseOk(),
    Basic.Recover(requeue=True),
    Confirm.Select(),
    Basic.Publish(),
    *(Basic.Qos(0, count, shared) for count in range(4) for shared in EITHER),
    *(Basic.Consume(queue=n, consumer_tag=t, no_ack=a) for n in NAMES for t in CONSUMERS for a in EITHER),
    *(Basic.Cancel(tag, nowait) for tag in CONSUMERS for nowait in EITHER),
    *(Basic.Get(queue=name, no_ack=no_ack) for name in NAMES for no_ack in EITHER),
    *(Basic.Ack(tag, multiple) for tag in TAGS for multiple in EITHER),
    *(Basic.Nack(tag, multiple, requeue) for tag in TAGS for multiple in EITHER for requeue in EITHER),
    *(Basic.Reject(tag, requeue) for tag in TAGS for requeue in EITHER),
    *(Queue.Declare(queue=name, passive=passive) for name in NAMES for passive in EITHER),
    Queue.Purge(queue="q"),
]
OTHERS = [
    frame.marshal(Connection.Close(200, "", 0, 0), 0),
    b"\x08\0\0\0\0\0\0\xce",
    *(frame.marshal(body.ContentBody(b"12345"), channel) for channel in range(3)),
    frame.marshal(header.ContentHeader(0, 5, Basic.Properties()), 1),
]


def _on(channels: range, without: tuple[type, ...] = ()) -> st.SearchStrategy[bytes]:
    some = [frame.marshal(method, on) for method in METHODS if not isinstance(method, without) for on in channels]
    return st.sampled_from(some)


frames = st.one_of(_on(range(5)), st.sampled_from(OTHERS))
# Most of them on an open channel, so that a connection lives for a while.
polite = _on(range(1, 2), (Channel.Open, Basic.Publish, Queue.Purge))
streams = st.lists(st.one_of(polite, polite, frames), max_size=30).map(
    lambda some: HANDSHAKE + frame.marshal(Channel.Open(), 1) + b"".join(some)
)


class Application:
    """Lets everybody in, grants or refuses by the name of the queue, gives what there is room for, and settles at once
    when it is `prompt`, else never. Notes every event and checks that whatever leaves comes back at most once."""

    def __init__(self, *, prompt: bool = True) -> None:
        self.server: ServerSession[int] = ServerSession(0.0, TIGHT)
        self.prompt = prompt
        self.events: list[Event] = []
        self.sent = b""
        self.given = 0
        self.out: set[int] = set()
        self.consumers: set[tuple[int, str]] = set()

    def receive(self, data: bytes) -> None:
        self._take(self.server.receive_data(data, 0.0))
        self.sent += self.server.data_to_send()

    def _take(self, events: list[Event]) -> None:
        waiting = list(events)
        while waiting:
            event = waiting.pop(0)
            self.events.append(event)
            waiting += self._answer(event)
            waiting += self.server.resume(0.0)

    def _answer(self, event: Event) -> list[Event]:
        server = self.server
        match event:
            case LoginRequested():
                server.accept_login(0.0)
            case DeclareRequested(channel, queue, _):
                if queue == "q":
                    server.declared(channel, 0, 0)
                else:
                    return server.refuse(channel, ReplyCode.NOT_FOUND, "no")
            case ConsumeRequested(channel, tag, queue, _, _):
                if queue == "other":
                    return server.refuse(channel, ReplyCode.ACCESS_REFUSED, "no")
                server.accept_consumer(channel)
                while server.room(channel, tag) > 0 and self.given < 200:
                    self._give(server.deliver(channel, tag, [(self.given, MESSAGE, False)]))
            case GetRequested(channel, queue, no_ack):
                if queue == "other":
                    server.nothing_to_get(channel)
                else:
                    server.deliver_one(channel, self.given, MESSAGE, redelivered=False, left=0)
                    self._give(tracked=not no_ack)
            case Acked(_, messages) | Returned(_, messages, _, _):
                for message in messages:
                    assert isinstance(message, int)
                    self.out.remove(message)
                if self.prompt and (isinstance(event, Acked) or event.refused):
                    server.settled(len(messages))
        return []

    def _give(self, tracked: bool) -> None:
        if tracked:
            self.out.add(self.given)
        self.given += 1


def _fed(stream: bytes, cuts: list[int], *, prompt: bool = True) -> Application:
    application = Application(prompt=prompt)
    start = 0
    for cut in [*sorted(cuts), len(stream)]:
        application.receive(stream[start:cut])
        start = max(start, cut)
    return application


@given(streams, st.data())
def test_any_split_gives_the_same(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    whole, cut = _fed(stream, []), _fed(stream, cuts)
    assert cut.events == whole.events
    assert cut.sent == whole.sent
    assert cut.server.state is whole.server.state


@given(st.lists(st.one_of(polite, frames), max_size=6).map(lambda some: HANDSHAKE + b"".join(some)))
def test_byte_by_byte_gives_the_same(stream: bytes) -> None:
    assert _fed(stream, list(range(len(stream)))).events == _fed(stream, []).events


@given(streams, st.booleans())
def test_whatever_left_comes_back_once(stream: bytes, prompt: bool) -> None:
    application = _fed(stream, [], prompt=prompt)
    application._take(application.server.receive_eof())
    assert application.out == set()
    assert application.server.is_over


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    stream = bytearray(draw(streams))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(stream) - 1))
        match draw(st.sampled_from(["set", "cut", "insert", "repeat"])):
            case "set":
                stream[place] = draw(st.integers(0, 255))
            case "cut":
                del stream[place : place + draw(st.integers(1, 10))]
            case "insert":
                stream[place:place] = draw(st.binary(max_size=12))
            case "repeat":
                stream[place:place] = stream[place : place + draw(st.integers(1, 60))]
        if not stream:
            return b"\0"
    return bytes(stream)


@given(st.one_of(mutated(), st.binary(max_size=200), st.binary(max_size=200).map(lambda some: HANDSHAKE + some)))
def test_any_bytes_end_in_good_order(stream: bytes) -> None:
    application = _fed(stream, [])
    server = application.server
    violations = [event for event in application.events if isinstance(event, ProtocolViolated | ConnectionClosed)]
    assert len(violations) <= 1
    if violations:
        assert server.state in (State.CLOSING, State.ENDED)
        application._take(server.receive_eof())
        assert application.out == set()
    else:
        assert len(server._channels) <= TIGHT.channel_max
        assert sum(len(channel.consumers) for channel in server._channels.values()) <= TIGHT.max_consumers
        assert len(application.out) <= TIGHT.max_unacked


@given(st.binary(min_size=1, max_size=300), st.integers(0, len(HANDSHAKE)))
def test_memory_is_bounded_whoever_never_answers(rubbish: bytes, start: int) -> None:
    server: ServerSession[int] = ServerSession(0.0, TIGHT)
    server.receive_data(HANDSHAKE[:start], 0.0)
    for _ in range(40):
        if not server.wants_data:
            break
        server.receive_data(rubbish * 400, 0.0)
    assert server._reader.held_bytes <= (1 << 20) + 2 * 300 * 400
    assert len(server.data_to_send()) < 1 << 20


@given(st.lists(polite, min_size=1, max_size=20), st.integers(1, 400))
def test_memory_is_bounded_while_the_application_decides(some: list[bytes], times: int) -> None:
    server: ServerSession[Any] = ServerSession(0.0, TIGHT)
    server.receive_data(PROTOCOL + CREDENTIALS, 0.0)
    flood = b"".join(some) * times
    for _ in range(200):
        if not server.wants_data:
            break
        assert server.receive_data(flood, 0.0) == []
    assert server._reader.held_bytes <= (1 << 20) + len(flood)
