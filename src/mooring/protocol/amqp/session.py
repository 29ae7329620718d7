"""The server side of one AMQP 0-9-1 connection: bytes in, events out; commands in, bytes out.

`states` has the rules. Here are the connection and its deadlines; `server` has what happens on channels.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, cast

from pamqp import base
from pamqp.commands import Connection

from mooring.protocol.amqp.channel import Channel
from mooring.protocol.amqp.errors import ChannelError, ConnectionError_, LocalProtocolError, ReplyCode
from mooring.protocol.amqp.events import (
    ChannelClosed,
    ConnectionClosed,
    Event,
    LoginRequested,
    Opened,
    ProtocolViolated,
    Returned,
    Silent,
)
from mooring.protocol.amqp.limits import FRAME_MIN, VIRTUAL_HOSTS, Limits
from mooring.protocol.amqp.reader import HEARTBEAT, METHOD, FrameReader, RawFrame
from mooring.protocol.amqp.states import CONNECTION_METHODS, State
from mooring.protocol.amqp.wire import HEARTBEAT_FRAME, PROTOCOL_HEADER, decode_method, encode_method

__all__ = ["Handshake"]

M = TypeVar("M")

_CAPABILITIES: Final = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "consumer_priorities": False,
    # Some clients ask for confirms on every channel they open, and publish nothing.
    "publisher_confirms": True,
}
_MAX_HELD = 1 << 20  # bytes that wait behind a request before reading stops


class Handshake(Generic[M]):
    """What a session is apart from its channels: states, deadlines, the buffer of what goes out."""

    def __init__(self, now: float, limits: Limits | None = None, product: Mapping[str, str] | None = None) -> None:
        self.limits = limits or Limits()
        self.state = State.NEW
        self.username = ""
        self._product = dict(product or {"product": "Mooring"})
        self._reader = FrameReader(max(FRAME_MIN, self.limits.frame_max))
        self._out = bytearray()
        self._wrote = False
        self._started_at = now
        self._heard_at = now
        self._logged_in_at: float | None = None
        self._close_at: float | None = None
        self._beat_at: float | None = None
        self._heartbeat_s = 0
        self._client: dict[str, Any] = {}
        self._channels: dict[int, Channel[M]] = {}
        self._asked: tuple[Event, Any] | None = None  # the request that the application has to answer, and its method
        self._unsettled = 0
        self._held = False
        self._has_consumed = False
        self.frame_max = FRAME_MIN
        self.channel_max = self.limits.channel_max

    # Looking

    @property
    def is_over(self) -> bool:
        """Whether the socket is to be closed once everything is sent."""
        return self.state is State.ENDED

    @property
    def wants_data(self) -> bool:
        """Whether reading makes sense now."""
        if self.state is State.ENDED or self._unsettled >= self.limits.max_acks_waiting:
            return False
        waits = self._asked is not None or self.state is State.DECIDING or self._unsettled > 0
        return not (waits and self._reader.held_bytes > _MAX_HELD)

    @property
    def is_held(self) -> bool:
        """Whether something that the client sent waits until what it acknowledged before is settled."""
        return self._held

    def supports(self, capability: str) -> bool:
        """Whether the client has announced a capability."""
        capabilities = self._client.get("capabilities")
        return isinstance(capabilities, dict) and capabilities.get(capability) is True

    def data_to_send(self) -> bytes:
        """What is to be written to the socket; afterwards it is gone from here."""
        data = bytes(self._out)
        self._out.clear()
        self._wrote = self._wrote or bool(data)
        return data

    # Bytes

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was received."""
        if self.state is State.ENDED:
            return []
        self._heard_at = now
        self._reader.feed(data)
        return self.resume(now)

    def resume(self, now: float) -> list[Event]:
        """Go on with what was held back behind a request, a login or acknowledgements; call it after each answer."""
        events: list[Event] = []
        self._held = False
        try:
            if self.state is State.NEW and not self._begin():
                return events
            while self._may_go_on():
                raw = self._reader.next_frame()
                if raw is None:
                    break
                if not self._on_frame(raw, events, now):
                    self._reader.put_back(raw)
                    self._held = True
                    break
        except ConnectionError_ as error:
            self._fail(error, events, now)
        if self.state is State.ENDED:
            self._reader.clear()
        return events

    def receive_eof(self) -> list[Event]:
        """The peer has closed the socket."""
        events: list[Event] = []
        if self.state is not State.ENDED:
            if self.state is not State.CLOSING:
                self._return_all(events)
                events.append(ConnectionClosed(clean=False))
            self.state = State.ENDED
        return events

    def _may_go_on(self) -> bool:
        return self._asked is None and self.state not in (State.NEW, State.DECIDING, State.ENDED)

    def _begin(self) -> bool:
        known = self._reader.peek(len(PROTOCOL_HEADER))
        if known != PROTOCOL_HEADER[: len(known)]:
            self._out += PROTOCOL_HEADER  # rule 1
            self.state = State.ENDED
            return False
        if self._reader.take(len(PROTOCOL_HEADER)) is None:
            return False
        properties = {**self._product, "capabilities": dict(_CAPABILITIES)}
        self._write(0, Connection.Start(0, 9, cast("Any", properties), "PLAIN", "en_US"))
        self.state = State.STARTED
        return True

    # Frames

    def _on_frame(self, raw: RawFrame, events: list[Event], now: float) -> bool:
        """Take one frame; False when it has to wait."""
        kind, channel, payload = raw
        if kind == HEARTBEAT:
            if channel:
                raise ConnectionError_(ReplyCode.UNEXPECTED_FRAME, "a heartbeat belongs to channel 0")
            return True
        if self.state is State.CLOSING and (channel or kind != METHOD):
            return True
        if channel == 0:
            if kind != METHOD:
                raise ConnectionError_(ReplyCode.UNEXPECTED_FRAME, "channel 0 carries no content")
            if self._unsettled:
                return False  # rule 3
            self._on_channel_zero(decode_method(payload), events, now)
            return True
        if self.state is not State.OPEN:
            raise ConnectionError_(ReplyCode.CHANNEL_ERROR, f"a channel is used {self.state.value}")
        return self._on_channel_frame(raw, events)

    def _on_channel_frame(self, raw: RawFrame, events: list[Event]) -> bool:
        raise NotImplementedError

    def _on_channel_zero(self, method: base.Frame, events: list[Event], now: float) -> None:
        try:
            self._on_connection_method(method, events, now)
        except ConnectionError_ as error:
            error.class_id, error.method_id = method.index >> 16, method.index & 0xFFFF
            raise

    def _on_connection_method(self, method: base.Frame, events: list[Event], now: float) -> None:
        following = CONNECTION_METHODS[self.state].get(type(method))
        if following is None:
            if self.state is State.CLOSING:
                return
            if not method.name.startswith("Connection."):
                raise ConnectionError_(ReplyCode.CHANNEL_ERROR, f"{method.name} does not belong on channel 0")
            raise ConnectionError_(ReplyCode.COMMAND_INVALID, f"{method.name} has no place {self.state.value}")
        if isinstance(method, Connection.StartOk):
            self._on_start_ok(method, events)
        elif isinstance(method, Connection.TuneOk):
            self._on_tune_ok(method)
        elif isinstance(method, Connection.Open):
            self._on_open(method, events, now)
        elif isinstance(method, Connection.Close):
            if self.state is not State.CLOSING:
                self._return_all(events)
                events.append(ConnectionClosed(clean=True))
            self._write(0, Connection.CloseOk())
        self.state = following

    def _on_start_ok(self, method: Connection.StartOk, events: list[Event]) -> None:
        self._client = cast("dict[str, Any]", method.client_properties or {})
        if method.mechanism != "PLAIN":
            raise ConnectionError_(ReplyCode.COMMAND_INVALID, "the only mechanism is PLAIN")
        response = cast("object", method.response)  # the codec hands on bytes that are no UTF-8
        parts = response.split("\0") if isinstance(response, str) else []
        if len(parts) != 3 or parts[0] not in ("", parts[1]):
            raise ConnectionError_(ReplyCode.SYNTAX_ERROR, "the response of PLAIN is malformed")
        self.username = parts[1]
        product = self._client.get("product")
        events.append(LoginRequested(parts[1], parts[2], product[:80] if isinstance(product, str) else ""))

    def _on_tune_ok(self, method: Connection.TuneOk) -> None:
        limits = self.limits
        channels, frame_max, heartbeat = method.channel_max or 0, method.frame_max or 0, method.heartbeat or 0
        if channels > limits.channel_max:
            raise _not_allowed(f"channel-max is {channels}, the limit is {limits.channel_max}")
        if frame_max and not FRAME_MIN <= frame_max <= limits.frame_max:
            raise _not_allowed(f"frame-max is {frame_max}, it must be {FRAME_MIN} to {limits.frame_max}")
        if limits.shortest_heartbeat_s > 1 and not limits.shortest_heartbeat_s <= heartbeat <= limits.heartbeat_s:
            allowed = f"{limits.shortest_heartbeat_s} to {limits.heartbeat_s} s"
            raise _not_allowed(f"the heartbeat is {heartbeat} s, it must be {allowed}")
        self.frame_max = self._reader.frame_max = frame_max or limits.frame_max
        self.channel_max = channels or limits.channel_max
        self._heartbeat_s = min(heartbeat or limits.heartbeat_s, limits.heartbeat_s)

    def _on_open(self, method: Connection.Open, events: list[Event], now: float) -> None:
        if method.virtual_host not in VIRTUAL_HOSTS:
            raise _not_allowed("there is no such virtual host; it is quec-open")
        self._write(0, Connection.OpenOk())
        self._beat_at = now + self._heartbeat_s / 2
        events.append(Opened(self._heartbeat_s))

    # The login

    def accept_login(self, now: float) -> None:
        """Let the client in."""
        if self.state is State.DECIDING:
            limits = self.limits
            self._logged_in_at = now
            self._write(0, Connection.Tune(limits.channel_max, limits.frame_max, limits.heartbeat_s))
            self.state = State.TUNING

    def refuse_login(self, reason: str, now: float) -> None:
        """Turn the client away (section 6: with 403 where it understands that)."""
        if self.state is not State.DECIDING:
            return
        if self.supports("authentication_failure_close"):
            self._send_close(ReplyCode.ACCESS_REFUSED, reason, now)
        else:
            self.state = State.ENDED

    # Time

    def next_deadline(self) -> float | None:
        """When `on_time` is to be called at the latest; an earlier call does no harm."""
        if self.state is State.ENDED:
            return None
        if self.state is State.OPEN and self._has_consumed and self._beat_at is not None:
            return min(self._beat_at, self._heard_at + 2 * self._heartbeat_s)
        due = [at for at in (self._close_at, self._login_by(), self._consumer_by()) if at is not None]
        if self._beat_at is not None and self.state is State.OPEN:
            due += (self._beat_at, self._heard_at + 2 * self._heartbeat_s)
        return min(due, default=None)

    def on_time(self, now: float) -> list[Event]:
        """Send a heartbeat when it is time, and see who kept us waiting."""
        events: list[Event] = []
        if self._close_at is not None and now >= self._close_at:
            self.state = State.ENDED
            self._close_at = None
            return events
        login_by, consumer_by = self._login_by(), self._consumer_by()
        if login_by is not None and now >= login_by:
            self._end_silent(f"no login within {self.limits.login_s:g} s", events)
        elif consumer_by is not None and now >= consumer_by:
            reason = f"no consumer within {self.limits.consumer_s:g} s of the login"
            self._return_all(events)
            events.append(Silent(reason))
            self._send_close(ReplyCode.CONNECTION_FORCED, reason, now)
        elif self.state is State.OPEN and self._beat_at is not None:
            if not self.wants_data:
                self._heard_at = now  # what it sent may wait in the socket
            if now >= self._heard_at + 2 * self._heartbeat_s:
                self._end_silent(f"nothing came for {2 * self._heartbeat_s} s", events)
            elif now >= self._beat_at:
                if not self._wrote:
                    self._out += HEARTBEAT_FRAME
                self._wrote = False
                self._beat_at = now + self._heartbeat_s / 2
        return events

    def _login_by(self) -> float | None:
        waits = self._logged_in_at is None and self.state not in (State.CLOSING, State.ENDED)
        return self._started_at + self.limits.login_s if waits else None

    def _consumer_by(self) -> float | None:
        if self._logged_in_at is None or self._has_consumed or self.state in (State.CLOSING, State.ENDED):
            return None
        return self._logged_in_at + self.limits.consumer_s

    def _end_silent(self, reason: str, events: list[Event]) -> None:
        self._return_all(events)
        events.append(Silent(reason))
        self.state = State.ENDED

    # The end

    def close(self, code: ReplyCode, reason: str, now: float) -> list[Event]:
        """End the connection, with `connection.close` where it is open; what is out comes back as events."""
        events: list[Event] = []
        if self.state not in (State.CLOSING, State.ENDED):
            self._return_all(events)
            if self.state in (State.OPENING, State.TUNING, State.OPEN):
                self._send_close(code, reason, now)
            else:
                self.state = State.ENDED
        return events

    def _fail(self, error: ConnectionError_, events: list[Event], now: float) -> None:
        said = self.state in (State.OPEN, State.OPENING, State.TUNING)
        self._return_all(events)
        if self.state is not State.CLOSING:
            events.append(ProtocolViolated(error.code, error.reason))
        if said:
            self._send_close(error.code, error.reason, now, error.class_id, error.method_id)
        else:
            self.state = State.ENDED  # rule 1

    def _send_close(self, code: ReplyCode, reason: str, now: float, class_id: int = 0, method_id: int = 0) -> None:
        self._write(0, Connection.Close(code, _reply_text(code, reason), class_id, method_id))
        self._close_at = now + self.limits.close_s
        self._asked = None
        self.state = State.CLOSING

    def _return_all(self, events: list[Event]) -> None:
        for channel in tuple(self._channels.values()):
            self._drop_channel(channel, events)

    def _drop_channel(self, channel: Channel[M], events: list[Event]) -> None:
        del self._channels[channel.number]
        self._come_back(channel, events)

    def _come_back(self, channel: Channel[M], events: list[Event]) -> None:
        messages = channel.take_all()
        if messages:
            events.append(Returned(channel.number, cast("tuple[object, ...]", messages), True, False))
        if not channel.closing:
            events.append(ChannelClosed(channel.number))
        channel.consumers.clear()

    # Sending

    def _write(self, channel: int, method: base.Frame) -> None:
        self._out += encode_method(method, channel)

    def _expect(self, channel: int, *kinds: type) -> tuple[Any, Any]:
        """The request that the application answers now, and its method. Raises LocalProtocolError."""
        asked = self._asked
        if asked is None or not isinstance(asked[0], kinds) or getattr(asked[0], "channel", 0) != channel:
            raise LocalProtocolError(f"channel {channel} has not asked for that")
        self._asked = None
        return asked


def _not_allowed(reason: str) -> ConnectionError_:
    return ConnectionError_(ReplyCode.NOT_ALLOWED, reason)


def _reply_text(code: ReplyCode, reason: str) -> str:
    # A short string has at most 255 bytes.
    return f"{code.name} - {reason}".encode()[:255].decode(errors="ignore")


def channel_close_text(error: ChannelError) -> str:
    """The reply text of `channel.close`."""
    return _reply_text(error.code, error.reason)
