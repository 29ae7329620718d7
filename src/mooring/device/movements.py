"""Values that change over time as those of real devices do: one generator for each property of a thing model.

Everything is drawn from one `random.Random`, so the same seed gives the same values. Numbers stay inside the range of
the model and on its steps, and are exact decimals. Settings (subtype RW) stay as they are until they are written, or
somebody presses a button.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from operator import attrgetter
from typing import Any, Final

import msgspec

from mooring.device import scenario
from mooring.device.scenario import ScenarioError
from mooring.device.track import Fix

__all__ = ["Generator", "Moment", "exact", "make_generator"]

_TOGGLES: Final = 0.05  # chance of a BOOL to change with each report
_MOVES: Final = 0.1  # and of an ENUM
_SETTING: Final = 0.1  # how much seldomer a setting changes than a measurement
_WALK_PART: Final = Decimal("0.02")  # of the range: the most a number moves at once
_WIDE: Final = 10_000  # a range beyond this is a technical one, and real values use a part of it
_MOST_ELEMENTS: Final = 4
_RAW_BYTES: Final = 8
_ELEMENT_LENGTH: Final = 32  # bytes of a TEXT in an array, whose definition names none
_DECIMALS: Final = {"INT": 0, "FLOAT": 3, "DOUBLE": 6}

# What a unit usually measures; the model's own range is the limit.
_USUAL: Final[Mapping[str, tuple[float, float]]] = {
    "%": (20, 100),
    "°C": (15, 35),
    "℃": (15, 35),
    "V": (215, 240),
    "A": (0, 10),
    "W": (0, 1500),
    "kW": (0, 15),
    "Hz": (49.9, 50.1),
    "dBm": (-100, -60),
    "hPa": (990, 1030),
    "km/h": (0, 90),
    "m": (0, 60),
    "lx": (0, 800),
    "ppm": (400, 1200),
}
_COUNTERS: Final = {"kWh", "Wh", "km", "m³", "L", "MJ"}
_LATITUDES, _LONGITUDES = {"lat", "latitude"}, {"lng", "lon", "long", "longitude"}
_NUMBERING: Final = ("index", "no", "number")  # fields that count the elements of an array, alone or as `x_no`
_FOLLOWS_CLOCK: Final = ("at", "time", "now", "timestamp")  # other dates stay as they were at first
_SPEEDS, _COURSES = {"speed"}, {"course", "heading"}


def exact(value: object) -> object:
    """Return a value of a scenario with decimals where TOML gives binary floats."""
    match value:
        case float():
            return Decimal(str(value))
        case list():
            return [exact(member) for member in value]
        case dict():
            return {code: exact(member) for code, member in value.items()}
    return value


class Moment(msgspec.Struct, frozen=True):
    """When a value is wanted, and where the device is then."""

    elapsed: float  # seconds since the start
    now_ms: int  # Unix time in milliseconds
    fix: Fix


class Generator(ABC):
    """The values of one property, one after the other."""

    @abstractmethod
    def next(self, moment: Moment) -> object:
        """Return the value at this moment; called once for each report."""

    def set(self, value: object) -> None:  # noqa: B027 - most values cannot be set
        """Go on from a value that was written."""


class _Held(Generator):
    def __init__(self, value: object) -> None:
        self._value = value

    def next(self, moment: Moment) -> object:
        return self._value

    def set(self, value: object) -> None:
        self._value = value


class _Drawn(Generator):
    """Takes another one of some values, by chance."""

    def __init__(self, chance: random.Random, values: Sequence[object], part: float) -> None:
        self._chance = chance
        self._values = values
        self._part = part
        self._value = chance.choice(values)

    def next(self, moment: Moment) -> object:
        others = [value for value in self._values if value != self._value]
        if self._chance.random() < self._part and others:
            self._value = self._chance.choice(others)
        return self._value

    def set(self, value: object) -> None:
        self._value = value


class _Range:
    """The numbers that a definition allows: from `low` to `high` in steps."""

    def __init__(self, data_type: str, specs: Mapping[str, Any]) -> None:
        low, high = _decimal(specs.get("min")), _decimal(specs.get("max"))
        smallest = Decimal(1).scaleb(-_DECIMALS[data_type])
        self.step = _decimal(specs.get("step")) or smallest
        unit = str(specs.get("unit") or "")
        self.counts = unit in _COUNTERS
        wide = low is None or high is None or high - low > _WIDE
        self.base = low if low is not None else Decimal(0)
        self.low, self.high = low, high
        usual = _USUAL.get(unit)
        if usual is not None:
            between = Decimal(str(usual[0])), Decimal(str(usual[1]))
        elif wide:
            between = max(self.base, Decimal(0)), max(self.base, Decimal(0)) + 100
        else:
            between = self.base, high if high is not None else self.base
        least, most = self.on_step(between[0]), self.on_step(between[1])
        top = self.base + 100 if high is None else high
        self.usual = (least, most) if least < most else (self.on_step(self.base), self.on_step(top))

    def on_step(self, value: Decimal) -> Decimal:
        """Return the nearest number that the definition allows."""
        steps = ((value - self.base) / self.step).to_integral_value(ROUND_HALF_EVEN)
        number = self.base + steps * self.step
        if self.high is not None and number > self.high:
            number = self.base + ((self.high - self.base) / self.step).to_integral_value(ROUND_FLOOR) * self.step
        return max(number, self.base) if self.low is not None else number


class _Walk(Generator):
    """Moves by chance, slowly, and turns at its bounds."""

    def __init__(
        self,
        chance: random.Random,
        numbers: _Range,
        *,
        low: Decimal,
        high: Decimal,
        most: Decimal,
        start: Decimal | None = None,
    ) -> None:
        self._chance, self._numbers = chance, numbers
        self._low, self._high, self._most = low, high, most
        middle = low + (high - low) * _fraction(chance)
        self._value = numbers.on_step(middle if start is None else start)

    def next(self, moment: Moment) -> object:
        move = self._most * (2 * _fraction(self._chance) - 1)
        wanted = min(max(self._value + move, self._low), self._high)
        self._value = self._numbers.on_step(wanted)
        return self._value

    def set(self, value: object) -> None:
        if isinstance(value, int | Decimal):
            self._value = Decimal(value)


class _Counter(Generator):
    """Only ever grows, by a few of its steps; stands still at the end of its range."""

    def __init__(self, chance: random.Random, numbers: _Range) -> None:
        self._chance, self._numbers = chance, numbers
        self._value = numbers.on_step(numbers.usual[0] + (numbers.usual[1] - numbers.usual[0]) * _fraction(chance))

    def next(self, moment: Moment) -> object:
        self._value = self._numbers.on_step(self._value + self._numbers.step * self._chance.randint(0, 5))
        return self._value


class _Sine(Generator):
    def __init__(self, numbers: _Range, low: Decimal, high: Decimal, rule: scenario.Sine) -> None:
        self._numbers, self._low, self._high, self._rule = numbers, low, high, rule

    def next(self, moment: Moment) -> object:
        turns = moment.elapsed / self._rule.period + self._rule.phase
        part = Decimal(str(round((math.sin(2 * math.pi * turns) + 1) / 2, 9)))
        return self._numbers.on_step(self._low + (self._high - self._low) * part)


class _Steps(Generator):
    def __init__(self, rule: scenario.Steps) -> None:
        self._values, self._every = [exact(value) for value in rule.values], rule.every

    def next(self, moment: Moment) -> object:
        return self._values[int(moment.elapsed / self._every) % len(self._values)]


class _Sequence(Generator):
    def __init__(self, rule: scenario.Sequence) -> None:
        self._values, self._loop = [exact(value) for value in rule.values], rule.loop
        self._at = -1

    def next(self, moment: Moment) -> object:
        self._at += 1
        last = len(self._values) - 1
        return self._values[self._at % len(self._values) if self._loop else min(self._at, last)]


class _Computed(Generator):
    """What follows from where the device is."""

    def __init__(self, compute: Callable[[Moment], object]) -> None:
        self._compute = compute

    def next(self, moment: Moment) -> object:
        return self._compute(moment)


class _Date(Generator):
    """Now, or when the device was first asked."""

    def __init__(self, *, follows_clock: bool) -> None:
        self._follows_clock = follows_clock
        self._value: object = None

    def next(self, moment: Moment) -> object:
        if self._follows_clock or self._value is None:
            self._value = moment.now_ms
        return self._value

    def set(self, value: object) -> None:
        self._value, self._follows_clock = value, False


class _Struct(Generator):
    def __init__(self, fields: Mapping[str, Generator]) -> None:
        self._fields = fields

    def next(self, moment: Moment) -> object:
        return {code: field.next(moment) for code, field in self._fields.items()}

    def set(self, value: object) -> None:
        for code, member in value.items() if isinstance(value, Mapping) else ():
            if code in self._fields:
                self._fields[code].set(member)


class _Array(Generator):
    def __init__(self, elements: Sequence[Generator]) -> None:
        self._elements = elements
        self._written: object = None

    def next(self, moment: Moment) -> object:
        return [element.next(moment) for element in self._elements] if self._written is None else self._written

    def set(self, value: object) -> None:
        self._written = value


def make_generator(
    definition: Mapping[str, Any], chance: random.Random, movement: scenario.Movement | None = None
) -> Generator:
    """Return the values of a property (or parameter) by its definition in the thing model, or as a scenario says.

    Raises `ScenarioError` when the definition is no number and the movement needs one, or its bounds are wrong.
    """
    code, data_type = definition["code"], definition["dataType"]
    match movement:
        case None:
            return _usual(definition, chance)
        case scenario.Constant(value=value):
            return _Held(exact(value))
        case scenario.Steps():
            return _Steps(movement)
        case scenario.Sequence():
            return _Sequence(movement)
    key = f"values.{code}"
    if data_type not in _DECIMALS:
        raise ScenarioError(f"{key}.kind", f"only numbers can do this, and {code} is {data_type}")
    numbers = _Range(data_type, definition.get("specs") or {})
    low = _bound(f"{key}.min", movement.min, numbers.usual[0], numbers)
    high = _bound(f"{key}.max", movement.max, numbers.usual[1], numbers)
    if low > high:
        raise ScenarioError(f"{key}.min", f"is above the maximum, {high}")
    if isinstance(movement, scenario.Sine):
        return _Sine(numbers, low, high, movement)
    start = None if movement.start is None else _bound(f"{key}.start", movement.start, low, numbers)
    most = _most(low, high, numbers) if movement.step is None else Decimal(str(movement.step))
    return _Walk(chance, numbers, low=low, high=high, most=most, start=start)


def _usual(definition: Mapping[str, Any], chance: random.Random, *, setting: bool = False) -> Generator:
    """Return what a definition suggests; the fields of a setting are settings."""
    code, specs = definition["code"], definition.get("specs") or {}
    setting = setting or definition.get("subType") == "RW"
    seldom = _SETTING if setting else 1.0
    match definition["dataType"]:
        case "BOOL":
            return _Drawn(chance, (False, True), _TOGGLES * seldom)
        case "ENUM":
            return _Drawn(chance, [int(option["value"]) for option in specs], _MOVES * seldom)
        case "INT" | "FLOAT" | "DOUBLE" as data_type:
            return _number(code, data_type, specs, chance, setting=setting)
        case "TEXT":
            return _Held(f"{code} {chance.randint(1, 99)}".encode()[: int(specs["length"])].decode(errors="ignore"))
        case "RAW":
            return _Held(chance.randbytes(min(_RAW_BYTES, int(specs["length"]))))
        case "DATE":
            return _Date(follows_clock=code.lower().rpartition("_")[2] in _FOLLOWS_CLOCK)
        case "STRUCT":
            return _Struct({field["code"]: _usual(field, chance, setting=setting) for field in specs})
        case _:
            count = min(int(specs["size"]), _MOST_ELEMENTS)
            return _Array([_element(code, specs, chance, number, setting=setting) for number in range(1, count + 1)])


def _element(code: str, specs: Mapping[str, Any], chance: random.Random, number: int, *, setting: bool) -> Generator:
    if specs["dataType"] == "STRUCT":
        fields = {field["code"]: _usual(field, chance, setting=setting) for field in specs["specs"]}
        for field in specs["specs"]:
            if field["dataType"] == "INT" and field["code"].lower().rpartition("_")[2] in _NUMBERING:
                fields[field["code"]] = _Held(_Range("INT", field.get("specs") or {}).on_step(Decimal(number)))
        return _Struct(fields)
    inner = specs.get("numberSpecs") or {"length": _ELEMENT_LENGTH}
    return _usual({"code": code, "dataType": specs["dataType"], "specs": inner}, chance, setting=setting)


def _number(code: str, data_type: str, specs: Mapping[str, Any], chance: random.Random, *, setting: bool) -> Generator:
    numbers = _Range(data_type, specs)
    name = code.lower()
    for names, part in (
        (_LATITUDES, attrgetter("fix.latitude")),
        (_LONGITUDES, attrgetter("fix.longitude")),
        (_SPEEDS, attrgetter("fix.speed_kmh")),
        (_COURSES, attrgetter("fix.course")),
    ):
        if name in names and not setting:
            return _Computed(_on_the_way(part, numbers))
    low, high = numbers.usual
    if setting:
        return _Held(numbers.on_step(low + (high - low) * _fraction(chance)))
    if numbers.counts:
        return _Counter(chance, numbers)
    return _Walk(chance, numbers, low=low, high=high, most=_most(low, high, numbers))


def _on_the_way(part: Callable[[Moment], float], numbers: _Range) -> Callable[[Moment], object]:
    return lambda moment: numbers.on_step(Decimal(f"{part(moment):.6f}"))


def _most(low: Decimal, high: Decimal, numbers: _Range) -> Decimal:
    return max((high - low) * _WALK_PART, numbers.step)


def _bound(key: str, given: float | None, otherwise: Decimal, numbers: _Range) -> Decimal:
    if given is None:
        return otherwise
    value = Decimal(str(given))
    below = numbers.low is not None and value < numbers.low
    above = numbers.high is not None and value > numbers.high
    if below or above:
        raise ScenarioError(key, f"is outside the range of the model, {numbers.low} to {numbers.high}")
    return value


def _decimal(text: object) -> Decimal | None:
    return Decimal(str(text)) if text not in (None, "") else None


def _fraction(chance: random.Random) -> Decimal:
    """A number from 0 to 1, short enough for exact decimals."""
    return Decimal(chance.randint(0, 1_000_000)) / 1_000_000
