"""Statements about commands and their timelines."""

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, case, false, func, insert, or_, select, true, update

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD",
    "CLOSE_DELIVERED",
    "COUNT",
    "FAIL_LOG_OPEN",
    "FAIL_OPEN",
    "FLOOR",
    "LEFT",
    "LOG_PAYLOAD",
    "NEWEST",
    "ONE",
    "OWNER",
    "PAGE",
    "REQUEUE",
    "SAVE",
    "SAVE_LOG",
    "STEPS",
    "WAITING",
    "CommandRow",
    "CountRow",
    "FloorRow",
    "LeftRow",
    "ListedRow",
    "OwnerRow",
    "PayloadRow",
    "WaitingRow",
]

_commands, _log, _devices, _links = tables.commands, tables.data_log, tables.devices, tables.gateway_links


class CommandRow(msgspec.Struct, frozen=True, gc=False):
    """One command to one device. `id` is the ticket; each time (epoch ms) is a step that has evidence.

    `kind` is read, property, service or raw; `input` is JSON (dmData form), or base64 for raw ones. `output` is the
    dmData of a read's answer, or JSON of a service's outputs by code. `expires_at` is set when it may lie in the cache.
    """

    id: int
    device_id: int
    app_id: int | None
    origin: str
    kind: str
    feature_id: int | None
    cmd: int
    payload: bytes
    input: str
    output: str | None
    qos: int
    packet_id: int | None
    waits: bool
    open: bool
    expires_at: int | None
    reply_id: int | None
    failure: str | None
    accepted_at: int
    cached_at: int | None
    published_at: int | None
    delivered_at: int | None
    answered_at: int | None
    reported_at: int | None
    failed_at: int | None
    expired_at: int | None


class ListedRow(CommandRow, frozen=True, gc=False):
    """A command, and whose it is."""

    product_id: int
    device_key: str


class FloorRow(msgspec.Struct, frozen=True, gc=False):
    """How many commands are looked through, and the oldest of them; None when there are none."""

    id: int | None
    rows: int


class WaitingRow(msgspec.Struct, frozen=True, gc=False):
    """A command that lies in the cache, without what makes it large; its device, and the gateway of a sub-device."""

    id: int
    device_id: int
    product_id: int
    device_key: str
    gateway_id: int | None
    gateway_product_id: int | None
    gateway_key: str | None
    kind: str
    cmd: int
    qos: int
    expires_at: int | None
    accepted_at: int
    cached_at: int | None


class LeftRow(msgspec.Struct, frozen=True, gc=False):
    """A command that fails because nobody knows any more what became of it; device and gateway as in `WaitingRow`."""

    id: int
    device_id: int
    product_id: int
    device_key: str
    gateway_id: int | None
    gateway_product_id: int | None
    gateway_key: str | None
    published_at: int | None


class OwnerRow(msgspec.Struct, frozen=True, gc=False):
    """Whose a device is; one that was deleted keeps its history, so it is found too."""

    id: int
    product_id: int
    device_key: str


class PayloadRow(msgspec.Struct, frozen=True, gc=False):
    """What a row of the data log holds: the payload is in base64."""

    cmd: int
    data: str


class CountRow(msgspec.Struct, frozen=True, gc=False):
    """How many rows there are."""

    rows: int


ONE = Query(select(_commands).where(_commands.c.id == bindparam("ticket")), CommandRow)
ADD = Change(insert(_commands))

STEPS = (
    "output",
    "packet_id",
    "waits",
    "open",
    "reply_id",
    "failure",
    "cached_at",
    "published_at",
    "delivered_at",
    "answered_at",
    "reported_at",
    "failed_at",
    "expired_at",
)
"""The columns that move on; everything else about a command is settled when it is accepted."""

SAVE = Change(
    update(_commands)
    .where(_commands.c.id == bindparam("ticket"))
    .values({name: bindparam(f"new_{name}", type_=_commands.c[name].type) for name in STEPS})
)
"""All of `STEPS` at once, as `new_…`: writing them again does no harm, and the last writer knows best."""
SAVE_LOG = Change(
    update(_log)
    .where(_log.c.id == bindparam("ticket"))
    .values(
        packet_id=bindparam("new_packet_id"),
        status=bindparam("new_status"),
        sent_at=bindparam("new_sent_at"),
        updated_at=bindparam("at"),
    )
)

_gateways = _devices.alias("gateways")
_receiver = (
    _commands.c.device_id,
    _devices.c.product_id,
    _devices.c.device_key,
    _gateways.c.id.label("gateway_id"),
    _gateways.c.product_id.label("gateway_product_id"),
    _gateways.c.device_key.label("gateway_key"),
)


