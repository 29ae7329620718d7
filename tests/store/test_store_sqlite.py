"""SQLite: what is acknowledged is on disk, commits are shared, a full disk is an outage that ends."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import migrated_sqlite
from mooring.store import DatabaseUnreachable, StoreUnavailable, accounts, sqlite
from mooring.store.sqlite import SqliteStore, connect
from store.rows import account, account_ids, administrator_ids

TESTS = Path(__file__).parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mooring.sqlite3"
    file.write_bytes(migrated_sqlite())
    return file


async def ids_in(path: Path) -> tuple[list[int], list[int]]:
    store = SqliteStore(path)
    found = await account_ids(store), await administrator_ids(store)
    await store.close()
    return found


@pytest.mark.parametrize("acknowledged", [1, 300])
def test_what_was_acknowledged_survives_kill_9(path: Path, acknowledged: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, str(TESTS / "store/acknowledging_writer.py"), str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert writer.stdout is not None
    with writer, writer.stdout:
        printed = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.send_signal(signal.SIGKILL)
        printed += writer.stdout.readlines()
    numbers = {int(line) for line in printed if line.endswith(b"\n")}
    assert len(numbers) >= acknowledged
    accounts_found, administrators_found = asyncio.run(ids_in(path))
    assert numbers <= set(accounts_found)
    assert accounts_found == administrators_found


async def test_units_that_wait_together_share_a_commit(path: Path) -> None:
    store = SqliteStore(path)
    statements: list[str] = []
    store._writer.set_trace_callback(statements.append)
    with contextlib.closing(connect(path)) as other:
        # While another connection holds the file the writer waits, and everything gathers behind its first unit.
        other.execute("BEGIN IMMEDIATE")
        units = [asyncio.create_task(store.write(accounts.ADD_ACCOUNT.of(account(number)))) for number in range(1000)]
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
    await asyncio.gather(*units)
    assert await account_ids(store) == list(range(1000))
    assert statements.count("COMMIT") <= 5
    await store.close()


async def test_a_commit_that_fails_fails_every_unit_in_it_and_none_is_there(path: Path) -> None:
    store = SqliteStore(path)
    with contextlib.closing(connect(path)) as other:
        store._writer.execute("PRAGMA busy_timeout=1")
        other.execute("BEGIN IMMEDIATE")
        units = [store.write(accounts.ADD_ACCOUNT.of(account(number))) for number in range(10)]
        outcomes = await asyncio.gather(*units, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 10
        other.execute("ROLLBACK")
    assert await account_ids(store) == []
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    await store.close()


async def fill(store: SqliteStore) -> int:
    """Write until the database is full; how many rows were acknowledged."""
    for number in range(1000):
        try:
            await store.write(accounts.ADD_ACCOUNT.of(account(number, "x" * 10_000)))
        except StoreUnavailable:
            return number
    raise AssertionError("the database never got full")


async def test_a_full_database_refuses_and_keeps_what_it_acknowledged(path: Path) -> None:
    store = SqliteStore(path)
    [pages] = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count={pages + 20}")
    acknowledged = await fill(store)
    assert await account_ids(store) == list(range(acknowledged))
    await store.close()


async def test_a_full_database_works_again_when_there_is_room(path: Path) -> None:
    store = SqliteStore(path)
    [pages] = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count={pages + 20}")
    acknowledged = await fill(store)
    store._writer.execute(f"PRAGMA max_page_count={pages + 1000}")
    await store.write(accounts.ADD_ACCOUNT.of(account(acknowledged)))
    assert await account_ids(store) == list(range(acknowledged + 1))
    await store.close()


async def test_a_unit_that_does_not_fit_is_undone_whole(path: Path) -> None:
    store = SqliteStore(path)
    [pages] = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count={pages + 20}")
    with pytest.raises(StoreUnavailable):
        await store.write(*(accounts.ADD_ACCOUNT.of(account(number, "x" * 10_000)) for number in range(50)))
    assert await account_ids(store) == []
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "mooring-test", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_full_disk_refuses_and_works_again_when_there_is_room(small_disk: Path, path: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    store = SqliteStore(Path(shutil.copy(path, small_disk)))
    acknowledged = await fill(store)
    assert await account_ids(store) == list(range(acknowledged))
    ballast.unlink()
    await store.write(accounts.ADD_ACCOUNT.of(account(acknowledged)))
    assert await account_ids(store) == list(range(acknowledged + 1))
    await store.close()


async def test_readers_cannot_write(path: Path) -> None:
    store = SqliteStore(path)
    await store.scan(accounts.ACCOUNTS)
    for connection in (store._reader, *store._scan_connections):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM accounts")
    await store.close()


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_every_connection_is_durable_and_checks_references(path: Path, pragma: str, value: object) -> None:
    with contextlib.closing(connect(path)) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


async def test_a_long_scan_does_not_hold_up_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path)
    fetch, went_on = sqlite._fetch, threading.Event()

    def long_fetch(*arguments: Any) -> Any:
        assert went_on.wait(10), "the event loop stood still"
        return fetch(*arguments)

    monkeypatch.setattr(sqlite, "_fetch", long_fetch)
    scan = asyncio.create_task(store.scan(accounts.ACCOUNTS))
    await asyncio.sleep(0)
    went_on.set()
    assert await scan == []
    await store.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None], ids=["other file", "directory"])
async def test_what_is_no_database_does_not_open(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mooring.sqlite3"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(DatabaseUnreachable, match=r"mooring\.sqlite3"):
        SqliteStore(path)
