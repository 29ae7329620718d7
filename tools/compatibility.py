"""docs/compatibility.md from the contract, from what the tests provoked, and from tests/deviations.yaml.

`tests/provoked/` has one file for each test file that calls the OpenAPI, written by `pytest --record`: by operation the
codes that came back and the parameters that were sent. Nothing on the page is written by hand.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import yaml

from mooring.openapi import OPERATIONS

from .contract import ROOT, ContractOperation, document, operations

__all__ = [
    "RECORDS",
    "Deviation",
    "Excuse",
    "Recording",
    "beyond_codes",
    "deviations",
    "excuses",
    "missing_codes",
    "missing_parameters",
    "provoked",
    "recording_of",
    "render",
]

RECORDS = ROOT / "tests/provoked"
_DEVIATIONS = ROOT / "tests/deviations.yaml"
_SERVED = frozenset(operation.id for operation in OPERATIONS)
_SUCCESS = 200


@dataclass
class Recording:
    """What tests did with one operation."""

    codes: set[int] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Excuse:
    """Why no test shows a documented code or parameter; of every operation when `operations` is empty."""

    what: int | str
    reason: str
    operations: frozenset[str]

    def covers(self, operation: str) -> bool:
        """Whether it speaks of this operation."""
        return not self.operations or operation in self.operations


@dataclass(frozen=True)
class Deviation:
    """Where behaviour differs from what the contract's document lists, and why."""

    text: str
    reason: str
    operations: frozenset[str]


def recording_of(file: str) -> dict[str, Recording]:
    """What is recorded of one test file, by operation; nothing when there is no record."""
    path = RECORDS / f"{file}.json"
    if not path.exists():
        return {}
    found = json.loads(path.read_text())
    return {name: Recording(set(entry["codes"]), set(entry["parameters"]), {file}) for name, entry in found.items()}


@cache
def provoked() -> Mapping[str, Recording]:
    """What all tests did, by operation."""
    found: dict[str, Recording] = {}
    for path in sorted(RECORDS.glob("*.json")):
        for name, recording in recording_of(path.stem).items():
            whole = found.setdefault(name, Recording())
            whole.codes |= recording.codes
            whole.parameters |= recording.parameters
            whole.files |= recording.files
    return found


@cache
def excuses(kind: str) -> Sequence[Excuse]:
    """Excuses for `codes`, `parameters`, or codes `beyond` the contract's."""
    entries = yaml.safe_load(_DEVIATIONS.read_text())[kind]
    what = "parameter" if kind == "parameters" else "code"
    return [Excuse(entry[what], entry["reason"], frozenset(entry.get("operations", ()))) for entry in entries]


@cache
def deviations() -> Sequence[Deviation]:
    """Differences of behaviour."""
    entries = yaml.safe_load(_DEVIATIONS.read_text())["deviations"]
    return [Deviation(entry["text"], entry["reason"], frozenset(entry.get("operations", ()))) for entry in entries]


def missing_codes(operation: ContractOperation) -> list[int]:
    """Codes that the contract has for a served operation, and that no test provokes."""
    return sorted(operation.every_code - provoked().get(operation.id, Recording()).codes)


def beyond_codes(operation: ContractOperation) -> list[int]:
    """Codes that tests provoke, and that the contract does not have for the operation."""
    return sorted(provoked().get(operation.id, Recording()).codes - operation.every_code)


def missing_parameters(operation: ContractOperation) -> list[str]:
    """Parameters of a served operation that no test sends."""
    sent = provoked().get(operation.id, Recording()).parameters
    return [name for name in operation.parameters if name not in sent]


def render() -> str:
    """The generated part of the page."""
    found = operations()
    lines = [_summary(found.values()), "", *_general(found)]
    tags = {tag["name"]: tag["description"] for tag in document()["tags"]}
    for tag, meaning in tags.items():
        service = "none" if tag == "auth" else tag
        lines += ["", f"## {tag}: {meaning.rstrip('.')}"]
        for operation in found.values():
            if operation.service == service:
                lines += ["", *_section(operation)]
    return "\n".join(lines)


def _summary(found: Collection[ContractOperation]) -> str:
    served = [operation for operation in found if operation.id in _SERVED]
    wanted = sum(len(operation.every_code) for operation in served)
    missing = sum(len(missing_codes(operation)) for operation in served)
    files = {file for recording in provoked().values() for file in recording.files}
    return (
        f"{len(served)} of {len(found)} operations are served. Of the {wanted} codes that the contract has for them, "
        f"tests in {len(files)} files provoke {wanted - missing}; each of the other {missing} has its reason below."
    )


def _general(found: Mapping[str, ContractOperation]) -> list[str]:
    kinds = (
        ("codes", "Code {} is not provoked"),
        ("beyond", "Code {} is answered, though not listed"),
        ("parameters", "`{}` is not sent"),
    )
    return [
        "## Deviations and reasons",
        "",
        *(
            f"- {text.format(excuse.what)} ({_whose(excuse.operations, found)}): {excuse.reason}"
            for kind, text in kinds
            for excuse in excuses(kind)
        ),
        *(f"- {entry.text} ({_whose(entry.operations, found)}): {entry.reason}" for entry in deviations()),
    ]


def _whose(names: Collection[str], found: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in found if name in names) if names else "all that list it"


def _section(operation: ContractOperation) -> list[str]:
    lines = [f"### {operation.id}", "", f"`{operation.method} {operation.path}`: {operation.summary}.", ""]
    if operation.id not in _SERVED:
        codes = _codes("Codes", operation.every_code)
        return [*lines, "Not yet served.", "", f"- {_parameters(operation, None)}", f"- {codes}"]
    recording = provoked().get(operation.id, Recording())
    lines.append(f"- {_parameters(operation, recording)}")
    lines.append(f"- {_codes('Codes provoked by tests', recording.codes)}")
    missing = missing_codes(operation)
    if missing:
        lines.append(f"- {_codes('Codes not provoked, see the reasons above', missing)}")
    beyond = beyond_codes(operation)
    if beyond:
        lines.append(f"- {_codes('Codes that the contract does not list here, see the reasons above', beyond)}")
    lines += [f"- {deviation.text}" for deviation in deviations() if operation.id in deviation.operations]
    lines.append(f"- Tests: {', '.join(f'`{file}`' for file in sorted(recording.files))}")
    return lines


def _parameters(operation: ContractOperation, recording: Recording | None) -> str:
    if not operation.parameters:
        return "No parameters."
    shown = []
    for name, required in operation.parameters.items():
        unsent = recording is not None and name not in recording.parameters
        remarks = [text for text, holds in (("required", required), ("sent by no test", unsent)) if holds]
        shown.append(f"`{name}` ({', '.join(remarks)})" if remarks else f"`{name}`")
    return f"Parameters: {', '.join(shown)}."


def _codes(title: str, codes: Iterable[int]) -> str:
    return f"{title}: {', '.join(str(code) for code in sorted(codes)) or 'none'}."
