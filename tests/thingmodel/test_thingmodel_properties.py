"""What holds for every document: valid ones pass unchanged, broken ones are refused, nothing raises."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mooring.thingmodel import RULES, check, with_profile
from strategies_tsl import few, json_values, valid_documents

JSON = dict[str, Any]
Mutation = Callable[[JSON, st.DataObject], tuple[str, str]]

CONTRACT = Path(__file__).parents[2] / "contract"
SCHEMA = Draft202012Validator(json.loads((CONTRACT / "tsl.schema.json").read_text(encoding="utf-8")))
KEYS = (
    *("profile", "properties", "services", "events", "tslVersion", "productKey", "version", "$ref", "id", "code"),
    *("name", "desc", "type", "subType", "sort", "dataType", "specs", "inputData", "outputData", "numberSpecs"),
    *("size", "length", "value", "unit", "min", "max", "multiple", "step", "other"),
)
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def features(document: JSON) -> list[tuple[str, JSON]]:
    return [
        (f"{array}[{place}]", body)
        for array in ("services", "properties", "events")
        for place, body in enumerate(document.get(array, []))
    ]


def any_feature(document: JSON, data: st.DataObject) -> tuple[str, JSON]:
    return data.draw(st.sampled_from(features(document)))


def free_id(document: JSON) -> int:
    used = {
        parameter.get("id")
        for _, body in features(document)
        for parameter in (body, *body.get("inputData", []), *body.get("outputData", []))
    }
    return next(number for number in range(1, 8001) if number not in used)


def added(document: JSON, array: str, **members: Any) -> tuple[str, JSON]:
    """Add a valid feature with a free id, code and sort at the end of its array; return its path and body."""
    kind = {"services": ("SERVICE", "ASYNC"), "properties": ("PROPERTY", "R"), "events": ("EVENT", "INFO")}[array]
    number = free_id(document)
    body: JSON = {"code": f"added{number}", "name": f"added {number}", "id": number, "sort": 20_000 + number}
    body |= {"type": kind[0], "subType": kind[1]}
    if array == "properties":
        body |= {"dataType": "DATE"}
    document.setdefault(array, []).append(body | members)
    return f"{array}[{len(document[array]) - 1}]", document[array][-1]


def added_value(document: JSON, data: st.DataObject, data_type: str, specs: Any) -> tuple[str, Any]:
    """Add a value of a data type as property, event parameter or service parameter; return path and body."""
    array, name = data.draw(
        st.sampled_from(
            (("properties", ""), ("events", "outputData"), ("services", "inputData"), ("services", "outputData"))
        )
    )
    if not name:
        return added(document, array, dataType=data_type, specs=specs)
    path, body = added(document, array)
    body[name] = [{"id": free_id(document), "code": "own", "name": "own", "dataType": data_type, "specs": specs}]
    return f"{path}.{name}[0]", body[name][0]


def field(number: int, code: str, data_type: str = "DATE", specs: Any = None) -> JSON:
    return {"id": number, "code": code, "name": code, "dataType": data_type, "specs": specs or {}}


@mutation
def profile_is_missing(document: JSON, data: st.DataObject) -> tuple[str, str]:
    del document["profile"]
    return "profile", "missing-key"


@mutation
def version_is_not_17_digits(document: JSON, data: st.DataObject) -> tuple[str, str]:
    digits = st.text("0123456789", max_size=20).filter(lambda text: len(text) != 17)
    document["profile"]["version"] = data.draw(digits)
    return "profile.version", "version-form"


@mutation
def id_out_of_range(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added(document, data.draw(st.sampled_from(("services", "properties", "events"))))
    body["id"] = data.draw(st.integers(max_value=0) | st.integers(min_value=8001))
    return f"{path}.id", "id-range"


@mutation
def id_is_no_integer(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added(document, "events")
    body["id"] = data.draw(st.booleans() | st.floats() | st.text() | st.none() | st.just([1]))
    return f"{path}.id", "id-range"


@mutation
def id_of_another_feature(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, other = any_feature(document, data)
    path, body = added(document, "events")
    body["id"] = other["id"]
    return f"{path}.id", "id-unique"


@mutation
def own_parameter_with_the_id_of_a_feature(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, other = any_feature(document, data)
    path, _ = added(document, "events", outputData=[field(other["id"], "own")])
    return f"{path}.outputData[0].id", "id-unique"


@mutation
def code_of_another_feature(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, other = any_feature(document, data)
    path, body = added(document, "events")
    body["code"] = other["code"]
    return f"{path}.code", "code-unique"


@mutation
def code_with_a_bad_character(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added(document, data.draw(st.sampled_from(("services", "properties", "events"))))
    body["code"] += data.draw(
        st.characters().filter(lambda char: not (char.isascii() and char.isalnum()) and char != "_")
    )
    return f"{path}.code", "code-form"


@mutation
def sort_of_another_feature(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, body = added(document, "services")
    last, event = added(document, "events")
    event["sort"] = body["sort"]
    return f"{last}.sort", "sort-unique"


@mutation
def name_too_long(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    body["name"] = "n" * data.draw(st.integers(129, 1000))
    return f"{path}.name", "name-length"


@mutation
def name_with_a_control_character(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    control = data.draw(st.characters(categories=["Cc"], exclude_characters="\0"))
    body["name"] = f"a{control}b"
    return f"{path}.name", "name-control"


@mutation
def description_too_long(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    body["desc"] = "d" * data.draw(st.integers(201, 1000))
    return f"{path}.desc", "desc-length"


@mutation
def half_a_surrogate_pair(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    body["desc"] = data.draw(st.characters(categories=["Cs"]))
    return f"{path}.desc", "text-unicode"


@mutation
def another_sub_type(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    body["subType"] = data.draw(st.sampled_from(("WR", "ALERT", "SYNC", "", "rw", None, 1)))
    rule = {"PROPERTY": "property-access", "EVENT": "event-level", "SERVICE": "service-mode"}[body["type"]]
    return f"{path}.subType", rule


@mutation
def type_of_another_kind(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = any_feature(document, data)
    body["type"] = data.draw(
        st.sampled_from(("PROPERTY", "EVENT", "SERVICE", "EXTEND")).filter(lambda name: name != body["type"])
    )
    return f"{path}.type", "feature-type"


@mutation
def required_key_missing(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added(document, data.draw(st.sampled_from(("services", "properties", "events"))))
    key = data.draw(st.sampled_from(("id", "code", "name", "type", "subType")))
    del body[key]
    return f"{path}.{key}", "missing-key"


@mutation
def parameter_with_the_key_of_a_feature(document: JSON, data: st.DataObject) -> tuple[str, str]:
    key = data.draw(st.sampled_from(("subType", "sort", "type", "inputData", "outputData")))
    path, _ = added(document, "services", inputData=[field(free_id(document), "own") | {key: "R"}])
    document["services"][-1]["id"] = free_id(document)
    return f"{path}.inputData[0].{key}", "misplaced-key"


@mutation
def reference_to_nothing(document: JSON, data: st.DataObject) -> tuple[str, str]:
    target = free_id(document)
    body = added(document, "events", outputData=[{"$ref": f"#/properties/id/{target}"}])
    body[1]["id"] = free_id(document)
    return f"{body[0]}.outputData[0].$ref", "ref-target"


@mutation
def reference_to_an_event(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added(document, "events")
    form = data.draw(st.sampled_from(("#/events/id/{}", "#/properties/{}", "#/properties/id/0{}", "{}", "")))
    body["outputData"] = [{"$ref": form.format(body["id"])}]
    return f"{path}.outputData[0].$ref", "ref-form"


@mutation
def reference_with_company(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, target = added(document, "properties")
    key = data.draw(st.sampled_from(("id", "code", "name", "dataType", "specs")))
    path, _ = added(document, "services", outputData=[{"$ref": f"#/properties/id/{target['id']}", key: "x"}])
    return f"{path}.outputData[0].{key}", "misplaced-key"


@mutation
def the_same_reference_twice(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, target = added(document, "properties")
    path, _ = added(document, "events", outputData=[{"$ref": f"#/properties/id/{target['id']}"}] * 2)
    return f"{path}.outputData[1].$ref", "param-code-unique"


@mutation
def own_parameter_with_the_code_of_a_reference(document: JSON, data: st.DataObject) -> tuple[str, str]:
    _, target = added(document, "properties")
    path, body = added(document, "events")
    reference = {"$ref": f"#/properties/id/{target['id']}"}
    body["outputData"] = [reference, field(free_id(document), target["code"])]
    return f"{path}.outputData[1].code", "param-code-unique"


@mutation
def data_type_not_known(document: JSON, data: st.DataObject) -> tuple[str, str]:
    path, body = added_value(document, data, "DATE", {})
    body["dataType"] = data.draw(st.sampled_from(("LONG", "int", "", None, 3, ["INT"], {})))
    return f"{path}.dataType", "data-type"


@mutation
def specs_missing(document: JSON, data: st.DataObject) -> tuple[str, str]:
    types = ("BOOL", "INT", "FLOAT", "DOUBLE", "ENUM", "TEXT", "RAW", "STRUCT", "ARRAY")
    path, body = added_value(document, data, data.draw(st.sampled_from(types)), {})
    del body["specs"]
    return f"{path}.specs", "missing-key"


@mutation
def numeric_specs_on_a_list_type(document: JSON, data: st.DataObject) -> tuple[str, str]:
    data_type = data.draw(st.sampled_from(("BOOL", "ENUM", "STRUCT")))
    path, _ = added_value(document, data, data_type, {"min": "0", "max": "1"})
    return f"{path}.specs", "specs-shape"


@mutation
def minimum_above_maximum(document: JSON, data: st.DataObject) -> tuple[str, str]:
    high = data.draw(st.integers(-(2**31), 2**31 - 2))
    specs = {"min": str(high + 1), "max": str(high)}
    path, _ = added_value(document, data, data.draw(st.sampled_from(("INT", "FLOAT", "DOUBLE"))), specs)
    return f"{path}.specs.min", "min-max"


@mutation
def minimum_above_maximum_by_less_than_binary_floats_show(document: JSON, data: st.DataObject) -> tuple[str, str]:
    whole = data.draw(st.integers(10**15, 10**30))
    path, _ = added_value(document, data, "DOUBLE", {"min": f"{whole}.000000000000001", "max": str(whole)})
    return f"{path}.specs.min", "min-max"


@mutation
def step_not_above_zero(document: JSON, data: st.DataObject) -> tuple[str, str]:
    step = data.draw(st.sampled_from(("0", "00", "-1", "-0")))
    path, _ = added_value(document, data, data.draw(st.sampled_from(("INT", "FLOAT", "DOUBLE"))), {"step": step})
    return f"{path}.specs.step", "step-positive"


@mutation
def int_bound_beyond_32_bits(document: JSON, data: st.DataObject) -> tuple[str, str]:
    bound = data.draw(st.integers(2**31, 9_999_999_999) | st.integers(-9_999_999_999, -(2**31) - 1))
    key = "max" if bound > 0 else "min"
    path, _ = added_value(document, data, "INT", {key: str(bound)})
    return f"{path}.specs.{key}", "int-bounds"


@mutation
def bound_that_is_no_text(document: JSON, data: st.DataObject) -> tuple[str, str]:
    bound: object = data.draw(st.integers() | st.floats() | st.booleans() | st.none() | st.just([]))
    path, _ = added_value(document, data, "INT", {"min": bound})
    return f"{path}.specs.min", "int-form"


@mutation
def fraction_in_an_int(document: JSON, data: st.DataObject) -> tuple[str, str]:
    key = data.draw(st.sampled_from(("min", "max", "step")))
    path, _ = added_value(document, data, "INT", {key: "1.5"})
    return f"{path}.specs.{key}", "int-form"


@mutation
def enum_value_twice(document: JSON, data: st.DataObject) -> tuple[str, str]:
    value = data.draw(st.integers(-999_999, 999_999))
    again = f"{'-' if value < 0 else ''}{'0' * data.draw(st.integers(0, 3))}{abs(value)}"
    options = [{"name": "a", "value": str(value)}, {"name": "b", "value": again}]
    path, _ = added_value(document, data, "ENUM", options)
    return f"{path}.specs[1].value", "enum-unique"


@mutation
def enum_value_that_is_no_number(document: JSON, data: st.DataObject) -> tuple[str, str]:
    value = data.draw(st.sampled_from(("off", "", "1.0", "+1", " 1", "1\n", "12345678901", 1, None, True)))
    path, _ = added_value(document, data, "ENUM", [{"name": "a", "value": value}])
    return f"{path}.specs[0].value", "enum-value"


@mutation
def bool_without_both_values(document: JSON, data: st.DataObject) -> tuple[str, str]:
    values = data.draw(st.lists(st.sampled_from(("true", "false")), max_size=4))
    values = ["true"] if sorted(values) == ["false", "true"] else values
    path, _ = added_value(document, data, "BOOL", [{"name": "x", "value": value} for value in values])
    return f"{path}.specs", "bool-values"


@mutation
def length_out_of_range(document: JSON, data: st.DataObject) -> tuple[str, str]:
    data_type, limit = data.draw(st.sampled_from((("TEXT", 10240), ("RAW", 4096))))
    length = data.draw(st.integers(max_value=0) | st.integers(min_value=limit + 1))
    path, _ = added_value(document, data, data_type, {"length": data.draw(st.sampled_from((length, str(length))))})
    return f"{path}.specs.length", f"{data_type.lower()}-length"


@mutation
def array_too_large(document: JSON, data: st.DataObject) -> tuple[str, str]:
    size = data.draw(st.integers(max_value=0) | st.integers(min_value=101))
    specs = {"size": data.draw(st.sampled_from((size, str(size)))), "dataType": "RAW"}
    path, _ = added_value(document, data, "ARRAY", specs)
    return f"{path}.specs.size", "array-size"


@mutation
def array_of_what_arrays_cannot_hold(document: JSON, data: st.DataObject) -> tuple[str, str]:
    element: object = data.draw(st.sampled_from(("BOOL", "ENUM", "DATE", "ARRAY", "", None, [])))
    path, _ = added_value(document, data, "ARRAY", {"size": "3", "dataType": element})
    return f"{path}.specs.dataType", "element-data-type"


@mutation
def struct_in_a_struct(document: JSON, data: st.DataObject) -> tuple[str, str]:
    inner = field(2, "inner", data.draw(st.sampled_from(("STRUCT", "ARRAY"))), [field(1, "x")])
    path, _ = added_value(document, data, "STRUCT", [field(1, "outer"), inner])
    return f"{path}.specs[1].dataType", "field-data-type"


@mutation
def field_id_twice(document: JSON, data: st.DataObject) -> tuple[str, str]:
    number = data.draw(st.integers(1, 8000))
    path, _ = added_value(document, data, "STRUCT", [field(number, "a"), field(number, "b")])
    return f"{path}.specs[1].id", "field-id-unique"


@mutation
def field_code_twice_in_an_array_of_structs(document: JSON, data: st.DataObject) -> tuple[str, str]:
    specs = {"specs": [field(1, "a"), field(2, "a")], "size": 2, "dataType": "STRUCT"}
    path, _ = added_value(document, data, "ARRAY", specs)
    return f"{path}.specs.specs[1].code", "field-code-unique"


@mutation
def a_kind_that_is_no_array(document: JSON, data: st.DataObject) -> tuple[str, str]:
    # The kind must not take away what others refer to, so only events are replaced.
    document["events"] = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.just({}))
    return "events", "array-expected"


@few
@given(valid_documents())
def test_valid_documents_pass_unchanged(document: JSON) -> None:
    checked = check(document)
    assert checked.faults == ()
    assert {warning.rule for warning in checked.warnings} <= {"name-duplicate"}
    assert checked.document is not None
    profile = document["profile"]
    export = with_profile(checked.document, profile["productKey"], profile["version"])
    assert json.dumps(export) == json.dumps(document)


@few
@given(valid_documents())
def test_valid_documents_obey_the_published_schema(document: JSON) -> None:
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    canonical = check(document).document
    assert canonical is not None
    assert SCHEMA.is_valid(with_profile(canonical, "p2PwSt", "20250628071900450"))


@few
@given(valid_documents())
def test_check_leaves_its_argument_alone(document: JSON) -> None:
    before = copy.deepcopy(document)
    check(document)
    assert document == before


@settings(max_examples=8, deadline=None)
@pytest.mark.parametrize("name", sorted(MUTATIONS))
@given(document=valid_documents(), data=st.data())
def test_each_kind_of_mutation_is_refused_where_it_stands(name: str, document: JSON, data: st.DataObject) -> None:
    path, rule = MUTATIONS[name](document, data)
    checked = check(document)
    assert checked.document is None
    assert (path, rule) in [(fault.path, fault.rule) for fault in checked.faults]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key or index) of a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield value, key
        yield from places(item)


def mutate(document: JSON, data: st.DataObject) -> None:
    """Replace, remove, repeat or swap something anywhere in a document."""
    container, key = data.draw(st.sampled_from(list(places(document))))
    action = data.draw(st.sampled_from(("replace", "remove", "repeat", "copy", "add")))
    if action == "remove":
        del container[key]
    elif action == "repeat" and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    elif action == "copy":
        other, place = data.draw(st.sampled_from(list(places(document))))
        container[key] = copy.deepcopy(other[place])
    elif action == "add" and isinstance(container, dict):
        container[data.draw(st.sampled_from(KEYS))] = data.draw(json_values())
    else:
        container[key] = data.draw(json_values(keys=st.sampled_from(KEYS)))


@settings(max_examples=250, deadline=None)
@given(valid_documents(), st.integers(1, 3), st.data())
def test_what_the_schema_refuses_is_refused(document: JSON, count: int, data: st.DataObject) -> None:
    for _ in range(count):
        mutate(document, data)
    checked = check(document)
    only_unknown_keys = any(warning.rule == "unknown-key" for warning in checked.warnings)
    if not SCHEMA.is_valid(document):
        assert checked.faults or only_unknown_keys
    if checked.document is not None:
        assert SCHEMA.is_valid(with_profile(checked.document, "p2PwSt", "20250628071900450"))
        assert check(with_profile(checked.document, "p2PwSt", "20250628071900450")).document == checked.document


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values() | json_values(keys=st.sampled_from(KEYS)))
def test_check_never_raises(value: object) -> None:
    checked = check(value)
    assert (checked.document is None) == bool(checked.faults)
    assert all(fault.rule in RULES for fault in (*checked.faults, *checked.warnings))
    assert msgspec.json.encode(checked.faults)
