"""What simulated devices do: believable values, on time, the same for the same seed."""

import itertools
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.device import Scenario, read_scenario
from mooring.device.plan import Action, GoOffline, GoOnline, Locate, Plan, RaiseEvent, ReportValues
from mooring.device.track import Fix, Track, sentences
from mooring.protocol import nmea
from mooring.thingmodel import ModelCodec

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
NAMES = [path.stem for path in sorted(SAMPLES.glob("*.json"))]
NOW_MS = 1_760_000_000_000


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return document


def play(plan: Plan, until: float) -> list[tuple[float, Action]]:
    """What the plan does, each with the time it is done."""
    done: list[tuple[float, Action]] = []
    while plan.due is not None and plan.due <= until:
        due = plan.due
        done += [(due, action) for action in plan.step(due, NOW_MS + int(due * 1000))]
    return done


def reports(plan: Plan, until: float) -> list[dict[str, object]]:
    return [action.values for _, action in play(plan, until) if isinstance(action, ReportValues)]


def plan(text: str, name: str = "smart-plug", seed: str = "1") -> Plan:
    return Plan(sample(name), read_scenario(text), seed)


STEADY = "[report]\ninterval = 10\njitter = 0\n"


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.text(max_size=5))
def test_made_up_values_fit_the_model_and_stay_in_its_range(name: str, seed: str) -> None:
    model = sample(name)
    codec = ModelCodec.of(model)
    player = Plan(model, Scenario(), seed)
    for _, action in play(player, 300):
        match action:
            case ReportValues(values=values):
                codec.encode_values(values)
                for definition in model["properties"]:
                    if definition["code"] in values:
                        check(definition, values[definition["code"]])
            case RaiseEvent(code=code, outputs=outputs):
                codec.encode_event(code, outputs)
            case _:
                pass
    for service in codec.services.values():
        outputs_of_service = player.call(service.code, 1.0, NOW_MS)
        assert outputs_of_service is not None
        codec.encode_service_answer(service.code, outputs_of_service)


def check(definition: Mapping[str, Any], value: object) -> None:
    specs = definition.get("specs") or {}
    match definition["dataType"]:
        case "INT" | "FLOAT" | "DOUBLE":
            assert isinstance(value, Decimal)
            low, high, step = (Decimal(specs[key]) for key in ("min", "max", "step"))
            assert low <= value <= high
            assert (value - low) % step == 0
        case "ENUM":
            assert str(value) in [option["value"] for option in specs]
        case "STRUCT":
            assert isinstance(value, dict)
            for field in specs:
                check(field, value[field["code"]])
        case "TEXT":
            assert isinstance(value, str)
            assert len(value.encode()) <= int(specs["length"])
        case "ARRAY":
            assert isinstance(value, list)
            assert 1 <= len(value) <= int(specs["size"])
        case _:
            pass


def test_the_same_seed_gives_the_same_and_another_one_not() -> None:
    def run(seed: str) -> list[tuple[float, Action]]:
        return play(Plan(sample("tracker"), Scenario(), seed), 600)

    assert run("7/SIM0001") == run("7/SIM0001")
    assert run("7/SIM0001") != run("7/SIM0002")


def test_values_do_not_depend_on_how_punctual_the_caller_is() -> None:
    late = plan(STEADY)
    punctual = reports(plan(STEADY), 20)
    assert [action.values for action in late.step(5, NOW_MS) if isinstance(action, ReportValues)] == punctual[:1]
    assert [action.values for action in late.step(19, NOW_MS) if isinstance(action, ReportValues)] == punctual[1:2]


def test_reports_come_in_their_interval_and_what_was_missed_is_done_once() -> None:
    player = plan(STEADY)
    times = [due for due, action in play(player, 50) if isinstance(action, ReportValues)]
    assert [round(time - times[0], 6) for time in times] == [0, 10, 20, 30, 40]
    assert len([action for action in player.step(1000, NOW_MS) if isinstance(action, ReportValues)]) == 1


def test_jitter_delays_a_report_but_not_the_rhythm() -> None:
    times = [due for due, _ in play(plan("[report]\ninterval = 10\njitter = 0.5\n"), 10_000)]
    assert all(0 <= (time - times[0]) % 10 <= 5.0001 for time in times)


def test_movements() -> None:
    player = plan(
        STEADY
        + """
        [values.relay]
        kind = "steps"
        values = [true, false]
        every = 20
        [values.label]
        kind = "sequence"
        values = ["a", "b"]
        loop = false
        [values.voltage]
        kind = "constant"
        value = 230.5
        [values.power]
        kind = "sine"
        period = 40
        min = 100
        max = 200
        [values.current]
        kind = "walk"
        start = 5
        step = 0.01
        min = 4.9
        max = 5.1
        """
    )
    seen = reports(player, 60)
    assert [values["relay"] for values in seen] == [True, True, False, False, True, True]
    assert [values["label"] for values in seen] == ["a", "b", "b", "b", "b", "b"]
    assert {values["voltage"] for values in seen} == {Decimal("230.5")}
    powers = [values["power"] for values in seen]
    assert all(isinstance(power, Decimal) and 100 <= power <= 200 for power in powers)
    assert powers[0] != powers[1]
    currents = [Decimal(str(values["current"])) for values in seen]
    assert all(abs(b - a) <= Decimal("0.0105") for a, b in itertools.pairwise(currents))


def test_a_counter_only_grows() -> None:
    energies = [Decimal(str(values["energy_total"])) for values in reports(plan(STEADY), 2000)]
    assert energies == sorted(energies)
    assert energies[0] < energies[-1]


