"""First content of the console's pages beside the same query through /manage/v1, with a large fleet and a long log.

Both are asked by one client in turns, a page after its query; judged is the ratio of the medians by the clock.
"""

import asyncio
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec

from mooring.store import DataDirectory

from .console import session_of
from .dataset import seed_fleet
from .errors import BenchFailed
from .history import HistoryPlan, fill_log
from .processes import Cores, mooring_up, running
from .reads import ReadsPlan, fill

__all__ = ["FIRST_CONTENT", "FirstContent", "measure_pages"]

FIRST_CONTENT = 3.0
_STEP_MS = 50
_ROWS = "limit=20"


class FirstContent(msgspec.Struct, frozen=True, kw_only=True):
    """One page; times are milliseconds by the clock, medians."""

    name: str
    devices: int
    rows: int
    ratio: float
    page_ms: float
    query_ms: float

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= FIRST_CONTENT


def measure_pages(work: Path, reads: ReadsPlan, history: HistoryPlan, cores: Cores) -> list[FirstContent]:
    """Every page that has a query of its own. Raises BenchFailed."""
    data = work / "pages-data"
    _, fleet = asyncio.run(seed_fleet(data, 1))
    session = asyncio.run(session_of(data))
    fill_log(DataDirectory(data).database, history.rows, time.time_ns() // 1_000_000 - history.rows * _STEP_MS)
    fill(data, reads.devices)
    with (
        running([*cores.server, *mooring_up(data)], work / "pages.log") as server,
        httpx.Client(base_url=server.base_url, timeout=120) as client,
    ):
        client.cookies.set("mooring-session", session, domain="127.0.0.1", path="/console")
        client.headers["Authorization"] = f"Bearer {session}"
        [app] = client.get("/manage/v1/saas-apps").raise_for_status().json()["items"]
        pairs = _pairs(f"{fleet.product_key}/{fleet.device_keys[0]}", fleet.product_key, app["id"])
        return [
            _compare(client, name, page, query, history.calls, (reads.devices, history.rows))
            for name, (page, query) in pairs.items()
        ]


def _pairs(device: str, product_key: str, app_id: int) -> Mapping[str, tuple[str, str]]:
    """By the page's name: its path, and the query whose answer it shows."""
    app = f"/saas-apps/{app_id}"
    return {
        "start": ("/", "/overview"),
        "devices": ("/devices", f"/devices?{_ROWS}"),
        "devices, searched": ("/devices?text=00001", f"/devices?text=00001&{_ROWS}"),
        "device": (f"/devices/{device}", f"/devices/{device}"),
        "latest values": (f"/devices/{device}?tab=values", f"/devices/{device}/values"),
        "data log": (f"/devices/{device}?tab=data", f"/devices/{device}/logs/data?{_ROWS}"),
        "event log": (f"/devices/{device}?tab=events", f"/devices/{device}/logs/events?{_ROWS}"),
        "commands": ("/commands", f"/commands?{_ROWS}"),
        "products": ("/products", f"/products?{_ROWS}"),
        "product": (f"/products/{product_key}", f"/products/{product_key}"),
        "SaaS applications": ("/saas-apps", f"/saas-apps?{_ROWS}"),
        "API log": (f"{app}?tab=log", f"{app}/requests?{_ROWS}"),
        "API statistics": (f"{app}?tab=statistics", f"{app}/statistics"),
        "queues": ("/queues", f"/queues?{_ROWS}"),
        "subscriptions": ("/subscriptions", f"/subscriptions?{_ROWS}"),
        "audit log": ("/audit", f"/audit?{_ROWS}"),
    }


def _compare(
    client: httpx.Client, name: str, page: str, query: str, calls: int, amount: tuple[int, int]
) -> FirstContent:
    times: dict[str, list[float]] = {}
    for path in (f"/manage/v1{query}", f"/console{page}") * (calls + 1):
        started = time.perf_counter()
        answer = client.get(path)
        times.setdefault(path, []).append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise BenchFailed(f"{path} answered {answer.status_code} {answer.text[:200]}")
    query_ms, page_ms = (statistics.median(found[1:]) for found in times.values())  # the first warms up
    devices, rows = amount
    return FirstContent(
        name=name, devices=devices, rows=rows, ratio=page_ms / query_ms, page_ms=page_ms, query_ms=query_ms
    )
