"""Virtual devices: a person acts as a device of a product, to try what applications do with it (console-pages.md 2.3).

A product has at most one. It needs no network: its frames go the way of every uplink, so that logs, values, events
and commands are the same as those of a real device.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from mooring.protocol import frame as frames
from mooring.protocol import ttlv
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field, TtlvError, Value
from mooring.store import StoreError
from mooring.store import device_list as statements
from mooring.thingmodel import DataError, ModelCodec, plain_dm_data

from . import loading
from .devices import Devices
from .entities import Device, Product
from .errors import Conflict, Invalid, Missing
from .journal import Journal
from .latest import Latest
from .ledger import Actor, Ledger
from .products import Products
from .session import Session
from .sessions import GatewayOffline, Sessions
from .sources import Entropy, random_text
from .topology import GATEWAY, NO_LINK, SUB_DEVICE, Topology
from .trace import Trace
from .uplink import Uplinks
from .virtual_link import VirtualLink

__all__ = ["IDLE_MS", "MAX_DELAY_S", "Pushed", "VirtualDevice", "VirtualDevices"]

IDLE_MS = 86_400_000  # without anything sent or received, a virtual device goes offline
MAX_DELAY_S = 300.0  # of the answer to a service

_KEY_CHARACTERS = 10
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_TRANSPARENT = 0
_WRONG_PRODUCT, _NO_MODEL, _NOT_ONLINE, _NO_DEVICE = 70083, 70094, 70065, 70130
_ADDRESS = "virtual"
_MODEL_DATA = (0x0012, 0x0013, 0x0014)


class VirtualDevice(msgspec.Struct, frozen=True):
    """The virtual device of a product; `answers` are the codes of the services that it answers by itself."""

    device: Device
    online: bool
    answers: tuple[str, ...]


class Pushed(msgspec.Struct, frozen=True):
    """A frame that the virtual device sent, committed; `frame` is hex."""

    packet_id: int
    frame: str


class _Running:
    __slots__ = ("active_at", "link")

    def __init__(self, link: VirtualLink, active_at: int) -> None:
        self.link = link
        self.active_at = active_at


class VirtualDevices:
    """What an administrator does as a device. Everything but the device itself is forgotten when it goes offline."""

    def __init__(
        self,
        ledger: Ledger,
        products: Products,
        devices: Devices,
        sessions: Sessions,
        topology: Topology,
        uplinks: Uplinks,
        latest: Latest,
        journal: Journal,
        trace: Trace,
        entropy: Entropy,
    ) -> None:
        self._ledger = ledger
        self._clock = ledger.clock
        self._products = products
        self._devices = devices
        self._sessions = sessions
        self._topology = topology
        self._uplinks = uplinks
        self._latest = latest
        self._journal = journal
        self._trace = trace
        self._entropy = entropy
        self._running: dict[int, _Running] = {}
        self._lock = asyncio.Lock()

    async def one(self, account_id: int, product_key: str) -> VirtualDevice:
        """The virtual device of a product. Raises Missing (70130 when it has none)."""
        product = self._products.one(account_id, product_key)
        device = await self._find(product)
        if device is None:
            raise Missing("no_virtual_device", f"product {product_key} has no virtual device", wire=_NO_DEVICE)
        return self._shown(device, product)

    async def create(self, actor: Actor, product_key: str) -> VirtualDevice:
        """Add it. Raises Missing, and Conflict when there is one or the product cannot have one."""
        product = self._products.one(actor.account_id, product_key)
        if product.data_fmt == _TRANSPARENT:
            message = f"{product_key} is a transparent product, which has no virtual device"
            raise Conflict("transparent_product", message, wire=_WRONG_PRODUCT)
        async with self._lock:
            known = await self._find(product)
            if known is not None:
                message = f"product {product_key} has the virtual device {known.device_key}"
                raise Conflict("virtual_device_exists", message)
            key = "VD" + random_text(self._entropy, _ALPHABET, _KEY_CHARACTERS)
            device = await self._devices.add_virtual(actor, product, key, f"Virtual {product.name}"[:50])
        return self._shown(device, product)

    async def delete(self, actor: Actor, product_key: str) -> None:
        """Delete it; its history stays. Raises Missing."""
        found = await self.one(actor.account_id, product_key)
        await self._devices.delete(actor, product_key, found.device.device_key)

    async def go_online(
        self, actor: Actor, product_key: str, *, gateway_product_key: str | None = None
    ) -> VirtualDevice:
        """Connect it; a sub-device through the virtual gateway of a product, which must be online.

        Raises Missing, Invalid for a gateway that is none or is missing, and Conflict when it is online, disabled or
        without a released model, or when its gateway is offline (70026) or may not carry it.
        """
        async with self._lock:
            product, device = await self._known(actor.account_id, product_key)
            gateway = await self._gateway(actor.account_id, product, gateway_product_key)
            if not device.enabled:
                raise Conflict("device_disabled", f"device {device.device_key} is disabled")
            if self._link(device) is not None:
                raise Conflict("online_already", f"device {device.device_key} is online already")
            link = VirtualLink(
                lambda: self._model(product.id),
                await self._values(product.id, device),
                lambda frame: self._send(device, frame),
                lambda frame: self._note(device, frame, "down"),
            )
            await self._audit(actor, "virtual_device.go_online", product_key, device)
            self._running[device.id] = _Running(link, self._clock.now_ms())
            try:
                await self._sessions.open(
                    device,
                    link,
                    _ADDRESS,
                    gateway=gateway,
                    writes=self._topology.login(device, gateway.device, self._clock.now_ms()) if gateway else (),
                )
            except GatewayOffline:
                del self._running[device.id]
                raise _gateway_offline(gateway_product_key) from None
            except StoreError:
                del self._running[device.id]
                raise
        return await self.one(actor.account_id, product_key)

    async def go_offline(self, actor: Actor, product_key: str) -> VirtualDevice:
        """Disconnect it. Raises Missing, Conflict when it is offline."""
        _, device = await self._known(actor.account_id, product_key)
        self._online(device)
        await self._audit(actor, "virtual_device.go_offline", product_key, device)
        await self._sessions.disconnect(device.id, "the virtual device was switched off")
        await self._journal.settle()
        self._running.pop(device.id, None)
        return await self.one(actor.account_id, product_key)

    async def push_properties(self, actor: Actor, product_key: str, values: Mapping[str, object]) -> Pushed:
        """Report properties by code. Raises Missing, Invalid (the codes of tsl.md section 9), Conflict when offline."""
        product, device = await self._known(actor.account_id, product_key)
        with _told("values"):
            fields = self._codec(product.id).encode_values(values)
        if not fields:
            raise Invalid("no_values", "no property is given", field="values")
        return await self._push(device, fields)

    async def push_event(self, actor: Actor, product_key: str, code: str, outputs: Mapping[str, object]) -> Pushed:
        """Raise an event with its outputs by code. Raises as `push_properties`."""
        product, device = await self._known(actor.account_id, product_key)
        with _told("outputs"):
            fields = self._codec(product.id).encode_event(code, outputs)
        return await self._push(device, fields)

    async def push_answer(self, actor: Actor, product_key: str, code: str, outputs: Mapping[str, object]) -> Pushed:
        """Answer a service now. Raises as `push_properties`."""
        product, device = await self._known(actor.account_id, product_key)
        with _told("outputs"):
            fields = self._codec(product.id).encode_service_answer(code, outputs)
        return await self._push(device, fields)

    async def set_answer(
        self, actor: Actor, product_key: str, code: str, outputs: Mapping[str, object], delay_s: float
    ) -> VirtualDevice:
        """Answer each call of a service from now on by itself, after `delay_s` seconds, until it goes offline. Raises
        as `push_properties`."""
        product, device = await self._known(actor.account_id, product_key)
        if not 0 <= delay_s <= MAX_DELAY_S:
            message = f"delay_s is {delay_s}; 0 to {MAX_DELAY_S:.0f} are allowed"
            raise Invalid("range", message, field="delay_s")
        with _told("outputs"):
            fields = self._codec(product.id).encode_service_answer(code, outputs)
        self._online(device).link.answers[fields[0].id] = fields, delay_s
        return self._shown(device, product)

    async def close_idle(self) -> None:
        """Take those offline that nobody has used for `IDLE_MS`; to be called every few minutes."""
        since = self._clock.now_ms() - IDLE_MS
        for device_id, running in list(self._running.items()):
            if running.link.closed:
                del self._running[device_id]
            elif running.active_at <= since:
                del self._running[device_id]
                await self._sessions.disconnect(device_id, "nobody has used the virtual device for a day")

    async def _gateway(self, account_id: int, product: Product, gateway_product_key: str | None) -> Session | None:
        """The session of the virtual gateway that is to carry a device of this product."""
        if (product.access_type == SUB_DEVICE) != (gateway_product_key is not None):
            needs = "needs a virtual gateway" if product.access_type == SUB_DEVICE else "has no gateway"
            raise Invalid("gateway", f"a device of product {product.product_key} {needs}", field="gateway_product_key")
        if gateway_product_key is None:
            return None
        carrier = self._products.one(account_id, gateway_product_key)
        if carrier.access_type != GATEWAY:
            message = f"the devices of product {gateway_product_key} are no gateways"
            raise Invalid("not_a_gateway", message, field="gateway_product_key")
        if product.specified_gateways is not None and gateway_product_key not in product.specified_gateways:
            message = f"product {product.product_key} does not name {gateway_product_key} among its gateways"
            raise Conflict("gateway_not_specified", message)
        device = await self._find(carrier)
        session = self._sessions.of(device.id) if device is not None else None
        if session is None:
            raise _gateway_offline(gateway_product_key)
        return session

    # The device's side

    async def _push(self, device: Device, fields: list[Field]) -> Pushed:
        link = self._online(device).link
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        frame = link.report(fields, lambda frame: self._send(device, frame, outcome))
        await outcome
        return Pushed(frame.packet_id, frames.encode(frame).hex())

    def _send(self, device: Device, frame: Frame, outcome: asyncio.Future[None] | None = None) -> None:
        """One frame up the way of every device."""

        def done(error: StoreError | None) -> None:
            if outcome is None or outcome.done():
                return
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        session = self._sessions.of(device.id)
        if session is None:
            if outcome is not None:
                outcome.set_exception(_offline(device))
            return
        self._note(device, frame, "up")
        self._uplinks.receive(session, frame, 1, done)

    def _note(self, device: Device, frame: Frame, direction: str) -> None:
        running = self._running.get(device.id)
        if running is not None:
            running.active_at = self._clock.now_ms()
        if self._trace.watched(device.id):
            self._trace.tell(
                device.id,
                "frame",
                direction=direction,
                qos=1,
                packet_id=frame.packet_id,
                cmd=f"{frame.command:04X}",
                hex=frames.encode(frame).hex(),
                decoded=_decoded(frame, self._model(device.product_id)),
            )

    async def _values(self, product_id: int, device: Device) -> dict[int, Value]:
        """What it reported last, as far as the model still has a place for it."""
        codec = self._codec(product_id)
        newest = await self._latest.of(device.id)
        values: dict[int, Value] = {}
        for ident, found in newest.properties.items() if newest is not None else ():
            feature = codec.properties.get(ident)
            if feature is not None:
                try:
                    [field] = codec.encode_values({feature.code: found.value})
                except DataError:
                    continue
                values[field.id] = field.value
        return values

    # Helpers

    async def _find(self, product: Product) -> Device | None:
        found = await self._ledger.store.read(statements.VIRTUAL, of_product=product.id)
        return loading.device(found[0]) if found else None

    async def _known(self, account_id: int, product_key: str) -> tuple[Product, Device]:
        found = await self.one(account_id, product_key)
        return self._products.one(account_id, product_key), found.device

    def _model(self, product_id: int) -> ModelCodec | None:
        product = self._ledger.directory.product(product_id)
        return product.model.codec if product is not None and product.model is not None else None

    def _codec(self, product_id: int) -> ModelCodec:
        codec = self._model(product_id)
        if codec is None:
            raise Conflict("no_released_model", "the product has no released thing model", wire=_NO_MODEL)
        return codec

    def _link(self, device: Device) -> VirtualLink | None:
        running = self._running.get(device.id)
        return running.link if running is not None and not running.link.closed else None

    def _online(self, device: Device) -> _Running:
        running = self._running.get(device.id)
        if running is None or running.link.closed or self._sessions.of(device.id) is None:
            raise _offline(device)
        return running

    def _shown(self, device: Device, product: Product) -> VirtualDevice:
        link = self._link(device)
        codec = self._model(product.id)
        services = codec.services if codec is not None else {}
        answers = [services[ident].code for ident in (link.answers if link is not None else ()) if ident in services]
        return VirtualDevice(device, link is not None, tuple(sorted(answers)))

    async def _audit(self, actor: Actor, action: str, product_key: str, device: Device) -> None:
        await self._ledger.commit(actor, action, ("device", f"{product_key}/{device.device_key}"))


def _gateway_offline(product_key: str | None) -> Conflict:
    return Conflict("gateway_offline", f"the virtual gateway of product {product_key} is not online", wire=NO_LINK)


def _offline(device: Device) -> Conflict:
    return Conflict("not_online", f"the virtual device {device.device_key} is offline", wire=_NOT_ONLINE)


def _decoded(frame: Frame, codec: ModelCodec | None) -> object:
    """What a frame of model data says, for people."""
    if frame.command not in _MODEL_DATA:
        return None
    try:
        fields = ttlv.decode(frame.payload)
    except TtlvError:
        return None
    shown = codec.dm_data(fields) if codec is not None else plain_dm_data(fields)
    return msgspec.json.decode(shown)


@contextmanager
def _told(field: str) -> Iterator[None]:
    """Faults of values as Invalid."""
    try:
        yield
    except DataError as error:
        place = f"{field}.{error.path}" if error.path else field
        raise Invalid("value", str(error), field=place, wire=int(error.code)) from None
