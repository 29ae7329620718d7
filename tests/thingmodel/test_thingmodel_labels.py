"""Translations of the names in a model (contract tsl.md section 14)."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.thingmodel import label_texts, translate, unknown_labels
from strategies_tsl import few, valid_documents

JSON = dict[str, Any]
SAMPLES = Path(__file__).parents[2] / "contract" / "tsl-samples"


def station() -> JSON:
    document: JSON = json.loads((SAMPLES / "power-station.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("soc", "State of charge"),
        ("work_state", "Working state"),
        ("work_state=-1", "Unknown"),
        ("force_charge", "Charge now"),
        ("force_charge.in.target", "Target state of charge"),
        ("force_charge.out.accepted", "Accepted"),
        ("force_charge.out.accepted=false", "Refused"),
    ],
)
def test_each_name_has_a_key(key: str, text: str) -> None:
    assert label_texts(station())[key] == text


@pytest.mark.parametrize(
    "key", ["packs.soc", "tariff.action=1", "fault.pack.volt", "cell_alarm.bad_cells.balancing=true"]
)
def test_names_inside_structs_and_arrays_have_keys(key: str) -> None:
    assert key in label_texts(station())


def test_input_and_output_of_one_code_have_different_keys() -> None:
    own = {"code": "x", "dataType": "DATE", "name": "x"}
    service = {"code": "s", "name": "s", "inputData": [own | {"id": 2}], "outputData": [own | {"id": 3}]}
    assert list(label_texts({"services": [service]})) == ["s", "s.in.x", "s.out.x"]


def test_references_have_no_labels_of_their_own() -> None:
    event = {"code": "e", "name": "e", "outputData": [{"$ref": "#/properties/id/1"}]}
    assert list(label_texts({"events": [event]})) == ["e"]


def count_of_names(value: Any) -> int:
    if isinstance(value, dict):
        return ("name" in value) + sum(count_of_names(item) for item in value.values())
    return sum(count_of_names(item) for item in value) if isinstance(value, list) else 0


@few
@given(valid_documents())
def test_every_name_of_a_document_has_a_key_of_its_own(document: JSON) -> None:
    assert len(label_texts(document)) == count_of_names(document)


@few
@given(valid_documents(), st.data())
def test_labels_replace_texts_and_nothing_else(document: JSON, data: st.DataObject) -> None:
    before = copy.deepcopy(document)
    texts = label_texts(document)
    chosen = data.draw(st.sets(st.sampled_from(sorted(texts))))
    labels = {key: f"标签 {key}" for key in chosen}
    translated = translate(document, labels)
    assert document == before
    assert label_texts(translated) == texts | labels
    assert json.dumps(translate(translated, texts)) == json.dumps({**before} | blank_kept(before, texts, labels))


def blank_kept(before: JSON, texts: dict[str, str], labels: dict[str, str]) -> JSON:
    """Return the document as translating back leaves it: a text that is blank is no label."""
    kept = {key: label for key, label in labels.items() if not texts[key].strip()}
    return translate(before, kept)


@few
@given(valid_documents())
def test_without_labels_the_copy_is_equal(document: JSON) -> None:
    assert json.dumps(translate(document, {})) == json.dumps(document)


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\u3000"])
def test_a_blank_label_does_not_count(blank: str) -> None:
    assert label_texts(translate(station(), {"soc": blank}))["soc"] == "State of charge"


def test_a_translation_shares_nothing_with_the_original() -> None:
    document = station()
    translated = translate(document, {})
    translated["properties"][0]["specs"]["max"] = "7"
    assert document["properties"][0]["specs"]["max"] == "100"


def test_labels_that_name_nothing_are_told() -> None:
    labels = {"soc": "a", "nothing": "b", "work_state=99": "c", "force_charge.target": "d"}
    assert unknown_labels(station(), labels) == ["force_charge.target", "nothing", "work_state=99"]


@few
@given(valid_documents())
def test_the_texts_of_a_document_are_known_labels(document: JSON) -> None:
    assert unknown_labels(document, label_texts(document)) == []
