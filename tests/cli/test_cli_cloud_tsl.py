"""tsl: documents on this machine and in a cloud."""

import json
from pathlib import Path

import pytest

from cli.person import Demo, Person

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PLUG, TRACKER = SAMPLES / "smart-plug.json", SAMPLES / "tracker.json"


def test_a_document_is_checked_without_any_cloud(stranger: Person, tmp_path: Path) -> None:
    assert stranger.ask("tsl", "validate", PLUG)["valid"] is True
    assert "valid" in stranger.run("tsl", "validate", PLUG).out
    document = json.loads(PLUG.read_text())
    del document["properties"][0]["code"]
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    found = stranger.ask("tsl", "validate", broken, code=1)
    assert {"path": "properties[0].code", "rule": "missing-key"}.items() <= found["faults"][0].items()
    assert "properties[0].code" in stranger.run("tsl", "validate", "-", text=broken.read_text(), code=1).out
    assert "no JSON" in stranger.run("tsl", "validate", "-", text="{", code=1).err
    assert "No such file" in stranger.run("tsl", "validate", tmp_path / "none", code=1).err
    assert "mooring tsl validate" in stranger.run("tsl", "diff", PLUG, broken, code=1).err


def test_two_documents_are_compared_without_any_cloud(stranger: Person) -> None:
    assert stranger.run("tsl", "diff", PLUG, PLUG, "--exit-code").out == "nothing differs\n"
    changes = stranger.ask("tsl", "diff", PLUG, TRACKER)["changes"]
    assert {"added", "removed"} <= {change["kind"] for change in changes}
    assert "locate_now" in stranger.run("tsl", "diff", PLUG, TRACKER, "--exit-code", code=1).out


def test_a_released_model_is_exported_and_compared(person: Person, demo: Demo, tmp_path: Path) -> None:
    product = demo.product("Smart plug")
    target = tmp_path / "model.json"
    assert "written to" in person.run("tsl", "export", product, "-o", target).out
    assert json.loads(target.read_text()) == person.ask("tsl", "export", product)
    assert person.run("tsl", "diff", product, target).out == "nothing differs\n"
    assert person.run("tsl", "diff", product, "-", text=TRACKER.read_text()).out.count("locate_now")
    person.run("tsl", "export", "p0none", code=6)


@pytest.mark.parametrize("release", [False, True])
def test_a_document_is_imported_over_the_management_api(person: Person, release: bool) -> None:
    product = person.ask("admin", "product", "create", f"Imported {release}")["product_key"]
    said = person.run("tsl", "import", product, PLUG, *(["--release"] if release else [])).out
    assert "properties:" in said
    releases = person.ask("admin", "thing-model", "releases", product)["items"]
    assert len(releases) == int(release)
