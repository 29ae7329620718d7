"""device trace: as a process of its own beside the terminal, until it is told to end or the server ends."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.terminal import Terminal
from up import Running, mooring_up

WITHIN_S = 30


@contextmanager
def tracing(terminal: Terminal, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A trace that watches already."""
    process = terminal.start("device", "trace", *arguments)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "watching; Ctrl-C ends\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=WITHIN_S)
    return process.returncode, out, err


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with mooring_up(tmp_path / "data", "--demo") as running:
        yield running


@pytest.fixture
def demo(server: Running, tmp_path: Path) -> tuple[Terminal, str, str]:
    """A terminal that is logged in at the demo, and a virtual device that is online."""
    found = json.loads((tmp_path / "data/demo.json").read_text())
    terminal = Terminal(found["manage"]["url"], tmp_path / "config")
    terminal.run(
        "login", "--email", found["manage"]["email"], "--password-stdin", text=found["manage"]["password"] + "\n"
    )
    product = next(one["product_key"] for one in found["products"] if one["name"] == "Smart plug")
    device = terminal.ask("virtual-device", "create", product)["device"]["device_key"]
    terminal.run("virtual-device", "online", product)
    return terminal, product, device


def test_each_event_is_a_line_and_the_limit_ends_it(admin: Terminal, product: str, virtual: str) -> None:
    with tracing(admin, product, virtual, "--limit", "2", "--hex") as process:
        admin.run("virtual-device", "push", product, "soc=31", 'notes=["left side"]')
        frame = admin.ask("virtual-device", "event", product, "full", "soc=100")["frame"]
        code, out, err = ended(process)
    assert (code, err) == (0, "")
    first, _, second, shown = out.splitlines()
    assert first.split(maxsplit=2)[1:] == ["↑", '0014 Report                   #1     soc=31 % notes=["left side"]']
    assert second.endswith("full={soc=100 %}")
    assert shown.strip() == frame


def test_with_json_each_line_is_an_object(admin: Terminal, product: str, virtual: str) -> None:
    with tracing(admin, product, virtual, "--limit", "2", "--json") as process:
        for value in (1, 2):
            admin.run("virtual-device", "push", product, f"soc={value}")
        code, out, _ = ended(process)
    assert code == 0
    assert [json.loads(line)["packet_id"] for line in out.splitlines()] == [1, 2]


def test_a_device_that_does_not_exist_is_refused(admin: Terminal, product: str) -> None:
    assert "OpenAPI code 70130" in admin.run("device", "trace", product, "DEV0001", code=1).err
    assert "OpenAPI code 70017" in admin.run("device", "trace", "p00000", "DEV0001", code=1).err
    assert "login" in admin.run("device", "trace", product, "DEV0001", "--token", "wrong", code=4).err
    admin.run("device", "trace", product, "DEV0001", "--url", "http://127.0.0.1:1", "--token", "mrg_x", code=3)


def test_ctrl_c_ends_it_well(demo: tuple[Terminal, str, str]) -> None:
    terminal, product, device = demo
    with tracing(terminal, product, device) as process:
        terminal.run("virtual-device", "push", product, "relay=true")
        assert process.stdout is not None
        assert "relay=true" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert ended(process) == (0, "", "")


def test_it_ends_with_the_server_and_does_not_hold_it(server: Running, demo: tuple[Terminal, str, str]) -> None:
    with tracing(*demo) as process, tracing(*demo, "--limit", "5") as limited:
        assert server.stop() == 0
        assert ended(process) == (0, "", "the server ended the trace\n")
        assert ended(limited) == (3, "", "error: the server ended the trace after 0 of 5 events\n")
    assert "Cancel" not in server.logs()


def test_a_broken_connection_is_3(server: Running, demo: tuple[Terminal, str, str]) -> None:
    with tracing(*demo) as process:
        server.stop(signal.SIGKILL)
        code, out, err = ended(process)
    assert (code, out) == (3, "")
    assert err.startswith("error: no connection to http://127.0.0.1:")
