"""docs/sdk.md: what it shows runs, and passes the type checkers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mooring.testing import Cloud

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/sdk.md").read_text(), re.MULTILINE | re.DOTALL)
EXAMPLE = ROOT / "examples/plug-guard"
PRODUCT, DEVICE, QUEUE = "p11abc", "PLUG0001", "a.1.readings"
KEY, SECRET = "4fDk29sLqPzX81mVbN0tYcWe", "q8Zr5Tn2Xw7Lk4Jh9Gf3Ds6Aa1Pp0Oo2Ii5Uu8Y"


def test_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cloud() as cloud:
        product = cloud.product()
        app = cloud.saas_app("Docs", product)
        device = cloud.device(product, DEVICE)
        queue = app.queue("readings", product, types=[6])
        device.report(power=12, relay=False)
        for name, value in app.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        said = {PRODUCT: product.product_key, QUEUE: queue, KEY: app.access_key, SECRET: app.access_secret}
        said |= {'region="local"': f'base_url="{cloud.base_url}"', "count == 100": "count == 1"}
        for block in BLOCKS:
            if "def test_" not in block:
                exec(compile(_with(block, said), "docs/sdk.md", "exec"), {"__name__": "docs"})
        assert device.written == [{"relay": True, "countdown": 60}]


def _with(block: str, said: dict[str, str]) -> str:
    for shown, real in said.items():
        block = block.replace(shown, real)
    return block


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("blocks")
    made = []
    for number, block in enumerate(BLOCKS):
        made.append(folder / f"block_{number}.py")
        made[-1].write_text(block)
    return [*made, EXAMPLE / "plug_guard.py"]


def test_blocks_and_example_pass_mypy(files: list[Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path)]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, cwd=ROOT / "src")
    assert done.returncode == 0, done.stdout


def test_blocks_and_example_pass_pyright(files: list[Path]) -> None:
    if shutil.which("node") is None:
        pytest.skip("pyright needs node; apt-get install nodejs")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "src")
    assert done.returncode == 0, done.stdout


def run_pytest(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "mooring.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-q",
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_tests_of_the_example_pass() -> None:
    done = run_pytest(folder=EXAMPLE)
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_tests_in_the_docs_pass(tmp_path: Path) -> None:
    [block] = [block for block in BLOCKS if "def test_" in block]
    (tmp_path / "test_docs.py").write_text(block)
    done = run_pytest(folder=tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
