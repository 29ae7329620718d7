"""The benchmark runs end to end and writes what it promises. How fast anything was is not asked here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SIDE = {"rate", "calls_per_s", "p50_ms", "p99_ms"}


@pytest.fixture(autouse=True)
def programs() -> None:
    for name in ("wrk", "mosquitto"):
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            if os.environ.get("CI"):
                pytest.fail(f"{name} is missing; .ci/run installs it")
            pytest.skip(f"{name} is not installed (Debian package {name})")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_a_quick_run_of_messages_consumes_beside_rabbitmq(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "messages")
    *deliveries, trip = document["messages"][:3]
    assert [(entry["prefetch"], entry["target"]) for entry in deliveries] == [(1, 1.0), (100, 1.4)]
    assert all(entry["ratio"] > 0 and entry["body_bytes"] == 400 for entry in deliveries)
    assert 0 < trip["p50_ms"] <= trip["p99_ms"]
    ingest = {entry["subscriptions"]: entry["copies"] for entry in document["messages"][3:]}
    assert ingest == {"none": 0, "1 into 1 queue": 1, "50 into 1 queue": 1, "50 into 50 queues": 50}
    assert all(name in shown for name in ingest)


def quick(results: Path, *parts: str) -> tuple[dict[str, Any], str]:
    only = [argument for part in parts for argument in ("--only", part)]
    done = bench("--quick", *only, "--results", str(results))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((results / "latest.json").read_text()), done.stdout


def test_a_quick_run_measures_every_operation_and_writes_its_file(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "operations")
    operations = {entry["operation"]: entry for entry in document["operations"]}
    targets = {name: entry["target"] for name, entry in operations.items()}
    assert targets == {"tslExport": 0.5, "authLogin": 0.3, "productList": 0.25, "productDetail": None}
    assert document["judged"] is False
    for entry in operations.values():
        assert entry["name"] in shown
        assert entry["ratio"] > 0
        assert entry["mooring"].keys() == entry["constant"].keys() == SIDE
    assert 3_900 <= operations["tslExport"]["body_bytes"] <= 4_200


def test_a_quick_run_of_reads_asks_for_every_read_and_paces_them(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "reads")
    *ratios, pace = document["reads"]
    names = [entry["operation"] for entry in ratios]
    assert names[:3] == ["deviceList", "deviceDetail", "dataHistory"]
    assert names[-1] == "mixed"
    for entry in ratios:
        assert entry["name"] in shown
        assert entry["ratio"] > 0
    assert pace["calls"] > 0
    assert 0 < pace["p50_ms"] <= pace["p99_ms"]
    assert 0 < pace["base_p50_ms"] <= pace["base_p99_ms"]


def test_a_quick_run_of_uplink_stores_what_is_acknowledged(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "uplink")
    lines = {(entry["name"], entry["window"]): entry["target"] for entry in document["uplink"]}
    assert lines == {("Mosquitto", 1): 0.3, ("amqtt", 1): 5.0, ("Mosquitto", 10): 0.3, ("amqtt", 10): 5.0}
    for entry in document["uplink"]:
        assert entry["name"] in shown
        assert entry["payload_bytes"] == 64
        assert entry["ratio"] > 0
        assert entry["mooring"]["rate"] > 0


def test_a_quick_run_of_commands_follows_each_to_its_stored_answer(tmp_path: Path) -> None:
    document, _ = quick(tmp_path, "commands")
    lines = [(entry["name"], entry["part"], entry["target"]) for entry in document["commands"]]
    assert lines == [("writeData", "p50", 3), ("writeData", "p99", 3), ("readData", "p50", 3), ("readData", "p99", 3)]
    for entry in document["commands"]:
        assert 0 < entry["reached_ms"] < entry["stored_ms"] <= entry["command_ms"]
        assert entry["answered_ms"] <= entry["command_ms"]


def test_a_quick_run_connects_devices_and_pages_through_logs(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "connections", "history", "startup")
    [connections] = document["connections"]
    assert connections["devices"] == 100
    assert connections["resident_mb"] > 0
    assert {entry["rows"] for entry in document["history"]} == {20_000}
    for entry in document["history"]:
        assert entry["name"] in shown
        assert entry["cost_ms"] > 0
    for entry in document["startup"]:
        assert entry["name"] in shown
        assert entry["processor_ms"] > entry["python_ms"] > 0


def test_a_quick_run_of_the_sdk_counts_logins(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "sdk")
    assert [entry["name"] for entry in document["sdk"]] == ["blocking", "awaiting", "1000 at once"]
    for entry in document["sdk"]:
        assert entry["name"] in shown
        assert entry["logins"] == 1


def test_a_quick_run_of_pages_asks_each_beside_its_query(tmp_path: Path) -> None:
    document, shown = quick(tmp_path, "pages")
    pages = {entry["name"]: entry for entry in document["pages"]}
    assert {"devices", "data log", "API log", "queues", "audit log"} <= pages.keys()
    for name, entry in pages.items():
        assert name in shown
        assert entry["ratio"] == pytest.approx(entry["page_ms"] / entry["query_ms"])
        assert (entry["devices"], entry["rows"]) == (1_000, 20_000)
