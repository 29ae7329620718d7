"""Scenario files: what they mean, and what is said about a wrong one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mooring.device import Fleet, Scenario, ScenarioError, Simulator, read_scenario
from mooring.device import scenario as rules
from mooring.device.plan import Plan

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PLUG: dict[str, Any] = json.loads((SAMPLES / "smart-plug.json").read_text())


def test_the_example_in_the_documentation_is_valid() -> None:
    text = (rules.__doc__ or "").partition("\n\n")[2]
    found = read_scenario(text)
    assert found.report == rules.ReportRule(10, 0.1, ["power", "relay"], changed=False)
    assert found.values["voltage"] == rules.Sine(600)
    assert found.location is not None
    assert found.location.track[0] == (31.23, 121.47)
    Simulator(Fleet("p2SmPg", "secret", ["SIM0001"], model=PLUG, scenario=found), lambda happening: None)


def test_an_empty_scenario_says_nothing() -> None:
    assert read_scenario("") == Scenario()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("x =", ""),
        ("[reports]", "reports"),
        ("[report]\ninterval = 0", "report.interval"),
        ("[report]\njitter = 2", "report.jitter"),
        ("[report]\ntime = 2", "report"),
        ("[values.power]\nmin = 1", "values.power"),
        ("[values.power]\nkind = 'jump'", "values.power.kind"),
        ("[values.power]\nkind = 'walk'\nmin = 'low'", "values.power.min"),
        ("[values.power]\nkind = 'steps'\nevery = 1\nvalues = []", "values.power.values"),
        ("[values.power]\nkind = 'constant'", "values.power"),
        ("[event]\ncode = 'overload'", "event"),
        ("[[event]]\ncode = 'overload'", "event[0]"),
        ("[[event]]\ncode = 'overload'\nevery = 1\nprobability = 1", "event[0]"),
        ("[[event]]\ncode = 'overload'\nat = [-1]", "event[0].at[0]"),
        ("[[offline]]\nat = 1", "offline[0]"),
        ("[[offline]]\nat = 1\nlasts = 5\nevery = 5", "offline[0].every"),
        ("[location]\ntrack = []", "location.track"),
        ("[location]\ntrack = [[91, 0]]", "location.track[0][0]"),
        ("[location]\ntrack = [[1, 0]]\nsentences = ['GSV']", "location.sentences[0]"),
        ("[service.reset_energy]\nanswer = 'no'", "service.reset_energy.answer"),
    ],
)
def test_a_wrong_scenario_is_named(text: str, key: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text)
    assert (caught.value.key, bool(caught.value.reason)) == (key, True)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[report]\ncodes = ['powr']", "report.codes", "no property 'powr'; it has child_lock"),
        ("[values.powr]\nkind = 'walk'", "values.powr", "no property"),
        ("[values.relay]\nkind = 'walk'", "values.relay.kind", "relay is BOOL"),
        ("[values.power]\nkind = 'walk'\nmin = -1", "values.power.min", "0 to 3680"),
        ("[values.power]\nkind = 'sine'\nperiod = 1\nmin = 5\nmax = 4", "values.power.min", "above the maximum"),
        ("[[event]]\ncode = 'overlod'\nevery = 1", "event[0].code", "no event"),
        ("[[event]]\ncode = 'overload'\nevery = 1\noutputs = {relay = 1}", "event[0].outputs", "no output of overload"),
        ("[service.reset]", "service.reset", "no service"),
        ("[service.reset_energy]\noutputs = {a = 1}", "service.reset_energy.outputs", "it has energy_total"),
    ],
)
def test_a_scenario_that_does_not_fit_the_model_is_named(text: str, key: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match=f"^{re.escape(key)}: .*{re.escape(reason)}"):
        Plan(PLUG, read_scenario(text), "1")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[values.relay]\nkind = 'constant'\nvalue = 'on'", "values.relay.value"),
        ("[values.power]\nkind = 'sequence'\nvalues = [1, true]", "values.power.values[1]"),
        ("[[event]]\ncode = 'overload'\nevery = 1\noutputs = {limit = 'much'}", "event[0].outputs"),
        ("[service.reset_energy]\noutputs = {energy_total = 'none'}", "service.reset_energy.outputs"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_named(text: str, key: str) -> None:
    fleet = Fleet("p2SmPg", "secret", ["SIM0001"], model=PLUG, scenario=read_scenario(text))
    with pytest.raises(ScenarioError) as caught:
        Simulator(fleet, lambda happening: None)
    assert caught.value.key == key
