"""Snapshots: everything that was there is there again, in either database, and nothing is overwritten."""

import asyncio
import contextlib
import io
import itertools
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from databases import migrated_sqlite, new_database, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Platform, Secret
from mooring.platform.device_input import NewDevice
from mooring.platform.products import NewProduct
from mooring.store import DatabaseUnreachable, DataDirectory, DataDirectoryError, SchemaTooNew, Vault, tables
from mooring.store.migrate import HEAD
from mooring.store.snapshot import SnapshotError, load_snapshot, read_manifest, save_snapshot

Place = tuple[Path, str]
"""A data directory and a store."""

FILES = {"secret.key": b"the key\n", "tls.crt": b"certificate", "demo.json": b"{}"}


def quiet(name: str, done: int, total: int) -> None:
    assert done <= total


def save(place: Place, target: Path) -> Any:
    with target.open("wb") as file:
        directory = DataDirectory(place[0])
        return save_snapshot(directory, place[1], file, target.parent, version="1.2.3", now_ms=77, tell=quiet)


def load(source: Path, place: Place) -> Any:
    return load_snapshot(source, DataDirectory(place[0]), place[1], quiet)


def location(place: Place) -> Path | str:
    return place[0] / "mooring.sqlite3" if place[1] == "sqlite" else place[1]


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Place]]:
    """Makes empty places, each in a directory of its own, on SQLite or in a PostgreSQL database without any table."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Place:
            number = next(numbers)
            if kind == "sqlite":
                return tmp_path / f"data{number}", "sqlite"
            server: str = request.getfixturevalue("postgres_server_url")
            return tmp_path / f"data{number}", stack.enter_context(new_database(server))

        yield make


async def fill(place: Place) -> None:
    """An account with a product, a device and blobs, booleans, nulls and text beyond ASCII in its rows."""
    store = await open_store(location(place))
    try:
        platform = await Platform.open(store, Vault(bytes(32)), clock=FakeClock(), entropy=FakeEntropy())
        boot = await platform.accounts.bootstrap("a@example.com", Secret("a password of the tests"))
        assert boot is not None
        actor = Actor(boot.account.id, "test", "local")
        product = await platform.products.create(actor, NewProduct("Lampe für draußen 灯", net_way="1"))
        for number in range(3):
            await platform.devices.add(actor, product.product_key, NewDevice(f"DK{number:05}", sn=None))
    finally:
        await store.close()


def prepared(place: Place) -> Place:
    place[0].mkdir(mode=0o700)
    for name, content in FILES.items():
        (place[0] / name).write_bytes(content)
    if place[1] == "sqlite":
        (place[0] / "mooring.sqlite3").write_bytes(migrated_sqlite())
    asyncio.run(fill(place))
    return place


def content(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, as SQLite would have it."""
    names = [str(table.name) for table in tables.metadata.sorted_tables]
    if place[1] == "sqlite":
        with contextlib.closing(sqlite3.connect(place[0] / "mooring.sqlite3")) as connection:
            return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
    return asyncio.run(_postgres_content(place[1], names))