def _with_receiver(statement: Any) -> Any:
    """Each command once: a sub-device has at most one current link."""
    link = (_links.c.sub_device_id == _commands.c.device_id) & _links.c.is_current
    gateway = (_gateways.c.id == _links.c.gateway_id) & _gateways.c.deleted_at.is_(None)
    return (
        statement.select_from(_commands)
        .join(_devices, _devices.c.id == _commands.c.device_id)
        .outerjoin(_links, link)
        .outerjoin(_gateways, gateway)
    )


WAITING = Query(
    _with_receiver(
        select(
            _commands.c.id,
            *_receiver,
            _commands.c.kind,
            _commands.c.cmd,
            _commands.c.qos,
            _commands.c.expires_at,
            _commands.c.accepted_at,
            _commands.c.cached_at,
        )
    )
    .where(_commands.c.waits)
    .order_by(_commands.c.id),
    WaitingRow,
)

# What a process left open that is no more: run in this order, each takes its part of the rest.
_left = (_commands.c.open, _commands.c.waits.is_(false()))
REQUEUE = Change(
    update(_commands)
    .where(*_left, _commands.c.published_at.is_(None), _commands.c.expires_at > bindparam("now"))
    .values(waits=true(), cached_at=func.coalesce(_commands.c.cached_at, bindparam("now", type_=BigInteger)))
)
CLOSE_DELIVERED = Change(update(_commands).where(*_left, _commands.c.delivered_at.is_not(None)).values(open=false()))
LEFT = Query(
    _with_receiver(select(_commands.c.id, *_receiver, _commands.c.published_at)).where(*_left).order_by(_commands.c.id),
    LeftRow,
)
"""What the two that follow take."""
FAIL_LOG_OPEN = Change(
    update(_log)
    .where(_log.c.id.in_(select(_commands.c.id).where(*_left)))
    .values(status=-1, updated_at=bindparam("now"))
)
FAIL_OPEN = Change(
    update(_commands).where(*_left).values(open=false(), failed_at=bindparam("now"), failure=bindparam("reason"))
)

_looked_through = (
    select(_commands.c.id)
    .where(_commands.c.id < bindparam("before_id", type_=BigInteger))
    .order_by(_commands.c.id.desc())
    .limit(bindparam("looked"))
    .subquery()
)
_reach: tuple[Any, Any] = (func.min(_looked_through.c.id).label("id"), func.count().label("rows"))
FLOOR = Query(select(*_reach), FloorRow)
"""How far back the newest `looked` commands older than `before_id` reach."""

_products = tables.products
# As `command_steps.state_of` has it.
_state = case(
    (_commands.c.answered_at.is_not(None), "answered"),
    (_commands.c.reported_at.is_not(None), "reported"),
    (_commands.c.delivered_at.is_not(None), "delivered"),
    (_commands.c.failed_at.is_not(None), "failed"),
    (_commands.c.expired_at.is_not(None), "expired"),
    (_commands.c.published_at.is_not(None), "published"),
    (_commands.c.waits, "cached"),
    else_="accepted",
)
NEWEST = Query(
    select(_commands, _devices.c.product_id, _devices.c.device_key)
    .join(_devices, _devices.c.id == _commands.c.device_id)
    .join(_products, _products.c.id == _devices.c.product_id)
    .where(
        _products.c.account_id == bindparam("of_account"),
        _commands.c.id < bindparam("before_id", type_=BigInteger),
        _commands.c.id >= bindparam("from_id", type_=BigInteger),
        or_(bindparam("of_kind", type_=Text) == "", _commands.c.kind == bindparam("of_kind", type_=Text)),
        or_(bindparam("of_state", type_=Text) == "", _state == bindparam("of_state", type_=Text)),
    )
    .order_by(_commands.c.id.desc())
    .limit(bindparam("rows")),
    ListedRow,
)
"""Commands of an account between two ids, newest first; an empty kind or state means any."""

_of_device = (
    _commands.c.device_id == bindparam("of_device"),
    _commands.c.accepted_at.between(bindparam("since"), bindparam("until")),
    or_(bindparam("of_kind", type_=Text) == "", _commands.c.kind == bindparam("of_kind", type_=Text)),
)
# The page is found in the index and its rows fetched after that, so that skipped rows are never read.
_page = (
    select(_commands.c.id)
    .where(*_of_device)
    .order_by(_commands.c.accepted_at.desc(), _commands.c.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
PAGE = Query(
    select(_commands).where(_commands.c.id.in_(_page)).order_by(_commands.c.accepted_at.desc(), _commands.c.id.desc()),
    CommandRow,
)
"""Newest first; an empty `of_kind` means every kind."""
COUNT = Query(select(func.count().label("rows")).select_from(_commands).where(*_of_device), CountRow)

OWNER = Query(
    select(_devices.c.id, _devices.c.product_id, _devices.c.device_key).where(_devices.c.id == bindparam("of_device")),
    OwnerRow,
)
LOG_PAYLOAD = Query(select(_log.c.cmd, _log.c.data).where(_log.c.id == bindparam("of_row")), PayloadRow)
