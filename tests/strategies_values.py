"""Hypothesis strategies for values of a thing model: data strings with what applications see of them, and reports."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import strategies as st

from mooring.protocol.ttlv import Field
from strategies_protocol import values as any_values

JSON = dict[str, Any]


class Written(msgspec.Struct, frozen=True):
    """A value as JSON text of a data string, and as it is pushed once a device has reported it back."""

    text: str
    pushed: Any


def resolved(parameters: list[JSON], document: JSON) -> list[JSON]:
    """Parameters with the properties that they refer to in their places."""
    targets = {f"#/properties/id/{body['id']}": body for body in document.get("properties", [])}
    return [targets[body["$ref"]] if "$ref" in body else body for body in parameters]


@st.composite
def written(draw: st.DrawFn, body: JSON) -> Written | None:
    """A value that the definition allows, in one of the forms that are accepted; None where nothing is sendable."""
    specs: Any = body.get("specs") or {}
    match body["dataType"]:
        case "STRUCT":
            return draw(written_members(specs))
        case "ARRAY":
            return draw(_array(specs))
        case data_type:
            return draw(_scalar(data_type, specs))


@st.composite
def written_members(draw: st.DrawFn, bodies: list[JSON]) -> Written:
    """Values of some of the fields or parameters: an object, or a list of objects."""
    chosen = draw(st.lists(st.sampled_from(bodies), unique_by=lambda body: body["code"])) if bodies else []
    members = [(body, draw(written(body))) for body in chosen]
    found = [(body, value) for body, value in members if value is not None]
    texts = [f"{json.dumps(draw(st.sampled_from((body['code'], str(body['id'])))))}:{v.text}" for body, v in found]
    pushed = {body["code"]: value.pushed for body, value in found}
    return Written(_objects(texts, as_list=draw(st.booleans())), pushed)


def _objects(members: list[str], *, as_list: bool) -> str:
    return f"[{','.join(f'{{{member}}}' for member in members)}]" if as_list else f"{{{','.join(members)}}}"


@st.composite
def _array(draw: st.DrawFn, specs: JSON) -> Written | None:
    inner = {"dataType": specs["dataType"], "specs": specs.get("specs") or specs.get("numberSpecs")}
    elements = [draw(written(inner)) for _ in range(draw(st.integers(0, min(3, int(specs["size"])))))]
    found = [element for element in elements if element is not None]
    as_keys = draw(st.booleans())
    texts = [f'{{"0":{element.text}}}' if as_keys else element.text for element in found]
    return Written(f"[{','.join(texts)}]", [element.pushed for element in found])


@st.composite
def _scalar(draw: st.DrawFn, data_type: str, specs: Any) -> Written | None:
    match data_type:
        case "BOOL":
            value = draw(st.booleans())
            forms = ("true", '"true"', "1", '"1"') if value else ("false", '"false"', "0", '"0"')
            return Written(draw(st.sampled_from(forms)), value)
        case "ENUM":
            return draw(_number_form(Decimal(draw(st.sampled_from(specs))["value"])))
        case "TEXT":
            text = draw(_texts(int(specs.get("length", 10240))))
            return Written(json.dumps(text, ensure_ascii=draw(st.booleans())), text)
        case "RAW":
            digits = draw(st.binary(max_size=min(8, int(specs.get("length", 4096))))).hex()
            return Written(json.dumps(draw(st.sampled_from((digits, digits.upper())))), digits)
        case "DATE":
            digits = str(draw(st.integers(10**12, 10**13 - 1)))
            return Written(draw(st.sampled_from((digits, f'"{digits}"'))), digits)
        case _:
            number = draw(_number(data_type, specs))
            return None if number is None else draw(_number_form(number))


def _texts(length: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).map(
        lambda text: text.encode()[:length].decode(errors="ignore")
    )


@st.composite
def _number_form(draw: st.DrawFn, number: Decimal) -> Written:
    plain = f"{number:f}"
    shortest = plain.rstrip("0").rstrip(".") if "." in plain else plain
    scientific = f"{number:E}"
    form = draw(st.sampled_from((shortest, plain, scientific, f"{plain}0" if "." in plain else f"{plain}.00")))
    return Written(draw(st.sampled_from((form, f'"{form}"'))), "0" if shortest == "-0" else shortest)


@st.composite
def _number(draw: st.DrawFn, data_type: str, specs: Mapping[str, str]) -> Decimal | None:
    """A number within the bounds, on a step, that 64 bits can carry; None where this strategy finds none."""
    most = {"INT": 0, "FLOAT": 7, "DOUBLE": 15}[data_type]
    far = Fraction(2**31 - 1) if data_type == "INT" else Fraction(1000)
    low = Fraction(specs["min"]) if specs.get("min") else min(-far, Fraction(specs.get("max") or 0) - 10)
    high = Fraction(specs["max"]) if specs.get("max") else max(far, low + 10)
    low = max(low, -far - 1) if data_type == "INT" else low
    step = Fraction(specs["step"]) if specs.get("step") else Fraction(1, 10 ** draw(st.integers(0, most)))
    origin = Fraction(specs.get("min") or 0) if specs.get("step") else Fraction(0)
    first, last = math.ceil((low - origin) / step), math.floor((high - origin) / step)
    if first > last:
        return None
    exact = origin + draw(st.integers(first, last)) * step
    scaled = exact * 10**15
    assert scaled.denominator == 1
    digits = str(abs(scaled.numerator)).rstrip("0")
    # Fifteen significant digits are beyond any doubt; of more the last may be taken for noise.
    if len(digits) > 15 or (exact * 10**most).denominator != 1:
        return None
    return Decimal(f"{scaled.numerator}E-15").quantize(Decimal(1).scaleb(-most)) if most < 15 else _plain(exact)


def _plain(exact: Fraction) -> Decimal:
    return Decimal(f"{(exact * 10**15).numerator}E-15")


def rows_of(body: JSON, pushed: Any) -> Any:
    """What dmData has for a pushed value."""
    specs: Any = body.get("specs")
    match body["dataType"]:
        case "STRUCT":
            return member_rows(specs, pushed)
        case "ARRAY":
            inner = {"dataType": specs["dataType"], "specs": specs.get("specs")}
            return [{"id": 0, "value": rows_of(inner, element)} for element in pushed]
        case _:
            return pushed


def member_rows(bodies: list[JSON], pushed: dict[str, Any]) -> list[JSON]:
    """What dmData has for pushed members."""
    by_code = {body["code"]: body for body in bodies}
    return [{"id": by_code[code]["id"], "value": rows_of(by_code[code], value)} for code, value in pushed.items()]


def any_fields(ids: list[int]) -> st.SearchStrategy[list[Field]]:
    """Fields of any kind under these ids and others, at every depth."""
    numbers = st.sampled_from([*ids, 1, 2, 3]) | st.integers(1, 8191)
    inner = st.lists(st.builds(Field, numbers | st.just(0), any_values), max_size=4)
    return st.lists(st.builds(Field, numbers, any_values | inner), max_size=6)
