"""What the SDK costs: a call by it beside the same call by bare httpx, and a thousand calls at once over one client.

Both ask the same Mooring for the same product, in turns, and decode the answer; the SDK makes a typed row of it, too.
Judged is the time of a call by the clock, SDK / httpx, median of the rounds.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from mooring.client import AsyncClient, Client, Exchange

from .dataset import Dataset, seed
from .errors import BenchFailed
from .processes import Cores, mooring_up, running

__all__ = ["SdkCost", "SdkPlan", "measure_sdk"]

AT_ONCE = 1000
_TARGET = 1.3
_PATH = "/v2/quecproductmgr/r3/openapi/product/detail"


class SdkPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure: rounds, and calls of each side in a round."""

    rounds: int
    calls: int


class SdkCost(msgspec.Struct, frozen=True, kw_only=True):
    """Time of a call by the SDK / by bare httpx. For calls at once: how many there were and how many logins they
    cost.
    """

    name: str
    target: float | None
    ratio: float | None
    sdk_us: float
    httpx_us: float | None
    calls: int
    logins: int
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met; one login is the target of calls at once."""
        return self.logins == 1 and (self.target is None or self.ratio is None or self.ratio <= self.target)


def measure_sdk(work: Path, plan: SdkPlan, cores: Cores) -> list[SdkCost]:
    """Blocking, awaiting, and at once. Raises BenchFailed when a call did."""
    data = work / "sdk-data"
    dataset = asyncio.run(seed(data))
    with running([*cores.server, *mooring_up(data)], work / "sdk.log") as server:
        return [
            _blocking(dataset, server.base_url, plan),
            asyncio.run(_awaiting(dataset, server.base_url, plan)),
            asyncio.run(_at_once(dataset, server.base_url)),
        ]


class _Logins:
    """Counts exchanges by operation."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __call__(self, exchange: Exchange) -> None:
        self.seen[exchange.operation] += 1


def _cost(name: str, plan: SdkPlan, pairs: list[tuple[float, float]], logins: int) -> SdkCost:
    rounds = [sdk / bare for sdk, bare in pairs]
    return SdkCost(
        name=name,
        target=_TARGET,
        ratio=statistics.median(rounds),
        sdk_us=statistics.median(sdk for sdk, _ in pairs) / plan.calls * 1e6,
        httpx_us=statistics.median(bare for _, bare in pairs) / plan.calls * 1e6,
        calls=plan.calls * plan.rounds,
        logins=logins,
        rounds=rounds,
    )


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _blocking(dataset: Dataset, base_url: str, plan: SdkPlan) -> SdkCost:
    with Client(dataset.access_key, dataset.access_secret, base_url=base_url) as client:
        token = client.login()
        with httpx.Client(base_url=base_url, headers={"Authorization": token.value}) as bare:

            def by_sdk() -> None:
                for _ in range(plan.calls):
                    client.products.detail(dataset.product_key)

            def by_httpx() -> None:
                for _ in range(plan.calls):
                    _check(bare.get(_PATH, params={"productKey": dataset.product_key}))

            by_sdk()
            by_httpx()
            return _cost("blocking", plan, [(_timed(by_sdk), _timed(by_httpx)) for _ in range(plan.rounds)], 1)


async def _awaiting(dataset: Dataset, base_url: str, plan: SdkPlan) -> SdkCost:
    async with AsyncClient(dataset.access_key, dataset.access_secret, base_url=base_url) as client:
        token = await client.login()
        async with httpx.AsyncClient(base_url=base_url, headers={"Authorization": token.value}) as bare:

            async def by_sdk() -> float:
                begun = time.perf_counter()
                for _ in range(plan.calls):
                    await client.products.detail(dataset.product_key)
                return time.perf_counter() - begun

            async def by_httpx() -> float:
                begun = time.perf_counter()
                for _ in range(plan.calls):
                    _check(await bare.get(_PATH, params={"productKey": dataset.product_key}))
                return time.perf_counter() - begun

            await by_sdk()
            await by_httpx()
            return _cost("awaiting", plan, [(await by_sdk(), await by_httpx()) for _ in range(plan.rounds)], 1)


async def _at_once(dataset: Dataset, base_url: str) -> SdkCost:
    told = _Logins()
    async with AsyncClient(
        dataset.access_key, dataset.access_secret, base_url=base_url, timeout=60.0, hooks=[told]
    ) as client:
        begun = time.perf_counter()
        rows = await asyncio.gather(*(client.products.detail(dataset.product_key) for _ in range(AT_ONCE)))
        seconds = time.perf_counter() - begun
    if {row.product_key for row in rows} != {dataset.product_key} or told.seen["productDetail"] != AT_ONCE:
        raise BenchFailed(f"of {AT_ONCE} calls at once not each was answered once: {told.seen}")
    return SdkCost(
        name=f"{AT_ONCE} at once",
        target=None,
        ratio=None,
        sdk_us=seconds / AT_ONCE * 1e6,
        httpx_us=None,
        calls=AT_ONCE,
        logins=told.seen["authLogin"],
        rounds=[],
    )


def _check(answer: httpx.Response) -> None:
    if answer.json()["code"] != 200:
        raise BenchFailed(f"bare httpx was answered {answer.text[:200]}")
