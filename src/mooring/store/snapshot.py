"""A whole Mooring as one file: what is in its data directory, and all rows of its database.

The file is a gzipped tar: `manifest.json` first, which says what is in it and the SHA-256 of each other member, then
files of the data directory, then a file of rows for each table. It holds secrets and the key that opens them, so it is
for its owner alone.
"""

import asyncio
import hashlib
import os
import re
import tarfile
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from .data_directory import DataDirectory
from .errors import DataDirectoryError, StartError
from .migrate import HEAD
from .snapshot_rows import TableRows, Tell, dump_postgres, dump_sqlite, load_postgres, load_sqlite

__all__ = ["Manifest", "SnapshotError", "load_snapshot", "read_manifest", "save_snapshot"]

FORMAT = 1
_MANIFEST = "manifest.json"
_MOST_MANIFEST = 1 << 20  # bytes
_FILES = ("secret.key", "tls.crt", "tls.key", "demo.json")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PIECE = 1 << 20


class SnapshotError(StartError):
    """A snapshot cannot be read, or is not whole. `mooring snapshot` ends with exit code 19."""

    exit_code = 19


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds. `made_at` is epoch ms, `store` the database it came from, `files` those of the directory,
    `digests` SHA-256 by member."""

    format: int
    mooring: str
    made_at: int
    store: str
    schema: str
    files: tuple[str, ...]
    tables: tuple[TableRows, ...]
    digests: dict[str, str]

    @property
    def has_key(self) -> bool:
        """Whether the secret key is in it; without one `MOORING_SECRET_KEY` had it."""
        return "secret.key" in self.files


def save_snapshot(
    directory: DataDirectory, store: str, target: IO[bytes], work: Path, *, version: str, now_ms: int, tell: Tell
) -> Manifest:
    """Write the snapshot of a Mooring, which may be running, to `target`. Raises StartError.

    `store` is `sqlite` or a PostgreSQL URL, `version` that of this Mooring. The rows are gathered in a directory in
    `work` first, which takes several times the room of the snapshot.
    """
    if store == "sqlite" and not directory.database.is_file():
        raise DataDirectoryError(f"there is no database in {directory.path}")
    with tempfile.TemporaryDirectory(prefix="mooring-snapshot-", dir=work) as name:
        folder = Path(name)
        if store == "sqlite":
            tables = dump_sqlite(directory.database, folder, tell)
        else:
            tables = asyncio.run(dump_postgres(store, folder, tell))
        files = [name for name in _FILES if (directory.path / name).is_file()]
        members = {name: directory.path / name for name in files}
        members |= {f"tables/{table.file}": folder / table.file for table in tables}
        manifest = Manifest(
            format=FORMAT,
            mooring=version,
            made_at=now_ms,
            store="sqlite" if store == "sqlite" else "postgresql",
            schema=HEAD,
            files=tuple(files),
            tables=tuple(tables),
            digests={name: _digest(path) for name, path in members.items()},
        )
        about = folder / _MANIFEST
        about.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=6) as archive:
            for name, path in {_MANIFEST: about, **members}.items():
                archive.add(path, name, recursive=False, filter=_anonymous)
    return manifest


def read_manifest(source: Path) -> Manifest:
    """What a snapshot says of itself. Raises SnapshotError."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            return _manifest(archive)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise _unreadable(source, error) from None


def load_snapshot(source: Path, directory: DataDirectory, store: str, tell: Tell) -> Manifest:
    """Make a Mooring from a snapshot: in an empty data directory, and in `store`. Raises StartError.

    Nothing that is there is overwritten, and the snapshot is checked whole before anything is made.
    """
    read_manifest(source)  # before anything is made
    directory.open()
    directory.lock()
    try:
        present = [name for name in (*_FILES, directory.database.name) if (directory.path / name).exists()]
        if present:
            there = ", ".join(present)
            raise DataDirectoryError(
                f"{directory.path} has {there} already; a snapshot goes into an empty data directory"
            )
        with tempfile.TemporaryDirectory(prefix=".snapshot-", dir=directory.path) as name:
            folder = Path(name)
            manifest = _unpacked(source, folder)
            rows = folder / "tables"
            if store == "sqlite":
                database = folder / directory.database.name
                load_sqlite(database, rows, manifest.schema, manifest.tables, tell)
                for leftover in ("-wal", "-shm"):
                    database.with_name(database.name + leftover).unlink(missing_ok=True)
            else:
                asyncio.run(load_postgres(store, rows, manifest.schema, manifest.tables, tell))
            # The database last: a directory without one is no Mooring, whatever else is in it.
            for member in (*manifest.files, *([directory.database.name] if store == "sqlite" else ())):
                (folder / member).chmod(0o600)
                (folder / member).replace(directory.path / member)
        _sync(directory.path)
        return manifest
    finally:
        directory.unlock()


def _unpacked(source: Path, folder: Path) -> Manifest:
    """All members in `folder`, each checked. Raises SnapshotError."""
    (folder / "tables").mkdir()
    try:
        with tarfile.open(source, "r:gz") as archive:
            manifest = _manifest(archive)
            for name, digest in manifest.digests.items():
                member = archive.next()
                content = archive.extractfile(member) if member is not None and member.name == name else None
                if content is None:
                    raise SnapshotError(f"{source} is not whole: {name} is missing")
                with content, (folder / name).open("wb") as file:
                    if _copied(content, file) != digest:
                        raise SnapshotError(f"{source} is damaged: {name} is not what was saved")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise _unreadable(source, error) from None
    return manifest


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == _MANIFEST else None
    if first is None or content is None or first.size > _MOST_MANIFEST:
        raise SnapshotError(f"{archive.name!r} is no snapshot")
    try:
        found = msgspec.json.decode(content.read(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SnapshotError(f"{archive.name!r} is no snapshot of this kind") from None
    if found.format != FORMAT:
        raise SnapshotError(f"{archive.name!r} has format {found.format}, this Mooring reads {FORMAT}")
    names = [
        *(table.name for table in found.tables),
        *(column.name for table in found.tables for column in table.columns),
    ]
    expected = {*found.files, *(f"tables/{table.file}" for table in found.tables)}
    if (
        not all(_NAME.fullmatch(name) for name in names)
        or not set(found.files) <= set(_FILES)
        or found.digests.keys() != expected
    ):
        raise SnapshotError(f"{archive.name!r} has a manifest that does not fit")
    return found


def _unreadable(source: Path, error: Exception) -> SnapshotError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or "it ends too early"
    return SnapshotError(f"cannot read snapshot {source}: {reason}")


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
