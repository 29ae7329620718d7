"""Subscriptions: which messages go into which queue."""

from collections.abc import Sequence

import msgspec

from mooring.platform.routes import Subscription
from mooring.platform.subscriptions import NewSubscription, SubscriptionChanges

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS"]


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. `level` says what it is about: product, device, saas (the application itself) or domain (end
    users); `codes` are the numbers of its kinds of messages."""

    id: int
    name: str
    app_id: int
    queue_id: int
    queue_name: str
    level: str
    product_key: str | None
    device_key: str | None
    user_domain: str | None
    codes: tuple[int, ...]
    running: bool
    created_at: int
    updated_at: int | None


class SubscriptionList(msgspec.Struct, frozen=True):
    """Subscriptions, newest first."""

    items: tuple[SubscriptionView, ...]
    total: int


class SubscriptionQuery(Page, frozen=True, forbid_unknown_fields=True):
    """Narrowing: subscriptions of one application or queue, with `text` in their name, running or not."""

    app_id: int | None = None
    queue_id: int | None = None
    text: str | None = None
    running: bool | None = None


class SubscriptionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A subscription to make for the application of its `queue`, which is given by its short or its full name.

    With `product_key` it is about a product, with `device_key` too about a device, with `user_domain` about end users,
    with none of them about the application.
    """

    name: str
    queue: str
    codes: Sequence[int]
    product_key: str | None = None
    device_key: str | None = None
    user_domain: str | None = None


class SubscriptionUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a stopped subscription; null leaves a member alone."""

    name: str | None = None
    queue: str | None = None
    codes: Sequence[int] | None = None


def _view(call: Call, found: Subscription) -> SubscriptionView:
    queue = call.platform.subscriptions.queue_of(found)
    return SubscriptionView(queue_name=queue.full_name, **{name: getattr(found, name) for name in _SAME})


_SAME = set(SubscriptionView.__struct_fields__) - {"queue_name"}


async def _list_subscriptions(call: Call, request: SubscriptionQuery) -> SubscriptionList:
    found = [
        one
        for one in call.platform.subscriptions.all(call.account_id, request.app_id)
        if request.queue_id in (None, one.queue_id)
        and (request.text is None or request.text in one.name)
        and request.running in (None, one.running)
    ]
    return SubscriptionList(page_of(request, found, lambda one: _view(call, one)), len(found))


async def _create_subscription(call: Call, request: SubscriptionInput) -> SubscriptionView:
    platform = call.platform
    queue = platform.queues.by_name(call.account_id, request.queue)
    app = platform.saas_apps.one(call.account_id, queue.app_id)
    new = NewSubscription(**msgspec.structs.asdict(request))
    return _view(call, await platform.subscriptions.create(call.actor, app, new))


async def _show_subscription(call: Call, request: Nothing) -> SubscriptionView:
    return _view(call, call.platform.subscriptions.one(call.account_id, call.number("subscription_id")))


async def _update_subscription(call: Call, request: SubscriptionUpdate) -> SubscriptionView:
    changes = SubscriptionChanges(**msgspec.structs.asdict(request))
    found = await call.platform.subscriptions.update(call.actor, call.number("subscription_id"), changes)
    return _view(call, found)


async def _start_subscription(call: Call, request: Nothing) -> SubscriptionView:
    return _view(call, await call.platform.subscriptions.start(call.actor, call.number("subscription_id")))


async def _stop_subscription(call: Call, request: Nothing) -> SubscriptionView:
    return _view(call, await call.platform.subscriptions.stop(call.actor, call.number("subscription_id")))


async def _delete_subscription(call: Call, request: Nothing) -> Nothing:
    await call.platform.subscriptions.delete(call.actor, call.number("subscription_id"))
    return Nothing()


_ONE = "/subscriptions/{subscription_id}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        "/subscriptions",
        "Subscriptions, newest first",
        _list_subscriptions,
        SubscriptionQuery,
        SubscriptionList,
    ),
    Endpoint(
        "POST",
        "/subscriptions",
        "Make a subscription, which is stopped at first",
        _create_subscription,
        SubscriptionInput,
        SubscriptionView,
        status=201,
        errors=(404, 409),
    ),
    Endpoint("GET", _ONE, "One subscription", _show_subscription, Nothing, SubscriptionView),
    Endpoint(
        "PATCH",
        _ONE,
        "Change name, queue or codes of a stopped subscription",
        _update_subscription,
        SubscriptionUpdate,
        SubscriptionView,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/start",
        "Start a subscription; a suspended queue revives",
        _start_subscription,
        Nothing,
        SubscriptionView,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/stop",
        "Stop a subscription; what is queued stays",
        _stop_subscription,
        Nothing,
        SubscriptionView,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete a stopped subscription",
        _delete_subscription,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
)
