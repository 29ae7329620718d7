"""/v2/quecrule: message queues and subscriptions of the calling application.

openapi-notes.md section 13; messages.md sections 5, 7 and 8. An application sees its own queues and subscriptions.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from mooring.platform import Invalid
from mooring.platform.queues import filtered
from mooring.platform.routes import Queue, Subscription
from mooring.platform.subscriptions import NewSubscription, SubscriptionChanges
from mooring.store import StoreUnavailable

from . import answers
from .answers import Failure
from .operation import Call, Operation
from .params import Body, whole_number
from .products import known_product

__all__ = ["OPERATIONS"]

_T = TypeVar("_T")

_BASE = "/v2/quecrule/r1/openapi"
_MAX_PAGE_SIZE = 100
_MAX_NUMBER = 2**53
_CODE = re.compile(r"[0-9]{1,9}")

# Numbers of levels differ from call to call (messages.md section 5).
_IN_DETAIL = {"product": 1, "device": 2, "saas": 4, "domain": 5}
_IN_LIST = {"product": 1, "device": 3, "saas": 6, "domain": 5}
_PRODUCT_LEVEL, _DEVICE_LEVEL = 1, 2

_NOT_ACTIVATED = 16024

_OF_QUEUE = {"name": "queueName", "description": "queueDesc"}
_OF_SUBSCRIPTION = {"name": "subscribeName", "queue": "queueName", "codes": "msgTypes"}
_WORD = re.compile(r"\w+")


class _Queue(msgspec.Struct):
    createTime: int
    entUserId: int
    id: int
    isFree: int
    queueDesc: str
    queueName: str
    status: int
    updateTime: int | None
    userId: int


class _QueueRow(_Queue):
    metadata: str | None = None


class _QueueDetail(msgspec.Struct):
    consumeRate: str
    msgNum: int
    msgSize: str
    queueId: int
    queueName: str
    queueDesc: str
    createTime: int
    updateTime: int | None
    status: int
    connectUrl: str


class _SubscribeId(msgspec.Struct):
    subscribeId: int


class _SubscribeRow(msgspec.Struct):
    subscribeId: int
    subscribeName: str
    queueId: str
    queueName: str
    status: int
    subscribeLevel: int
    projectId: int | None
    projectName: str | None
    createTime: int


class _SubscribeDetail(msgspec.Struct, omit_defaults=True):
    subscribeId: int
    subscribeName: str
    dataLevel: int
    msgType: str
    queueId: int
    queueName: str
    userId: int
    status: int
    createTime: int
    updateTime: int | None
    productKey: str | None = None
    productName: str | None = None
    deviceKey: str | None = None
    deviceName: str | None = None
    endUserDomain: str | None = None


# Queues


async def _create_queue(call: Call) -> bytes:
    body = call.body
    name = body.text("queueName")
    if name is None:
        raise Failure(50005, "queueName missing")
    try:
        with _wire_names(_OF_QUEUE):
            made = await call.platform.queues.create(call.actor, call.app, name, body.text("queueDesc") or "")
    except StoreUnavailable as error:
        raise Failure(16004, str(error)) from None
    return answers.action(_queue(made, _Queue))


async def _delete_queue(call: Call) -> bytes:
    await call.platform.queues.delete(call.actor, _id(call, "queueId"), call.app.id)
    return answers.done()


async def _clear_queue(call: Call) -> bytes:
    await call.platform.queues.clear(call.actor, _id(call, "queueId"), call.app.id)
    return answers.done()


async def _list_queues(call: Call) -> bytes:
    body = call.body
    number, size = _page_of(body)
    name, status = body.text("queueName"), body.integer("status", low=0, high=2)
    found = filtered(call.platform.queues.all(call.app.account_id, call.app.id), name, status)
    rows = [_queue(queue, _QueueRow) for queue in _slice(found, number, size)]
    return answers.page(rows, number, size, len(found))


async def _show_queue(call: Call) -> bytes:
    detail = await call.platform.queues.detail(call.app.account_id, _id(call, "queueId"), call.app.id)
    queue, state = detail.queue, detail.state
    return answers.action(
        _QueueDetail(
            consumeRate=f"{state.rate:.2f}".rstrip("0").rstrip("."),
            msgNum=state.waiting,
            msgSize=str(state.bytes_waiting),
            queueId=queue.id,
            queueName=queue.full_name,
            queueDesc=queue.description,
            createTime=queue.created_at,
            updateTime=queue.updated_at,
            status=queue.status,
            connectUrl=call.platform.amqp_url,
        )
    )


# Subscriptions


async def _subscribe(call: Call) -> bytes:
    body = call.body
    level = body.integer("dataLevel", low=_PRODUCT_LEVEL, high=_DEVICE_LEVEL)
    if level is None:
        raise Failure(50004, "dataLevel missing")
    product_key = _filled(body, "productKey")
    device_key = _filled(body, "deviceKey") if level == _DEVICE_LEVEL else None
    known_product(call, call.platform.directory.product_by_key(product_key))
    return await _make(call, product_key=product_key, device_key=device_key)


async def _subscribe_saas(call: Call) -> bytes:
    return await _make(call)


async def _subscribe_users(call: Call) -> bytes:
    return await _make(call, user_domain=_filled(call.body, "endUserDomain"))


async def _make(
    call: Call, *, product_key: str | None = None, device_key: str | None = None, user_domain: str | None = None
) -> bytes:
    body = call.body
    new = NewSubscription(
        name=_filled(body, "subscribeName"),
        queue=_filled(body, "queueName"),
        codes=_codes(body),
        product_key=product_key,
        device_key=device_key,
        user_domain=user_domain,
    )
    with _wire_names(_OF_SUBSCRIPTION):
        made = await call.platform.subscriptions.create(call.actor, call.app, new)
    return answers.action(_SubscribeId(made.id))


async def _update_subscription(call: Call) -> bytes:
    body = call.body
    subscription_id = body.integer("subscribeId", low=0, high=_MAX_NUMBER)
    if subscription_id is None:
        raise Failure(50005, "subscribeId missing")
    codes = _codes(body) if body.has("msgTypes") else None
    changes = SubscriptionChanges(name=body.text("subscribeName"), queue=body.text("queueName"), codes=codes)
    with _wire_names(_OF_SUBSCRIPTION):
        await call.platform.subscriptions.update(call.actor, subscription_id, changes, call.app.id)
    return answers.done()


async def _delete_subscription(call: Call) -> bytes:
    await call.platform.subscriptions.delete(call.actor, _id(call, "subscribeId"), call.app.id)
    return answers.done()


async def _start(call: Call) -> bytes:
    await call.platform.subscriptions.start(call.actor, _id(call, "subscribeId"), call.app.id)
    return answers.done()


async def _stop(call: Call) -> bytes:
    await call.platform.subscriptions.stop(call.actor, _id(call, "subscribeId"), call.app.id)
    return answers.done()


async def _list_subscriptions(call: Call) -> bytes:
    body = call.body
    number, size = _page_of(body)
    queue_name, name = body.text("queueName"), body.text("subscribeName")
    status = body.integer("status", low=0, high=1)
    found = [
        (one, queue)
        for one in call.platform.subscriptions.all(call.app.account_id, call.app.id)
        if (queue := call.platform.subscriptions.queue_of(one))
        and (queue_name is None or queue_name in queue.full_name)
        and (name is None or name in one.name)
        and (status is None or status == one.running)
    ]
    rows = [_row(one, queue) for one, queue in _slice(found, number, size)]
    return answers.page(rows, number, size, len(found))


async def _show_subscription(call: Call) -> bytes:
    subscriptions = call.platform.subscriptions
    found = subscriptions.one(call.app.account_id, _id(call, "subscribeId"), call.app.id)
    product = call.platform.directory.product(found.product_id) if found.product_id is not None else None
    device = await call.platform.devices.by_id(found.device_id) if found.device_id is not None else None
    queue = subscriptions.queue_of(found)
    return answers.action(
        _SubscribeDetail(
            subscribeId=found.id,
            subscribeName=found.name,
            dataLevel=_IN_DETAIL[found.level],
            msgType=",".join(map(str, found.codes)),
            queueId=queue.id,
            queueName=queue.full_name,
            userId=found.account_id,
            status=int(found.running),
            createTime=found.created_at,
            updateTime=found.updated_at,
            productKey=found.product_key,
            productName=product.name if product is not None else None,
            deviceKey=found.device_key,
            deviceName=device.name if device is not None else None,
            endUserDomain=found.user_domain,
        )
    )


# Rows


def _queue(queue: Queue, kind: type[_Queue]) -> _Queue:
    return kind(
        createTime=queue.created_at,
        entUserId=queue.account_id,
        id=queue.id,
        isFree=int(queue.is_free),
        queueDesc=queue.description,
        queueName=queue.full_name,
        status=queue.status,
        updateTime=queue.updated_at,
        userId=queue.account_id,
    )


def _row(one: Subscription, queue: Queue) -> _SubscribeRow:
    return _SubscribeRow(
        subscribeId=one.id,
        subscribeName=one.name,
        queueId=str(queue.id),
        queueName=queue.full_name,
        status=int(one.running),
        subscribeLevel=_IN_LIST[one.level],
        projectId=None,
        projectName=None,
        createTime=one.created_at,
    )


# Parameters


@contextmanager
def _wire_names(names: Mapping[str, str]) -> Iterator[None]:
    """Has refusals of a member name it as the wire does."""
    try:
        yield
    except Invalid as error:
        raise Failure(error.wire or 50005, _WORD.sub(lambda word: names.get(word[0], word[0]), error.message)) from None


def _id(call: Call, name: str) -> int:
    found = whole_number(call.params, name, low=0, high=_MAX_NUMBER)
    if found is None:
        raise Failure(50005, f"{name} missing")
    return found


def _filled(body: Body, name: str) -> str:
    found = body.text(name)
    if found is None:
        raise Failure(50004, f"{name} missing")
    return found


def _codes(body: Body) -> tuple[int, ...]:
    """The list of message codes. Raises Failure 50005."""
    texts = body.texts("msgTypes")
    for at, text in enumerate(texts):
        if text is None or not _CODE.fullmatch(text):
            raise Failure(50005, f"msgTypes[{at}] is not a message code")
    return tuple(int(text) for text in texts if text is not None)


def _page_of(body: Body) -> tuple[int, int]:
    number = body.integer("pageNum" if body.has("pageNum") else "pageNo", low=1, high=2**31 - 1)
    size = body.integer("pageSize", low=1, high=_MAX_PAGE_SIZE)
    return number or 1, size or 10


def _slice(found: Sequence[_T], number: int, size: int) -> Sequence[_T]:
    return found[(number - 1) * size : number * size]


def _creation(operation_id: str, path: str, run: Callable[[Call], Awaitable[bytes]]) -> Operation:
    """What makes something has a code of its own for an account without the package."""
    return Operation(operation_id, "POST", f"{_BASE}/{path}", "subscription", run, not_activated=_NOT_ACTIVATED)


OPERATIONS = (
    _creation("queueCreate", "queue/create", _create_queue),
    Operation("queueDelete", "DELETE", f"{_BASE}/queue/delete", "subscription", _delete_queue),
    Operation("queueClear", "POST", f"{_BASE}/queue/clear", "subscription", _clear_queue),
    Operation("queueList", "POST", f"{_BASE}/queue/list", "subscription", _list_queues),
    Operation("queueDetail", "GET", f"{_BASE}/queue/detail", "subscription", _show_queue),
    _creation("subscribeCreate", "subscribe/create", _subscribe),
    _creation("subscribeSaas", "subscribe/saas", _subscribe_saas),
    _creation("subscribeEnduser", "subscribe/enduser", _subscribe_users),
    Operation("subscribeDelete", "DELETE", f"{_BASE}/subscribe/delete", "subscription", _delete_subscription),
    Operation("subscribeUpdate", "POST", f"{_BASE}/subscribe/update", "subscription", _update_subscription),
    Operation("subscribeList", "POST", f"{_BASE}/subscribe/list", "subscription", _list_subscriptions),
    Operation("subscribeDetail", "GET", f"{_BASE}/subscribe/detail", "subscription", _show_subscription),
    Operation("subscribeStart", "POST", f"{_BASE}/subscribe/start", "subscription", _start),
    Operation("subscribeStop", "POST", f"{_BASE}/subscribe/stop", "subscription", _stop),
)
