"""Fixtures: where the server of a fault test keeps its data."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from databases import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def arguments(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """Flags for `mooring up`."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield ()
        else:
            url = stack.enter_context(new_database(request.getfixturevalue("postgres_server_url")))
            yield ("--store", url)
