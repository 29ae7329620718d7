"""What tests ask of the OpenAPI and what it answers, for docs/compatibility.md.

`Recorded` stands in front of a door and notes, for the test file that runs, each operation with the parameters that
were sent and the codes that came back. `pytest --record` writes tests/provoked/<test file>.json for every file whose
tests all ran and passed; without it, `tests/openapi/test_compatibility.py` compares.
"""

import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tools.compatibility import RECORDS, Recording, recording_of
from tools.contract import names_of, operations

__all__ = ["ANSWERS", "LAST", "PROGRESS", "RECORDED", "Notes", "Progress", "Recorded", "compare", "write"]

LAST = ("test_openapi_types", "test_compatibility")
"""Files that look at what the others recorded, and run after them."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_HOME = "tests/openapi/"  # other tests let things race, or happen to call operations: what they see is no claim
_KEPT = 400  # different answers of an operation

_ROUTES = {(entry.method, entry.path): entry for entry in operations().values()}


@dataclass
class Notes:
    """What one test file did with one operation."""

    codes: set[int] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)


@dataclass
class Progress:
    """Which test files have run, and which of them not as a whole."""

    ran: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)


PROGRESS = Progress()
RECORDED: dict[str, dict[str, Notes]] = {}
"""By the name of the test file, then by operation."""
ANSWERS: dict[str, dict[bytes, str]] = {}
"""Different answers by operation, each with the test that got it."""


class Recorded:
    """An ASGI application that notes what goes through it."""

    def __init__(self, door: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = _ROUTES.get((scope["method"], scope["path"]))
        if operation is None:
            await self._door(scope, receive, send)
            return
        sent, answered, status = bytearray(), bytearray(), 0

        async def receiving() -> MutableMapping[str, Any]:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._door(scope, receiving, sending)
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        if test.startswith(_HOME):
            notes = RECORDED.setdefault(Path(test.partition("::")[0]).stem, {}).setdefault(operation.id, Notes())
            notes.parameters |= set(_names(scope["query_string"], bytes(sent))) & operation.parameters.keys()
            notes.codes |= set(_codes(status, bytes(answered))) if answered else set()
        if answered:
            kept = ANSWERS.setdefault(operation.id, {})
            if status == 200 and len(kept) < _KEPT:
                kept.setdefault(bytes(answered), test)


def _names(query: bytes, body: bytes) -> Iterator[str]:
    yield from (name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        yield from (name for name, _ in parse_qsl(body.decode("latin-1")))
        return
    if isinstance(members, dict):
        yield from names_of(members)


def _codes(status: int, body: bytes) -> Iterator[int]:
    """The code of the answer, those of its rows when it is a send operation's, and a status other than 200."""
    if status != 200:
        yield status
    answer = json.loads(body)
    yield answer["code"]
    rows = answer.get("data")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and {"code", "ticket", "message"} <= row.keys():
            yield row["code"]


def write(file: str, found: Mapping[str, Notes]) -> None:
    """Replace what is recorded of a test file."""
    path = RECORDS / f"{file}.json"
    if not found:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(_plain(found).items())]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def compare(file: str, found: Mapping[str, Notes], *, whole: bool) -> list[str]:
    """How the record of a test file differs from what its tests did; with tests left out, only what is not recorded."""
    recorded = recording_of(file)
    faults = []
    for name in sorted({*recorded, *found}):
        old, new = recorded.get(name, Recording()), found.get(name, Notes())
        unknown = sorted(new.codes - old.codes), sorted(new.parameters - old.parameters)
        gone = sorted(old.codes - new.codes), sorted(old.parameters - new.parameters)
        if any(unknown):
            faults.append(f"{file}: {name}: not recorded are {unknown}")
        if whole and any(gone):
            faults.append(f"{file}: {name}: recorded, but not seen any more are {gone}")
    return faults


def _plain(found: Mapping[str, Notes]) -> dict[str, dict[str, list[Any]]]:
    return {
        name: {"codes": sorted(notes.codes), "parameters": sorted(notes.parameters)} for name, notes in found.items()
    }
