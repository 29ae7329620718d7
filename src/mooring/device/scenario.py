"""Scenario files (TOML): what simulated devices do, and when.

[report]                        # all parts may be left out
interval = 10                   # seconds between reports
jitter = 0.1                    # part of the interval by which each report is late by chance
codes = ["power", "relay"]      # what is reported; all properties that can be, when left out
changed = false                 # report only what is different from the last time

[values.power]                  # how one property moves; kinds: constant, walk, sine, steps, sequence
kind = "walk"                   # min, max, step: the model's, when left out; start: the middle
[values.voltage]
kind = "sine"                   # between min and max once in `period` seconds
period = 600
[values.start_state]
kind = "steps"                  # each value for `every` seconds, then from the start
values = [0, 1]
every = 30
[values.label]
kind = "sequence"               # the next value with each report; `loop = false` stays at the last
values = ["a", "b"]

[[event]]
code = "overload"
probability = 0.01              # with each report; or `at = [30, 90]`, or `every = 60`, in seconds
outputs = { limit = 3000 }      # the others are made up

[[offline]]
at = 60                         # seconds after the start
lasts = 20
every = 300                     # again and again; once when left out

[location]
track = [[31.23, 121.47], [31.24, 121.49]]   # latitude, longitude in degrees
speed = 40                      # km/h
interval = 15                   # seconds between location reports
sentences = ["GGA", "RMC"]
loop = true

[service.reset_energy]
answer = true                   # false: the call is taken and never answered
outputs = { energy_total = 0 }  # a property has that value from then on; the others are made up
"""

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec

__all__ = [
    "Constant",
    "EventRule",
    "LocationRule",
    "Movement",
    "OfflineWindow",
    "ReportRule",
    "Scenario",
    "ScenarioError",
    "Sequence",
    "ServiceRule",
    "Sine",
    "Steps",
    "Walk",
    "read_scenario",
]

_Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
_Moment: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Part: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Number: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
_Latitude: TypeAlias = Annotated[float, msgspec.Meta(ge=-90, le=90)]
_Longitude: TypeAlias = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class ScenarioError(ValueError):
    """A scenario is wrong; `key` names the place, as in `values.power.min`."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}" if self.key else self.reason


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Constant(_Table, frozen=True, tag_field="kind", tag="constant"):
    """Always the same."""

    value: Any


class Walk(_Table, frozen=True, tag_field="kind", tag="walk"):
    """A random walk inside its bounds; `step` is the most it moves at once."""

    min: _Number | None = None
    max: _Number | None = None
    step: Annotated[float, msgspec.Meta(gt=0)] | None = None
    start: _Number | None = None


class Sine(_Table, frozen=True, tag_field="kind", tag="sine"):
    """Up and down once in `period` seconds; `phase` is the part of the period it starts at."""

    period: _Seconds
    min: _Number | None = None
    max: _Number | None = None
    phase: _Part = 0.0


class Steps(_Table, frozen=True, tag_field="kind", tag="steps"):
    """Each value for `every` seconds, round and round."""

    values: Annotated[list[Any], msgspec.Meta(min_length=1)]
    every: _Seconds


class Sequence(_Table, frozen=True, tag_field="kind", tag="sequence"):
    """The next value with each report."""

    values: Annotated[list[Any], msgspec.Meta(min_length=1)]
    loop: bool = True


Movement: TypeAlias = Constant | Walk | Sine | Steps | Sequence


class ReportRule(_Table, frozen=True):
    """When properties are reported, and which."""

    interval: _Seconds = 10.0
    jitter: _Part = 0.1
    codes: list[str] | None = None
    changed: bool = False


class EventRule(_Table, frozen=True):
    """When an event is raised: by chance with each report, at moments, or again and again."""

    code: str
    probability: _Part | None = None
    at: list[_Moment] | None = None
    every: _Seconds | None = None
    outputs: dict[str, Any] = {}


class OfflineWindow(_Table, frozen=True):
    """A time without connection."""

    at: _Moment
    lasts: _Seconds
    every: _Seconds | None = None


class LocationRule(_Table, frozen=True):
    """Where devices move, and when they report it."""

    track: Annotated[list[tuple[_Latitude, _Longitude]], msgspec.Meta(min_length=1)]
    speed: Annotated[float, msgspec.Meta(ge=0, le=2000)] = 40.0
    interval: _Seconds = 30.0
    sentences: Annotated[tuple[Literal["GGA", "RMC"], ...], msgspec.Meta(min_length=1)] = ("GGA", "RMC")
    loop: bool = True


class ServiceRule(_Table, frozen=True):
    """How a service is answered."""

    answer: bool = True
    outputs: dict[str, Any] = {}


class Scenario(msgspec.Struct, frozen=True):
    """A whole file. `events` None means that nothing is said: then every event of the model happens now and then."""

    report: ReportRule = ReportRule()
    values: Mapping[str, Movement] = {}
    events: tuple[EventRule, ...] | None = None
    offline: tuple[OfflineWindow, ...] = ()
    location: LocationRule | None = None
    services: Mapping[str, ServiceRule] = {}


_T = TypeVar("_T")

_PARTS = ("report", "values", "event", "offline", "location", "service")


def read_scenario(text: str) -> Scenario:
    """Return the scenario of a TOML text. Raises `ScenarioError`; whether it fits a model is seen with the model."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError("", f"not TOML: {error}") from None
    unknown = sorted(document.keys() - set(_PARTS))
    if unknown:
        raise ScenarioError(unknown[0], f"is not known; the parts of a scenario are {', '.join(_PARTS)}")
    events = _list(document, "event", EventRule) if "event" in document else None
    for number, event in enumerate(events or ()):
        if [event.probability, event.at, event.every].count(None) != 2:
            raise ScenarioError(f"event[{number}]", "needs one of probability, at and every")
    windows = _list(document, "offline", OfflineWindow)
    for number, window in enumerate(windows):
        if window.every is not None and window.every <= window.lasts:
            raise ScenarioError(f"offline[{number}].every", "is not longer than the window lasts")
    return Scenario(
        report=_convert(document.get("report", {}), ReportRule, "report"),
        values=_tables(document, "values", Movement),
        events=None if events is None else tuple(events),
        offline=tuple(windows),
        location=_convert(document["location"], LocationRule, "location") if "location" in document else None,
        services=_tables(document, "service", ServiceRule),
    )


def _list(document: Mapping[str, Any], key: str, kind: type[_T]) -> list[_T]:
    found = document.get(key, [])
    if not isinstance(found, list):
        raise ScenarioError(key, f"is a list of tables: write [[{key}]]")
    return [_convert(item, kind, f"{key}[{number}]") for number, item in enumerate(found)]


def _tables(document: Mapping[str, Any], key: str, kind: Any) -> dict[str, Any]:
    found = document.get(key, {})
    if not isinstance(found, dict):
        raise ScenarioError(key, f"holds a table for each code: write [{key}.CODE]")
    return {code: _convert(item, kind, f"{key}.{code}") for code, item in found.items()}


def _convert(value: object, kind: Any, key: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise ScenarioError(key + path.rstrip("`"), reason[:1].lower() + reason[1:]) from None
