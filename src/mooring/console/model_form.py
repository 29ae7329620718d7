"""Forms made from a released thing model: a field for each value, and the values that were filled in.

Simple types have fields of their kind; structures and lists are typed as JSON. Nothing is checked here: the codec of
the model does that, and its refusals name what is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mooring.platform import Invalid
from mooring.platform.entities import Product

from .html import Html
from .page import Form, View
from .parts import area_field, number_field, select_field, text_field

__all__ = ["Feature", "events", "properties", "services", "value_fields", "values_of"]

_NUMBERS = ("INT", "FLOAT", "DOUBLE")
_NESTED = ("STRUCT", "ARRAY")


class Feature(msgspec.Struct, frozen=True):
    """A property, event, service or parameter of a model, as much as forms need."""

    id: int
    code: str
    name: str
    data_type: str
    access: str
    specs: Any
    inputs: Sequence["Feature"] = ()
    outputs: Sequence["Feature"] = ()

    @property
    def unit(self) -> str:
        """The unit of a number."""
        return str(self.specs.get("unit") or "") if isinstance(self.specs, dict) else ""

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


def properties(product: Product, language: str) -> list[Feature]:
    """Properties of the released model; none when there is no release."""
    return _features(product, language, "properties")


def services(product: Product, language: str) -> list[Feature]:
    """Services with their inputs and outputs."""
    return _features(product, language, "services")


def events(product: Product, language: str) -> list[Feature]:
    """Events with their outputs."""
    return _features(product, language, "events")


def value_fields(view: View, features: Sequence[Feature], prefix: str) -> list[Html]:
    """A field for each feature; empty ones are left out of the values."""
    return [_field(view, feature, f"{prefix}{feature.code}") for feature in features]


def values_of(form: Form, features: Sequence[Feature], prefix: str) -> dict[str, object]:
    """What was filled in, by code. Raises Invalid for a structure that is no JSON."""
    found: dict[str, object] = {}
    for feature in features:
        name = f"{prefix}{feature.code}"
        text = form.text(name)
        if not text:
            continue
        if feature.data_type in _NESTED:
            try:
                found[feature.code] = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise Invalid("bad_json", f"{feature.code} is not JSON: {error}", field=name) from None
        else:
            found[feature.code] = text
    return found


def _features(product: Product, language: str, kind: str) -> list[Feature]:
    if product.model is None:
        return []
    document = msgspec.json.decode(product.model.exports[language])
    known = {body["id"]: body for body in document.get("properties") or ()}
    return [_feature(body, known) for body in document.get(kind) or ()]


def _feature(body: Mapping[str, Any], known: Mapping[int, Mapping[str, Any]]) -> Feature:
    return Feature(
        id=body["id"],
        code=body["code"],
        name=body.get("name") or body["code"],
        data_type=body.get("dataType") or "",
        access=body.get("subType") or "",
        specs=body.get("specs"),
        inputs=[_parameter(entry, known) for entry in body.get("inputData") or ()],
        outputs=[_parameter(entry, known) for entry in body.get("outputData") or ()],
    )


def _parameter(entry: Mapping[str, Any], known: Mapping[int, Mapping[str, Any]]) -> Feature:
    """A parameter is written out, or refers to a property."""
    if "$ref" in entry:
        return _feature(known[int(str(entry["$ref"]).rpartition("/")[2])], known)
    return _feature(entry, known)


def _field(view: View, feature: Feature, name: str) -> Html:
    kind, specs = feature.data_type, feature.specs
    if kind in ("BOOL", "ENUM"):
        choices = [(str(entry["value"]), f"{entry['name']} ({entry['value']})") for entry in specs or ()]
        return select_field(name, feature.title, [("", view.t("not sent")), *choices], hint=feature.code)
    if kind in _NUMBERS:
        limits = specs if isinstance(specs, dict) else {}
        low, high = limits.get("min") or None, limits.get("max") or None
        hint = feature.code + (f" · {low} … {high}" if low is not None and high is not None else "")
        return number_field(name, feature.title, step="any", hint=hint)
    if kind in _NESTED:
        return area_field(name, feature.title, hint=f"{feature.code} · JSON, {kind}", rows=3, mono=True)
    hints = {"RAW": view.t("hex digits"), "DATE": view.t("milliseconds since 1970")}
    hint = f"{feature.code} · {hints[kind]}" if kind in hints else feature.code
    return text_field(name, feature.title, hint=hint)
