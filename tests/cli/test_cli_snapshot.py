"""snapshot: from a running demo to another directory."""

import json
import stat
from pathlib import Path

import pytest

from cli.person import Demo, Person
from up import mooring_up


def test_a_running_demo_is_saved_and_loaded(demo: Demo, person: Person, tmp_path: Path) -> None:
    file, data = tmp_path / "demo.snapshot", tmp_path / "data"
    said = person.run("snapshot", "save", file, "--data", demo.file.parent)
    assert "holds secrets" in said.err
    assert "devices" in said.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "mooring-snapshot" in path.name] == []
    shown = person.run("snapshot", "show", file).out
    assert "database: sqlite" in shown
    saved = person.ask("snapshot", "show", file)
    assert saved == json.loads(person.run("snapshot", "load", file, "--data", data, "--json").out)
    with mooring_up(data, "--demo", "--log-level", "warning"):
        again = json.loads((data / "demo.json").read_text())
    for name in ("access_key", "access_secret"):
        assert again[name] == demo.document[name]


def test_nothing_is_overwritten(demo: Demo, person: Person, tmp_path: Path) -> None:
    file = tmp_path / "demo.snapshot"
    person.run("snapshot", "save", file, "--data", demo.file.parent)
    before = file.read_bytes()
    assert "overwrites nothing" in person.run("snapshot", "save", file, "--data", demo.file.parent, code=1).err
    assert file.read_bytes() == before
    assert "in use" in person.run("snapshot", "load", file, "--data", demo.file.parent, code=15).err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("save", "new", "--data", "none"), 11),
        (("save", "new", "--store", "nonsense"), 12),
        (("load", "text", "--data", "new"), 19),
        (("show", "none"), 19),
        (("show", "text"), 19),
    ],
)
def test_what_cannot_be_done_is_told(
    stranger: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no snapshot")
    run = stranger.run("snapshot", *words, code=code)
    assert (run.out, run.err.count("error: ")) == ("", 1)
    assert not (tmp_path / "new").exists()
