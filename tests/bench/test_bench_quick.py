"""The benchmark runs end to end and writes what it promises. How fast anything was is not asked here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SIDE = {"rate", "calls_per_s", "p50_ms", "p99_ms"}


@pytest.fixture(autouse=True)
def wrk() -> None:
    if shutil.which("wrk") is not None:
        return
    if os.environ.get("CI"):
        pytest.fail("wrk is missing; .ci/run installs it")
    pytest.skip("wrk is not installed (Debian package wrk)")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_quick_run_measures_every_operation_and_writes_its_file(tmp_path: Path) -> None:
    done = bench("--quick", "--results", str(tmp_path / "results"))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "results/latest.json").read_text())
    operations = {entry["operation"]: entry for entry in document["operations"]}
    targets = {name: entry["target"] for name, entry in operations.items()}
    assert targets == {"tslExport": 0.5, "authLogin": 0.3, "productList": 0.25, "productDetail": None}
    assert document["judged"] is False
    for entry in operations.values():
        assert entry["name"] in done.stdout
        assert entry["ratio"] > 0
        assert entry["mooring"].keys() == entry["constant"].keys() == SIDE
    assert 3_900 <= operations["tslExport"]["body_bytes"] <= 4_200
