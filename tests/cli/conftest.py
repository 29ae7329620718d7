"""A server and a person at the command line; `admin` is logged in already."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.terminal import Terminal, running_server


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with running_server(tmp_path) as (url, _):
        yield Terminal(url, tmp_path / "config")


@pytest.fixture
def admin(terminal: Terminal) -> Terminal:
    terminal.log_in()
    return terminal
