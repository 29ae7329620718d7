"""The data directory: made private, held by one process, let go when that process ends in whatever way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mooring.store import DataDirectory, DataDirectoryError, DirectoryInUse

HOLD = """
import sys, pathlib
from mooring.store import DataDirectory
directory = DataDirectory(pathlib.Path(sys.argv[1]))
directory.open()
directory.lock()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the directory."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "far" / "mooring-data"


def test_a_missing_directory_is_made_with_its_parents(path: Path) -> None:
    DataDirectory(path).open()
    assert path.is_dir()


def test_a_directory_that_was_made_is_private(path: Path) -> None:
    DataDirectory(path).open()
    assert path.stat().st_mode & 0o777 == 0o700


def test_an_existing_directory_is_used_as_it_is(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "mooring.sqlite3").touch()
    DataDirectory(path).open()
    assert (path / "mooring.sqlite3").exists()


def test_the_files_inside_have_fixed_names(path: Path) -> None:
    directory = DataDirectory(path)
    found = [directory.database, directory.secret_key, directory.demo]
    assert found == [path / name for name in ("mooring.sqlite3", "secret.key", "demo.json")]


@pytest.mark.parametrize("place", ["mooring-data", "mooring-data/below"])
def test_a_path_that_is_a_file_is_refused_by_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "mooring-data").touch()
    with pytest.raises(DataDirectoryError, match=place):
        DataDirectory(tmp_path / place).open()


def test_a_link_that_leads_nowhere_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "mooring-data").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataDirectoryError, match="mooring-data"):
        DataDirectory(tmp_path / "mooring-data").open()


def test_a_directory_that_cannot_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root can write anywhere
    with pytest.raises(DataDirectoryError, match="Permission denied"):
        DataDirectory(path).open()


def test_a_lock_that_cannot_be_made_is_refused(path: Path) -> None:
    directory = DataDirectory(path)
    directory.open()
    (path / "mooring.lock").mkdir()
    with pytest.raises(DataDirectoryError, match="Is a directory"):
        directory.lock()


def test_a_held_directory_is_refused_and_its_holder_named(path: Path) -> None:
    with held(path) as holder, pytest.raises(DirectoryInUse, match=rf"process {holder.pid}\b.*--store postgresql"):
        DataDirectory(path).lock()


def test_a_refused_process_leaves_the_name_of_the_holder_alone(path: Path) -> None:
    with held(path) as holder:
        for _ in range(2):
            with pytest.raises(DirectoryInUse, match=str(holder.pid)):
                DataDirectory(path).lock()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_holder_that_dies_lets_go(path: Path, ending: signal.Signals) -> None:
    with held(path) as holder:
        holder.send_signal(ending)
        holder.wait()
        directory = DataDirectory(path)
        directory.lock()
        directory.unlock()


def test_the_next_holder_writes_its_own_name(path: Path) -> None:
    with held(path):
        pass
    directory = DataDirectory(path)
    directory.lock()
    assert (path / "mooring.lock").read_text() == f"{os.getpid()}\n"
    directory.unlock()


def test_a_child_process_does_not_keep_the_lock(path: Path) -> None:
    directory = DataDirectory(path)
    directory.open()
    directory.lock()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        directory.unlock()
        directory.lock()
        directory.unlock()
        assert child.stdin is not None
        child.stdin.write(b"\n")


def test_unlocking_what_is_not_locked_is_nothing(path: Path) -> None:
    DataDirectory(path).unlock()


def test_another_directory_is_free(path: Path) -> None:
    other = DataDirectory(path.with_name("other"))
    with held(path):
        other.open()
        other.lock()
        other.unlock()
