"""The canonical form, exports and release stamps (contract tsl.md sections 1 and 11)."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.thingmodel import canonical, check, release_version, same_features, with_profile
from strategies_tsl import few, valid_documents

JSON = dict[str, Any]

PROPERTY = {"code": "at", "dataType": "DATE", "name": "at", "subType": "R", "id": 1, "type": "PROPERTY"}


def shuffled(value: Any, data: st.DataObject) -> Any:
    """Return the same JSON with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = data.draw(st.permutations(list(value)))
        return {key: shuffled(value[key], data) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, data) for item in value]
    return value


@few
@given(valid_documents(), st.data())
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(document: JSON, data: st.DataObject) -> None:
    other = canonical(shuffled(document, data))
    assert json.dumps(other) == json.dumps(canonical(document))


@few
@given(valid_documents())
def test_canonical_is_its_own_canonical_form(document: JSON) -> None:
    once = canonical(document)
    assert json.dumps(canonical(once)) == json.dumps(once)


def test_features_are_sorted_and_those_without_sort_keep_their_order_at_the_end() -> None:
    sorts = [None, 7, None, 3]
    bodies = [
        PROPERTY | {"id": place, "code": f"c{place}"} | ({} if sort is None else {"sort": sort})
        for place, sort in enumerate(sorts, start=1)
    ]
    assert [body["id"] for body in canonical({"properties": bodies})["properties"]] == [4, 2, 1, 3]


def test_kinds_and_lists_without_members_are_left_out() -> None:
    event = {"outputData": [], "code": "e", "name": "e", "subType": "INFO", "id": 1, "type": "EVENT"}
    assert canonical({"properties": [], "services": [], "events": [event]}) == {
        "events": [{key: event[key] for key in ("code", "name", "subType", "id", "type")}]
    }


@pytest.mark.parametrize(
    ("data_type", "given_specs", "expected"),
    [
        ("TEXT", {"length": 32}, {"length": "32"}),
        ("RAW", {"length": 4096}, {"length": "4096"}),
        ("DATE", {"length": 13}, {"length": "13"}),
        ("ARRAY", {"size": 5, "dataType": "TEXT"}, {"size": "5", "dataType": "TEXT"}),
        (
            "BOOL",
            [{"name": "off", "value": "false"}, {"name": "on", "value": "true"}],
            [{"name": "on", "value": "true"}, {"name": "off", "value": "false"}],
        ),
    ],
)
def test_specs_are_written_as_exports_write_them(data_type: str, given_specs: object, expected: object) -> None:
    body = PROPERTY | {"dataType": data_type, "specs": given_specs}
    assert canonical({"properties": [body]})["properties"][0]["specs"] == expected


@few
@given(valid_documents())
def test_an_export_starts_with_its_profile(document: JSON) -> None:
    export = with_profile(canonical(document), "p2PwSt", "20250628071900450")
    assert next(iter(export)) == "profile"
    assert export["profile"] == {
        "tslVersion": "1.2.0",
        "productKey": "p2PwSt",
        "version": "20250628071900450",
    }
    assert check(export).document == canonical(document)


@few
@given(valid_documents())
def test_profile_and_order_do_not_make_a_difference(document: JSON) -> None:
    other = copy.deepcopy(document)
    other["profile"]["version"] = "0" * 17
    for array in ("services", "properties", "events"):
        other.get(array, []).reverse()
    assert same_features(document, other)


@few
@given(valid_documents())
def test_another_name_makes_a_difference(document: JSON) -> None:
    other = copy.deepcopy(document)
    next(iter(other[list(other)[-1]]))["name"] = "renamed, surely"
    assert not same_features(document, other)


def test_a_release_is_stamped_with_its_moment_in_utc() -> None:
    moment = datetime(2025, 6, 28, 7, 19, 0, 450_000, tzinfo=UTC)
    assert release_version(int(moment.timestamp() * 1000), None) == "20250628071900450"


def test_a_clock_that_stands_gives_the_next_millisecond() -> None:
    moment = int(datetime(2025, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC).timestamp() * 1000)
    assert release_version(moment, "20251231235959999") == "20260101000000000"


@settings(deadline=None)
@given(st.lists(st.integers(0, 253_402_300_000_000), min_size=2, max_size=8))
def test_every_release_is_above_the_one_before_whatever_the_clock_does(clock: list[int]) -> None:
    first, *later = clock
    stamp = release_version(first, None)
    for now in later:
        before, stamp = stamp, release_version(now, stamp)
        assert len(stamp) == 17
        assert stamp.isdigit()
        assert stamp > before


@settings(deadline=None)
@given(st.integers(0, 253_402_300_799_999))
def test_a_stamp_reads_back_as_its_moment(now: int) -> None:
    stamp = release_version(now, None)
    seconds = datetime.strptime(stamp[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    assert int(seconds) * 1000 + int(stamp[14:]) == now


@pytest.mark.parametrize("previous", ["", "2025", "20251331000000000", "x" * 17, "٢" * 17, "99991231235959999"])
def test_a_previous_stamp_that_has_no_next_is_refused(previous: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        release_version(0, previous)


@pytest.mark.parametrize("now", [10**15, 10**40, -(10**15)])
def test_a_moment_beyond_the_calendar_is_refused(now: int) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        release_version(now, None)
