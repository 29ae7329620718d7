"""What one simulated device does, and when: a thing model and a scenario, played from a seed.

Sans-IO: `due` says when something is to be done, `step` what. The same seed, model and scenario give the same
actions at the same times after the start; only values of type DATE follow the wall clock.
"""

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from mooring.device.movements import Generator, Moment, exact, make_generator
from mooring.device.scenario import EventRule, LocationRule, OfflineWindow, Scenario, ScenarioError, ServiceRule
from mooring.device.track import Fix, Track, sentences

__all__ = ["Action", "GoOffline", "GoOnline", "Locate", "Plan", "RaiseEvent", "ReportValues"]

_EVENT_CHANCE: Final = 0.02  # with each report, when the scenario says nothing of events
_STARTS_WITHIN_S: Final = 1.0  # the first report of a device comes by chance within this
_USUAL_WAY: Final = LocationRule(track=[(31.2304, 121.4737), (31.2397, 121.4998), (31.2211, 121.5440)])
_SPREAD: Final = 0.05  # degrees by which the usual ways of two devices lie apart


class ReportValues(msgspec.Struct, frozen=True):
    """Report these properties by code."""

    values: dict[str, object]


class RaiseEvent(msgspec.Struct, frozen=True):
    """Raise an event with these outputs."""

    code: str
    outputs: dict[str, object]


class Locate(msgspec.Struct, frozen=True):
    """Report a position."""

    text: str


class GoOffline(msgspec.Struct, frozen=True):
    """Leave the network."""


class GoOnline(msgspec.Struct, frozen=True):
    """Come back."""


Action: TypeAlias = ReportValues | RaiseEvent | Locate | GoOffline | GoOnline


