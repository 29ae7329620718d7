"""Messages of queues in a month: counted, and limited for paid queues when the setting is there (messages.md 7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Limits, Platform
from mooring.platform.entities import App
from mooring.platform.products import NewProduct
from mooring.platform.routes import Queue
from mooring.platform.saas_apps import NewApp
from mooring.platform.subscriptions import NewSubscription
from mooring.store import Store, StoreUnavailable, Vault

PRODUCTS = 101


class Office:
    """An account with two applications; products that are made are told to all running subscriptions."""

    def __init__(self, platform: Platform, actor: Actor) -> None:
        self.platform = platform
        self.actor = actor
        self.made = 0

    async def app(self, name: str) -> App:
        return await self.platform.saas_apps.create(self.actor, NewApp(name))

    async def queue(self, app: App, name: str) -> Queue:
        """A queue that hears of products."""
        queue = await self.platform.queues.create(self.actor, app, name)
        new = NewSubscription(name=name, queue=name, codes=(PRODUCTS,))
        found = await self.platform.subscriptions.create(self.actor, app, new)
        await self.platform.subscriptions.start(self.actor, found.id)
        return queue

    async def happen(self, times: int = 1) -> None:
        for _ in range(times):
            self.made += 1
            await self.platform.products.create(self.actor, NewProduct(f"Product {self.made}"))

    async def pushed(self, *queues: Queue) -> list[tuple[int, int]]:
        """What each has got this month, and what waits in it."""
        details = [await self.platform.queues.detail(self.actor.account_id, queue.id) for queue in queues]
        return [(detail.pushed_this_month, detail.state.waiting) for detail in details]


@asynccontextmanager
async def opened(store: Store, vault: Vault, clock: FakeClock, limit: int | None) -> AsyncIterator[Platform]:
    platform = await Platform.open(
        store, vault, clock=clock, entropy=FakeEntropy(), limits=Limits(paid_pushes_per_month=limit)
    )
    await platform.recover()
    yield platform
    await platform.close()


@pytest.fixture
async def office(store: Store, vault: Vault, clock: FakeClock) -> AsyncIterator[Office]:
    async with opened(store, vault, clock, 3) as platform:
        made = await platform.accounts.bootstrap("admin@example.com")
        assert made is not None
        yield Office(platform, Actor(made.account.id, made.email, "192.0.2.7"))


def next_month(clock: FakeClock) -> None:
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    year, month = divmod(now.year * 12 + now.month, 12)
    clock.advance(int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000) - clock.now_ms())


async def test_paid_queues_share_an_allowance_and_free_ones_go_on(office: Office, clock: FakeClock) -> None:
    fleet, shop = await office.app("Fleet"), await office.app("Shop")
    free, paid = await office.queue(fleet, "free"), await office.queue(fleet, "paid")
    other_free, other_paid = await office.queue(shop, "other-free"), await office.queue(shop, "other-paid")
    every = (free, paid, other_free, other_paid)
    assert [queue.is_free for queue in every] == [True, False, True, False]
    await office.happen()
    assert await office.pushed(*every) == [(1, 1)] * 4
    await office.happen(3)  # what crosses the line still passes whole
    assert await office.pushed(*every) == [(4, 4), (2, 2), (4, 4), (2, 2)]
    next_month(clock)
    assert await office.pushed(*every) == [(0, 4), (0, 2), (0, 4), (0, 2)]


async def test_the_next_month_opens_them_again(office: Office, clock: FakeClock) -> None:
    app = await office.app("Fleet")
    free, paid = await office.queue(app, "free"), await office.queue(app, "paid")
    await office.happen(5)
    next_month(clock)
    await office.platform.push_quota.flush()
    await office.happen()
    assert [pushed for pushed, _ in await office.pushed(free, paid)] == [1, 1]


async def test_another_queue_or_process_does_not_begin_anew(
    office: Office, store: Store, vault: Vault, clock: FakeClock
) -> None:
    app = await office.app("Fleet")
    free, paid = await office.queue(app, "free"), await office.queue(app, "paid")
    await office.happen(4)
    [running] = [one for one in office.platform.subscriptions.all(office.actor.account_id) if one.queue_id == paid.id]
    await office.platform.subscriptions.stop(office.actor, running.id)
    await office.platform.subscriptions.delete(office.actor, running.id)
    await office.platform.queues.delete(office.actor, paid.id)
    await office.platform.push_quota.flush()
    async with opened(store, vault, clock, 3) as platform:
        later = Office(platform, office.actor)
        later.made = office.made
        assert platform.push_quota.pushed(free.id) == 4
        second = await later.queue(app, "second")
        await platform.push_quota.load()
        await later.happen()
        assert await later.pushed(free, second) == [(5, 5), (0, 0)]


async def test_without_the_setting_it_is_counted_only(store: Store, vault: Vault, clock: FakeClock) -> None:
    async with opened(store, vault, clock, None) as platform:
        made = await platform.accounts.bootstrap("admin@example.com")
        assert made is not None
        office = Office(platform, Actor(made.account.id, made.email, "192.0.2.7"))
        app = await office.app("Fleet")
        queues = [await office.queue(app, name) for name in ("free", "paid")]
        await office.happen(20)
        assert await office.pushed(*queues) == [(20, 20), (20, 20)]


async def test_counts_that_could_not_be_written_are_written_later(office: Office, store: Store) -> None:
    app = await office.app("Fleet")
    free = await office.queue(app, "free")
    await office.happen(2)

    async def down(*_: object) -> None:
        raise StoreUnavailable("down")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "write", down)
        with pytest.raises(StoreUnavailable):
            await office.platform.push_quota.flush()
    await office.happen()
    await office.platform.push_quota.flush()
    await office.platform.push_quota.load()
    assert office.platform.push_quota.pushed(free.id) == 3
