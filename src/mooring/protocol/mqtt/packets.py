"""The fourteen packets of MQTT 3.1.1 as frozen values, and the texts they may carry.

`decode` and `encode` translate between these values and bytes. A value is plain data: building one checks
nothing, `encode` and `decode` check everything. No representation shows a password.
"""

import msgspec

__all__ = [
    "GRANT_REFUSED",
    "Connack",
    "Connect",
    "Disconnect",
    "Packet",
    "Pingreq",
    "Pingresp",
    "Puback",
    "Pubcomp",
    "Publish",
    "Pubrec",
    "Pubrel",
    "Suback",
    "Subscribe",
    "Unsuback",
    "Unsubscribe",
    "Will",
    "filter_fault",
    "topic_fault",
]

GRANT_REFUSED = 0x80  # the code of SUBACK for "no"; 0, 1 and 2 grant that QoS


class Will(msgspec.Struct, frozen=True, gc=False):
    """What a client wants published when it vanishes."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Connect(msgspec.Struct, frozen=True):
    """CONNECT. A password without a user name is the devices' form (flags 42 hex)."""

    client_id: str
    username: str | None = None
    password: bytes | None = None
    keep_alive_s: int = 0
    clean_session: bool = True
    will: Will | None = None

    @property
    def flags(self) -> int:
        """The connect flags as they are on the wire."""
        flags = 0x02 if self.clean_session else 0
        if self.will is not None:
            flags |= 0x04 | self.will.qos << 3 | self.will.retain << 5
        if self.password is not None:
            flags |= 0x40
        if self.username is not None:
            flags |= 0x80
        return flags

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("client_id", self.client_id), ("flags", self.flags), ("keep_alive_s", self.keep_alive_s)]

    def __repr__(self) -> str:
        return f"Connect(client_id={self.client_id!r}, flags={self.flags:#x}, keep_alive_s={self.keep_alive_s})"


class Connack(msgspec.Struct, frozen=True, gc=False):
    """CONNACK: 0 accepts; 1 version, 2 client id, 3 unavailable, 4 credentials, 5 not authorized refuse."""

    return_code: int
    session_present: bool = False


class Publish(msgspec.Struct, frozen=True, gc=False):
    """PUBLISH. `packet_id` is 0 exactly when `qos` is 0."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    dup: bool = False
    retain: bool = False


class Puback(msgspec.Struct, frozen=True, gc=False):
    """PUBACK, the answer to a QoS 1 PUBLISH."""

    packet_id: int


class Pubrec(msgspec.Struct, frozen=True, gc=False):
    """PUBREC, first answer to a QoS 2 PUBLISH: it is kept."""

    packet_id: int


class Pubrel(msgspec.Struct, frozen=True, gc=False):
    """PUBREL, answer to PUBREC: the sender will not send the message again."""

    packet_id: int


class Pubcomp(msgspec.Struct, frozen=True, gc=False):
    """PUBCOMP, answer to PUBREL: the packet id is free."""

    packet_id: int


class Subscribe(msgspec.Struct, frozen=True):
    """SUBSCRIBE: topic filters, each with the QoS that is asked for."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


class Suback(msgspec.Struct, frozen=True):
    """SUBACK: one code for each filter, the granted QoS or `GRANT_REFUSED`."""

    packet_id: int
    codes: tuple[int, ...]


class Unsubscribe(msgspec.Struct, frozen=True):
    """UNSUBSCRIBE: topic filters, letter by letter as they were subscribed."""

    packet_id: int
    filters: tuple[str, ...]


class Unsuback(msgspec.Struct, frozen=True, gc=False):
    """UNSUBACK, the answer to UNSUBSCRIBE."""

    packet_id: int


class Pingreq(msgspec.Struct, frozen=True, gc=False):
    """PINGREQ: the client is alive."""


class Pingresp(msgspec.Struct, frozen=True, gc=False):
    """PINGRESP, the answer to PINGREQ."""


class Disconnect(msgspec.Struct, frozen=True, gc=False):
    """DISCONNECT: the client leaves on purpose, its will is void."""


Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
)


def topic_fault(topic: str) -> str | None:
    """Say what forbids a text as the topic of a message (4.7 of the standard); None when nothing does."""
    if not topic:
        return "is empty"
    if "+" in topic or "#" in topic:
        return "has a wildcard"
    return "holds U+0000" if "\0" in topic else None


def filter_fault(topic_filter: str) -> str | None:
    """Say what forbids a text as a topic filter (4.7 of the standard); None when nothing does."""
    if not topic_filter:
        return "is empty"
    if "\0" in topic_filter:
        return "holds U+0000"
    *above, last = topic_filter.split("/")
    if last not in ("#", "+") and ("#" in last or "+" in last):
        return "has a wildcard beside other characters"
    if any("#" in level for level in above):
        return "has # before its end"
    if any("+" in level and level != "+" for level in above):
        return "has a wildcard beside other characters"
    return None
