"""`python -m bench [--quick | --idle | --servers] [--results DIRECTORY]`.

Exit codes: 0 measured and every target met, 1 a target missed, 2 nothing that counts was measured.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from .dataset import seed
from .errors import BenchFailed
from .idle import measure_idle
from .load import CONNECTIONS, find_wrk
from .processes import cores
from .ratios import measure
from .report import show_idle, show_ratios, show_servers, write
from .rounds import Plan
from .servers import compare_servers

_WIDTH = 120  # columns of the tables in a file or pipe
_RESULTS = Path(__file__).parent / "results"
_FULL = Plan(rounds=9, seconds=1, warm_up=1)
_QUICK = Plan(rounds=1, seconds=1, warm_up=0)


def main() -> int:
    """Measure what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Mooring on this machine.")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help="one second each, not judged: only to see that it runs")
    kind.add_argument("--idle", action="store_true", help="time to start and memory at rest")
    kind.add_argument("--servers", action="store_true", help="compare ASGI servers")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="directory for the JSON files")
    asked = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as work:
        try:
            if asked.idle:
                return _idle(console, Path(work), asked.results)
            find_wrk()
            if asked.servers:
                return _servers(console, Path(work), asked.results)
            return _ratios(console, Path(work), asked.results, _QUICK if asked.quick else _FULL)
        except BenchFailed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2


def _ratios(console: Console, work: Path, results: Path, plan: Plan) -> int:
    judged = plan is _FULL
    dataset = asyncio.run(seed(work / "data"))
    found = measure(dataset, work / "data", work, plan, cores())
    show_ratios(console, found, judged=judged)
    operations = [{**msgspec.structs.asdict(entry), "met": entry.met} for entry in found]
    write(
        results / "latest.json", {"judged": judged, "connections": CONNECTIONS, "plan": plan, "operations": operations}
    )
    return 1 if judged and not all(entry.met for entry in found) else 0


def _idle(console: Console, work: Path, results: Path) -> int:
    found = measure_idle(work)
    show_idle(console, found)
    write(results / "idle.json", {"starts": found})
    return 0 if all(entry.met for entry in found) else 1


def _servers(console: Console, work: Path, results: Path) -> int:
    found = compare_servers(work, _FULL, cores())
    show_servers(console, found)
    write(results / "servers.json", {"connections": CONNECTIONS, "servers": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
