"""The blocking client is made of the awaiting one, and says the same."""

from pathlib import Path

import pytest
from tools.generate_sync import SOURCE, TARGET, render

MODULES = sorted(SOURCE.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_made_modules_are_current(path: Path) -> None:
    assert (TARGET / path.name).read_text() == render(path), "run tools/generate_sync.py"


def test_there_is_nothing_else_among_them() -> None:
    assert {path.name for path in TARGET.glob("*.py")} == {path.name for path in MODULES}


def test_nothing_awaits_among_them() -> None:
    for path in TARGET.glob("*.py"):
        assert not {"await", "async", "asyncio"} & set(path.read_text().replace("_async/", " ").split())
