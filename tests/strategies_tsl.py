"""Hypothesis strategies for thing model documents, for every test that needs a valid one.

`valid_documents()` yields exports as contract tsl.md sections 1 to 8 describe them: with a profile, keys in
the order of exports, arrays in the order of `sort`, kinds without members left out.
"""

import string
from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

JSON = dict[str, Any]

few = settings(max_examples=30, deadline=None)
"""For properties over whole documents: drawing one takes longer than any code under test."""

_WORD = string.ascii_letters + string.digits + "_"
_VISIBLE = st.characters(exclude_categories=("Cc", "Cs"))

scalar_types = st.sampled_from(("BOOL", "INT", "FLOAT", "DOUBLE", "ENUM", "TEXT", "DATE", "RAW"))
element_types = st.sampled_from(("INT", "FLOAT", "DOUBLE", "TEXT", "RAW", "STRUCT"))
data_types = st.one_of(scalar_types, st.sampled_from(("STRUCT", "ARRAY")))
names = st.text(_VISIBLE, min_size=1, max_size=12) | st.just("x" * 128)
descriptions = st.just("") | st.text(_VISIBLE, max_size=20) | st.just("y" * 200)
product_keys = st.text(string.ascii_letters + string.digits, min_size=4, max_size=32)
versions = st.text(string.digits, min_size=17, max_size=17)


@st.composite
def _options(draw: st.DrawFn, data_type: str, values: tuple[str, ...]) -> list[JSON]:
    marked = draw(st.booleans())
    return [
        {**({"dataType": data_type} if marked else {}), "name": draw(st.text(_VISIBLE, max_size=8)), "value": value}
        for value in values
    ]


@st.composite
def _number_specs(draw: st.DrawFn, data_type: str) -> JSON:
    if data_type == "INT":
        bounds = st.integers(-(2**31), 2**31 - 1).map(str)
        steps = st.integers(1, 9_999_999_999).map(str)
    else:
        places = 7 if data_type == "FLOAT" else 15
        bounds = st.decimals(-4294967295, 4294967295, places=places).map(lambda number: f"{number:f}")
        steps = st.decimals("0.0000001", 1000, places=7).map(lambda number: f"{number:f}")
    low, high = sorted((draw(bounds), draw(bounds)), key=float)
    specs = {
        "unit": draw(st.sampled_from(("", "%", "°C", "kWh", "m³/h"))),
        "min": draw(st.sampled_from((low, ""))),
        "max": draw(st.sampled_from((high, ""))),
        "multiple": draw(st.sampled_from(("", "10", "0.1"))),
        "step": draw(steps | st.just("")),
    }
    left_out = draw(st.sets(st.sampled_from(tuple(specs)), max_size=2))
    return {key: value for key, value in specs.items() if key not in left_out}


@st.composite
def specs_of(draw: st.DrawFn, data_type: str) -> Any:
    """Valid `specs` of a data type, as exports write them."""
    match data_type:
        case "BOOL":
            return draw(_options("BOOL", ("true", "false")))
        case "ENUM":
            values = draw(st.lists(st.integers(-9_999_999_999, 9_999_999_999), min_size=1, max_size=4, unique=True))
            return draw(_options("ENUM", tuple(str(value) for value in values)))
        case "INT" | "FLOAT" | "DOUBLE":
            return draw(_number_specs(data_type))
        case "TEXT":
            return {"length": str(draw(st.integers(1, 10240)))}
        case "RAW":
            return {"length": str(draw(st.integers(1, 4096)))}
        case "DATE":
            return draw(st.sampled_from(({"length": "13"}, {})))
        case "STRUCT":
            return draw(_fields())
        case _:
            return draw(_array_specs())


@st.composite
def _fields(draw: st.DrawFn) -> list[JSON]:
    # Ids and codes start anew in every struct, so they clash with features and other structs on purpose.
    first = draw(st.sampled_from((1, 7997)))
    return [draw(_member(first + place, f"f{place}", scalar_types)) for place in range(draw(st.integers(1, 3)))]


@st.composite
def _array_specs(draw: st.DrawFn) -> JSON:
    element = draw(element_types)
    specs: JSON = {}
    if element == "STRUCT":
        specs["specs"] = draw(_fields())
    elif element in ("INT", "FLOAT", "DOUBLE") and draw(st.booleans()):
        specs["numberSpecs"] = draw(_number_specs(element))
    return {**specs, "size": str(draw(st.integers(1, 100))), "dataType": element}


