"""Queues and subscriptions: what stops when something goes, suspension, and callers who come at the same time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import pytest
from structlog.testing import capture_logs

from fakes import FakeClock
from mooring.platform import Actor, Conflict, LimitReached, Missing, Platform, PlatformError
from mooring.platform.devices import NewDevice
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.entities import App, Product
from mooring.platform.queues import IDLE_DAYS, SUSPENDED, WARNED_DAYS, Queues
from mooring.platform.routes import Queue, Subscription
from mooring.platform.saas_apps import NewApp
from mooring.platform.subscriptions import NewSubscription, Subscriptions
from mooring.platform.waiting_line import Held
from mooring.store.queue_messages import TOTALS, TOTALS_OF_ALL
from queued import push

DAY_MS = 86_400_000
DOMAIN = "C.DM.1.1"


class Consumer:
    """Somebody who takes everything and never acknowledges."""

    def __init__(self) -> None:
        self.got: list[Held] = []
        self.cancelled: list[str] = []

    def room(self) -> int:
        return 1_000

    def deliver(self, messages: Sequence[Held]) -> bool:
        self.got += messages
        return True

    def cancel(self, reason: str) -> None:
        self.cancelled.append(reason)

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        raise AssertionError(reason)


class Scene:
    """An application with a queue and a running subscription of each level."""

    def __init__(self, platform: Platform, actor: Actor, app: App, product: Product) -> None:
        self.platform = platform
        self.actor = actor
        self.app = app
        self.product = product
        self.end_user_app_id = 0
        self.ids: dict[str, int] = {}

    async def make(self, *levels: str) -> None:
        platform, key = self.platform, self.product.product_key
        await platform.saas_apps.authorize_product(self.actor, self.app.id, key)
        await platform.devices.add_many(self.actor, key, [NewDevice("DK00001"), NewDevice("DK00002")])
        domain = NewEndUserApp("App", user_domain=DOMAIN, domain_secret="x" * 40)
        self.end_user_app_id = (await platform.end_user_apps.create(self.actor, domain)).id
        await platform.end_user_apps.authorize(self.actor, self.app.id, self.end_user_app_id)
        about = {
            "product": {"codes": [1], "product_key": key},
            "device": {"codes": [1], "product_key": key, "device_key": "DK00001"},
            "domain": {"codes": [201], "user_domain": DOMAIN},
            "saas": {"codes": [101]},
        }
        for level in levels:
            await platform.queues.create(self.actor, self.app, level)
            new = NewSubscription(name=level, queue=level, **about[level])  # type: ignore[arg-type]
            made = await platform.subscriptions.create(self.actor, self.app, new)
            await platform.subscriptions.start(self.actor, made.id)
            self.ids[level] = made.id

    def queue(self, name: str) -> Queue:
        return self.platform.queues.by_name(self.actor.account_id, name)

    def one(self, level: str) -> Subscription:
        return self.platform.subscriptions.one(self.actor.account_id, self.ids[level])

    def running(self) -> set[str]:
        """Levels that run; the queue of each is started exactly then."""
        found = {level for level in self.ids if self.one(level).running}
        assert {level for level in self.ids if self.queue(level).status == 1} == found
        return found


@pytest.fixture
async def scene(platform: Platform, actor: Actor, app: App, product: Product) -> Scene:
    made = Scene(platform, actor, app, product)
    await made.make("product", "device", "domain", "saas")
    return made


# What stops when something goes


async def withdraw_product(scene: Scene) -> None:
    await scene.platform.saas_apps.cancel_product(scene.actor, scene.app.id, scene.product.product_key)


async def delete_product(scene: Scene) -> None:
    await scene.platform.products.delete(scene.actor, scene.product.product_key, force=True)


async def delete_device(scene: Scene) -> None:
    await scene.platform.devices.delete(scene.actor, scene.product.product_key, "DK00001")


async def delete_other_device(scene: Scene) -> None:
    await scene.platform.devices.delete(scene.actor, scene.product.product_key, "DK00002")


async def reset_device(scene: Scene) -> None:
    await scene.platform.devices.reset(scene.actor, scene.product.product_key, "DK00001")


async def withdraw_domain(scene: Scene) -> None:
    await scene.platform.end_user_apps.cancel(scene.actor, scene.app.id, scene.end_user_app_id)


async def delete_domain(scene: Scene) -> None:
    await scene.platform.end_user_apps.delete(scene.actor, scene.end_user_app_id)


@pytest.mark.parametrize(
    ("happening", "stopped", "again"),
    [
        (withdraw_product, {"product", "device"}, 70089),
        (delete_product, {"product", "device"}, 70089),
        (delete_device, {"device"}, 70130),
        (delete_other_device, set(), None),
        (reset_device, set(), None),
        (withdraw_domain, {"domain"}, 70060),
        (delete_domain, {"domain"}, 70060),
    ],
)
async def test_subscriptions_stop_with_what_they_are_about(
    scene: Scene, happening: Callable[[Scene], Awaitable[None]], stopped: set[str], again: int | None
) -> None:
    assert scene.running() == {"product", "device", "domain", "saas"}
    await happening(scene)
    assert scene.running() == {"product", "device", "domain", "saas"} - stopped
    for level in stopped:
        with pytest.raises(Missing) as caught:
            await scene.platform.subscriptions.start(scene.actor, scene.ids[level])
        assert caught.value.wire == again
    await scene.platform.directory.load()
    assert scene.running() == {"product", "device", "domain", "saas"} - stopped


async def test_a_queue_stays_started_while_another_subscription_runs_into_it(scene: Scene) -> None:
    subscriptions = scene.platform.subscriptions
    new = NewSubscription(name="second", queue="product", codes=[101])
    second = await subscriptions.create(scene.actor, scene.app, new)
    await subscriptions.start(scene.actor, second.id)
    await withdraw_product(scene)
    assert (scene.one("product").running, scene.queue("product").status) == (False, 1)
    await subscriptions.stop(scene.actor, second.id)
    assert scene.queue("product").status == 0


async def test_a_withdrawn_product_may_come_back_and_its_subscriptions_wait_for_a_start(scene: Scene) -> None:
    await withdraw_product(scene)
    await scene.platform.saas_apps.authorize_product(scene.actor, scene.app.id, scene.product.product_key)
    assert scene.running() == {"domain", "saas"}
    await scene.platform.subscriptions.start(scene.actor, scene.ids["product"])
    assert scene.running() == {"domain", "saas", "product"}


async def test_queues_and_consumers_go_with_their_application(scene: Scene) -> None:
    platform = scene.platform
    await platform.recover()
    consumer, queue = Consumer(), scene.queue("saas")
    platform.message_queues.attach(queue.id, consumer)
    await push(platform, queue.id, b"{}", b"{}")
    other = await platform.saas_apps.create(scene.actor, NewApp("Other"))
    kept = await platform.queues.create(scene.actor, other, "kept")
    await push(platform, kept.id, b"{}")
    await platform.saas_apps.delete(scene.actor, scene.app.id)
    assert consumer.cancelled == ["the queue was deleted"]
    assert [one.name for one in platform.queues.all(scene.actor.account_id)] == ["kept"]
    assert platform.subscriptions.all(scene.actor.account_id) == []
    await platform.journal.settle()
    assert len(await platform.queues.peek(scene.actor.account_id, kept.id, 5)) == 1
    entry = (await platform.ledger.entries(scene.actor.account_id))[0]
    assert (entry.action, sorted(entry.detail["queues"])) == (  # type: ignore[call-overload]
        "app.delete",
        ["device", "domain", "product", "saas"],
    )


async def test_what_waits_is_added_up_for_each_queue_or_for_one(scene: Scene) -> None:
    platform = scene.platform
    await platform.recover()
    product, device = scene.queue("product").id, scene.queue("device").id
    await push(platform, product, b"{}", b'{"a":1}')
    await push(platform, device, b"{}")
    rows = await platform.store.scan(TOTALS_OF_ALL)
    assert {row.queue_id: (row.count, row.size) for row in rows} == {product: (2, 9), device: (1, 2)}
    [one] = await platform.store.scan(TOTALS, of_queue=product)
    assert (one.count, one.size) == (2, 9)


# Suspension


async def test_a_queue_that_nobody_uses_is_warned_of_then_suspended_and_revives(scene: Scene, clock: FakeClock) -> None:
    platform = scene.platform
    await platform.recover()
    queue = scene.queue("saas")
    clock.advance((IDLE_DAYS - WARNED_DAYS) * DAY_MS)
    await push(platform, queue.id, b"{}")
    with capture_logs() as logs:
        await platform.queues.suspend_idle()
        await platform.queues.suspend_idle()
    warned = [(log["event"], log["idle_days"]) for log in logs if log.get("queue") == queue.full_name]
    assert warned == [("queue is about to be suspended", IDLE_DAYS - WARNED_DAYS)]
    assert scene.queue("saas").status == 1

    clock.advance(WARNED_DAYS * DAY_MS)
    await platform.queues.suspend_idle()
    assert (scene.queue("saas").status, scene.queue("saas").suspended_at) == (SUSPENDED, clock.now_ms())
    assert (scene.one("saas").running, (await platform.queue_engine.inspect(queue.id)).waiting) == (False, 0)
    with pytest.raises(Missing):
        await platform.subscriptions.start(scene.actor, 7)

    clock.advance(DAY_MS)
    await platform.subscriptions.start(scene.actor, scene.ids["saas"])
    revived = scene.queue("saas")
    assert (revived.status, revived.suspended_at) == (1, None)
    clock.advance((IDLE_DAYS - WARNED_DAYS) * DAY_MS - 1)
    await platform.queues.suspend_idle()
    assert scene.queue("saas").status == 1
    assert (await platform.queues.detail(scene.actor.account_id, queue.id)).suspends_at is None


async def test_a_consumer_that_gets_nothing_keeps_its_queue_also_over_a_restart(
    scene: Scene, clock: FakeClock, platform: Platform
) -> None:
    await platform.recover()
    queue, consumer = scene.queue("saas"), Consumer()
    platform.message_queues.attach(queue.id, consumer)
    clock.advance(IDLE_DAYS * DAY_MS)
    await platform.queues.suspend_idle()
    assert scene.queue("saas").status == 1
    # A process that starts now knows of no consumer, and keeps house before any can be back.
    restarted = Queues(platform.ledger, platform.message_queues, platform.push_quota, limit=50)
    platform.message_queues.detach(queue.id, consumer)
    [used_at] = [(await restarted.detail(scene.actor.account_id, queue.id)).used_at]
    assert used_at == clock.now_ms()
    clock.advance(IDLE_DAYS * DAY_MS - 1)
    await restarted.suspend_idle()
    assert scene.queue("saas").status == 1


# At the same time


async def outcomes(*calls: Awaitable[object]) -> list[int | None]:
    """The wire code of each call, None for a success; sorted."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for error in found:
        if isinstance(error, BaseException) and not isinstance(error, PlatformError):
            raise error
    return sorted(
        (error.wire if isinstance(error, PlatformError) else None for error in found), key=lambda wire: wire or 0
    )


