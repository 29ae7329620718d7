"""Durable uplink while 50 live pages of the console are open, beside the same uplink without them.

Half of the pages are start pages, half show the latest values of a device; each is asked for as often as the console's
script does. Judged is the ratio of messages per second of the server's processor time, which pays for the pages, too.
"""

import asyncio
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from mooring.platform import Actor, Platform, Secret
from mooring.store import Vault
from mooring.store.sqlite import SqliteStore
from mooring.store.vault import read_key_file

from .dataset import seed_fleet
from .device_load import MAX_WINDOW, Order, Outcome
from .errors import BenchFailed
from .player import Player, player
from .processes import Cores, Running, mooring_up, running
from .uplink import DEVICES, UplinkPlan

__all__ = ["PAGES", "LivePages", "measure_console", "session_of"]

PAGES = 50
_TARGET = 0.9
_EVERY_S = (5.0, 4.0)  # start page, latest values
_LEAST_S = 0.01  # the grain of the system's processor clock


class LivePages(msgspec.Struct, frozen=True, kw_only=True):
    """Messages per second of processor time with and without the pages; how many pages were answered, and how fast
    (median, ms)."""

    pages: int
    target: float
    ratio: float
    rate_with: float
    rate_without: float
    answered: int
    page_ms: float
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target


def measure_console(work: Path, plan: UplinkPlan, cores: Cores) -> list[LivePages]:
    """With and without pages in turns. Raises BenchFailed."""
    data = work / "console-data"
    _, fleet = asyncio.run(seed_fleet(data, DEVICES))
    session = asyncio.run(session_of(data))
    fleet_file = work / "console-fleet.json"
    fleet_file.write_bytes(msgspec.json.encode(fleet))
    arguments = [str(fleet_file), str(DEVICES), str(plan.messages)]
    paths = ["/console/"] * (PAGES // 2)
    paths += [f"/console/devices/{fleet.product_key}/{key}?tab=values" for key in fleet.device_keys[: PAGES // 2]]
    with (
        running([*cores.server, *mooring_up(data)], work / "console-mooring.log") as server,
        player("bench.device_load", arguments, Outcome, cores, work / "console-load.log") as load,
        _open_pages(server.base_url, session, paths) as lookers,
    ):
        _ask(load, Order(do="connect", server="Mooring", port=server.mqtt_port, password=True, devices=DEVICES))
        seconds = max(_EVERY_S) if plan.rounds > 1 else plan.seconds
        rates: dict[bool, list[float]] = {True: [], False: []}
        for number in range(plan.rounds + 1):  # the first warms up
            for looking in (number % 2 == 0, number % 2 == 1):
                lookers.look(looking)
                rates[looking].append(_rate(load, server, seconds))
        if lookers.failure:
            raise BenchFailed(f"a page of the console: {lookers.failure}")
    pairs = list(zip(rates[True][1:], rates[False][1:], strict=True))
    rounds = [looked / alone for looked, alone in pairs]
    return [
        LivePages(
            pages=PAGES,
            target=_TARGET,
            ratio=statistics.median(rounds),
            rate_with=statistics.median(looked for looked, _ in pairs),
            rate_without=statistics.median(alone for _, alone in pairs),
            answered=len(lookers.took_ms),
            page_ms=statistics.median(lookers.took_ms or [0.0]),
            rounds=rounds,
        )
    ]


class _Lookers(threading.Thread):
    """People who look, on a thread of their own; `looking` says whether they do."""

    def __init__(self, base_url: str, session: str, paths: list[str]) -> None:
        super().__init__(daemon=True)
        self.looking = threading.Event()
        self.ended = threading.Event()
        self.took_ms: list[float] = []
        self.failure = ""
        self._base_url = base_url
        self._session = session
        self._paths = paths

    def look(self, on: bool) -> None:
        """Begin or stop looking."""
        if on:
            self.looking.set()
        else:
            self.looking.clear()

    def run(self) -> None:
        asyncio.run(self._look())

    async def _look(self) -> None:
        headers = {"Cookie": f"mooring-session={self._session}", "X-Part": "overview"}
        limits = httpx.Limits(max_connections=len(self._paths))
        async with httpx.AsyncClient(base_url=self._base_url, headers=headers, limits=limits, timeout=60) as http:
            await asyncio.gather(*(self._page(http, number, path) for number, path in enumerate(self._paths)))

    async def _page(self, http: httpx.AsyncClient, number: int, path: str) -> None:
        every = _EVERY_S["?tab=" in path]
        await asyncio.sleep(every * number / len(self._paths))
        while not self.ended.is_set():
            if self.looking.is_set():
                answer = await http.get(path)
                self.took_ms.append(answer.elapsed.total_seconds() * 1000)
                if answer.status_code != 200:
                    self.failure = f"HTTP {answer.status_code} for {path}"
            await asyncio.sleep(every)


@contextmanager
def _open_pages(base_url: str, session: str, paths: list[str]) -> Iterator[_Lookers]:
    lookers = _Lookers(base_url, session, paths)
    lookers.start()
    try:
        yield lookers
    finally:
        lookers.ended.set()
        lookers.join(max(_EVERY_S) + 5)


def _rate(load: Player[Outcome], server: Running, seconds: float) -> float:
    before = server.processor_s()
    outcome = _ask(load, Order(do="run", server="Mooring", seconds=seconds, window=MAX_WINDOW))
    return (outcome.messages + outcome.late) / max(server.processor_s() - before, _LEAST_S)


def _ask(load: Player[Outcome], order: Order) -> Outcome:
    outcome = load.order(order)
    if outcome.error:
        raise BenchFailed(outcome.error)
    return outcome


async def session_of(data: Path) -> str:
    """A session of the owner."""
    key = read_key_file(data / "secret.key")
    if key is None:
        raise BenchFailed("the data directory has no secret key")
    store = SqliteStore(data / "mooring.sqlite3")
    try:
        platform = await Platform.open(store, Vault(key))
        account = next(iter(platform.directory.accounts()))
        owner = platform.accounts.administrators(account.id)[0]
        # The password is for one use, and only an own one opens the console.
        password = await platform.accounts.reset_password(Actor(account.id, "bench", "local"), owner.id)
        owner = platform.accounts.administrators(account.id)[0]
        await platform.accounts.change_password(owner, "local", password, Secret("a password of the benchmark"))
        owner = platform.accounts.administrators(account.id)[0]
        return (await platform.accounts.make_token(owner, "local", "benchmark")).text.reveal()
    finally:
        await store.close()
