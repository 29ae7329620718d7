"""The side-by-side difference of two models that is reviewed before a release.

Contract: tsl.md section 11.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from mooring.thingmodel.document import features_by_id
from mooring.thingmodel.shape import KINDS, REFERENCE_FORM, Document


class MemberChange(msgspec.Struct, frozen=True):
    """One member that differs, as JSON values; None on the side that does not have it.

    Elements of arrays are named by what identifies them, not by their place: `specs[id=2].name`,
    `specs[value=1].name`, `outputData[$ref=4]`. When the order of an array differs, a path that ends in `[]`
    lists those names.
    """

    path: str
    old: Any
    new: Any


class Change(msgspec.Struct, frozen=True):
    """One feature that was added, removed or changed; an added one has all its members with `old` None.

    `code` and `name` are those of the new model, for a removed feature those of the old one.
    """

    kind: Literal["added", "removed", "changed"]
    feature_type: str
    id: int
    code: str
    name: str
    members: tuple[MemberChange, ...]


class Difference(msgspec.Struct, frozen=True):
    """All changes between two models: services, properties, events, each by id."""

    changes: tuple[Change, ...]

    @property
    def empty(self) -> bool:
        """Whether the two models define the same features."""
        return not self.changes


def compare(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Difference:
    """Return what changes from one valid document to another; None is a model without features.

    Features are matched by kind and id. Profile and order in the arrays of features do not count.
    """
    before, after = features_by_id(old or {}), features_by_id(new or {})
    changes = (
        _change(KINDS[place].type, number, before.get((place, number)), after.get((place, number)))
        for place, number in sorted(before.keys() | after.keys())
    )
    return Difference(tuple(change for change in changes if change.members))


def _change(feature_type: str, number: int, old: Document | None, new: Document | None) -> Change:
    kind: Literal["added", "removed", "changed"]
    kind = "added" if old is None else "removed" if new is None else "changed"
    shown = new or old or {}
    members = tuple(_in_objects("", old or {}, new or {}))
    return Change(kind, feature_type, number, shown["code"], shown["name"], members)


def _differences(path: str, old: Any, new: Any) -> Iterator[MemberChange]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _in_objects(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_arrays(path, old, new)
    else:
        yield MemberChange(path, old, new)


def _in_objects(path: str, old: Document, new: Document) -> Iterator[MemberChange]:
    for key in (*new, *(key for key in old if key not in new)):
        yield from _differences(f"{path}.{key}" if path else key, old.get(key), new.get(key))


def _in_arrays(path: str, old: list[Document], new: list[Document]) -> Iterator[MemberChange]:
    before = {_identity(item): item for item in old}
    after = {_identity(item): item for item in new}
    for name in (*after, *(name for name in before if name not in after)):
        yield from _differences(f"{path}[{name}]", before.get(name), after.get(name))
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    if kept_before != kept_after:
        yield MemberChange(f"{path}[]", kept_before, kept_after)


def _identity(item: Document) -> str:
    """Name an element of specs or of a parameter list; valid documents have no two of one name in a list."""
    if "$ref" in item:
        match = REFERENCE_FORM.fullmatch(item["$ref"])
        return f"$ref={match[1] if match else item['$ref']}"
    return f"id={item['id']}" if "id" in item else f"value={item['value']}"
