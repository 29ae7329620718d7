"""The audit log."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from mooring.platform.ledger import AuditEntry, AuditFilter

from .endpoint import AnyEndpoint, Call, Endpoint

__all__ = ["ENDPOINTS"]


_Time = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class AuditPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest `limit` entries that are older than the entry `before_id`. `actor`, `action` and `target` are parts of
    those texts in any letter case, `target_kind` is the whole; `since` and `until` are epoch ms."""

    actor: str = ""
    action: str = ""
    target_kind: str = ""
    target: str = ""
    since: _Time = 0
    until: _Time = 2**53
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    before_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: who did what to what, when and from where."""

    id: int
    happened_at: int
    actor: str
    address: str
    action: str
    target_kind: str
    target: str
    detail: Mapping[str, Any]


class AuditList(msgspec.Struct, frozen=True):
    """Entries, newest first; `next_before_id` asks for the following ones, None when there are none."""

    items: tuple[AuditView, ...]
    next_before_id: int | None


async def _list_audit(call: Call, request: AuditPage) -> AuditList:
    chosen = AuditFilter(
        actor=request.actor,
        action=request.action,
        target_kind=request.target_kind,
        target=request.target,
        since=request.since,
        until=request.until,
    )
    found = await call.platform.ledger.entries(
        call.account_id, chosen, before_id=request.before_id, rows=request.limit + 1
    )
    shown = found[: request.limit]
    more = len(found) > len(shown)
    return AuditList(tuple(map(_view, shown)), shown[-1].id if more else None)


def _view(entry: AuditEntry) -> AuditView:
    return AuditView(
        id=entry.id,
        happened_at=entry.at,
        actor=entry.actor,
        address=entry.address,
        action=entry.action,
        target_kind=entry.target_kind,
        target=entry.target,
        detail=entry.detail,
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/audit", "What was done, newest first", _list_audit, AuditPage, AuditList),
)
