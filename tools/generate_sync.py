"""Writes `client/_sync` from `client/_async`: the same modules without waiting.

    .venv/bin/python tools/generate_sync.py

`tests/client/test_client_sync.py` fails when that was forgotten.
"""

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["SOURCE", "TARGET", "render"]

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src/mooring/client/_async"
TARGET = ROOT / "src/mooring/client/_sync"

HEADING = "# Made of {source} by tools/generate_sync.py; change that.\n"

_RULES: tuple[tuple[str, str], ...] = (
    (r"Awaitable\[((?:[^\[\]]|\[[^\[\]]*\])*)\]", r"\1"),
    (r"from collections\.abc import Awaitable\n", ""),
    (r"(from collections\.abc import .*?)\bAwaitable, ", r"\1"),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b(_?)Async([A-Z])", r"\1\2"),
    (r"\b_async\b", "_sync"),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\b(a)(close|iter|next)\b", r"\2"),
    (r"StopAsyncIteration", "StopIteration"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"asyncio\.Lock", "threading.Lock"),
    (r"^import asyncio\n", "import threading\nimport time\n"),
    (r"for asyncio\.", "for code without an event loop."),
    (r"between tasks of one loop", "between threads"),
    (r"The client that awaits\. .*", 'The client that blocks, made of `_async` by `tools/generate_sync.py`."""'),
)


def render(path: Path) -> str:
    """Return the blocking form of a module, formatted."""
    text = path.read_text()
    for pattern, replacement in _RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = re.sub(r"(import time\n)(.*?)import time\n", r"\1\2", text, flags=re.DOTALL)
    name = TARGET / path.name
    for command in (
        ["check", "--fix", "--quiet", "--unsafe-fixes", "--select", "I,F401,UP028,C416"],
        ["format", "--quiet"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(name), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        text = done.stdout
    return HEADING.format(source=f"_async/{path.name}") + text


def main() -> None:
    """Write all modules."""
    TARGET.mkdir(exist_ok=True)
    sources = sorted(SOURCE.glob("*.py"))
    for stale in {path.name for path in TARGET.glob("*.py")} - {path.name for path in sources}:
        (TARGET / stale).unlink()
    for path in sources:
        (TARGET / path.name).write_text(render(path))


if __name__ == "__main__":
    main()
