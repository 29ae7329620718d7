"""Forms made from a released thing model: a field for each value, and the values that were filled in.

Simple types have fields of their kind, structures one for each member, lists a row for each element, which the script
adds and takes away; both can be typed as JSON instead. Nothing is checked here: the codec of the model does that, and
its refusals name what is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mooring.platform import Invalid
from mooring.platform.entities import Product

from .html import Html, tag
from .page import Form, View
from .parts import area_field, number_field, select_field, text_field

__all__ = ["Feature", "events", "properties", "services", "value_fields", "values_of"]

_NUMBERS = ("INT", "FLOAT", "DOUBLE")
_STRUCT, _ARRAY = "STRUCT", "ARRAY"


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
    """What was filled in, by code. Raises Invalid for a text that should be JSON and is not."""
    found = {feature.code: _value(form, feature, f"{prefix}{feature.code}") for feature in features}
    return {code: value for code, value in found.items() if value is not None}


def _value(form: Form, feature: Feature, name: str) -> object:
    """None when nothing is filled in."""
    text = form.text(name)
    if feature.data_type not in (_STRUCT, _ARRAY):
        return text or None
    if text.strip():
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Invalid("bad_json", f"{feature.code} is not JSON: {error}", field=name) from None
    if feature.data_type == _STRUCT:
        return next(iter(_rows(form, _members(feature), name)), None)
    element = _element(feature)
    members = _members(element)
    return (_rows(form, members, name) if members else [text for text in form.many(f"{name}.0") if text]) or None


def _rows(form: Form, members: Sequence[Feature], name: str) -> list[dict[str, str]]:
    """What stands in the fields of a structure, one after the other; empty ones are left out."""
    columns = {member.code: form.many(f"{name}.{member.code}") for member in members}
    count = max(map(len, columns.values()), default=0)
    rows = [
        {code: texts[at] for code, texts in columns.items() if texts[at : at + 1] not in ((), ("",))}
        for at in range(count)
    ]
    return [row for row in rows if row]


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
    about = feature.code if feature.id else kind  # the elements of a list have no code
    if kind in ("BOOL", "ENUM"):
        choices = [(str(entry["value"]), f"{entry['name']} ({entry['value']})") for entry in specs or ()]
        return select_field(name, feature.title, [("", view.t("not sent")), *choices], hint=about)
    if kind in _NUMBERS:
        limits = specs if isinstance(specs, dict) else {}
        low, high = limits.get("min") or None, limits.get("max") or None
        hint = about + (f" · {low} … {high}" if low is not None and high is not None else "")
        return number_field(name, feature.title, step="any", hint=hint)
    if kind in (_STRUCT, _ARRAY):
        return _nested(view, feature, name)
    hints = {"RAW": view.t("hex digits"), "DATE": view.t("milliseconds since 1970")}
    hint = f"{about} · {hints[kind]}" if kind in hints else about
    return text_field(name, feature.title, hint=hint)


def _members(feature: Feature) -> list[Feature]:
    """The members of a structure; none of anything else."""
    return [_feature(member, {}) for member in feature.specs or ()] if feature.data_type == _STRUCT else []


def _element(feature: Feature) -> Feature:
    """What an array is made of."""
    specs = feature.specs
    inner = specs.get("specs") if specs["dataType"] == _STRUCT else specs.get("numberSpecs")
    return _feature({**specs, "id": 0, "code": "0", "name": feature.name, "specs": inner}, {})


def _nested(view: View, feature: Feature, name: str) -> Html:
    """A structure, or the rows of an array; the first row is there without the script, too."""
    t = view.t
    json = tag.details(
        tag.summary(t("As JSON")),
        area_field(name, feature.title, hint=t("Used instead, when not empty"), rows=3, mono=True),
    )
    hint = tag.p(tag.small(f"{feature.code} · {feature.data_type}"), class_="soft")
    if feature.data_type == _STRUCT:
        inside: Html = tag.div(_cells(view, feature, name), class_="grid")
    else:
        element = _element(feature)
        remove = tag.button(
            "×", type="button", class_="small quiet", data_remove=True, aria_label=t("Remove this element")
        )
        row = tag.div(tag.div(_cells(view, element, name), class_="grid"), remove, class_="row")
        add = tag.button(t("Add an element"), type="button", class_="small", data_add=str(feature.specs["size"]))
        inside = tag.div(tag.div(row, class_="rows"), tag.template(row), add)
    return tag.fieldset(tag.legend(feature.title), hint, inside, json, class_="nested")


def _cells(view: View, feature: Feature, name: str) -> list[Html]:
    """The fields of a structure, or the one field of anything else."""
    members = _members(feature) or [feature]
    return [_field(view, member, f"{name}.{member.code}") for member in members]
