"""Statements about the audit log."""

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "DELETE_BEFORE", "PAGE", "AuditRow"]

_log = tables.audit_log


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
    .where(_log.c.account_id == bindparam("of_account"), _log.c.id < bindparam("before_id"))
    .order_by(_log.c.id.desc())
    .limit(bindparam("rows")),
    AuditRow,
)
DELETE_BEFORE = Change(delete(_log).where(_log.c.at < bindparam("before")))
