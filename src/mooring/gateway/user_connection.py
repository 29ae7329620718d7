"""One connection of an end user's app: it hears of the user's devices and sends to them (device-protocol.md 12).

It takes over from the connection that read CONNECT. What may be heard and sent is asked of the platform each time, and
asked again when the directory says that the user or a binding changed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import structlog

from mooring.platform.directory import Changed
from mooring.platform.end_user_entities import EndUser
from mooring.platform.entities import Device, Product
from mooring.platform.locations import Location
from mooring.platform.user_access import NOT_BOUND, Refusal
from mooring.protocol.frame import FrameError, decode_unchecked
from mooring.protocol.mqtt import (
    GRANT_REFUSED,
    ConnectRequested,
    Disconnected,
    Event,
    KeepAliveExpired,
    LocalProtocolError,
    ProtocolViolated,
    PublishReceived,
    Subscribe,
    Unsubscribe,
)

from . import user_messages
from .stream import Stream
from .user_topics import errors_topic, is_errors_filter, published_to, watched, watched_topic
from .user_work import Work

__all__ = ["UserConnection"]

DECIDED_WITHIN_S = 15.0  # from CONNECT
_NOT_AUTHORIZED, _UNAVAILABLE = 5, 3  # CONNACK
_PARAMETER = 50005
_FRAME = "FRAME"

_log = structlog.get_logger()


class UserConnection(Stream):
    """Serves one app. It is a `Watcher` of the devices that it hears of."""

    __slots__ = ("_client_id", "_errors_qos", "_levels", "_tickets", "_user", "_work", "_worked")

    def __init__(self, before: Stream, request: ConnectRequested) -> None:
        super().__init__(before._gateway)
        self._client_id = request.client_id
        self._user: EndUser | None = None
        self._levels: dict[int, dict[str, int]] = {}  # granted QoS by device and level
        self._errors_qos = 0
        self._tickets: set[int] = set()  # commands whose outcome is awaited
        self._work = Work(self._gateway, self._on_work, self._finish)
        self.take_over(before)
        self._end_by(DECIDED_WITHIN_S)
        self._gateway.spawn(self._decide(request))

    @property
    def client_id(self) -> str:
        """The client id that the app connected with."""
        return self._client_id

    # Watcher

    def on_values(self, device: Device, values: Mapping[str, object]) -> None:
        """The device reported properties."""
        self._tell(device, "bus_", partial(user_messages.reported, device, self._product(device), values))

    def on_location(self, device: Device, location: Location) -> None:
        """The device reported a position."""
        self._tell(device, "loc_", partial(user_messages.located, device, self._product(device), location))

    def on_online(self, device: Device, online: bool) -> None:
        """The device came or went."""
        self._tell(device, "onl_", partial(user_messages.online, device, self._product(device), online))

    # Changes of rights

    def on_change(self, changed: Changed | None) -> None:
        """See whether the user may stay and hear what the user hears."""
        user = self._user
        if user is None or self._closed:
            return
        if changed is None or ("end_user", user.id) in changed or ("end_user_app", user.end_user_app_id) in changed:
            self._work.add(self._check_user)
        for device_id in tuple(self._levels):
            if changed is None or ("bindings", device_id) in changed or any(kind in _RIGHTS for kind, _ in changed):
                self._work.add(partial(self._check_device, device_id))

    async def _check_user(self) -> None:
        if self._user is not None and not await self._gateway.platform.user_access.may_stay(self._user):
            self._finish("the user was disabled or deleted")

    async def _check_device(self, device_id: int) -> None:
        user = self._user
        if user is None or device_id not in self._levels:
            return
        if not await self._gateway.platform.user_access.holds(user, device_id):
            self._levels.pop(device_id, None)
            self._gateway.platform.live.unwatch(device_id, self)
            self._refuse(Refusal(NOT_BOUND, "the device is not bound to the user any more"), "UNBIND", "")

    # Events of the MQTT session

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            handler = self._HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)

    async def _decide(self, request: ConnectRequested) -> None:
        refusal, user = _NOT_AUTHORIZED, None
        token = (request.password or b"").decode("utf-8", "replace")
        try:
            user = await self._gateway.platform.user_access.admit(request.client_id, token, self._address)
        except Exception as error:
            _log.error("cannot decide on a user's connection", client_id=request.client_id[:80], error=repr(error))
            refusal = _UNAVAILABLE
        if self._closed:
            return
        self._end_at = None
        self._prove()
        if user is None:
            self._gateway.metrics.refused["user"] += 1
            self._mqtt.refuse(refusal)
            self._after()
            self._finish("the access token is wrong, expired or ended")
            return
        self._user = user
        self._gateway.users.enter(self)
        self._take(self._mqtt.accept(self._loop.time()))
        self._after()
        self._arm()
        # What changed while the database was asked is not told again.
        self._work.add(self._check_user)

    def _on_subscribe(self, event: Subscribe) -> None:
        self._work.add(partial(self._subscribe, event))

    async def _subscribe(self, event: Subscribe) -> None:
        codes = [await self._grant(text, min(qos, 1)) for text, qos in event.filters]
        if not self._closed:
            self._mqtt.grant(event.packet_id, codes)

    async def _grant(self, text: str, qos: int) -> int:
        if is_errors_filter(self._client_id, text):
            self._errors_qos = qos
            return qos
        found = watched(text)
        if found is None or self._user is None:
            self._refuse(Refusal(NOT_BOUND, "only topics of one's devices can be subscribed to"), "SUBSCRIBE", text)
            return GRANT_REFUSED
        platform = self._gateway.platform
        try:
            device = await platform.user_access.device(self._user, found[0])
        except Refusal as refusal:
            self._refuse(refusal, "SUBSCRIBE", text)
            return GRANT_REFUSED
        if self._closed:
            return GRANT_REFUSED
        self._levels.setdefault(device.id, {}).update(dict.fromkeys(found[1], qos))
        platform.live.watch(device.id, self)
        self._work.add(partial(self._check_device, device.id))  # what changed while the database was asked
        return qos

    def _on_unsubscribe(self, event: Unsubscribe) -> None:
        self._work.add(partial(self._unsubscribe, event))

    async def _unsubscribe(self, event: Unsubscribe) -> None:
        platform = self._gateway.platform
        for found in filter(None, map(watched, event.filters)):
            device = await platform.devices.by_client_id(found[0])
            levels = self._levels.get(device.id) if device is not None else None
            if device is None or levels is None:
                continue
            for level in found[1]:
                levels.pop(level, None)
            if not levels:
                del self._levels[device.id]
                platform.live.unwatch(device.id, self)

    # What the app sends

    def _on_publish(self, event: PublishReceived) -> None:
        self._work.add(partial(self._send, event))

    async def _send(self, event: PublishReceived) -> None:
        kind: str = _FRAME
        message_id: int | str | None = None
        try:
            found = published_to(event.topic)
            if found is None or self._user is None:
                raise Refusal(NOT_BOUND, "only topics of one's devices can be published to")
            access = self._gateway.platform.user_access
            device = await access.device(self._user, found[0])
            if found[1] == "bus":
                frame = decode_unchecked(event.payload)
                done = partial(self._acked, device, None)
                ticket = await access.send_frame(self._user, self._address, device, frame, done)
            else:
                product = self._product(device)
                product_key = product.product_key if product is not None else ""
                request, kind, message_id = user_messages.parse_request(event.payload, device, product_key)
                done = partial(self._acked, device, message_id)
                ticket = await access.send(self._user, self._address, device, request, done)
            self._awaits(ticket)
        except FrameError as error:
            self._refuse(Refusal(_PARAMETER, f"the message is no frame: {error}"), kind, event.topic)
        except Refusal as refusal:
            self._refuse(refusal, kind, event.topic, message_id)
        if event.qos and not self._closed:
            self._mqtt.acknowledge(event.packet_id)

    def _awaits(self, ticket: int) -> None:
        access = self._gateway.platform.user_access
        if self._closed:
            access.look_away(ticket)
        elif access.awaits(ticket):
            self._tickets.add(ticket)

    def _acked(self, device: Device, message_id: int | str | None, ticket: int, succeeded: bool, text: str) -> None:
        """The device confirmed something that the app sent, or it was given up."""
        self._tickets.discard(ticket)
        self._tell(device, "ack_", partial(user_messages.acked, device, message_id, succeeded, text))

    # What the app hears

    def _tell(self, device: Device, level: str, message: Callable[[], bytes]) -> None:
        qos = self._levels.get(device.id, {}).get(level)
        if qos is not None:
            self._publish(watched_topic(device.client_id, level), message(), qos)

    def _refuse(self, refusal: Refusal, kind: str, topic: str, message_id: int | str | None = None) -> None:
        """Told whether or not the app has subscribed to it, because most of them do not (section 12)."""
        message = user_messages.refused(refusal, kind, topic, message_id)
        self._publish(errors_topic(self._client_id), message, self._errors_qos)

    def _publish(self, topic: str, payload: bytes, qos: int) -> None:
        if self._closed or self._user is None:
            return
        try:
            self._mqtt.publish(topic, payload, qos, self._loop.time())
        except LocalProtocolError:  # too much is on its way to an app that reads too slowly
            self._gateway.metrics.user_messages_lost += 1
            return
        self._gateway.metrics.user_messages += 1
        self._flush_soon()

    # The end

    def _on_work(self) -> None:
        self._after()
        self._arm()

    def _has_room(self) -> bool:
        return self._work.has_room and super()._has_room()

    def _on_gone(self, event: Disconnected) -> None:
        self._finish("the app disconnected" if event.clean else "the connection was lost")

    def _on_silent(self, _event: KeepAliveExpired) -> None:
        self._finish("nothing came for 1.5 times the keep alive")

    def _on_violation(self, event: ProtocolViolated) -> None:
        _log.info("an app broke the MQTT protocol", reason=event.reason, address=self._address)
        self._finish(event.reason)

    def _too_late(self) -> str:
        return "CONNECT could not be decided upon in time"

    def _leave(self, reason: str) -> None:
        platform = self._gateway.platform
        self._work.stop()
        for device_id in self._levels:
            platform.live.unwatch(device_id, self)
        self._levels.clear()
        for ticket in self._tickets:
            platform.user_access.look_away(ticket)
        self._tickets.clear()
        if self._user is not None:
            self._user = None
            self._gateway.users.leave(self)
            _log.debug("an app disconnected", client_id=self._client_id, reason=reason)

    def _product(self, device: Device) -> Product | None:
        return self._gateway.platform.directory.product(device.product_id)

    _HANDLERS: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        Subscribe: _on_subscribe,
        Unsubscribe: _on_unsubscribe,
        PublishReceived: _on_publish,
        Disconnected: _on_gone,
        KeepAliveExpired: _on_silent,
        ProtocolViolated: _on_violation,
    }


_RIGHTS = ("end_user_app", "product")
"""Kinds of changes that may take a device from any user."""