@st.composite
def _member(draw: st.DrawFn, number: int, code: str, types: st.SearchStrategy[str]) -> JSON:
    """An own parameter or a struct field."""
    data_type = draw(types)
    body: JSON = {"specs": draw(specs_of(data_type))}
    if data_type == "DATE" and draw(st.booleans()):
        del body["specs"]
    body |= {"code": code, "dataType": data_type, "name": draw(names), "id": number}
    return {**body, "desc": draw(descriptions)} if draw(st.booleans()) else body


@st.composite
def _parameters(draw: st.DrawFn, ids: Iterator[int], properties: list[JSON]) -> list[JSON]:
    targets = draw(st.lists(st.sampled_from(properties), max_size=2, unique_by=_id_of)) if properties else []
    own = [
        draw(_member(next(ids), f"own{place}_{draw(st.text(_WORD, max_size=3))}", data_types))
        for place in range(draw(st.integers(0, 2)))
    ]
    references = [{"$ref": f"#/properties/id/{target['id']}"} for target in targets]
    return draw(st.permutations([*own, *references]))


def _id_of(body: JSON) -> int:
    number: int = body["id"]
    return number


@st.composite
def _feature(
    draw: st.DrawFn, kind: str, sub_types: tuple[str, ...], ids: Iterator[int], head: JSON, data_type: str = ""
) -> JSON:
    number = next(ids)
    return {
        **head,
        "code": f"{draw(st.text(_WORD, max_size=4))}_{number}",
        **({"dataType": data_type} if data_type else {}),
        "name": draw(names),
        "subType": draw(st.sampled_from(sub_types)),
        "id": number,
        "type": kind,
        "desc": draw(descriptions),
    }


@st.composite
def _properties(draw: st.DrawFn, ids: Iterator[int]) -> list[JSON]:
    types = draw(st.lists(data_types, max_size=3))
    return [
        draw(_feature("PROPERTY", ("R", "W", "RW"), ids, {"specs": draw(specs_of(data_type))}, data_type))
        for data_type in types
    ]


@st.composite
def _callables(
    draw: st.DrawFn, kind: str, lists: tuple[str, ...], ids: Iterator[int], properties: list[JSON]
) -> list[JSON]:
    sub_types = ("ASYNC",) if kind == "SERVICE" else ("INFO", "WARN", "ERROR")
    found = []
    for _ in range(draw(st.integers(0, 2))):
        head = {name: draw(_parameters(ids, properties)) for name in lists}
        head = {name: parameters for name, parameters in head.items() if parameters}
        found.append(draw(_feature(kind, sub_types, ids, head)))
    return found


@st.composite
def valid_documents(draw: st.DrawFn) -> JSON:
    """Exports with 1 to 7 features of all kinds and data types, in canonical form behind their profile."""
    ids = count(draw(st.sampled_from((1, 500, 7940))))
    properties = draw(_properties(ids))
    services = draw(_callables("SERVICE", ("outputData", "inputData"), ids, properties))
    events = draw(_callables("EVENT", ("outputData",), ids, properties))
    if not (properties or services or events):
        properties = [
            draw(_feature("PROPERTY", ("R",), ids, {"specs": {"length": "13"}}, "DATE")),
        ]
    everything = draw(st.permutations([*services, *properties, *events]))
    unsorted = draw(st.sampled_from((0, 0, 1)))
    first = draw(st.sampled_from((0, 1)))
    for place, body in enumerate(everything[: len(everything) - unsorted]):
        body["sort"] = first + place
    profile = {"tslVersion": "1.2.0", "productKey": draw(product_keys), "version": draw(versions)}
    kinds = {"services": services, "properties": properties, "events": events}
    return {"profile": profile} | {array: _in_order(bodies) for array, bodies in kinds.items() if bodies}


def _in_order(bodies: list[JSON]) -> list[JSON]:
    tail = ("type", "desc")
    placed = sorted(bodies, key=lambda body: body.get("sort", 10_000))
    return [
        {key: body[key] for key in (*(k for k in body if k not in tail), *tail)}  # sort comes before type
        for body in placed
    ]


def json_values(*, keys: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Any]:
    """Any decoded JSON, also what only lenient decoders let through: NaN, huge integers, lone surrogates."""
    texts = st.text(st.characters(), max_size=6)
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-5, 8005)
        | st.sampled_from((2**63, -(10**400), 10**400))
        | st.floats()
        | texts
        | st.sampled_from(("1", "0", "true", "PROPERTY", "INT", "STRUCT", "ARRAY", "#/properties/id/1"))
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts if keys is None else keys, inner, max_size=6),
        max_leaves=12,
    )
