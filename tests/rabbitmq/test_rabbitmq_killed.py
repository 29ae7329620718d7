"""`kill -9` of Mooring while it forwards to RabbitMQ: whatever was committed arrives, in order."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

from databases import open_store
from mooring.store import queue_messages as messages
from rabbitmq.rabbit_cloud import Node, answering, build_rabbit_cloud, eventually, open_platform

TESTS = Path(__file__).parent.parent
ROUNDS, COMMITS = 3, 40


def commit_and_die(database: Path | str, queue_id: int, first: int) -> int:
    """The last number that was committed for certain before the process was killed."""
    command = [sys.executable, str(TESTS / "rabbitmq/pusher.py"), str(database), str(queue_id), str(first)]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        said = [line for line in islice(process.stdout, COMMITS) if line[:1].isdigit()]
        process.kill()
        said += [line for line in process.stdout if line[:1].isdigit() and line.endswith("\n")]
    return int(said[-1])


async def test_nothing_that_was_committed_is_lost(node: Node, database: Path | str) -> None:
    store = await open_store(database)
    async with build_rabbit_cloud(node, store) as cloud:
        queue, app = cloud.queue, cloud.app
    ranges = []
    for number in range(ROUNDS):
        first = number * 1_000_000
        ranges.append((first, await asyncio.to_thread(commit_and_die, database, queue.id, first)))
    async with open_platform(node, store) as platform, answering(node, platform):

        async def nothing_left() -> bool:
            return not await store.scan(messages.WAITING)

        await eventually(nothing_left)
        waiting = await asyncio.to_thread(node.count, app, queue.full_name)
        taken = await asyncio.to_thread(node.take, app, queue.full_name, waiting)
    await store.close()
    seen = list(dict.fromkeys(json.loads(body)["number"] for _, _, body in taken))
    assert all(first <= last for first, last in ranges)
    missing = {number for first, last in ranges for number in range(first, last + 1)} - set(seen)
    assert missing == set()
    assert all(one < following for one, following in pairwise(seen))
