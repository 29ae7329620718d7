"""`kill -9` of the server and of consumers while devices report: each report that was acknowledged reaches a consumer,
and what a consumer knows to be settled never comes again.

An acknowledgement that was on its way when either side died may come to nothing: that message comes again, flagged.
"""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.history import History, loaded, static_devices
from served import Served, eventually, serving

ROUNDS = 2
ACKNOWLEDGED = 600  # uplinks before each kill of the server
KEYS = [f"DK{number:05}" for number in range(12)]
BATCH = 10  # messages that a consumer acknowledges at once
WINDOWS = {key: 1 if number < 8 else 16 for number, key in enumerate(KEYS)}


class Consumed:
    """What the consumers of a test wrote down; each has a file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir()

    def new(self) -> Path:
        """An empty file for one more consumer."""
        path = self._directory / str(len(list(self._directory.iterdir())))
        path.touch()
        return path

    def lines(self, kind: str) -> Iterator[list[str]]:
        """The words of each line after its kind; a line that a kill cut off does not count."""
        for path in self._directory.iterdir():
            for line in path.read_text().splitlines(keepends=True):
                if line.startswith(kind) and line.endswith("\n"):
                    yield line.split()[1:]

    @property
    def settled(self) -> int:
        return sum(len(words) - 1 for words in self.lines("S"))


@contextmanager
def consuming(cloud: Served, path: Path, batch: int = BATCH) -> "Iterator[subprocess.Popen[str]]":
    """A consumer process that writes to the path, and is killed with the block."""
    place = cloud.demo["amqp"]
    command = [sys.executable, "-m", "faults.consumer", place["url"], place["queue"], str(path), str(batch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as process:
        assert process.stdin is not None
        process.stdin.write(f"{cloud.demo['access_key']} {cloud.demo['access_secret']}")
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def waits(cloud: Served) -> int:
    """Messages in the queue, those with consumers included."""
    [queue] = [
        one for one in cloud.manage("GET", "/queues")["items"] if one["full_name"] == cloud.demo["amqp"]["queue"]
    ]
    detail = cloud.manage("GET", f"/queues/{queue['id']}")
    found: int = detail["waiting"] + detail["unacked"]
    return found


def run_until_killed(cloud: Served, history: History, consumed: Consumed, load: "subprocess.Popen[str]") -> None:
    """Two consumers die, one with all that it got, another one comes, then the server dies; the load ends by itself."""
    settled, acknowledged = consumed.settled + ACKNOWLEDGED // 4, history.size + ACKNOWLEDGED
    kept = consumed.new()
    with (
        consuming(cloud, consumed.new()),
        consuming(cloud, consumed.new()) as second,
        consuming(cloud, kept, 0) as third,
    ):
        eventually(lambda: consumed.settled >= settled and "R" in kept.read_text())
        second.kill()
        third.kill()
        with consuming(cloud, consumed.new()):
            eventually(lambda: history.size >= acknowledged)
            cloud.running.process.kill()
            cloud.running.stopped = cloud.running.process.wait()
            load.wait(60)


def test_rounds_of_kill_9_under_load(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    history = History(tmp_path / "history")
    consumed = Consumed(tmp_path / "consumed")
    data = tmp_path / "data"
    with serving(data, *arguments) as cloud:
        secrets = static_devices(cloud, KEYS)
    for turn in range(ROUNDS):
        with serving(data, *arguments) as cloud, loaded(cloud, history, secrets, turn * 1_000_000, WINDOWS) as load:
            run_until_killed(cloud, history, consumed, load)
    with serving(data, *arguments) as cloud, consuming(cloud, consumed.new()):
        eventually(lambda: waits(cloud) == 0)
    check(history, consumed)


def check(history: History, consumed: Consumed) -> None:
    """Nothing is lost, nothing that is settled comes again, and what comes again says so."""
    arrivals: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    reports: dict[str, set[int]] = defaultdict(set)
    for at, ticket, redelivered, key, number in consumed.lines("R"):
        arrivals[ticket].append((int(at), redelivered == "1"))
        if key in KEYS:
            reports[key].add(int(number))
    for key, numbers in history.of("A").items():
        missing = set(numbers) - reports[key]
        assert not missing, f"{key}: {len(missing)} of {len(numbers)} acknowledged reports reached no consumer"
    for at, *tickets in consumed.lines("S"):
        for ticket in tickets:
            assert all(came <= int(at) for came, _ in arrivals[ticket]), f"{ticket} came again after it was settled"
    for ticket, came in arrivals.items():
        assert all(redelivered for _, redelivered in sorted(came)[1:]), f"{ticket} came again without saying so"
    assert len(arrivals) < sum(map(len, arrivals.values())), "no message came twice: the kills hit nothing"
