"""The commonest thing on a connection, straight from its bytes: whole PUBLISH packets of QoS 1 on known topics.

What `publishes` takes is what `PacketReader` and `decode_body` make of the same bytes, in fewer steps. It judges
nothing: before a packet that is of another kind, not whole, or perhaps at fault it stops, and from there the general
way goes on. A property test sees to it that both ways end the same.
"""

from collections.abc import Mapping

from mooring.protocol.mqtt.packets import Publish

__all__ = ["MAX_TOPICS", "publishes", "topic_key"]

MAX_TOPICS = 8  # that one connection remembers; a device reports on one to three

_PUBLISH = 0x32  # QoS 1, neither DUP nor RETAIN
_SHORTEST = 7  # header, a topic of one byte, packet id


def topic_key(topic: str) -> bytes:
    """A topic as it stands in a packet, with its length."""
    raw = topic.encode()
    return len(raw).to_bytes(2) + raw


def publishes(data: bytes, topics: Mapping[bytes, str], room: float, largest: int) -> tuple[list[Publish], int]:
    """Return the packets at the beginning of `data`, and where the first one stands that was not taken.

    `topics` are valid ones by their keys. At most `room` packets are taken, none with more than `largest` bytes behind
    its header.
    """
    taken: list[Publish] = []
    topic_of, take = topics.get, taken.append
    at, end = 0, len(data)
    while room >= 1 and end - at >= _SHORTEST and data[at] == _PUBLISH:
        length, body = data[at + 1], at + 2
        if length > 127:
            more = data[body]
            if more > 127:
                break
            length, body = length - 128 | more << 7, body + 1
        id_at, stop = body + 2 + (data[body] << 8 | data[body + 1]), body + length
        if stop > end or length > largest or id_at + 2 > stop:
            break
        topic, packet_id = topic_of(data[body:id_at]), data[id_at] << 8 | data[id_at + 1]
        if topic is None or not packet_id:
            break
        take(Publish(topic, data[id_at + 2 : stop], 1, packet_id))
        at = stop
        room -= 1
    return taken, at
