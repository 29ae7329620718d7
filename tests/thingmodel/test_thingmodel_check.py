"""Every rule of `check`, one case per way to break it (contract tsl.md sections 1 to 8 and 12)."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mooring.thingmodel import RULES, TSL_VERSION, Checked, check, with_profile

JSON = dict[str, Any]
SAMPLES = sorted((Path(__file__).parents[2] / "contract" / "tsl-samples").glob("*.json"))


def option(value: object, name: str = "n", data_type: str = "ENUM") -> JSON:
    return {"dataType": data_type, "name": name, "value": value}


def member(number: int, code: str, data_type: str, specs: object) -> JSON:
    return {"specs": specs, "code": code, "dataType": data_type, "name": code, "id": number}


def prop(number: int, code: str, data_type: str, specs: object) -> JSON:
    return member(number, code, data_type, specs) | {"subType": "RW", "sort": number, "type": "PROPERTY", "desc": ""}


def document() -> JSON:
    """Return one feature of each kind and, by index, one property of each data type."""
    switch = [option("true", data_type="BOOL"), option("false", data_type="BOOL")]
    number = {"unit": "", "min": "0", "max": "10", "multiple": "", "step": "1"}
    fields = [member(1, "a", "INT", dict(number)), member(2, "b", "BOOL", copy.deepcopy(switch))]
    return {
        "profile": {"tslVersion": "1.2.0", "productKey": "p2PwSt", "version": "20250628071900450"},
        "services": [
            {
                "outputData": [member(22, "done", "BOOL", copy.deepcopy(switch))],
                "inputData": [{"$ref": "#/properties/id/2"}, member(21, "wait", "INT", dict(number))],
                "code": "move",
                "name": "move",
                "subType": "ASYNC",
                "id": 20,
                "sort": 20,
                "type": "SERVICE",
            }
        ],
        "properties": [
            prop(1, "switch", "BOOL", switch),
            prop(2, "level", "INT", number),
            prop(3, "heat", "FLOAT", number | {"step": "0.1"}),
            prop(4, "energy", "DOUBLE", number | {"step": "0.001"}),
            prop(5, "mode", "ENUM", [option("0"), option("1")]),
            prop(6, "label", "TEXT", {"length": "32"}),
            prop(7, "frame", "RAW", {"length": "64"}),
            prop(8, "since", "DATE", {"length": "13"}),
            prop(9, "port", "STRUCT", fields),
            prop(10, "log", "ARRAY", {"numberSpecs": dict(number), "size": "5", "dataType": "INT"}),
            prop(11, "rows", "ARRAY", {"specs": copy.deepcopy(fields), "size": "5", "dataType": "STRUCT"}),
            prop(12, "notes", "ARRAY", {"size": "5", "dataType": "TEXT"}),
        ],
        "events": [
            {
                "outputData": [member(31, "why", "TEXT", {"length": "9"}), {"$ref": "#/properties/id/1"}],
                "code": "alarm",
                "name": "alarm",
                "subType": "WARN",
                "id": 30,
                "sort": 30,
                "type": "EVENT",
            }
        ],
    }


GONE = object()


def put(path: str, value: object) -> Callable[[JSON], None]:
    """Return a change that sets the member at a path such as `events.0.outputData.1`, or removes it for GONE."""

    def change(target: Any) -> None:
        *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
        for step in way:
            target = target[step]
        if value is GONE:
            del target[last]
        elif isinstance(last, int) and last == len(target):
            target.append(value)
        else:
            target[last] = value

    return change


def found(checked: Checked) -> list[tuple[str, str]]:
    return [(fault.path, fault.rule) for fault in checked.faults]


NESTED = member(3, "c", "STRUCT", [member(1, "x", "DATE", {})])

# What is put where, and the one fault it must give.
CASES: list[tuple[str, object, str, str]] = [
    # document and profile
    ("profile", GONE, "profile", "missing-key"),
    ("profile", [], "profile", "object-expected"),
    ("profile.version", "2025062807190045", "profile.version", "version-form"),
    ("profile.version", "2025062807190045\n", "profile.version", "version-form"),
    ("profile.version", "٢٠٢٥٠٦٢٨٠٧١٩٠٠٤٥٠", "profile.version", "version-form"),
    ("profile.version", 20250628071900450, "profile.version", "version-form"),
    ("profile.version", GONE, "profile.version", "missing-key"),
    ("profile.productKey", "p-1", "profile.productKey", "product-key-form"),
    ("profile.productKey", GONE, "profile.productKey", "missing-key"),
    ("profile.tslVersion", "1.2", "profile.tslVersion", "tsl-version-form"),
    ("services", {}, "services", "array-expected"),
    ("events", None, "events", "array-expected"),
    ("events.1", "x", "events[1]", "object-expected"),
    # features
    ("properties.5.id", 0, "properties[5].id", "id-range"),
    ("properties.5.id", 8001, "properties[5].id", "id-range"),
    ("properties.5.id", True, "properties[5].id", "id-range"),
    ("properties.5.id", 6.0, "properties[5].id", "id-range"),
    ("properties.5.id", "6", "properties[5].id", "id-range"),
    ("properties.5.id", 10**5000, "properties[5].id", "id-range"),
    ("properties.5.id", float("nan"), "properties[5].id", "id-range"),
    ("properties.5.id", GONE, "properties[5].id", "missing-key"),
    ("properties.5.id", 5, "properties[5].id", "id-unique"),
    ("properties.5.id", 20, "properties[5].id", "id-unique"),
    ("events.0.outputData.0.id", 21, "events[0].outputData[0].id", "id-unique"),
    ("events.0.outputData.0.id", 6, "events[0].outputData[0].id", "id-unique"),
    ("properties.5.code", "0", "properties[5].code", "code-form"),
    ("properties.5.code", "two words", "properties[5].code", "code-form"),
    ("properties.5.code", "", "properties[5].code", "code-form"),
    ("properties.5.code", "x" * 65, "properties[5].code", "code-form"),
    ("properties.5.code", "x\n", "properties[5].code", "code-form"),
    ("properties.5.code", "温度", "properties[5].code", "code-form"),
    ("properties.5.code", 7, "properties[5].code", "code-form"),
    ("properties.5.code", "mode", "properties[5].code", "code-unique"),
    ("events.0.code", "mode", "events[0].code", "code-unique"),
    ("properties.5.name", "", "properties[5].name", "name-length"),
    ("properties.5.name", "x" * 129, "properties[5].name", "name-length"),
    ("properties.5.name", "a\tb", "properties[5].name", "name-control"),
    ("properties.5.name", "a\x85b", "properties[5].name", "name-control"),
    ("properties.5.name", None, "properties[5].name", "text-expected"),
    ("properties.5.name", "\ud800", "properties[5].name", "text-unicode"),
    ("properties.5.desc", "x" * 201, "properties[5].desc", "desc-length"),
    ("properties.5.desc", "a\0b", "properties[5].desc", "text-unicode"),
    ("properties.5.desc", None, "properties[5].desc", "text-expected"),
    ("properties.5.sort", -1, "properties[5].sort", "sort-range"),
    ("properties.5.sort", "1", "properties[5].sort", "sort-range"),
    ("properties.5.sort", False, "properties[5].sort", "sort-range"),
    ("properties.5.sort", 2**31, "properties[5].sort", "sort-range"),
    ("properties.5.sort", 30, "events[0].sort", "sort-unique"),
    ("properties.5.type", "EVENT", "properties[5].type", "feature-type"),
    ("properties.5.type", GONE, "properties[5].type", "missing-key"),
    ("properties.5.subType", "WR", "properties[5].subType", "property-access"),
    ("properties.5.subType", "ASYNC", "properties[5].subType", "property-access"),
    ("properties.5.subType", GONE, "properties[5].subType", "missing-key"),
    ("events.0.subType", "ALERT", "events[0].subType", "event-level"),
    ("services.0.subType", "SYNC", "services[0].subType", "service-mode"),
    ("properties.5.outputData", [], "properties[5].outputData", "misplaced-key"),
    ("events.0.inputData", [], "events[0].inputData", "misplaced-key"),
    ("events.0.dataType", "INT", "events[0].dataType", "misplaced-key"),
    # parameters
    ("events.0.outputData", {}, "events[0].outputData", "array-expected"),
    ("events.0.outputData.0", 5, "events[0].outputData[0]", "object-expected"),
    ("events.0.outputData.0.subType", "R", "events[0].outputData[0].subType", "misplaced-key"),
    ("events.0.outputData.0.sort", 1, "events[0].outputData[0].sort", "misplaced-key"),
    ("events.0.outputData.0.dataType", GONE, "events[0].outputData[0].dataType", "missing-key"),
    ("events.0.outputData.0.id", GONE, "events[0].outputData[0].id", "missing-key"),
    ("events.0.outputData.1.code", "x", "events[0].outputData[1].code", "misplaced-key"),
    ("events.0.outputData.1.$ref", "#/events/id/30", "events[0].outputData[1].$ref", "ref-form"),
    ("events.0.outputData.1.$ref", "#/properties/id/01", "events[0].outputData[1].$ref", "ref-form"),
    ("events.0.outputData.1.$ref", 1, "events[0].outputData[1].$ref", "ref-form"),
    ("events.0.outputData.1.$ref", "#/properties/id/13", "events[0].outputData[1].$ref", "ref-target"),
    ("events.0.outputData.1.$ref", "#/properties/id/31", "events[0].outputData[1].$ref", "ref-target"),
    ("events.0.outputData.0.code", "switch", "events[0].outputData[1].$ref", "param-code-unique"),
    ("services.0.inputData.1.code", "level", "services[0].inputData[1].code", "param-code-unique"),
    ("events.0.outputData.2", {"$ref": "#/properties/id/1"}, "events[0].outputData[2].$ref", "param-code-unique"),
    # data types
    ("properties.5.dataType", "LONG", "properties[5].dataType", "data-type"),
    ("properties.5.dataType", ["INT"], "properties[5].dataType", "data-type"),
    ("properties.5.dataType", GONE, "properties[5].dataType", "missing-key"),
    ("properties.5.specs", GONE, "properties[5].specs", "missing-key"),
    ("properties.0.specs", {"min": "0", "max": "1"}, "properties[0].specs", "specs-shape"),
    ("properties.0.specs.1", GONE, "properties[0].specs", "bool-values"),
    ("properties.0.specs.1.value", "true", "properties[0].specs", "bool-values"),
    ("properties.0.specs.2", option("true", data_type="BOOL"), "properties[0].specs", "bool-values"),
    ("properties.0.specs.0.dataType", "ENUM", "properties[0].specs[0].dataType", "option-data-type"),
    ("properties.0.specs.0.unit", "", "properties[0].specs[0].unit", "misplaced-key"),
    ("properties.0.specs.0.name", GONE, "properties[0].specs[0].name", "missing-key"),
    ("properties.0.specs.0.name", 1, "properties[0].specs[0].name", "text-expected"),
    ("properties.1.specs", [], "properties[1].specs", "specs-shape"),
    ("properties.1.specs.min", "1.5", "properties[1].specs.min", "int-form"),
    ("properties.1.specs.min", 0, "properties[1].specs.min", "int-form"),
    ("properties.1.specs.min", "-2147483649", "properties[1].specs.min", "int-bounds"),
    ("properties.1.specs.max", "2147483648", "properties[1].specs.max", "int-bounds"),
    ("properties.1.specs.max", "12345678901", "properties[1].specs.max", "int-form"),
    ("properties.1.specs.max", "１", "properties[1].specs.max", "int-form"),
    ("properties.1.specs.min", "11", "properties[1].specs.min", "min-max"),
    ("properties.1.specs.step", "0", "properties[1].specs.step", "step-positive"),
    ("properties.1.specs.step", "-1", "properties[1].specs.step", "step-positive"),
    ("properties.1.specs.step", "0.5", "properties[1].specs.step", "int-form"),
    ("properties.1.specs.multiple", 10, "properties[1].specs.multiple", "decimal-form"),
    ("properties.1.specs.unit", None, "properties[1].specs.unit", "text-expected"),
    ("properties.1.specs.length", "4", "properties[1].specs.length", "misplaced-key"),
    ("properties.2.specs.min", "1e3", "properties[2].specs.min", "decimal-form"),
    ("properties.2.specs.min", "NaN", "properties[2].specs.min", "decimal-form"),
    ("properties.2.specs.min", "10.0000001", "properties[2].specs.min", "min-max"),
    ("properties.2.specs.max", "4" + "0" * 38, "properties[2].specs.max", "decimal-bounds"),
    ("properties.3.specs.max", "2" + "0" * 308, "properties[3].specs.max", "decimal-bounds"),
    ("properties.3.specs.max", "1.0000000000000001", "properties[3].specs.max", "decimal-form"),
    ("properties.3.specs.min", "10.000000000000001", "properties[3].specs.min", "min-max"),
    ("properties.3.specs.step", "0.0", "properties[3].specs.step", "step-positive"),
    ("properties.4.specs", [], "properties[4].specs", "enum-empty"),
    ("properties.4.specs", {}, "properties[4].specs", "specs-shape"),
    ("properties.4.specs.1", option("00"), "properties[4].specs[1].value", "enum-unique"),
    ("properties.4.specs.1", option("-0"), "properties[4].specs[1].value", "enum-unique"),
    ("properties.4.specs.1", option("off"), "properties[4].specs[1].value", "enum-value"),
    ("properties.4.specs.1", option(1), "properties[4].specs[1].value", "enum-value"),
    ("properties.4.specs.1.value", GONE, "properties[4].specs[1].value", "missing-key"),
    ("properties.4.specs.1", "1", "properties[4].specs[1]", "object-expected"),
    ("properties.5.specs", [], "properties[5].specs", "specs-shape"),
    ("properties.5.specs", {}, "properties[5].specs.length", "missing-key"),
    ("properties.5.specs.length", "10241", "properties[5].specs.length", "text-length"),
    ("properties.5.specs.length", 10241, "properties[5].specs.length", "text-length"),
    ("properties.5.specs.length", "0", "properties[5].specs.length", "text-length"),
    ("properties.5.specs.length", "032", "properties[5].specs.length", "text-length"),
    ("properties.5.specs.length", True, "properties[5].specs.length", "text-length"),
    ("properties.6.specs.length", "5000", "properties[6].specs.length", "raw-length"),
    ("properties.6.specs.length", 4097, "properties[6].specs.length", "raw-length"),
    ("properties.7.specs.length", "10", "properties[7].specs.length", "date-length"),
    ("properties.7.specs.length", 13.0, "properties[7].specs.length", "date-length"),
    ("properties.7.specs", "13", "properties[7].specs", "specs-shape"),
    ("properties.8.specs", {}, "properties[8].specs", "specs-shape"),
    ("properties.8.specs", [], "properties[8].specs", "struct-empty"),
    ("properties.8.specs.2", NESTED, "properties[8].specs[2].dataType", "field-data-type"),
    ("properties.8.specs.1.dataType", "ARRAY", "properties[8].specs[1].dataType", "field-data-type"),
    ("properties.8.specs.1.id", 1, "properties[8].specs[1].id", "field-id-unique"),
    ("properties.8.specs.1.id", 8001, "properties[8].specs[1].id", "id-range"),
    ("properties.8.specs.1.code", "a", "properties[8].specs[1].code", "field-code-unique"),
    ("properties.8.specs.1.code", "0", "properties[8].specs[1].code", "code-form"),
    ("properties.8.specs.1.sort", 1, "properties[8].specs[1].sort", "misplaced-key"),
    ("properties.8.specs.0.specs.min", "x", "properties[8].specs[0].specs.min", "int-form"),
    ("properties.9.specs", [], "properties[9].specs", "specs-shape"),
    ("properties.9.specs.size", "101", "properties[9].specs.size", "array-size"),
    ("properties.9.specs.size", 0, "properties[9].specs.size", "array-size"),
    ("properties.9.specs.size", GONE, "properties[9].specs.size", "missing-key"),
    ("properties.9.specs.dataType", GONE, "properties[9].specs.dataType", "missing-key"),
    ("properties.9.specs.dataType", "BOOL", "properties[9].specs.dataType", "element-data-type"),
    ("properties.9.specs.dataType", "TEXT", "properties[9].specs.numberSpecs", "misplaced-key"),
    ("properties.9.specs.numberSpecs.step", "0", "properties[9].specs.numberSpecs.step", "step-positive"),
    ("properties.10.specs.specs", GONE, "properties[10].specs.specs", "missing-key"),
    ("properties.10.specs.specs.1.id", 1, "properties[10].specs.specs[1].id", "field-id-unique"),
    ("properties.11.specs.length", "9", "properties[11].specs.length", "misplaced-key"),
]


def test_the_document_the_cases_start_from_has_no_findings() -> None:
    checked = check(document())
    assert (checked.faults, checked.warnings) == ((), ())


@pytest.mark.parametrize(("where", "value", "path", "rule"), CASES, ids=range(len(CASES)))
def test_each_breakage_gives_one_fault(where: str, value: object, path: str, rule: str) -> None:
    broken = document()
    put(where, value)(broken)
    checked = check(broken)
    assert found(checked) == [(path, rule)]
    assert checked.document is None


def test_a_bad_bool_value_is_named_and_so_is_the_incomplete_pair() -> None:
    broken = document()
    put("properties.0.specs.1.value", "off")(broken)
    assert found(check(broken)) == [
        ("properties[0].specs[1].value", "bool-values"),
        ("properties[0].specs", "bool-values"),
    ]


@pytest.mark.parametrize("empty", [{}, {"events": []}, {"properties": [], "services": [], "events": []}])
def test_a_document_without_features_is_refused(empty: JSON) -> None:
    assert found(check(empty | {"profile": document()["profile"]})) == [("$", "no-features")]


@pytest.mark.parametrize("value", [None, True, 1, float("inf"), "{}", [], [{}]])
def test_what_is_no_object_is_refused(value: object) -> None:
    assert found(check(value)) == [("$", "object-expected")]


def test_more_features_than_the_limit_are_refused() -> None:
    assert found(check(document(), feature_limit=13)) == [("$", "feature-limit")]
    assert found(check(document(), feature_limit=14)) == []


def test_500_features_are_allowed_and_501_are_not() -> None:
    many = document() | {"services": [], "events": []}
    many["properties"] = [prop(n, f"p{n}", "DATE", {}) for n in range(1, 501)]
    assert found(check(many)) == []
    many["properties"].append(prop(501, "p501", "DATE", {}))
    assert found(check(many)) == [("$", "feature-limit")]


UNKNOWN = [
    ("remark", "remark"),
    ("profile.productName", "profile.productName"),
    ("properties.5.icon", "properties[5].icon"),
    ("properties.5.specs.charset", "properties[5].specs.charset"),
    ("properties.4.specs.1.color", "properties[4].specs[1].color"),
    ("properties.8.specs.1.a key", 'properties[8].specs[1]["a key"]'),
    ("properties.11.specs.note", "properties[11].specs.note"),
    ("events.0.outputData.0.remark", "events[0].outputData[0].remark"),
    ("events.0.outputData.1.remark", "events[0].outputData[1].remark"),
]


@pytest.mark.parametrize(("where", "path"), UNKNOWN)
def test_unknown_keys_are_dropped_with_a_warning(where: str, path: str) -> None:
    extended = document()
    put(where, {"any": "thing"})(extended)
    checked = check(extended)
    assert [(warning.path, warning.rule) for warning in checked.warnings] == [(path, "unknown-key")]
    assert checked.document == check(document()).document


def test_equal_names_of_features_are_a_warning() -> None:
    twice = document()
    put("events.0.name", "level")(twice)
    checked = check(twice)
    assert [(warning.path, warning.rule) for warning in checked.warnings] == [("events[0].name", "name-duplicate")]
    assert checked.document is not None


def test_float_bounds_finer_than_7_decimals_are_a_warning() -> None:
    fine = document()
    put("properties.2.specs.step", "0.00000001")(fine)
    put("properties.2.specs.max", "10.000000000")(fine)
    assert [warning.path for warning in check(fine).warnings] == ["properties[2].specs.step"]


ALLOWED = [
    ("properties.5.specs.length", 10240),
    ("properties.6.specs.length", 4096),
    ("properties.7.specs.length", 13),
    ("properties.9.specs.size", 100),
    ("properties.7.specs", GONE),
    ("properties.7.specs", {}),
    ("properties.9.specs.numberSpecs", GONE),
    ("properties.1.specs", {}),
    ("properties.1.specs.min", ""),
    ("properties.1.specs.max", ""),
    ("properties.1.specs.step", ""),
    ("properties.1.specs.min", "10"),
    ("properties.1.specs.min", "-2147483648"),
    ("properties.1.specs.max", "2147483647"),
    ("properties.2.specs.max", "200.00"),
    ("properties.3.specs.max", "4294967295"),
    ("properties.4.specs", [{"name": "", "value": "-1"}]),
    ("properties.5.sort", GONE),
    ("properties.5.desc", GONE),
    ("properties.5.name", "Température (°C) 温度 👩‍🔧"),
    ("properties.5.code", "202104011545"),
    ("properties.5.id", 8000),
    ("properties.8.specs.1.code", "level"),
    ("events.0.outputData.0.code", "level"),
    ("services.0.inputData.1.code", "done"),
    ("profile.tslVersion", GONE),
    ("profile.tslVersion", "1.1.0"),
]


@pytest.mark.parametrize(("where", "value"), ALLOWED)
def test_what_the_contract_allows_has_no_findings(where: str, value: object) -> None:
    allowed = document()
    put(where, value)(allowed)
    checked = check(allowed)
    assert (checked.faults, checked.warnings) == ((), ())


def test_all_faults_are_reported_at_once() -> None:
    broken = document()
    put("properties.5.id", 9000)(broken)
    put("properties.1.specs.min", "11")(broken)
    put("events.0.outputData.1.$ref", "#/properties/id/99")(broken)
    assert found(check(broken)) == [
        ("properties[1].specs.min", "min-max"),
        ("properties[5].id", "id-range"),
        ("events[0].outputData[1].$ref", "ref-target"),
    ]


def test_a_faulty_property_can_still_be_referenced() -> None:
    broken = document()
    put("properties.0.subType", "WR")(broken)
    assert found(check(broken)) == [("properties[0].subType", "property-access")]


def test_the_list_of_faults_is_bounded() -> None:
    checked = check({"profile": document()["profile"], "events": [None] * 250})
    assert len(checked.faults) == 101
    assert (checked.faults[-1].rule, checked.faults[-1].value) == ("more-faults", "150")


def test_a_fault_tells_path_value_and_what_is_allowed() -> None:
    broken = document()
    put("properties.5.id", 9001)(broken)
    (fault,) = check(broken).faults
    assert (fault.path, fault.value) == ("properties[5].id", "9001")
    assert fault.message == "An id must be a whole number from 1 to 8000, written as a JSON integer."


HOSTILE = ["\ud800" * 500, "x" * 10**6, 10**5000, float("nan"), {"a": 1}, [1] * 1000, None, "\n" * 300]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_findings_stay_short_and_encodable_whatever_the_value(value: object) -> None:
    broken = document()
    put("properties.5.name", value)(broken)
    put("properties.5.code", value)(broken)
    broken["\udfff" + "k" * 10**5] = value
    checked = check(broken)
    assert msgspec.json.encode(checked)
    assert all(len(fault.value) <= 80 for fault in (*checked.faults, *checked.warnings))
    assert all(len(fault.path) <= 200 for fault in (*checked.faults, *checked.warnings))


def test_deep_nesting_is_no_trouble() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"specs": [deep]}
    broken = document()
    put("properties.8.specs.1.specs", deep)(broken)
    assert found(check(broken)) == [("properties[8].specs[1].specs", "specs-shape")]


def test_every_rule_has_a_case() -> None:
    covered = {rule for *_, rule in CASES}
    elsewhere = {"no-features", "feature-limit", "unknown-key", "name-duplicate", "float-decimals", "more-faults"}
    assert covered | elsewhere == set(RULES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_pass_through_import_and_export_unchanged(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    original = json.loads(text)
    checked = check(original)
    assert (checked.faults, checked.warnings) == ((), ())
    assert checked.document is not None
    profile = original["profile"]
    assert profile["tslVersion"] == TSL_VERSION
    export = with_profile(checked.document, profile["productKey"], profile["version"])
    assert json.dumps(export, indent=2, ensure_ascii=False) + "\n" == text


def test_there_are_samples() -> None:
    assert len(SAMPLES) == 4
