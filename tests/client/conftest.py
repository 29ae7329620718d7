"""Fixtures for the client: a cloud, its clock, the same client in both forms, and a running Mooring."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from argon2 import PasswordHasher

from client.fake_cloud import Clock, FakeCloud, async_client, sync_client
from mooring.platform import passwords
from mooring.testing import Cloud


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


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    """A Mooring with cheap password hashes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))
        with Cloud() as started:
            yield started
