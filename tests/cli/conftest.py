"""A server and a person at the command line; `admin` is logged in already."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.terminal import Terminal, running_server

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with running_server(tmp_path) as (url, _):
        yield Terminal(url, tmp_path / "config")


@pytest.fixture
def admin(terminal: Terminal) -> Terminal:
    terminal.log_in()
    return terminal


@pytest.fixture
def product(admin: Terminal) -> str:
    """The key of a product with the model of the power station."""
    key: str = admin.ask("product", "create", "Station")["product_key"]
    admin.run("thing-model", "import", key, SAMPLES / "power-station.json")
    admin.run("thing-model", "release", key)
    return key


@pytest.fixture
def virtual(admin: Terminal, product: str) -> str:
    """The key of its virtual device, which is online."""
    key: str = admin.ask("virtual-device", "create", product)["device"]["device_key"]
    admin.run("virtual-device", "online", product)
    return key
