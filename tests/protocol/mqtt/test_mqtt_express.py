"""The short way of whole PUBLISH packets: nothing tells it from the general one."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.protocol.mqtt import Event, Limits, PublishReceived, packets, session
from mooring.protocol.mqtt.encode import PINGREQ, encode, publish
from mooring.protocol.mqtt.express import MAX_TOPICS, publishes, topic_key
from protocol.mqtt.mqtt_link import UP, open_server

TOPICS = (UP, "ü", "x" * 20, "a topic that is longer than the limit, of some 40")
LIMITS = (
    Limits(),
    Limits(max_topic_length=40, max_packet_bytes=150, max_unacknowledged=4),
    Limits(packets_per_s=2.0, burst=4),
)

known = {topic_key(topic): topic for topic in TOPICS[:2]}
messages = st.builds(
    publish,
    st.sampled_from(TOPICS),
    st.binary(max_size=20) | st.sampled_from([bytes(200), bytes(20_000)]),
    st.sampled_from([1, 1, 1, 1, 1, 2]),
    st.integers(1, 4),
    dup=st.sampled_from([False, False, False, True]),
)
others = st.sampled_from([PINGREQ, encode(packets.Pubrel(1)), encode(packets.Puback(9)), b"\x32\x03\0\1a", b"\xe0\0"])
cut_short = messages.flatmap(lambda packet: st.integers(1, len(packet)).map(lambda size: packet[:size]))
damaged = st.tuples(messages, st.integers(0, 8), st.integers(0, 255)).map(
    lambda drawn: drawn[0][: drawn[1]] + bytes((drawn[2],)) + drawn[0][drawn[1] + 1 :]
)
plain = st.integers(1, 4).map(lambda packet_id: publish(UP, b"x", 1, packet_id))
exactly_once = st.integers(1, 4).map(lambda packet_id: publish(UP, b"x", 2, packet_id))
runs = st.lists(plain, max_size=8).map(b"".join)
mixed = st.lists(plain | exactly_once | messages | others | cut_short | damaged, max_size=8).map(b"".join)
chunks = runs | mixed


def outcome(limits: Limits, steps: list[tuple[bytes, float, bool]]) -> list[object]:
    """Everything that can be seen of a server that gets these bytes, and acknowledges all of a step or nothing."""
    server, now, seen = open_server(limits), 0.0, list[object]()
    for data, passed, commits in [(publish(UP, b"first", 1, 1), 0.0, True), *steps]:
        now += passed
        events: list[Event] = [*server.on_time(now), *server.receive_data(data, now)]
        for event in events:
            if commits and isinstance(event, PublishReceived) and event.qos and not server.is_over:
                server.acknowledge(event.packet_id)
        seen.append((events, server.state, server.wants_data, server.data_to_send(), server.next_deadline()))
    seen.append(server.receive_eof())
    return seen


@settings(max_examples=200)
@given(
    st.sampled_from(LIMITS), st.lists(st.tuples(chunks, st.sampled_from([0.0, 0.5, 2.0]), st.booleans()), max_size=8)
)
def test_the_short_way_ends_as_the_general_one(limits: Limits, steps: list[tuple[bytes, float, bool]]) -> None:
    short = outcome(limits, steps)
    with patch.object(session, "MAX_TOPICS", 0):
        assert outcome(limits, steps) == short


def test_whole_packets_on_known_topics_are_taken() -> None:
    run = publish(UP, b"x", 1, 1) + publish("ü", bytes(300), 1, 65535)
    assert publishes(run, known, 9, 1000) == (
        [PublishReceived(UP, b"x", 1, 1), PublishReceived("ü", bytes(300), 1, 65535)],
        len(run),
    )


def test_it_stops_before_what_it_does_not_take() -> None:
    first = publish(UP, b"x", 1, 1)
    for other in (
        PINGREQ,
        publish(UP, b"x", 0),
        publish(UP, b"x", 2, 2),
        publish(UP, b"x", 1, 2, dup=True),
        publish(UP, b"x", 1, 2, retain=True),
        publish("unknown", b"x", 1, 2),
        publish(UP, bytes(1000), 1, 2),
        publish(UP, bytes(17_000), 1, 2),
        first[:-1],
        first[:1],
        b"\x32\x05\0\x03abc\0",
        publish("ü", b"", 1, 1)[:-2] + b"\0\0",
    ):
        assert publishes(first + other, known, 9, 900) == ([PublishReceived(UP, b"x", 1, 1)], len(first))


def test_no_more_is_taken_than_there_is_room_for() -> None:
    first = publish(UP, b"x", 1, 1)
    assert publishes(3 * first, known, 2.5, 900)[1] == 2 * len(first)


def test_a_connection_remembers_few_topics() -> None:
    server = open_server()
    for number in range(3 * MAX_TOPICS):
        server.receive_data(publish(f"topic/{number}", b"", 1, 1 + number), 0.0)
    assert len(server._topics) == MAX_TOPICS