async def test_of_many_starts_one_succeeds(scene: Scene) -> None:
    subscriptions, one = scene.platform.subscriptions, scene.ids["product"]
    await subscriptions.stop(scene.actor, one)
    assert await outcomes(*(subscriptions.start(scene.actor, one) for _ in range(5))) == [None, *[16020] * 4]
    assert await outcomes(*(subscriptions.stop(scene.actor, one) for _ in range(5))) == [None, *[16021] * 4]


async def test_a_deletion_and_a_start_never_both_succeed(scene: Scene) -> None:
    subscriptions = scene.platform.subscriptions
    for _ in range(5):
        new = NewSubscription(name="x", queue="saas", codes=[101])
        one = (await subscriptions.create(scene.actor, scene.app, new)).id
        found = await outcomes(subscriptions.start(scene.actor, one), subscriptions.delete(scene.actor, one))
        assert found in ([None, 16011], [None, 16019])
        with contextlib.suppress(Missing):
            await subscriptions.stop(scene.actor, one)
            await subscriptions.delete(scene.actor, one)


async def test_a_queue_is_started_exactly_while_something_runs_whoever_comes_first(scene: Scene) -> None:
    subscriptions = scene.platform.subscriptions
    ids = [scene.ids["saas"]]
    for number in range(3):
        new = NewSubscription(name=f"n{number}", queue="saas", codes=[101])
        ids.append((await subscriptions.create(scene.actor, scene.app, new)).id)
    for turn in range(6):
        calls = [
            (subscriptions.stop if subscriptions.one(scene.actor.account_id, one).running else subscriptions.start)(
                scene.actor, one
            )
            for one in ids[turn % 2 :]
        ]
        await asyncio.gather(*calls)
        some = any(subscriptions.one(scene.actor.account_id, one).running for one in ids)
        assert scene.queue("saas").status == int(some)


