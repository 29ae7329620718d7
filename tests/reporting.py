"""A device that is online in a cloud and says things; what became of them."""

from collections.abc import Mapping, Sequence

import msgspec

from links import Line
from mooring.platform import Platform
from mooring.platform.entities import Product
from mooring.platform.latest import LatestValues
from mooring.protocol import commands, ttlv
from mooring.protocol.commands import Uplink
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field
from mooring.store import StoreError
from mooring.thingmodel import ModelCodec

__all__ = ["Reporter", "connect", "paths"]


class Reporter:
    """One session; every message waits until it is committed, and its outcome is kept in `told`."""

    def __init__(self, platform: Platform, product: Product) -> None:
        self.platform = platform
        self.product = product
        self.line = Line()
        self.told: list[StoreError | None] = []
        self.packet_id = 0

    async def open(self, key: str) -> "Reporter":
        self.device = await self.platform.devices.ensure_registered(self.product, key)
        self.session = await self.platform.sessions.open(self.device, self.line, "192.0.2.1")
        return self

    @property
    def codec(self) -> ModelCodec:
        product = self.platform.directory.product(self.product.id)
        assert product is not None
        assert product.model is not None
        return product.model.codec

    async def frame(self, command: int, payload: bytes, packet_id: int | None = None) -> None:
        self.packet_id += 1
        frame = Frame(packet_id or self.packet_id, command, payload)
        self.platform.uplinks.receive(self.session, frame, 1, self.told.append)
        await self.platform.journal.settle()

    async def fields(self, fields: Sequence[Field], command: int = 0x0014) -> None:
        await self.frame(command, ttlv.encode(fields))

    async def values(self, values: Mapping[str, object]) -> None:
        await self.fields(self.codec.encode_values(values))

    async def event(self, code: str, outputs: Mapping[str, object]) -> None:
        await self.fields(self.codec.encode_event(code, outputs))

    async def say(self, value: Uplink) -> None:
        frame = commands.encode(value, 1)
        await self.frame(frame.command, frame.payload)

    async def latest(self) -> LatestValues:
        found = await self.platform.latest.of(self.device.id)
        assert found is not None
        return found


async def connect(platform: Platform, product: Product, key: str = "DK00001") -> Reporter:
    """A new device that is online."""
    reporter = await Reporter(platform, product).open(key)
    await platform.journal.settle()
    return reporter


def paths(ids: str) -> list[list[int]]:
    """Id paths of an exception."""
    return msgspec.json.decode(ids, type=list[list[int]])
