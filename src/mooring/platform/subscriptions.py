"""Subscriptions: which messages go into which queue (contract/messages.md sections 5 and 8).

Made stopped; only stopped ones change or go. A product's and a device's stop with the authorization of the product.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from mooring.store import Write, WriteRefused
from mooring.store import queues as statements

from .devices import Devices
from .end_user_entities import EndUserApp
from .entities import App, Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .ledger import Actor, Ledger
from .message_codes import DOMAIN_CODES, SAAS_CODES, device_codes
from .queues import Queues
from .routes import Queue, Subscription

__all__ = ["NewSubscription", "SubscriptionChanges", "Subscriptions"]

_NAME = re.compile(r"[\u4e00-\u9fffA-Za-z0-9_-]{1,128}")
_LIMIT, _PRODUCT, _DEVICE, _DOMAIN, _STATE = "number of subscriptions", "product", "device", "domain", "state"


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
            raise Missing("no_such_subscription", message, field="subscription", wire=16011)
        if app_id not in (None, found.app_id):
            message = f"subscription {subscription_id} is another application's"
            raise Missing("no_such_subscription", message, field="subscription", wire=70060)
        return found

    def queue_of(self, subscription: Subscription) -> Queue:
        """Its queue. Raises Missing."""
        return self._queues.one(subscription.account_id, subscription.queue_id)

    async def create(self, actor: Actor, app: App, new: NewSubscription) -> Subscription:
        """A stopped subscription. Raises Missing (70017, 70089 product, 70130 device, 16002 queue, 70060 for a queue or
        a domain that is not the application's), Invalid, LimitReached (16018)."""
        product = self._product(app, new.product_key)
        _check_name(new.name)
        codes = _checked(new.codes, _allowed(new.level, product))
        if new.user_domain is not None:
            self._domain(app.id, new.user_domain)
        device_id = None
        if product is not None and new.device_key is not None:
            device_id = (await self._devices.one(app.account_id, product.product_key, new.device_key)).id
        subscription_id = self._ledger.ids.next()
        add = statements.ADD_SUBSCRIPTION(
            id=subscription_id,
            account_id=app.account_id,
            app_id=app.id,
            queue_id=self._queue(app, new.queue).id,
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
            allowed=self._limit,
        ).must(_LIMIT)
        lock = statements.LOCK_ACCOUNT(of_account=app.account_id)
        try:
            await self._commit(actor, "subscription.create", new.name, subscription_id, lock, add, given=new)
        except WriteRefused as error:
            if error.guard != _LIMIT:
                raise await self._without_queue(app, new.queue, error) from None
            message = f"the account has {self._limit} subscriptions, which is its limit"
            raise LimitReached("subscription_limit", message, wire=16018) from None
        return self.one(app.account_id, subscription_id)

    async def update(
        self, actor: Actor, subscription_id: int, changes: SubscriptionChanges, app_id: int | None = None
    ) -> Subscription:
        """Change a stopped subscription. Raises Missing, Invalid (50004 for no change at all), Conflict (16022 while it
        runs)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        if changes == SubscriptionChanges():
            message = "give something to change: name, queue or codes"
            raise Invalid("nothing_to_change", message, wire=50004)
        name, codes, queue_id = found.name, found.codes, found.queue_id
        if changes.name is not None:
            _check_name(changes.name)
            name = changes.name
        if changes.codes is not None:
            product = self._directory.product(found.product_id) if found.product_id is not None else None
            codes = _checked(changes.codes, _allowed(found.level, product))
        app = self._directory.app(found.app_id)
        if changes.queue is not None and app is not None:
            queue_id = self._queue(app, changes.queue).id
        write = statements.UPDATE_SUBSCRIPTION(
            of_subscription=found.id,
            new_name=name,
            new_codes=msgspec.json.encode(codes).decode(),
            new_queue=queue_id,
            now=self._ledger.clock.now_ms(),
        ).must(_STATE)
        try:
            await self._commit(actor, "subscription.update", name, found.id, write, given=changes)
        except WriteRefused as error:
            if error.guard != _STATE and app is not None and changes.queue is not None:
                raise await self._without_queue(app, changes.queue, error) from None
            raise await self._running(found, 16022) from None
        return self.one(found.account_id, found.id)

    async def delete(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> None:
        """Delete a stopped subscription. Raises Missing, Conflict (16019 while it runs)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        write = statements.DELETE_SUBSCRIPTION(of_subscription=found.id).must(_STATE)
        try:
            await self._commit(actor, "subscription.delete", found.name, found.id, write)
        except WriteRefused:
            raise await self._running(found, 16019) from None

    async def start(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> Subscription:
        """Let messages flow, from now on; a suspended queue revives. Raises Missing (70089 for a product, 70130 for a
        device, 70060 for a domain that is not there any more), Conflict (16020)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        now = self._ledger.clock.now_ms()
        writes = []
        if found.product_id is not None:
            writes.append(statements.HOLD_PRODUCT(of_product=found.product_id, of_app=found.app_id).must(_PRODUCT))
        if found.device_id is not None:
            writes.append(statements.HOLD_DEVICE(of_device=found.device_id).must(_DEVICE))
        if found.user_domain is not None:
            domain = self._domain(found.app_id, found.user_domain)
            writes.append(statements.HOLD_DOMAIN(of_domain=domain.id, of_app=found.app_id).must(_DOMAIN))
        writes.append(statements.START_QUEUE(of_queue=found.queue_id, now=now))
        writes.append(statements.START(of_subscription=found.id, now=now).must(_STATE))
        try:
            await self._commit(actor, "subscription.start", found.name, found.id, *writes)
        except WriteRefused as error:
            if error.guard == _PRODUCT:
                message = f"product {found.product_key} is not authorized to the application any more"
                raise Missing("no_such_product", message, wire=70089) from None
            if error.guard == _DEVICE:
                raise Missing("no_such_device", f"device {found.device_key} was deleted", wire=70130) from None
            if error.guard == _DOMAIN:
                raise _domain_gone(found.user_domain or "") from None
            raise await self._running(found, 16020) from None
        await self._queues.revive(found.queue_id)
        return self.one(found.account_id, found.id)

    async def stop(self, actor: Actor, subscription_id: int, app_id: int | None = None) -> Subscription:
        """Let nothing more in; what is queued stays. Raises Missing, Conflict (16021)."""
        found = self.one(actor.account_id, subscription_id, app_id)
        writes = statements.stop_one(found.id, self._ledger.clock.now_ms(), _STATE)
        try:
            await self._commit(actor, "subscription.stop", found.name, found.id, *writes)
        except WriteRefused:
            await self._directory.catch_up()
            self.one(actor.account_id, subscription_id)  # unless it was deleted meanwhile
            raise Conflict("not_running", f"subscription {found.name} does not run", wire=16021) from None
        return self.one(found.account_id, found.id)

    def _product(self, app: App, product_key: str | None) -> Product | None:
        if product_key is None:
            return None
        product = self._directory.product_by_key(product_key)
        if product is None or product.account_id != app.account_id:
            raise Missing("no_such_product", f"there is no product {product_key[:40]!r}", wire=70017)
        if product.app_id != app.id:
            message = f"product {product_key} is not authorized to {app.name}"
            raise Missing("no_such_product", message, wire=70089)
        return product

    def _domain(self, app_id: int, user_domain: str) -> EndUserApp:
        found = self._directory.end_user_app_by_domain(user_domain)
        if found is None or app_id not in found.saas_apps:
            raise _domain_gone(user_domain)
        return found

    def _queue(self, app: App, name: str) -> Queue:
        queue = self._queues.by_name(app.account_id, name)
        if queue.app_id != app.id:
            message = f"queue {queue.name} is another application's"
            raise Missing("no_such_queue", message, field="queue", wire=70060)
        return queue

    async def _without_queue(self, app: App, name: str, error: WriteRefused) -> Exception:
        """Why a subscription cannot point to a queue that was there a moment ago."""
        await self._directory.catch_up()
        self._queue(app, name)
        return error

    async def _running(self, found: Subscription, wire: int) -> Conflict:
        """The refusal of what only a stopped subscription takes. Raises Missing when it was deleted meanwhile."""
        await self._directory.catch_up()
        self.one(found.account_id, found.id)
        return Conflict("running", f"subscription {found.name} runs", wire=wire)

    async def _commit(
        self, actor: Actor, action: str, name: str, subscription_id: int, *writes: Write, given: object = None
    ) -> None:
        await self._ledger.commit(
            actor,
            action,
            ("subscription", name),
            *writes,
            changed=[("queue", subscription_id)],
            detail={"id": subscription_id, **({} if given is None else {"given": msgspec.to_builtins(given)})},
        )


def _domain_gone(user_domain: str) -> Missing:
    return Missing("no_such_domain", f"end-user domain {user_domain[:40]!r} is not authorized", wire=70060)


def _allowed(level: str, product: Product | None) -> Collection[int]:
    if level == "domain":
        return DOMAIN_CODES
    return SAAS_CODES if product is None else device_codes(product.data_fmt)


def _checked(codes: Sequence[int], allowed: Collection[int]) -> tuple[int, ...]:
    if not codes:
        raise Invalid("no_codes", "codes is empty", field="codes", wire=50004)
    for code in codes:
        if code not in allowed:
            raise Invalid(
                "choice", f"codes holds {code}, which is not for this subscription", field="codes", wire=50005
            )
    return tuple(dict.fromkeys(codes))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        message = "name must be 1 to 128 Chinese characters, letters, digits, _ and -"
        raise Invalid("key_form", message, field="name", wire=50005)
