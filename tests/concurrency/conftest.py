"""A small cloud, and orders of events that a seed chooses."""

import pytest

from cloud import Cloud, build_cloud
from fakes import FakeClock
from mooring.platform import Platform
from topologies import Topologies, build_topologies


@pytest.fixture
async def cloud(platform: Platform, clock: FakeClock) -> Cloud:
    """On both databases."""
    return await build_cloud(platform, clock)


@pytest.fixture
async def topologies(cloud: Cloud) -> Topologies:
    return await build_topologies(cloud.platform, cloud.actor, cloud.app)