async def test_a_start_and_a_withdrawal_leave_nothing_running(scene: Scene) -> None:
    subscriptions, one = scene.platform.subscriptions, scene.ids["product"]
    await subscriptions.stop(scene.actor, one)
    found = await outcomes(subscriptions.start(scene.actor, one), withdraw_product(scene))
    assert found in ([None, None], [None, 70089])
    assert "product" not in scene.running()


async def test_a_queue_goes_or_a_subscription_points_to_it(scene: Scene) -> None:
    platform = scene.platform
    for number in range(4):
        queue = await platform.queues.create(scene.actor, scene.app, f"q{number}")
        new = NewSubscription(name="x", queue=queue.name, codes=[101])
        found = await outcomes(
            platform.subscriptions.create(scene.actor, scene.app, new), platform.queues.delete(scene.actor, queue.id)
        )
        assert found in ([None, 16002], [None, 16008])


async def test_limits_and_the_free_queue_hold_when_many_come_at_once(
    platform: Platform, actor: Actor, app: App
) -> None:
    queues = Queues(platform.ledger, platform.queue_engine, platform.push_quota, limit=3)
    made = await outcomes(*(queues.create(actor, app, f"q{number}") for number in range(6)))
    assert made == [None] * 3 + [16007] * 3
    assert [queue.is_free for queue in queues.all(actor.account_id)].count(True) == 1
    subscriptions = Subscriptions(platform.ledger, queues, platform.devices, limit=2)
    name = queues.all(actor.account_id)[0].name
    new = NewSubscription(name="x", queue=name, codes=[101])
    assert await outcomes(*(subscriptions.create(actor, app, new) for _ in range(4))) == [None, None, 16018, 16018]
    with pytest.raises(LimitReached):
        await queues.create(actor, app, "more")
    with pytest.raises(Conflict):
        await Queues(platform.ledger, platform.queue_engine, platform.push_quota, limit=9).create(actor, app, name)
