"""The fixtures of `mooring.testing`, a pytest plugin. The server is imported only when a test asks for one of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mooring.testing import Cloud, CloudProduct, SaasApp, SimulatedDevice


@pytest.fixture
def cloud() -> "Iterator[Cloud]":
    """A cloud of its own, empty, with `clock` and `faults`."""
    from mooring.testing import Cloud

    with Cloud() as running:
        yield running


@pytest.fixture
def product(cloud: "Cloud") -> "CloudProduct":
    """A product of the cloud, a smart plug; override this fixture to test with a model of your own."""
    return cloud.product("Smart plug")


@pytest.fixture
def saas_app(cloud: "Cloud", product: "CloudProduct") -> "SaasApp":
    """A SaaS application with every service package, authorized for `product`."""
    return cloud.saas_app("Test", product)


@pytest.fixture
def device(cloud: "Cloud", product: "CloudProduct") -> "SimulatedDevice":
    """A device of `product` that is online."""
    return cloud.device(product)