async def _postgres_content(url: str, names: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        rows = {name: await connection.fetch(f"SELECT * FROM {name}") for name in names}
    finally:
        await connection.close()
    plain = {name: [tuple(int(v) if isinstance(v, bool) else v for v in row) for row in rows[name]] for name in names}
    return {name: sorted(plain[name], key=repr) for name in names}


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_what_was_saved_is_there_again(made: Callable[[str], Place], tmp_path: Path, source: str, target: str) -> None:
    old, new, file = prepared(made(source)), made(target), tmp_path / "snapshot"
    manifest = save(old, file)
    assert load(file, new) == manifest == read_manifest(file)
    assert content(new) == content(old)
    assert content(new)["devices"]
    assert {name: (new[0] / name).read_bytes() for name in FILES} == FILES
    assert {oct((new[0] / name).stat().st_mode & 0o777) for name in FILES} == {"0o600"}
    assert sorted(path.name for path in new[0].iterdir()) == sorted(
        [*FILES, "mooring.lock", *(["mooring.sqlite3"] if target == "sqlite" else [])]
    )
    rows = {table.name: table.rows for table in manifest.tables}
    assert (rows["devices"], rows["products"], manifest.schema, manifest.mooring) == (3, 1, HEAD, "1.2.3")


def test_a_running_server_can_be_saved(made: Callable[[str], Place], tmp_path: Path) -> None:
    old, new = prepared(made("sqlite")), made("sqlite")
    with contextlib.closing(sqlite3.connect(old[0] / "mooring.sqlite3", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("UPDATE products SET name = 'committed'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE products SET name = 'not yet'")
        save(old, tmp_path / "snapshot")
        writer.execute("ROLLBACK")
    load(tmp_path / "snapshot", new)
    assert content(new) == content(old)
    assert "committed" in repr(content(new)["products"])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_overwritten(made: Callable[[str], Place], tmp_path: Path, kind: str) -> None:
    old, file = prepared(made(kind)), tmp_path / "snapshot"
    save(old, file)
    before = content(old)
    with pytest.raises(DataDirectoryError, match="empty data directory"):
        load(file, old)
    if kind == "postgresql":
        with pytest.raises(DatabaseUnreachable, match="has an account already"):
            load(file, (tmp_path / "other", old[1]))
        assert not (tmp_path / "other/secret.key").exists()
    assert content(old) == before


def test_a_database_of_an_older_schema_becomes_the_newest(made: Callable[[str], Place], tmp_path: Path) -> None:
    old, new, file = prepared(made("sqlite")), made("sqlite"), tmp_path / "snapshot"
    save(old, file)
    _rewritten(file, lambda manifest: manifest | {"schema": "0006", "tables": manifest["tables"][:1], "files": []})
    load(file, new)
    assert content(new)["accounts"] == content(old)["accounts"]


def test_there_is_nothing_to_save(made: Callable[[str], Place], tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match="there is no database"):
        save(made("sqlite"), tmp_path / "snapshot")
    with pytest.raises(DatabaseUnreachable, match="there is no Mooring"):
        save(made("postgresql"), tmp_path / "snapshot")
    bare = made("sqlite")
    bare[0].mkdir()
    with contextlib.closing(sqlite3.connect(bare[0] / "mooring.sqlite3")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        connection.commit()
    with pytest.raises(DatabaseUnreachable, match="older"):
        save(bare, tmp_path / "snapshot")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda manifest: manifest | {"schema": "9999"}, SchemaTooNew, "newer"),
        (lambda manifest: manifest | {"format": 2}, SnapshotError, "format 2"),
        (lambda manifest: manifest | {"files": ["../evil"]}, SnapshotError, "does not fit"),
        (lambda manifest: manifest | {"digests": {}}, SnapshotError, "does not fit"),
        (lambda manifest: manifest | {"made_at": "x"}, SnapshotError, "no snapshot of this kind"),
        (
            lambda manifest: manifest | {"digests": dict.fromkeys(manifest["digests"], "0" * 64)},
            SnapshotError,
            "damaged",
        ),
    ],
)
def test_what_is_no_snapshot_makes_nothing(
    made: Callable[[str], Place],
    tmp_path: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    error: type[Exception],
    said: str,
) -> None:
    file, new = tmp_path / "snapshot", made("sqlite")
    save(prepared(made("sqlite")), file)
    _rewritten(file, change, whole=True)
    with pytest.raises(error, match=said):
        load(file, new)
    assert not (new[0] / "mooring.sqlite3").exists()
    assert not (new[0] / "secret.key").exists()


def test_a_cut_snapshot_makes_nothing(made: Callable[[str], Place], tmp_path: Path) -> None:
    file, new = tmp_path / "snapshot", made("sqlite")
    save(prepared(made("sqlite")), file)
    whole = file.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 600):
        file.write_bytes(whole[:length])
        with pytest.raises(SnapshotError):
            load(file, new)
    assert not (new[0] / "mooring.sqlite3").exists()


def _rewritten(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, whole: bool = False) -> None:
    """The snapshot with another manifest; unless `whole`, with the members only that it names."""
    with tarfile.open(file, "r:gz") as archive:
        members = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    manifest = change(msgspec.json.decode(members.pop("manifest.json")))
    if not whole:
        named = {*manifest["files"], *(f"tables/{table['name']}.rows" for table in manifest["tables"])}
        members = {name: content for name, content in members.items() if name in named}
        manifest["digests"] = {name: manifest["digests"][name] for name in members}
    with tarfile.open(file, "w:gz") as archive:
        for name, content in {"manifest.json": msgspec.json.encode(manifest), **members}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