def test_only_changes_are_reported_when_that_is_asked_for() -> None:
    text = STEADY + 'changed = true\ncodes = ["label", "voltage"]\n[values.label]\nkind = "constant"\nvalue = "x"'
    seen = reports(plan(text), 100)
    assert seen[0].keys() == {"label", "voltage"}
    assert all(values.keys() == {"voltage"} for values in seen[1:])


def test_what_is_written_stays_and_is_read_back() -> None:
    player = plan(STEADY)
    play(player, 5)
    player.write({"countdown": 77, "nothing": 1})
    assert player.read(["countdown", "nothing", "power"], 5.0, NOW_MS).keys() == {"countdown", "power"}
    assert player.read(["countdown"], 5.0, NOW_MS) == {"countdown": 77}
    assert reports(player, 15)[0]["countdown"] == 77


def test_events_by_moment_rhythm_and_chance() -> None:
    text = (
        STEADY
        + """
        [[event]]
        code = "overload"
        at = [3, 12]
        outputs = { limit = 3000 }
        [[event]]
        code = "countdown_done"
        every = 20
        [[event]]
        code = "overload"
        probability = 1
        [[event]]
        code = "overload"
        probability = 0
    """
    )
    events = [(due, action) for due, action in play(plan(text), 41) if isinstance(action, RaiseEvent)]
    timed = [(due, action.code) for due, action in events if due == int(due)]
    assert timed == [(3, "overload"), (12, "overload"), (20, "countdown_done"), (40, "countdown_done")]
    assert len(events) - len(timed) == 5
    assert events[1][1].outputs.keys() == {"power", "current", "limit"}


def test_outputs_are_given_or_the_present_values_or_made_up() -> None:
    player = plan(STEADY + "[[event]]\ncode = 'overload'\nat = [5]\noutputs = { limit = 3000 }")
    done = play(player, 6)
    [event] = [action for _, action in done if isinstance(action, RaiseEvent)]
    assert event.outputs == {**player.read(["power", "current"], 5.0, NOW_MS), "limit": 3000}


def test_services() -> None:
    assert plan("[service.reset_energy]\nanswer = false").call("reset_energy", 0, NOW_MS) is None
    assert plan("").call("unknown", 0, NOW_MS) is None
    meter = plan("[service.reset_energy]\noutputs = { energy_total = 0.5 }")
    assert meter.call("reset_energy", 0, NOW_MS) == {"energy_total": Decimal("0.5")}
    assert meter.read(["energy_total"], 5.0, NOW_MS) == {"energy_total": Decimal("0.5")}


def test_offline_windows_silence_the_device() -> None:
    text = (
        STEADY
        + "[[offline]]\nat = 15\nlasts = 20\nevery = 100\n[[offline]]\nat = 30\nlasts = 10\n[location]\ntrack = [[1,1]]"
    )
    done = play(plan(text), 140)
    assert [(due, type(action)) for due, action in done if isinstance(action, GoOffline | GoOnline)] == [
        (15, GoOffline),
        (40, GoOnline),
        (115, GoOffline),
        (135, GoOnline),
    ]
    assert [due for due, action in done if isinstance(action, ReportValues | Locate) and 15 < due < 40] == []


def test_a_device_without_a_model_does_nothing_by_itself() -> None:
    assert Plan(None, Scenario(), "1").due is None


# Tracks


def test_a_track_leads_round_or_ends() -> None:
    points = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    length = 111_320.0
    there = Track(points, 3.6, loop=False)
    assert there.at(0) == Fix(0, 0, 90, 3.6)
    assert there.at(length / 2).longitude == pytest.approx(0.5)
    assert there.at(length * 1.5).latitude == pytest.approx(0.5)
    assert there.at(length * 5) == Fix(1, 1, 0, 0)
    again = Track(points, 3.6, loop=True)
    assert 215 < again.at(length * 2.5).course < 235
    assert again.at(1e9).speed_kmh == 3.6


def test_a_single_point_is_a_place() -> None:
    assert Track([(31.0, 121.0)], 40, loop=True).at(1000) == Fix(31.0, 121.0, 0, 0)


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 4_000_000_000_000))
def test_our_own_reader_understands_the_sentences(latitude: float, longitude: float, now_ms: int) -> None:
    text = sentences(Fix(latitude, longitude, 12.5, 36), now_ms)
    found = nmea.read(text)
    assert [sentence.content.kind for sentence in found if isinstance(sentence.content, nmea.Position)] == [
        "GGA",
        "RMC",
    ]
    for sentence in found:
        assert isinstance(sentence.content, nmea.Position)
        assert sentence.content.wgs84.latitude == pytest.approx(latitude, abs=2e-6)
        assert sentence.content.wgs84.longitude == pytest.approx(longitude, abs=2e-6)
        assert sentence.raw.endswith(f"*{nmea.checksum(sentence.raw):02X}")
        assert sentence.content.time_of_day == now_ms % 86_400_000


def test_what_is_read_before_the_first_report_has_a_value() -> None:
    model = sample("smart-plug")
    player = Plan(model, Scenario(), "1")
    readable = [item["code"] for item in model["properties"] if item["subType"] != "W"]
    player.write({"countdown": 42})
    found = player.read(readable, 0.0, NOW_MS)
    assert found.keys() == set(readable)
    assert found["countdown"] == 42
    assert player.read(readable, 0.1, NOW_MS) == found
    ModelCodec.of(model).encode_values(found)
