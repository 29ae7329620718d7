"""A small cloud, and orders of events that a seed chooses."""

import pytest
from argon2 import PasswordHasher

from cloud import Cloud, build_cloud
from fakes import FakeClock
from mooring.platform import Platform, passwords
from topologies import Topologies, build_topologies


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))


@pytest.fixture
async def cloud(platform: Platform, clock: FakeClock) -> Cloud:
    """On both databases."""
    return await build_cloud(platform, clock)


@pytest.fixture
async def topologies(cloud: Cloud) -> Topologies:
    return await build_topologies(cloud.platform, cloud.actor, cloud.app)
