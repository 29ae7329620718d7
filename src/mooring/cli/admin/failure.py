"""What a failure of the management API means."""

import re
from typing import Any

from mooring.cli.failure import NOT_LOGGED_IN, Failure, Finding

__all__ = ["of_answer"]

_HINTS = {
    "password_change_required": "run: mooring admin login",
    "wrong_credentials": "an administrator can give a new one: mooring admin administrator reset-password",
}
_WIRE_HINTS = {61002: "--cache SECONDS lets it wait"}


def of_answer(status: int, text: str, value: dict[str, Any], *, at_login: bool) -> Failure:
    """The failure that an error answer of the API means."""
    error: dict[str, Any] = value["error"]
    code = error["code"]
    field = error.get("field") or ""
    named = not field or re.search(rf"\b{re.escape(field)}\b", error["message"])
    line = error["message"] if named else f"{field}: {error['message']}"
    if error.get("wire_code") is not None:
        line += f" (OpenAPI code {error['wire_code']})"
    if code in _HINTS:
        line += f"; {_HINTS[code]}"
    if error.get("wire_code") in _WIRE_HINTS:
        line += f"; {_WIRE_HINTS[error['wire_code']]}"
    if status == 401 and not at_login:
        return Failure(f"{error['message']}; run: mooring admin login", NOT_LOGGED_IN, answer=text)
    findings = error.get("detail") if code in ("thing_model_invalid", "source_invalid") else None
    return Failure(line, answer=text, code=code, findings=[_finding(found) for found in findings or ()])


def _finding(found: dict[str, str]) -> Finding:
    return Finding(*(str(found.get(name, "")) for name in Finding._fields))
