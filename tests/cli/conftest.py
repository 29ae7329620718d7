"""A server and a person at the command line; `admin` is logged in already, `person` knows the demo as a cloud."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.person import Demo, Person
from cli.terminal import Terminal, running_server
from up import mooring_up

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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One for all tests; what a test makes in it, it names after itself."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with mooring_up(data, "--demo", "--log-level", "warning") as running:
        file = data / "demo.json"
        found = Demo(running, file, json.loads(file.read_text()))
        found.wait_for_values("Smart plug", "PLUG0001")
        yield found


@pytest.fixture
def stranger(tmp_path: Path) -> Person:
    """Has no profile yet."""
    return Person(tmp_path / "config")


@pytest.fixture
def person(demo: Demo, tmp_path: Path) -> Person:
    """Has the demo as the default profile."""
    found = Person(tmp_path / "config", demo)
    found.run("login", "--demo-file", demo.file, "--no-check")
    return found
