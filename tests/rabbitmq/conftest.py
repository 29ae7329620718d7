"""Fixtures: the RabbitMQ of the run, emptied for each test, and platforms that keep their queues there."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from mooring.store import Store
from rabbitmq.rabbit_cloud import Node, RabbitCloud, build_rabbit_cloud


@pytest.fixture
def node() -> Iterator[Node]:
    """Without anything of Mooring's in it."""
    url = os.environ.get("MOORING_TEST_RABBITMQ")
    if url is None and os.environ.get("CI"):
        pytest.fail("MOORING_TEST_RABBITMQ names no RabbitMQ; run the tests through `make test`")
    if url is None:
        pytest.skip("no RabbitMQ; `make test` starts one")
    found = Node(
        url,
        os.environ["MOORING_TEST_RABBITMQ_MANAGEMENT"],
        int(os.environ["MOORING_TEST_RABBITMQ_HTTP_PORT"]),
        os.environ["MOORING_TEST_RABBITMQ_PID"],
    )
    found.empty()
    with found:
        yield found


@pytest.fixture
async def cloud(node: Node, store: Store) -> AsyncIterator[RabbitCloud]:
    """A platform that runs, with two applications, each with a queue."""
    async with build_rabbit_cloud(node, store) as made:
        yield made
