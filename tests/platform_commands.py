"""Commands to the plug of a small cloud, how far they are, and a database that fails or waits under them."""

import asyncio

import pytest

from cloud import Cloud
from links import Desk, Line
from mooring.platform.command_steps import State
from mooring.platform.commands import SendOptions, SendResult
from mooring.protocol import ttlv
from mooring.store import Rows, StoreUnavailable, Write

__all__ = ["CACHED", "PLAIN", "Database", "relay", "settled", "state", "write"]

CACHED = SendOptions(cache_s=600)
PLAIN = SendOptions()


async def write(
    desk: Desk, cloud: Cloud, data: str = '[{"relay":"true"}]', options: SendOptions = PLAIN, key: str = "DK1"
) -> SendResult:
    [result] = await desk.commands.send_write(cloud.app, cloud.modelled, [key], data, options)
    return result


async def state(desk: Desk, cloud: Cloud, ticket: int | None) -> State:
    await desk.journal.settle()
    return (await desk.commands.one(cloud.app.account_id, ticket or 0)).state


def relay(line: Line) -> list[object]:
    """The first value of each frame that was sent."""
    return [ttlv.decode(sent.payload)[0].value for sent in line.sent]


async def settled(desk: Desk, line: Line, count: int) -> None:
    """Wait until so many frames were sent, and until what follows from that is committed."""
    await line.reaches(count)
    await desk.journal.settle()


class Database:
    """The writes of a desk: refused while `down`, held up while `open` is clear."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down = False
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self._write = desk.platform.store.write
        monkeypatch.setattr(desk.platform.store, "write", self.write)

    def hold(self) -> None:
        """Hold up what is written from now on; `asked` tells when there is something."""
        self.open.clear()
        self.asked.clear()

    async def write(self, *writes: Write | Rows) -> None:
        if self.down:
            raise StoreUnavailable("down")
        self.asked.set()
        await self.open.wait()
        await self._write(*writes)
