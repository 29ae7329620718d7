"""The built-in endpoint as consumers see it: pika, aio-pika, py-amqp and Debian's amqp-tools, over real sockets."""

import asyncio
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from queues.observations import EXPECTED, OBSERVERS, observe_with_amqp_tools
from queues.queue_door import VIRTUAL_HOST, QueueDoor


class BuiltIn:
    """The endpoint as a `Place`."""

    host = "127.0.0.1"

    def __init__(self, door: QueueDoor, foreign: str, loop: asyncio.AbstractEventLoop, virtual_host: str) -> None:
        self._door = door
        self._loop = loop
        self.port = door.port
        self.queue = door.name
        self.foreign = foreign
        self.virtual_host = virtual_host

    def credentials(self) -> tuple[str, str]:
        return self._door.credentials()

    def push(self, count: int) -> None:
        asyncio.run_coroutine_threadsafe(self._door.push(count), self._loop).result(30)

    def drained(self) -> bool:
        async def look() -> bool:
            return await self._door.stored() == 0

        return asyncio.run_coroutine_threadsafe(look(), self._loop).result(30)


async def _place(door: QueueDoor, virtual_host: str = VIRTUAL_HOST) -> BuiltIn:
    foreign = await door.another_queue("theirs", door.cloud.other_app)
    return BuiltIn(door, foreign.full_name, asyncio.get_running_loop(), virtual_host)


@pytest.mark.parametrize("observe", OBSERVERS.values(), ids=OBSERVERS)
async def test_consumers_see_what_they_must(door: QueueDoor, observe: Callable[[BuiltIn], dict[str, Any]]) -> None:
    place = await _place(door)
    assert await asyncio.to_thread(observe, place) == EXPECTED


@pytest.mark.skipif(shutil.which("amqp-consume") is None and not os.environ.get("CI"), reason="no amqp-tools")
@pytest.mark.parametrize("virtual_host", ["quec-open", "/quec-open"])
async def test_amqp_tools_take_and_acknowledge(door: QueueDoor, virtual_host: str) -> None:
    place = await _place(door, virtual_host)
    seen = await asyncio.to_thread(observe_with_amqp_tools, place)
    assert seen == {"in order": list(range(6)), "acknowledged is gone": True, "got": (6, 0, "", 2)}
