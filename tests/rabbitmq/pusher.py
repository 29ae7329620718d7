"""A process that commits numbered messages and forwards them, to be killed: python pusher.py DATABASE QUEUE FIRST.

Prints the last number of each commit once it is committed. The node is that of the environment.
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from databases import open_store
from rabbitmq.rabbit_cloud import Node, open_platform, push

_AT_ONCE = 10


async def main(database: Path | str, queue_id: int, first: int) -> None:
    node = Node(
        os.environ["MOORING_TEST_RABBITMQ"],
        os.environ["MOORING_TEST_RABBITMQ_MANAGEMENT"],
        int(os.environ["MOORING_TEST_RABBITMQ_HTTP_PORT"]),
        os.environ["MOORING_TEST_RABBITMQ_PID"],
    )
    store = await open_store(database)
    async with open_platform(node, store) as platform:
        for start in count(first, _AT_ONCE):
            await push(platform, queue_id, range(start, start + _AT_ONCE))
            print(start + _AT_ONCE - 1, flush=True)


if __name__ == "__main__":
    place, queue, number = sys.argv[1:]
    asyncio.run(main(place if "://" in place else Path(place), int(queue), int(number)))
