"""Checks of the texts and numbers that people give; each error names the field, the rule and the value."""

import re
import unicodedata
from collections.abc import Collection

from .errors import Invalid

__all__ = ["check_choice", "check_key", "check_range", "check_text", "like_pattern"]


def check_text(field: str, value: str, *, low: int, high: int) -> str:
    """`value` without surrounding blanks: `low` to `high` characters, none of them a control character."""
    text = value.strip()
    if not low <= len(text) <= high:
        raise Invalid("text_length", f"{field} has {len(text)} characters; {low} to {high} are allowed", field=field)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise Invalid("text_characters", f"{field} holds a control character", field=field)
    return text


def check_choice(field: str, value: object, choices: Collection[object]) -> None:
    """`value` is one of `choices`."""
    if value not in choices:
        allowed = ", ".join(str(choice) for choice in choices)
        raise Invalid("choice", f"{field} is {value!r}; allowed: {allowed}", field=field)


def check_range(field: str, value: int, low: int, high: int) -> None:
    """`value` is `low` to `high`, both included."""
    if not low <= value <= high:
        raise Invalid("range", f"{field} is {value}; {low} to {high} are allowed", field=field)


def check_key(field: str, value: str, pattern: str, meaning: str) -> None:
    """`value` matches `pattern` as a whole; `meaning` says the pattern in words. The value itself is not repeated."""
    if not re.fullmatch(pattern, value):
        raise Invalid("key_form", f"{field} must be {meaning}", field=field)


def like_pattern(part: str | None) -> str:
    """A text for LIKE that finds `part` anywhere; "" when there is none."""
    if not part:
        return ""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
