"""Subscriptions: which messages go into which queue (contract/messages.md sections 5 and 8).

Made stopped; only stopped ones change or go. A product's and a device's stop with the authorization of the product.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from mooring.store import Write, WriteRefused
from mooring.store import queues as statements

from .devices import Devices
from .entities import App, Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .ledger import Actor, Ledger
from .message_codes import DOMAIN_CODES, SAAS_CODES, device_codes
from .queues import STARTED, STOPPED, SUSPENDED, Queues
from .routes import Queue, Subscription

__all__ = ["NewSubscription", "SubscriptionChanges", "Subscriptions"]

_NAME = re.compile(r"[\u4e00-\u9fffA-Za-z0-9_-]{1,128}")


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription to make: at device level with both keys, at product level with the product's, at the level of end
    users with their domain, else at the level of the application. `queue` is a short or a full name."""

    name: str
    queue: str
    codes: Sequence[int]
    product_key: str | None = None
    device_key: str | None = None
    user_domain: str | None = None

    @property
    def level(self) -> str:
        """What it is about."""
        if self.user_domain is not None:
            return "domain"
        if self.product_key is None:
            return "saas"
        return "product" if self.device_key is None else "device"


class SubscriptionChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; None leaves a member alone."""

    name: str | None = None
    queue: str | None = None
    codes: Sequence[int] | None = None


class Subscriptions:
    """What applications and administrators do with subscriptions."""

    def __init__(self, ledger: Ledger, queues: Queues, devices: Devices, *, limit: int) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._queues = queues
        self._devices = devices
        self._limit = limit

    def all(self, account_id: int, app_id: int | None = None) -> list[Subscription]:
        """Subscriptions of the account, or of one application, newest first."""
        found = self._directory.subscriptions(account_id)
        return found if app_id is None else [one for one in found if one.app_id == app_id]

    def one(self, account_id: int, subscription_id: int, app_id: int | None = None) -> Subscription:
        """One subscription. Raises Missing (16011; 70060 when it is another application's)."""
        found = self._directory.subscription(subscription_id)
        if found is None or found.account_id != account_id:
            message = f"there is no subscription {subscription_id}"
            raise Missing("no_such_subscription", message, field="subscribeId", wire=16011)
        if app_id not in (None, found.app_id):
            message = f"subscription {subscription_id} is another application's"
            raise Missing("no_such_subscription", message, field="subscribeId", wire=70060)
        return found

    def queue_of(self, subscription: Subscription) -> Queue:
        """Its queue. Raises Missing."""
        return self._queues.one(subscription.account_id, subscription.queue_id)

    async def create(self, actor: Actor, app: App, new: NewSubscription) -> Subscription:
        """A stopped subscription. Raises Missing, Invalid, LimitReached (16018)."""
        _check_name(new.name)
        product, device_id = await self._target(app, new)
        codes = _checked(new.codes, _allowed(new.level, product))
        queue = self._queues.by_name(app.account_id, new.queue, app.id)
        if len(self.all(app.account_id)) >= self._limit:
            message = f"the account has {self._limit} subscriptions, which is its limit"
            raise LimitReached("subscription_limit", message, wire=16018)
        row = statements.SubscriptionRow(
            id=self._ledger.ids.next(),
            account_id=app.account_id,
            app_id=app.id,
            queue_id=queue.id,
            name=new.name,
            level=new.level,
            product_id=product.id if product is not None else None,
            product_key=new.product_key,
            device_id=device_id,
            device_key=new.device_key,
            user_domain=new.user_domain,
            codes=msgspec.json.encode(codes).decode(),
            running=False,
            created_at=self._ledger.clock.now_ms(),
            updated_at=None,
        )
        await self._commit(actor, "subscription.create", row.name, row.id, statements.ADD_SUBSCRIPTION.of(row))
        return self.one(app.account_id, row.id)

    async def update(
        self, actor: Actor, subscription_id: int, changes: SubscriptionChanges, app_id: int | None = None
    ) -> Subscription:
        """Change a stopped subscription. Raises Missing, Invalid, Conflict (16022 while it runs)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        if found.running:
            raise _running(found, 16022)
        name, codes, queue_id = found.name, found.codes, found.queue_id
        if changes.name is not None:
            _check_name(changes.name)
            name = changes.name
        if changes.codes is not None:
            product = self._directory.product(found.product_id) if found.product_id is not None else None
            codes = _checked(changes.codes, _allowed(found.level, product))
        if changes.queue is not None:
            queue_id = self._queues.by_name(found.account_id, changes.queue, found.app_id).id
        if (name, codes, queue_id) == (found.name, found.codes, found.queue_id):
            raise Invalid("nothing_to_change", "nothing differs from what is stored", wire=50005)
        write = statements.UPDATE_SUBSCRIPTION(
            of_subscription=found.id,
            new_name=name,
            new_codes=msgspec.json.encode(codes).decode(),
            new_queue=queue_id,
            now=self._ledger.clock.now_ms(),
        ).must(f"subscription {found.name}")
        try:
            await self._commit(actor, "subscription.update", name, found.id, write)
        except WriteRefused:
            raise _running(found, 16022) from None
        return self.one(found.account_id, found.id)

    async def delete(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> None:
        """Delete a stopped subscription. Raises Missing, Conflict (16019 while it runs)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        if found.running:
            raise _running(found, 16019)
        write = statements.DELETE_SUBSCRIPTION(of_subscription=found.id).must(f"subscription {found.name}")
        try:
            await self._commit(actor, "subscription.delete", found.name, found.id, write)
        except WriteRefused:
            raise _running(found, 16019) from None

    async def start(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> Subscription:
        """Let messages flow, from now on; a suspended queue revives. Raises Missing (70089, 70130), Conflict 16020."""
        found = self.one(actor.account_id, subscription_id, app_id)
        if found.running:
            raise _running(found, 16020)
        await self._still_there(found)
        queue = self.queue_of(found)
        now = self._ledger.clock.now_ms()
        writes = [statements.SET_RUNNING(of_subscription=found.id, new_running=True, now=now).must(found.name)]
        if queue.status != STARTED:
            writes.append(_status(queue, STARTED, now))
        try:
            await self._commit(actor, "subscription.start", found.name, found.id, *writes)
        except WriteRefused:
            raise _running(found, 16020) from None
        await self._queues.revive(queue.id)
        return self.one(found.account_id, found.id)

    async def stop(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> Subscription:
        """Let nothing more in; what is queued stays. Raises Missing, Conflict (16021)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        if not found.running:
            raise Conflict("not_running", f"subscription {found.name} does not run", wire=16021)
        try:
            await self._commit(actor, "subscription.stop", found.name, found.id, *self._stops([found]))
        except WriteRefused:
            raise Conflict("not_running", f"subscription {found.name} does not run", wire=16021) from None
        return self.one(found.account_id, found.id)

    def stops_of_product(self, product_id: int, device_id: int | None = None) -> list[Write]:
        """Writes that stop what runs for a product, or for one of its devices, that goes away."""
        account = self._directory.product(product_id)
        if account is None:
            return []
        running = [
            one
            for one in self.all(account.account_id)
            if one.running and one.product_id == product_id and device_id in (None, one.device_id)
        ]
        return self._stops(running)

    def _stops(self, stopping: Sequence[Subscription]) -> list[Write]:
        now = self._ledger.clock.now_ms()
        writes = [
            statements.SET_RUNNING(of_subscription=one.id, new_running=False, now=now).must(one.name)
            for one in stopping
        ]
        ids = {one.id for one in stopping}
        for queue_id in {one.queue_id for one in stopping}:
            queue = self._directory.queue(queue_id)
            others = [
                one
                for one in self._directory.subscriptions(stopping[0].account_id)
                if one.queue_id == queue_id and one.running and one.id not in ids
            ]
            if queue is not None and queue.status == STARTED and not others:
                writes.append(_status(queue, STOPPED, now))
        return writes

    async def _target(self, app: App, new: NewSubscription) -> tuple[Product | None, int | None]:
        if new.product_key is None:
            return None, None
        product = self._directory.product_by_key(new.product_key)
        if product is None:
            raise Missing("no_such_product", f"there is no product {new.product_key[:40]!r}", wire=70017)
        if product.app_id != app.id:
            raise Missing("no_such_product", f"product {new.product_key} is not authorized", wire=70089)
        if new.device_key is None:
            return product, None
        device = await self._devices.find(product.id, new.device_key)
        if device is None:
            raise Missing("no_such_device", f"there is no device {new.device_key[:40]!r}", wire=70130)
        return product, device.id

    async def _still_there(self, found: Subscription) -> None:
        if found.product_id is None:
            return
        product = self._directory.product(found.product_id)
        if product is None or product.app_id != found.app_id:
            message = f"product {found.product_key} is not authorized to the application any more"
            raise Missing("no_such_product", message, wire=70089)
        if found.device_id is not None and await self._devices.by_id(found.device_id) is None:
            raise Missing("no_such_device", f"device {found.device_key} was deleted", wire=70130)

    async def _commit(self, actor: Actor, action: str, name: str, subscription_id: int, *writes: Write) -> None:
        await self._ledger.commit(
            actor,
            action,
            ("subscription", name),
            *writes,
            changed=[("queue", subscription_id)],
            detail={"id": subscription_id},
        )


def _status(queue: Queue, status: int, now: int) -> Write:
    suspended_at = queue.suspended_at if status == SUSPENDED else None
    return statements.SET_STATUS(
        of_queue=queue.id, new_status=status, new_suspended_at=suspended_at, new_used_at=now, now=now
    )


def _allowed(level: str, product: Product | None) -> Collection[int]:
    if level == "domain":
        return DOMAIN_CODES
    return SAAS_CODES if product is None else device_codes(product.data_fmt)


def _checked(codes: Sequence[int], allowed: Collection[int]) -> tuple[int, ...]:
    if not codes:
        raise Invalid("no_codes", "msgTypes is empty", field="msgTypes", wire=50004)
    for code in codes:
        if code not in allowed:
            raise Invalid("choice", f"msgTypes: {code} is not for this subscription", field="msgTypes", wire=50005)
    return tuple(dict.fromkeys(codes))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        message = "subscribeName must be 1 to 128 Chinese characters, letters, digits, _ and -"
        raise Invalid("key_form", message, field="subscribeName", wire=50005)


def _running(found: Subscription, wire: int) -> Conflict:
    return Conflict("running", f"subscription {found.name} runs", wire=wire)
