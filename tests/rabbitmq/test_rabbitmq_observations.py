"""RabbitMQ as consumers see it: the script that the built-in endpoint is observed with, at another address."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from databases import on_sqlite
from mooring.protocol.login import build_username, sign
from queues.observations import EXPECTED, OBSERVERS, observe_with_amqp_tools
from rabbitmq.rabbit_cloud import RabbitCloud

pytestmark = on_sqlite

_STATISTICS_S = 2.5  # after which the management API knows what was
_WITHIN_S = 10.0

DIFFERENT = {"purge": "ok", "declare one's own": 403}
"""Who may read may purge; who may declare could delete, so nobody may (docs/operations.md)."""


class Remote:
    """RabbitMQ as a `Place`."""

    virtual_host = "quec-open"

    def __init__(self, cloud: RabbitCloud, loop: asyncio.AbstractEventLoop) -> None:
        self._cloud = cloud
        self._loop = loop
        self._pushed = 0
        self.host = cloud.node.address.host
        self.port = cloud.node.address.port
        self.queue = cloud.queue.full_name
        self.foreign = cloud.other_queue.full_name

    def credentials(self) -> tuple[str, str]:
        username = build_username(self._cloud.app.access_key, int(time.time() * 1000))
        return username, sign(username, self._cloud.app.access_secret.reveal())

    def push(self, count: int) -> None:
        async def commit_and_forward() -> None:
            await self._cloud.push(*range(self._pushed, self._pushed + count))
            await self._cloud.forwarded()

        asyncio.run_coroutine_threadsafe(commit_and_forward(), self._loop).result(60)
        self._pushed += count

    def drained(self) -> bool:
        time.sleep(_STATISTICS_S)
        until = time.monotonic() + _WITHIN_S
        while self._cloud.node.queue(self.queue).get("messages", 1):
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


@pytest.mark.parametrize("observe", OBSERVERS.values(), ids=OBSERVERS)
async def test_consumers_see_the_same(cloud: RabbitCloud, observe: Callable[[Remote], dict[str, Any]]) -> None:
    place = Remote(cloud, asyncio.get_running_loop())
    assert await asyncio.to_thread(observe, place) == {**EXPECTED, **DIFFERENT}


async def test_amqp_tools_take_and_acknowledge(cloud: RabbitCloud) -> None:
    seen = await asyncio.to_thread(observe_with_amqp_tools, Remote(cloud, asyncio.get_running_loop()))
    assert seen == {"in order": list(range(6)), "acknowledged is gone": True, "got": (6, 0, "", 2)}
