"""The side-by-side difference of two models (contract tsl.md section 11)."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.thingmodel import Change, Difference, MemberChange, compare, same_features
from strategies_tsl import few, valid_documents

JSON = dict[str, Any]


def number(**members: Any) -> JSON:
    body = {
        "specs": {"unit": "", "min": "0", "max": "10", "multiple": "", "step": "1"},
        "code": "level",
        "dataType": "INT",
        "name": "Level",
    }
    return body | {"subType": "R", "id": 1, "sort": 1, "type": "PROPERTY", "desc": ""} | members


def choice(*values: str) -> JSON:
    specs = [{"dataType": "ENUM", "name": f"n{value}", "value": value} for value in values]
    return {"properties": [number(dataType="ENUM", specs=specs)]}


def event(*parameters: JSON) -> JSON:
    body = {"code": "e", "name": "e", "subType": "INFO", "id": 9, "sort": 9, "type": "EVENT", "desc": ""}
    return {"properties": [number()], "events": [{"outputData": list(parameters), **body}]}


OWN = {"code": "at", "dataType": "DATE", "name": "At", "id": 5}
REFERENCE = {"$ref": "#/properties/id/1"}


def changed(old: JSON, new: JSON) -> list[tuple[str, Any, Any]]:
    (change,) = compare(old, new).changes
    return [(member.path, member.old, member.new) for member in change.members]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"properties": [number()]}, {"properties": [number(name="Depth")]}, [("name", "Level", "Depth")]),
        ({"properties": [number()]}, {"properties": [number(desc="x", sort=4)]}, [("sort", 1, 4), ("desc", "", "x")]),
        (
            {"properties": [number()]},
            {"properties": [number(specs={"min": "0", "max": "20", "step": "1", "unit": "", "multiple": ""})]},
            [("specs.max", "10", "20")],
        ),
        (
            {"properties": [number()]},
            {"properties": [number(dataType="TEXT", specs={"length": "4"})]},
            [
                ("specs.length", None, "4"),
                ("specs.unit", "", None),
                ("specs.min", "0", None),
                ("specs.max", "10", None),
                ("specs.multiple", "", None),
                ("specs.step", "1", None),
                ("dataType", "INT", "TEXT"),
            ],
        ),
        (choice("1", "2"), choice("1", "2", "3"), [("specs[value=3]", None, choice("3")["properties"][0]["specs"][0])]),
        (choice("1", "2"), choice("2", "1"), [("specs[]", ["value=1", "value=2"], ["value=2", "value=1"])]),
        (event(OWN), event(OWN, REFERENCE), [("outputData[$ref=1]", None, REFERENCE)]),
        (event(OWN), event(OWN | {"name": "When"}), [("outputData[id=5].name", "At", "When")]),
        (event(OWN), event(), [("outputData", [OWN], None)]),
    ],
)
def test_a_changed_feature_lists_the_members_that_differ(old: JSON, new: JSON, expected: Any) -> None:
    for (path, before, after), (path_, before_, after_) in zip(changed(old, new), expected, strict=True):
        assert (path, before, after) == (path_, before_, after_)


def test_a_first_release_adds_everything() -> None:
    difference = compare(None, {"properties": [number()]})
    (change,) = difference.changes
    assert (change.kind, change.feature_type, change.id, change.code) == ("added", "PROPERTY", 1, "level")
    assert MemberChange("name", None, "Level") in change.members


def test_a_feature_that_becomes_another_kind_is_removed_and_added() -> None:
    other = {"code": "level", "name": "Level", "subType": "INFO", "id": 1, "sort": 1, "type": "EVENT", "desc": ""}
    changes = compare({"properties": [number()]}, {"events": [other]}).changes
    assert [(change.kind, change.feature_type) for change in changes] == [("removed", "PROPERTY"), ("added", "EVENT")]


def test_a_removed_feature_is_told_by_its_old_names() -> None:
    (change,) = compare({"properties": [number()]}, None).changes
    assert (change.kind, change.code, change.name) == ("removed", "level", "Level")


def test_nothing_and_nothing_are_equal() -> None:
    assert compare(None, None) == Difference(())
    assert compare(None, {}).empty


@few
@given(valid_documents())
def test_a_document_does_not_differ_from_itself(document: JSON) -> None:
    assert compare(document, copy.deepcopy(document)).empty


@few
@given(valid_documents(), valid_documents())
def test_no_changes_means_the_same_features(old: JSON, new: JSON) -> None:
    assert compare(old, new).empty == same_features(old, new)


def touched(document: JSON, data: st.DataObject) -> JSON:
    """Return a copy with a text somewhere in it changed, or an array reversed."""
    other = copy.deepcopy(document)
    arrays = [array for array in ("services", "properties", "events") if array in other]
    value: Any = data.draw(st.sampled_from(other[data.draw(st.sampled_from(arrays))]))
    for _ in range(data.draw(st.integers(0, 3))):
        inside = [
            item for item in (value.values() if isinstance(value, dict) else value) if isinstance(item, dict | list)
        ]
        if not inside:
            break
        value = data.draw(st.sampled_from(inside))
    if isinstance(value, list):
        value.reverse()
    elif "name" in value:
        value["name"] += "!"
    return other


@few
@given(valid_documents(), st.data())
def test_a_small_touch_is_seen_unless_it_changed_nothing(document: JSON, data: st.DataObject) -> None:
    other = touched(document, data)
    difference = compare(document, other)
    assert difference.empty == same_features(document, other)
    assert len(difference.changes) <= 1


@few
@given(valid_documents(), valid_documents())
def test_the_way_back_has_the_same_changes_turned_round(old: JSON, new: JSON) -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    there, back = compare(old, new), compare(new, old)
    assert [(change.id, change.feature_type, turned[change.kind]) for change in there.changes] == [
        (change.id, change.feature_type, change.kind) for change in back.changes
    ]
    for change, reverse in zip(there.changes, back.changes, strict=True):
        assert {member.path for member in change.members} == {member.path for member in reverse.members}


@few
@given(valid_documents(), valid_documents())
def test_a_difference_travels_as_json(old: JSON, new: JSON) -> None:
    difference = compare(old, new)
    assert msgspec.json.decode(msgspec.json.encode(difference), type=Difference) == difference
    assert all(isinstance(change, Change) for change in difference.changes)
