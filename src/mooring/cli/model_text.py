"""Thing models for people: what a check found, what two of them differ in."""

from collections.abc import Mapping, Sequence
from typing import Any

from .failure import Finding
from .screen import findings_table, say, table

__all__ = ["show_changes", "show_verdict", "show_warnings"]


def show_verdict(verdict: Mapping[str, Any]) -> None:
    """Faults and warnings of a check (`faults`, `warnings`)."""
    if verdict["faults"]:
        say(f"{len(verdict['faults'])} fault(s):")
        findings_table(map(_finding, verdict["faults"]))
    else:
        say("the document is valid")
    show_warnings(verdict["warnings"])


def show_warnings(warnings: Sequence[Mapping[str, str]]) -> None:
    """Warnings of a check, when there are any."""
    if warnings:
        say(f"{len(warnings)} warning(s):")
        findings_table(map(_finding, warnings))


def show_changes(changes: Sequence[Mapping[str, Any]], old: str, new: str) -> None:
    """What differs, one row for each member; `old` and `new` name the two sides."""
    if not changes:
        say("nothing differs")
        return
    table(
        ("Change", "Feature", "Id", "Code", "Member", old, new),
        (
            (change["kind"], change["feature_type"], change["id"], change["code"], member["path"], *_sides(member))
            for change in changes
            for member in change["members"]
        ),
    )


def _finding(found: Mapping[str, str]) -> Finding:
    return Finding(found["path"], found["rule"], found["value"], found["message"])


def _sides(member: Mapping[str, Any]) -> tuple[str, str]:
    import msgspec

    old, new = ("" if side is None else msgspec.json.encode(side).decode() for side in (member["old"], member["new"]))
    return old, new
