"""Statements about the audit log."""

from typing import Any

import msgspec
from sqlalchemy import Text, bindparam, delete, func, insert, or_, select

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "DELETE_BEFORE", "PAGE", "AuditRow"]

_log = tables.audit_log


def _text(name: str) -> Any:
    return bindparam(name, type_=Text)


def _like(column: Any, name: str) -> Any:
    return or_(_text(name) == "", func.lower(column).like(func.lower(_text(name)), escape="\\"))


class AuditRow(msgspec.Struct, frozen=True):
    """Who did what, when (epoch ms) and from where; `detail` is a JSON object without secrets."""

    id: int
    account_id: int
    at: int
    actor: str
    address: str
    action: str
    target_kind: str
    target: str
    detail: str


ADD = Change(insert(_log))
PAGE = Query(
    select(_log)
    .where(
        _log.c.account_id == bindparam("of_account"),
        _log.c.id < bindparam("before_id"),
        _log.c.at >= bindparam("since"),
        _log.c.at <= bindparam("until"),
        _like(_log.c.actor, "like_actor"),
        _like(_log.c.action, "like_action"),
        _like(_log.c.target, "like_target"),
        or_(_text("of_kind") == "", _log.c.target_kind == _text("of_kind")),
    )
    .order_by(_log.c.id.desc())
    .limit(bindparam("rows")),
    AuditRow,
)
DELETE_BEFORE = Change(delete(_log).where(_log.c.at < bindparam("before")))
