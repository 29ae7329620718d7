"""Message queues of customers: what waits in them and what became of it, clearing, deletion."""

from typing import Annotated, Any

import msgspec

from mooring.platform.queue_engine import QueueState
from mooring.platform.queues import QueueDetail, filtered
from mooring.platform.routes import Queue

from .endpoint import AnyEndpoint, Call, Document, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS"]


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. Consumers know it by its `full_name`; `status` is 0 not started, 1 started, 2 suspended.

    `is_free` marks the first queue of an application.
    """

    id: int
    name: str
    full_name: str
    app_id: int
    description: str
    is_free: bool
    status: int
    suspended_at: int | None
    created_at: int
    updated_at: int | None


class QueueContentView(QueueView, frozen=True, kw_only=True):
    """A queue with what is in it: `waiting` messages of `bytes_waiting` bytes, the oldest from `oldest_at`, `unacked`
    ones with consumers, `rate` acknowledgements a second over the last minute.

    Of all messages ever `pushed`, so many were `acked` by consumers, `expired` by age, `overflowed` by size, `rejected`
    by consumers and `cleared` by hand; `pushed_this_month` counts from the first of the month (UTC). `suspends_at` is
    set when nobody has used the queue for long.
    """

    url: str
    waiting: int
    bytes_waiting: int
    unacked: int
    oldest_at: int | None
    rate: float
    consumers: int
    pushed: int
    acked: int
    expired: int
    overflowed: int
    rejected: int
    cleared: int
    pushed_this_month: int
    used_at: int
    suspends_at: int | None


class QueueDepthView(QueueView, frozen=True, kw_only=True):
    """A queue of a list: `waiting` messages of `bytes_waiting` bytes, `unacked` ones with `consumers`. All four are
    null while the broker that keeps the queues does not answer."""

    waiting: int | None
    bytes_waiting: int | None
    unacked: int | None
    consumers: int | None


class QueueList(msgspec.Struct, frozen=True):
    """Queues, newest first."""

    items: tuple[QueueDepthView, ...]
    total: int


class QueueQuery(Page, frozen=True, forbid_unknown_fields=True):
    """Narrowing: queues of one application, with `text` in their full name, of one status."""

    app_id: int | None = None
    text: str | None = None
    status: Annotated[int, msgspec.Meta(ge=0, le=2)] | None = None


class NewQueue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue to make for an application: `name` has 1 to 64 letters, digits, _ and -."""

    app_id: int
    name: str
    description: str = ""


class Peek(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many messages to look at."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10


class MessageView(msgspec.Struct, frozen=True):
    """One message that waits; `type` is its type with its subtype, `size` that of the body in bytes."""

    type: str
    ticket: str
    created_at: int
    size: int
    body: Document


class MessageList(msgspec.Struct, frozen=True):
    """The next messages, in the order in which consumers get them."""

    items: tuple[MessageView, ...]


class Cleared(msgspec.Struct, frozen=True):
    """How many messages were dropped."""

    dropped: int


def _view(queue: Queue) -> QueueView:
    return QueueView(full_name=queue.full_name, **{name: getattr(queue, name) for name in _SAME})


_SAME = set(QueueView.__struct_fields__) - {"full_name"}
_COUNTED = (
    "pushed",
    "acked",
    "expired",
    "overflowed",
    "rejected",
    "cleared",
    "pushed_this_month",
    "used_at",
    "suspends_at",
)
_DEPTH = ("waiting", "bytes_waiting", "unacked", "consumers")
_PRESENT = (*_DEPTH, "oldest_at", "rate")


def _content(found: QueueDetail, url: str) -> QueueContentView:
    return QueueContentView(
        **msgspec.structs.asdict(_view(found.queue)),
        **{name: getattr(found.state, name) for name in _PRESENT},
        **{name: getattr(found, name) for name in _COUNTED},
        url=url,
    )


def _depth(queue: Queue, state: QueueState | None) -> QueueDepthView:
    depth: dict[str, Any] = {name: getattr(state, name, None) for name in _DEPTH}
    return QueueDepthView(**msgspec.structs.asdict(_view(queue)), **depth)


async def _list_queues(call: Call, request: QueueQuery) -> QueueList:
    found = filtered(call.platform.queues.all(call.account_id, request.app_id), request.text, request.status)
    states = await call.platform.queues.states(page_of(request, found, lambda queue: queue))
    return QueueList(page_of(request, found, lambda queue: _depth(queue, states.get(queue.id))), len(found))


async def _create_queue(call: Call, request: NewQueue) -> QueueView:
    app = call.platform.saas_apps.one(call.account_id, request.app_id)
    return _view(await call.platform.queues.create(call.actor, app, request.name, request.description))


async def _show_queue(call: Call, request: Nothing) -> QueueContentView:
    found = await call.platform.queues.detail(call.account_id, call.number("queue_id"))
    return _content(found, call.platform.amqp_url)


async def _peek_queue(call: Call, request: Peek) -> MessageList:
    found = await call.platform.queues.peek(call.account_id, call.number("queue_id"), request.limit)
    return MessageList(
        tuple(
            MessageView(row.type, row.ticket, row.created_at, len(row.body), msgspec.json.decode(row.body))
            for row in found
        )
    )


async def _clear_queue(call: Call, request: Nothing) -> Cleared:
    return Cleared(await call.platform.queues.clear(call.actor, call.number("queue_id")))


async def _delete_queue(call: Call, request: Nothing) -> Nothing:
    await call.platform.queues.delete(call.actor, call.number("queue_id"))
    return Nothing()


_ONE = "/queues/{queue_id}"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/queues", "Message queues with what waits in them, newest first", _list_queues, QueueQuery, QueueList
    ),
    Endpoint(
        "POST",
        "/queues",
        "Make a queue for a SaaS application",
        _create_queue,
        NewQueue,
        QueueView,
        status=201,
        errors=(404, 409),
    ),
    Endpoint(
        "GET",
        _ONE,
        "One queue, with what waits in it and what became of its messages",
        _show_queue,
        Nothing,
        QueueContentView,
    ),
    Endpoint("GET", f"{_ONE}/messages", "The next messages, without taking them", _peek_queue, Peek, MessageList),
    Endpoint("POST", f"{_ONE}/clear", "Drop the messages that wait", _clear_queue, Nothing, Cleared),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete a queue that no subscription points to; its consumers end",
        _delete_queue,
        Nothing,
        Nothing,
        status=204,
        errors=(409,),
    ),
)
