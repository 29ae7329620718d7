"""Fixtures for the client: a cloud, its clock, and the same client in both forms."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from client.fake_cloud import Clock, FakeCloud, async_client, sync_client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> FakeCloud:
    return FakeCloud(clock)


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, cloud: FakeCloud) -> Callable[..., Any]:
    """Make a client of either form; see `settle` and `walk` for the calls."""
    return partial(sync_client if request.param == "sync" else async_client, cloud)