class Plan:
    """One device's future. Raises `ScenarioError` when the scenario does not fit the model.

    `model` is a thing model document, None for a device without one: it only stays connected.
    """

    def __init__(self, model: Mapping[str, Any] | None, scenario: Scenario, seed: str) -> None:
        self._chance = chance = random.Random(seed)  # noqa: S311 - believable, not unpredictable
        model = model or {}
        self._scenario = scenario
        self._properties = {item["code"]: item for item in model.get("properties", ())}
        self._events = {item["code"]: item for item in model.get("events", ())}
        self._services = {item["code"]: item for item in model.get("services", ())}
        self._check_codes()
        self._by_id = {item["id"]: item for item in self._properties.values()}
        self._generators = {
            code: make_generator(item, chance, scenario.values.get(code)) for code, item in self._properties.items()
        }
        self._outputs: dict[tuple[str, str], Generator] = {}
        self._readable = [code for code, item in self._properties.items() if item["subType"] != "W"]
        self._reported = self._readable if scenario.report.codes is None else scenario.report.codes
        self._values: dict[str, object] = {}
        self._begun = False  # every property that can be read has a value
        self._sent: dict[str, object] = {}
        way = scenario.location or _moved(_USUAL_WAY, chance)
        self._track = Track(way.track, way.speed, loop=way.loop)
        self._offline = 0
        self._agenda: list[tuple[float, int, Any]] = []
        self._entered = 0
        self._fill_agenda()

    # When and what

    @property
    def due(self) -> float | None:
        """When `step` has something to do, in seconds after the start; None for never."""
        return self._agenda[0][0] if self._agenda else None

    def step(self, elapsed: float, now_ms: int) -> list[Action]:
        """Return what is due by now, in order. What was missed while nobody asked is done once, not many times."""
        actions: list[Action] = []
        while self._agenda and self._agenda[0][0] <= elapsed:
            due, _, act = heapq.heappop(self._agenda)
            # The planned time, so that the values do not depend on how punctual the caller is.
            actions += act(due, elapsed, now_ms)
        return actions

    def fix(self, elapsed: float) -> Fix:
        """Return where the device is."""
        return self._track.at(elapsed)

    # What the cloud asks of it

    def read(self, codes: Iterable[str], elapsed: float, now_ms: int) -> dict[str, object]:
        """Return the present values of these properties: all that can be read have one, before the first report too."""
        if not self._begun:
            self._begin(elapsed, now_ms)
        return {code: self._values[code] for code in codes if code in self._values}

    def write(self, values: Mapping[str, object]) -> None:
        """Take written properties; what moves goes on from there."""
        for code, value in values.items():
            if code in self._generators:
                self._generators[code].set(value)
                self._values[code] = value

    def call(self, code: str, elapsed: float, now_ms: int) -> dict[str, object] | None:
        """Return the outputs of a service, None when it is not to be answered.

        A property for which the scenario gives an output has that value from now on.
        """
        rule = self._scenario.services.get(code, ServiceRule())
        if not rule.answer or code not in self._services:
            return None
        service = self._services[code]
        outputs = self._make_outputs(service, rule.outputs, elapsed, now_ms)
        definitions = {
            definition["code"]: definition for definition in map(self._definition, service.get("outputData", ()))
        }
        self.write({name: outputs[name] for name in rule.outputs if definitions[name] is self._properties.get(name)})
        return outputs

    # The agenda

    def _enter(self, due: float, act: Any) -> None:
        self._entered += 1  # what is due at the same time is done in the order of entry
        heapq.heappush(self._agenda, (due, self._entered, act))

    def _fill_agenda(self) -> None:
        scenario, chance = self._scenario, self._chance
        for window in scenario.offline:
            self._enter(window.at, partial(self._leave, window))
        if self._reported:
            first = chance.uniform(0, _STARTS_WITHIN_S)
            self._enter(first, partial(self._report, first))
        if scenario.location is not None:
            self._enter(chance.uniform(0, _STARTS_WITHIN_S), self._locate)
        for rule in scenario.events or ():
            for at in rule.at or ():
                self._enter(at, partial(self._raise, rule))
            if rule.every is not None:
                self._enter(rule.every, partial(self._raise_again, rule))

    def _report(self, planned: float, due: float, elapsed: float, now_ms: int) -> list[Action]:
        rule = self._scenario.report
        after = _next(planned, rule.interval, elapsed)
        late = rule.interval * rule.jitter * self._chance.random()
        self._enter(after + late, partial(self._report, after))
        self._begun = True
        moment = Moment(due, now_ms, self.fix(due))
        for code in self._readable:
            self._values[code] = self._generators[code].next(moment)
        if self._offline:
            return []
        values = {code: self._values[code] for code in self._reported if code in self._values}
        if rule.changed:
            values = {code: value for code, value in values.items() if self._sent.get(code) != value}
        self._sent.update(values)
        actions: list[Action] = [ReportValues(values)] if values else []
        return actions + self._chance_events(due, now_ms)

    def _begin(self, elapsed: float, now_ms: int) -> None:
        self._begun = True
        moment = Moment(elapsed, now_ms, self.fix(elapsed))
        for code in self._readable:
            if code not in self._values:  # what was written stays
                self._values[code] = self._generators[code].next(moment)

    def _chance_events(self, due: float, now_ms: int) -> list[Action]:
        rules = self._scenario.events
        if rules is None:
            if not self._events or self._chance.random() >= _EVENT_CHANCE:
                return []
            rules = (EventRule(self._chance.choice(sorted(self._events)), probability=1.0),)
        likely = [rule for rule in rules if self._chance.random() < (rule.probability or 0.0)]
        return [action for rule in likely for action in self._raise(rule, due, due, now_ms)]

    def _raise(self, rule: EventRule, due: float, _elapsed: float, now_ms: int) -> list[Action]:
        if self._offline:
            return []
        return [RaiseEvent(rule.code, self._make_outputs(self._events[rule.code], rule.outputs, due, now_ms))]

    def _raise_again(self, rule: EventRule, due: float, elapsed: float, now_ms: int) -> list[Action]:
        if rule.every is not None:
            self._enter(_next(due, rule.every, elapsed), partial(self._raise_again, rule))
        return self._raise(rule, due, elapsed, now_ms)

    def _locate(self, due: float, elapsed: float, now_ms: int) -> list[Action]:
        rule = self._scenario.location
        if rule is None:
            return []
        self._enter(_next(due, rule.interval, elapsed), self._locate)
        return [] if self._offline else [Locate(sentences(self.fix(due), now_ms, rule.sentences))]

    def _leave(self, window: OfflineWindow, due: float, elapsed: float, _now_ms: int) -> list[Action]:
        self._enter(due + window.lasts, self._return)
        if window.every is not None:
            self._enter(_next(due, window.every, elapsed), partial(self._leave, window))
        self._offline += 1
        return [GoOffline()] if self._offline == 1 else []

    def _return(self, _due: float, _elapsed: float, _now_ms: int) -> list[Action]:
        self._offline -= 1
        return [] if self._offline else [GoOnline()]

    # Parameters

    def _make_outputs(
        self, feature: Mapping[str, Any], given: Mapping[str, Any], elapsed: float, now_ms: int
    ) -> dict[str, object]:
        """Return every output: as given, else the present value of the property it refers to, else made up."""
        outputs: dict[str, object] = {}
        moment = Moment(elapsed, now_ms, self.fix(elapsed))
        for definition in map(self._definition, feature.get("outputData", ())):
            code = definition["code"]
            if code in given:
                outputs[code] = exact(given[code])
            elif definition is self._properties.get(code) and code in self._values:
                outputs[code] = self._values[code]
            else:
                key = feature["code"], code
                if key not in self._outputs:
                    self._outputs[key] = make_generator(definition, self._chance)
                outputs[code] = self._outputs[key].next(moment)
        return outputs

    def _definition(self, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = parameter.get("$ref")
        return parameter if reference is None else self._by_id[int(str(reference).rpartition("/")[2])]

    def _check_codes(self) -> None:
        """Every code of the scenario is one of the model, of the right kind."""
        scenario = self._scenario
        _known("report.codes", scenario.report.codes or (), self._properties, "property")
        for code in scenario.values:
            _known(f"values.{code}", (code,), self._properties, "property")
        for number, event in enumerate(scenario.events or ()):
            _known(f"event[{number}].code", (event.code,), self._events, "event")
            self._check_outputs(f"event[{number}].outputs", event.outputs, self._events[event.code])
        for code, service in scenario.services.items():
            _known(f"service.{code}", (code,), self._services, "service")
            self._check_outputs(f"service.{code}.outputs", service.outputs, self._services[code])

    def _check_outputs(self, key: str, outputs: Mapping[str, Any], feature: Mapping[str, Any]) -> None:
        by_id = {item["id"]: item for item in self._properties.values()}
        codes = {
            by_id[int(str(item["$ref"]).rpartition("/")[2])]["code"] if "$ref" in item else item["code"]
            for item in feature.get("outputData", ())
        }
        _known(key, outputs, codes, f"output of {feature['code']}")


def _known(key: str, codes: Iterable[str], known: Iterable[str], kind: str) -> None:
    names = list(known)
    for code in codes:
        if code not in names:
            raise ScenarioError(key, f"the model has no {kind} {code!r}; it has {', '.join(sorted(names)) or 'none'}")


def _next(due: float, interval: float, elapsed: float) -> float:
    """Return the first time of a rhythm after now."""
    missed = max(0, int((elapsed - due) / interval))
    return due + interval * (missed + 1)


def _moved(rule: LocationRule, chance: random.Random) -> LocationRule:
    """Return the same way somewhere near, so that devices do not all stand in one place."""
    north, east = chance.uniform(-_SPREAD, _SPREAD), chance.uniform(-_SPREAD, _SPREAD)
    points: Sequence[tuple[float, float]] = [(point[0] + north, point[1] + east) for point in rule.track]
    return msgspec.structs.replace(rule, track=list(points))
