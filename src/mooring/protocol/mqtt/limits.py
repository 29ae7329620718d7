"""The guards of a session, with the reason of each default.

Over a guard the peer is told by closing (`LimitExceeded` names the limit), this side by `TooManyInFlight`, or
reading waits; never is anything cut in silence. One `Limits` value serves any number of sessions.
"""

import msgspec

__all__ = ["DEVICE_RESENDS", "Limits", "Resends"]

# A frame has at most 65,539 bytes, escaping doubles the worst one, the session cipher pads it to the next 16
# (device-protocol.md sections 3.2 and 5), and a topic of 130 bytes with its packet id stands before it.
MAX_PACKET_BYTES = 132 * 1024

# Nobody has proved anything yet. A device's CONNECT has under 300 bytes, one whose password is an access token
# about 2,000; the rest is room for a will.
MAX_CONNECT_BYTES = 4 * 1024

# Packets that came in one read with the CONNECT they stand behind: one read of the usual 64 KiB.
MAX_EARLY_BYTES = 64 * 1024

# asyncio reads up to 256 KiB at once and stops when `wants_data` turns false: one such read and one packet.
MAX_HELD_BYTES = 256 * 1024 + MAX_PACKET_BYTES

MAX_TOPIC_LENGTH = 512  # characters; the longest of a device is `q/2/d/qd` + 32 + 32 + `/sys`
MAX_SUBSCRIPTIONS = 32  # filters; a device has one, an application that watches its user's devices a few


class Resends(msgspec.Struct, frozen=True, gc=False):
    """How often, and after how many seconds each, an unconfirmed packet is sent before it is given up."""

    after_s: float = 5.0
    sends: int = 3
    dup: bool = True


DEVICE_RESENDS = Resends(2.0, 3, dup=False)  # as SDK 2.9.0 does it (section 2.4), for simulators


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a session puts up with. Seconds are by the clock whose readings are passed to the session.

    The rate is a token bucket over all packets of the peer: `burst` at once, `packets_per_s` in the long run. Over it
    reading waits (`RateExceeded`).
    """

    max_packet_bytes: int = MAX_PACKET_BYTES  # behind the fixed header, which adds 2 to 5
    max_connect_bytes: int = MAX_CONNECT_BYTES
    max_early_bytes: int = MAX_EARLY_BYTES  # behind a CONNECT that nobody accepted yet
    max_held_bytes: int = MAX_HELD_BYTES  # received while reading should have waited
    max_topic_length: int = MAX_TOPIC_LENGTH  # characters, of topics and of filters
    max_subscriptions: int = MAX_SUBSCRIPTIONS
    max_unacknowledged: int = 256  # messages of QoS 1 and 2 that the application has not committed; then reading waits
    max_in_flight: int = 16  # own messages of QoS 1 and 2 on their way at once
    max_waiting: int = 100  # own messages of QoS 1 and 2 behind those
    packets_per_s: float = 200.0
    burst: int = 1000
    resends: Resends = Resends()
    first_packet_within_s: float = 15.0  # CONNECT after the connection, CONNACK after CONNECT (section 2.3)
    ping_answer_within_s: float = 10.0  # PINGRESP after PINGREQ, as the devices wait for it (section 2.4)
