"""A client for tests that is written with the general codec, joined to a session by a wire and one clock."""

import warnings
from typing import Any, TypeVar

from pamqp import base, body, frame, header, heartbeat
from pamqp.commands import Basic, Channel, Connection, Queue

from mooring.protocol.amqp import Event, Limits, Message, ServerSession

__all__ = ["MESSAGE", "PROTOCOL", "Link", "plain", "recover_async"]

PROTOCOL = b"AMQP\x00\x00\x09\x01"
MESSAGE = Message("1760000000000000001", "MATTR-REPORT", 1_760_000_000, b'{"type":"MATTR"}')
ALL = {"authentication_failure_close": True, "consumer_cancel_notify": True, "basic.nack": True}

Frame = base.Frame | header.ContentHeader | body.ContentBody | heartbeat.Heartbeat
F = TypeVar("F")


def plain(user: str = "user", password: str = "secret") -> str:
    return f"\0{user}\0{password}"


def recover_async(*, requeue: bool) -> Basic.RecoverAsync:
    """Deprecated, and in use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Basic.RecoverAsync(requeue=requeue)


class Link:
    """One client and its session; `now` is the time of both."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.now = 0.0
        self.server: ServerSession[Any] = ServerSession(self.now, limits or Limits())

    def raw(self, data: bytes) -> list[Event]:
        """Send bytes; what the application is told."""
        return self.server.receive_data(data, self.now)

    def send(self, method: base.Frame, channel: int = 1) -> list[Event]:
        """Send a method; what the application is told."""
        return self.raw(frame.marshal(method, channel))

    def read(self) -> list[tuple[int, Any]]:
        """Channel and frame of everything that came for the client."""
        data = self.server.data_to_send()
        found = []
        while data:
            consumed, channel, decoded = frame.unmarshal(data)
            found.append((channel, decoded))
            data = data[consumed:]
        return found

    def got(self, kind: type[F], channel: int = 1) -> F:
        """The only frame that came."""
        ((on, decoded),) = self.read()
        assert (on, type(decoded)) == (channel, kind)
        assert isinstance(decoded, kind)
        return decoded

    def call(self, method: base.Frame, answer: type[F], channel: int = 1) -> F:
        """Send a method that the session answers by itself."""
        self.send(method, channel)
        return self.got(answer, channel)

    def resume(self) -> list[Event]:
        return self.server.resume(self.now)

    def start(self, capabilities: dict[str, bool] | None = None) -> "Link":
        """Header and credentials: the application has to decide."""
        self.raw(PROTOCOL)
        self.got(Connection.Start, 0)
        known: Any = {"product": "test", "capabilities": ALL if capabilities is None else capabilities}
        self.send(Connection.StartOk(known, "PLAIN", plain(), "en_US"), 0)
        return self

    def tune(self, capabilities: dict[str, bool] | None = None) -> Connection.Tune:
        """The client was let in."""
        self.start(capabilities)
        self.server.accept_login(self.now)
        self.resume()
        return self.got(Connection.Tune, 0)

    def open(
        self,
        *,
        channels: int = 0,
        frame_max: int = 0,
        heartbeat_s: int = 60,
        capabilities: dict[str, bool] | None = None,
    ) -> "Link":
        """An open connection with channel 1."""
        self.tune(capabilities)
        self.send(Connection.TuneOk(channels, frame_max, heartbeat_s), 0)
        self.send(Connection.Open("quec-open"), 0)
        self.got(Connection.OpenOk, 0)
        return self.open_channel(1)

    def open_channel(self, number: int) -> "Link":
        self.call(Channel.Open(), Channel.OpenOk, number)
        return self

    def consume(
        self, tag: str = "c", channel: int = 1, *, queue: str = "q", no_ack: bool = False, prefetch: int | None = None
    ) -> "Link":
        """A consumer, let in by the application."""
        if prefetch is not None:
            self.call(Basic.Qos(0, prefetch), Basic.QosOk, channel)
        self.send(Basic.Consume(queue=queue, consumer_tag=tag, no_ack=no_ack), channel)
        self.server.accept_consumer(channel)
        self.resume()
        self.got(Basic.ConsumeOk, channel)
        return self

    def declare(self, queue: str = "q", channel: int = 1) -> "Link":
        self.send(Queue.Declare(queue=queue), channel)
        self.server.declared(channel, 3, 1)
        self.resume()
        self.got(Queue.DeclareOk, channel)
        return self

    def deliver(self, *references: object, tag: str = "c", channel: int = 1, redelivered: bool = False) -> None:
        """Hand messages out, and look at what comes: one after the other, whole, with tags that go up."""
        for reference in references:
            self.server.deliver(channel, tag, [(reference, MESSAGE, redelivered)])
        came = self.read()
        methods = [decoded for _, decoded in came if isinstance(decoded, Basic.Deliver)]
        bodies = [decoded.value for _, decoded in came if isinstance(decoded, body.ContentBody)]
        assert len(methods) == len(references)
        assert bodies == [MESSAGE.body] * len(references)
        assert all(method.redelivered is redelivered for method in methods)
