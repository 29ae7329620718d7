"""Times that people give, values and bytes that they read."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from mooring.cli.admin.frame_text import FrameText
from mooring.cli.arguments import moment_of
from mooring.cli.feature_names import FeatureNames, pairs
from mooring.cli.hexdump import bytes_line, hexdump
from mooring.protocol import commands, frame
from mooring.protocol.ttlv import Field

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODEL = json.loads((Path(__file__).parents[2] / "contract/tsl-samples/power-station.json").read_text())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", "2026-11-24T11:58:30+00:00"),
        ("10m", "2026-11-24T11:50:00+00:00"),
        ("2h", "2026-11-24T10:00:00+00:00"),
        ("3d", "2026-11-21T12:00:00+00:00"),
        ("2026-11-24", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24T18:30", "2026-11-24T18:30:00+00:00"),
        ("2026-11-24 18:30:05.250", "2026-11-24T18:30:05.250000+00:00"),
        ("2026-11-24T18:30+08:00", "2026-11-24T10:30:00+00:00"),
        ("1795521600000", "2026-11-24T12:00:00+00:00"),
    ],
)
def test_times_have_many_forms(text: str, moment: str) -> None:
    at = moment_of("--since", text, NOW)
    assert at is not None
    assert datetime.fromtimestamp(at / 1000, UTC).isoformat() == moment


@pytest.mark.parametrize("text", ["", "now", "10", "10x", "2026-13-01", "999999999d", "-1h", "١m"])
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment_of("--since", text, NOW)


@pytest.mark.parametrize(
    ("dm", "line"),
    [
        (["1", "10", "999", "x"], "soc notes #999 #x"),
        ([{"id": 1, "value": "31"}, {"id": 999, "value": True}], "soc=31 % #999=true"),
        ([{"id": 10, "value": [{"id": 0, "value": "a b"}, {"id": 0, "value": ""}]}], 'notes=["a b", ""]'),
        ([{"id": 10, "value": []}], "notes={}"),
        ([{"id": 11, "value": [{"id": 1, "value": "230"}, {"id": 9, "value": "x"}]}], "grid={volt=230 V #9=x}"),
        ([{"id": 13, "value": [{"id": 9, "value": [{"id": 0, "value": "7"}]}]}], "fault={fault_codes=[7]}"),
        ([{"id": 18, "value": [{"id": 19, "value": "80"}]}], "force_charge={target=80 %}"),
        ({"force_charge": {"list": [1, {"a": "b c"}]}}, 'force_charge={list=[1, {a="b c"}]}'),
        ("as it came", "as it came"),
        (None, ""),
    ],
)
def test_ids_become_codes(dm: Any, line: str) -> None:
    assert FeatureNames(MODEL).line(dm) == line


def test_without_a_model_ids_stay() -> None:
    assert FeatureNames(None).line([{"id": 1, "value": "31"}, {"id": 2, "value": []}]) == "#1=31 #2={}"
    assert pairs(None) == ""


def event(value: Any, direction: str, **members: str) -> dict[str, Any]:
    return {"direction": direction, "hex": frame.encode(commands.encode(value, 7)).hex(), **members}


def test_frames_are_read_from_their_bytes() -> None:
    text = FrameText(FeatureNames(MODEL))
    report = commands.Report([Field(10, [Field(0, b"MTIz")]), Field(1, Decimal(31))])
    assert text.of(event(report, "up")) == ("Report", "notes=[MTIz] soc=31 %")
    assert text.of(event(commands.ReadProperties((1, 5)), "down")) == ("ReadProperties", "soc selected_pack")
    assert text.of(event(commands.PassThroughUp(b"hi"), "up")) == ("PassThroughUp", 'data=6869 "hi"')
    assert text.of({"direction": "up", "hex": "aaaa00"})[0] == "unreadable"
    inside = frame.encode(commands.encode(commands.ReadProperties((1,)), 1)).hex()
    assert text.of({"direction": "down", "hex": "00ff", "clear": inside}) == ("ReadProperties", "soc")


def test_secrets_of_a_frame_are_not_spelled_out() -> None:
    given = commands.DeviceConfiguration(device_secret="0123456789abcdef0123456789abcdef")
    name, values = FrameText(FeatureNames(None)).of(event(given, "down"))
    assert name == "DeviceConfiguration"
    assert "device_secret=(hidden)" in values


def test_bytes_are_shown_with_their_text() -> None:
    assert list(hexdump(b"")) == []
    first, second = hexdump(bytes(range(0x3E, 0x4F)))
    assert first == "0000  3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d  >?@ABCDEFGHIJKLM"
    assert second == f"0010  4e{' ' * 45}  N"
    assert [bytes_line(data) for data in (b"", b"ok", b"a\nb", b"\xff")] == ["", '6f6b "ok"', "610a62", "ff"]
