"""What a session tells its application. Each event is a frozen value; after one of the last three nothing comes."""

from typing import Generic, TypeVar

import msgspec

__all__ = [
    "Acked",
    "Cancelled",
    "ChannelClosed",
    "ConnectionClosed",
    "ConsumeRequested",
    "DeclareRequested",
    "Event",
    "GetRequested",
    "LoginRequested",
    "Opened",
    "PrefetchChanged",
    "ProtocolViolated",
    "Returned",
    "Silent",
]

M = TypeVar("M")


class LoginRequested(msgspec.Struct, frozen=True):
    """A client wants in; answer with `accept_login` or `refuse_login`. No representation shows the password."""

    username: str
    password: str
    product: str

    def __repr__(self) -> str:
        return f"LoginRequested(product={self.product!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("product", self.product)]


class Opened(msgspec.Struct, frozen=True, gc=False):
    """The connection is open on its virtual host. It has been answered. `heartbeat_s` is what both agreed on."""

    heartbeat_s: int


class DeclareRequested(msgspec.Struct, frozen=True, gc=False):
    """A client asks whether a queue is there; answer with `declared` or `refuse`."""

    channel: int
    queue: str
    passive: bool


class ConsumeRequested(msgspec.Struct, frozen=True, gc=False):
    """A client wants the messages of a queue; answer with `accept_consumer` or `refuse`."""

    channel: int
    consumer_tag: str
    queue: str
    no_ack: bool
    exclusive: bool


class GetRequested(msgspec.Struct, frozen=True, gc=False):
    """A client wants one message; answer with `deliver_one`, `nothing_to_get` or `refuse`."""

    channel: int
    queue: str
    no_ack: bool


class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """A consumer is no more: the client cancelled it. It has been answered; what it has not acknowledged stays out."""

    channel: int
    consumer_tag: str


class PrefetchChanged(msgspec.Struct, frozen=True, gc=False):
    """A client changed how much it takes on a channel. It has been answered; `room` says how much that is now."""

    channel: int


class Acked(msgspec.Struct, Generic[M], frozen=True):
    """Messages that a client is done with, as they were given. Say `settled` once they are committed."""

    channel: int
    messages: tuple[M, ...]


class Returned(msgspec.Struct, Generic[M], frozen=True):
    """Messages that come back. `refused` by the client with reject or nack, else because of recover or the end of
    their channel; not to be `requeue`d means to be dropped. In the order of delivery."""

    channel: int
    messages: tuple[M, ...]
    requeue: bool
    refused: bool


class ChannelClosed(msgspec.Struct, frozen=True, gc=False):
    """A channel is gone, and its consumers with it; what was out came back by `Returned`."""

    channel: int


class ConnectionClosed(msgspec.Struct, frozen=True, gc=False):
    """The peer left: `clean` by `connection.close`, else by closing the socket."""

    clean: bool


class ProtocolViolated(msgspec.Struct, frozen=True, gc=False):
    """The peer broke the protocol or went over a guard: send what is left to send, then close."""

    code: int
    reason: str


class Silent(msgspec.Struct, frozen=True, gc=False):
    """The peer kept a deadline waiting; `reason` says which. Send what is left to send, then close."""

    reason: str


Event = (
    Acked[object]
    | Cancelled
    | ChannelClosed
    | ConnectionClosed
    | ConsumeRequested
    | DeclareRequested
    | GetRequested
    | LoginRequested
    | Opened
    | PrefetchChanged
    | ProtocolViolated
    | Returned[object]
    | Silent
)
