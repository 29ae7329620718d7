"""Fixtures that every folder of tests may use."""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import settings

import recording
from databases import empty, migrated_sqlite, new_database, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Limits, Platform, passwords
from mooring.store import Store, Vault
from mooring.store.migrate import migrate_postgres

settings.register_profile("mooring", deadline=None)  # a machine that is busy elsewhere is no fault of the code
settings.load_profile("mooring")

# Pretty tracebacks read the source of every frame; tests provoke thousands that nobody looks at.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


_waiting: Counter[str] = Counter()
"""Tests that have not run yet, by file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record`, see tests/recording.py."""
    parser.addoption("--record", action="store_true", help="write what tests do with the OpenAPI to tests/provoked/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What looks at the records runs last."""
    items.sort(key=lambda item: recording.LAST.index(item.path.stem) if item.path.stem in recording.LAST else -1)
    _waiting.update(item.path.stem for item in items)
    recording.PROGRESS.partial.update(Path(name.partition("::")[0]).stem for name in config.args if "::" in name)


def pytest_collection_finish() -> None:
    """What the tests and their libraries are made of stays until the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Notes files that do not run as a whole."""
    recording.PROGRESS.partial.update(item.path.stem for item in items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes how far each file is."""
    file = Path(report.nodeid.partition("::")[0]).stem
    if not report.passed:
        recording.PROGRESS.partial.add(file)
    if report.when == "teardown":
        _waiting[file] -= 1
        if not _waiting[file]:
            recording.PROGRESS.ran.add(file)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With `--record`, writes the records of files whose tests all ran and passed."""
    if session.config.getoption("--record"):
        for file in recording.PROGRESS.ran - recording.PROGRESS.partial:
            recording.write(file, recording.RECORDED.get(file, {}))


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its least cost; what it costs in earnest is tested once."""
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))


@pytest.fixture(scope="session")
def postgres_server_url() -> str:
    """The server of this run, which tools/with-postgres starts."""
    url = os.environ.get("MOORING_TEST_POSTGRES")
    if url is None and os.environ.get("CI"):
        pytest.fail("MOORING_TEST_POSTGRES names no server; run the tests through `make test`")
    if url is None:
        pytest.skip("no PostgreSQL; `make test` starts one")
    return url


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The database that tests share one after the other."""
    with new_database(postgres_server_url) as url:
        asyncio.run(migrate_postgres(url))
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """A database without any table, for one test."""
    with new_database(postgres_server_url) as url:
        yield url


@pytest.fixture
def postgres_url(migrated_postgres_url: str) -> str:
    """A migrated database without rows."""
    asyncio.run(empty(migrated_postgres_url))
    return migrated_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A migrated, empty database: the path of a SQLite file or a PostgreSQL URL. The same cases run on both."""
    if request.param == "sqlite":
        path = tmp_path / "mooring.sqlite3"
        path.write_bytes(migrated_sqlite())
        return path
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database: Path | str) -> AsyncIterator[Store]:
    opened = await open_store(database)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


@pytest.fixture
async def platform(store: Store, vault: Vault, clock: FakeClock) -> Platform:
    """A platform with nothing in it yet."""
    return await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=Limits())
