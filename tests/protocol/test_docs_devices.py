"""The examples of docs/devices.md do what the page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mooring.device import Fleet, Simulator, read_scenario
from mooring.protocol import commands, frame
from mooring.protocol.credentials import Authentication, Connection, open_authentication, parse, verify_connection

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
KEYS = {"PK": "p11abc", "PS": "Zm9vYmFyYmF6cXV4", "DK": "PLAIN0001", "DS": "0123456789abcdef" * 2}


def example(language: str, marker: str) -> str:
    """The code block of a language that contains a text."""
    [found] = [code for code in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if marker in code]
    assert isinstance(found, str)
    return found


def plain(*arguments: str, text: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run plain.py of the page."""
    command = [sys.executable, "-W", "error", "-c", example("python", "sys.argv"), *arguments]
    environment = {**os.environ, **KEYS, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, input=text.encode(), env=environment, capture_output=True, timeout=60)


def test_plain_client_makes_the_passwords_of_both_steps() -> None:
    first, later = (parse(plain(step).stdout.strip()) for step in ("first-password", "password"))
    assert isinstance(first, Authentication)
    assert isinstance(later, Connection)
    assert open_authentication(first, KEYS["PS"], f"qd{KEYS['PK']}{KEYS['DK']}") == KEYS["DK"]
    verify_connection(later, KEYS["PS"], KEYS["DS"])


def test_plain_client_makes_and_reads_the_report_that_the_page_shows() -> None:
    report = plain("report").stdout
    shown = re.search(r"`report.bin` holds `([0-9a-f ]+)`", TEXT)
    assert shown is not None
    assert report == bytes.fromhex(shown[1])
    asked, answer = re.findall(r"\$ python plain.py up ([0-9a-f]+)\n(.*)", TEXT)[0]
    assert asked == report.hex()
    assert plain("up", asked).stdout.decode().strip() == answer


def test_plain_client_reads_its_secret_or_why_it_is_refused() -> None:
    delivery = frame.encode(commands.encode(commands.DeviceConfiguration(device_secret=KEYS["DS"]), 1))
    assert plain("secret", text=f"{delivery.hex()}\n").stdout.decode().strip() == KEYS["DS"]
    refused = plain("secret", text=frame.encode(commands.encode(commands.ExceptionNotice(10422), 1)).hex())
    assert refused.returncode == 1
    assert b"refused: ExceptionNotice(code=10422" in refused.stderr


def test_logged_data_is_decoded_as_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    code = example("python", "b64decode")
    exec(compile(code, "devices.md", "exec"), {})
    assert capsys.readouterr().out.strip() == code.strip().rpartition("  # ")[2]


def test_scenario_fits_the_smart_plug() -> None:
    model = json.loads((ROOT / "contract" / "tsl-samples" / "smart-plug.json").read_text(encoding="utf-8"))
    Simulator(
        Fleet("p11abc", KEYS["PS"], ["PLUG0001"], model=model, scenario=read_scenario(example("toml", "[report]"))),
        lambda _: None,
    )


def test_every_kind_of_movement_is_described() -> None:
    needs = {"constant": "value = 1", "walk": "", "sine": "period = 1", "steps": "values = [1]\nevery = 1"}
    needs["sequence"] = "values = [1]"
    described = re.findall(r"^\| `(\w+)` \| `", TEXT[TEXT.index("`[values.CODE]`") :], re.MULTILINE)
    assert described[:5] == list(needs)
    for kind, keys in needs.items():
        assert read_scenario(f'[values.x]\nkind = "{kind}"\n{keys}').values
