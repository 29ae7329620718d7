"""How the platform changes anything: one transaction with the change, its audit entry and its announcement.

When `commit` returns, the change is on disk, audited, and shown by this process's directory; other processes show it
within a second.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import structlog

from mooring.store import Store, StoreUnavailable, Write, queue_messages
from mooring.store import audit as audit_statements
from mooring.store import changes as change_statements
from mooring.store.queue_messages import MessageRow

from .announcer import Announcer
from .directory import Directory
from .entities import App
from .fields import like_pattern
from .outbox import Outbox
from .sources import Clock, Ids

__all__ = ["Actor", "AuditEntry", "AuditFilter", "Ledger"]

_log = structlog.get_logger()

_LAST = 2**62


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and from where: `name` is an e-mail address, a SaaS application or the system's part,
    `address` an IP address."""

    account_id: int
    name: str
    address: str

    @classmethod
    def of_app(cls, app: App, address: str | None) -> "Actor":
        """A SaaS application that calls; its name is no e-mail address, so that it cannot pass for a person."""
        return cls(app.account_id, f"SaaS application {app.name} ({app.id})", address or "")


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry of the audit log; `at` is epoch ms, `detail` never holds a secret."""

    id: int
    at: int
    actor: str
    address: str
    action: str
    target_kind: str
    target: str
    detail: Mapping[str, object]


class AuditFilter(msgspec.Struct, frozen=True):
    """Which entries: parts of actor, action and target in any letter case, the kind of target exactly; times are epoch
    ms, both included. "" means any."""

    actor: str = ""
    action: str = ""
    target_kind: str = ""
    target: str = ""
    since: int = 0
    until: int = _LAST


class Ledger:
    """Commits changes and reads the audit log. `announcer` makes the messages that tell of them."""

    def __init__(
        self, store: Store, directory: Directory, clock: Clock, ids: Ids, outbox: Outbox | None = None
    ) -> None:
        self.store = store
        self._outbox = outbox or Outbox()
        self.directory = directory
        self.clock = clock
        self.ids = ids
        self.announcer = Announcer(directory, clock, ids)

    async def commit(
        self,
        actor: Actor,
        action: str,
        target: tuple[str, str],
        *writes: Write,
        changed: Iterable[tuple[str, int]] = (),
        detail: Mapping[str, object] | None = None,
        messages: Sequence[MessageRow] = (),
    ) -> None:
        """Write all of it or nothing, with the messages that tell queues of it. `target` is (kind, name).

        Raises what `Store.write` raises.
        """
        now = self.clock.now_ms()
        entry = audit_statements.AuditRow(
            id=self.ids.next(),
            account_id=actor.account_id,
            at=now,
            actor=actor.name,
            address=actor.address,
            action=action,
            target_kind=target[0],
            target=target[1],
            detail=msgspec.json.encode(detail or {}).decode(),
        )
        announcements = [
            write for kind, entity_id in changed for write in change_statements.record(kind, entity_id, now)
        ]
        told = [queue_messages.ADD.rows([msgspec.structs.astuple(message) for message in messages])] if messages else []
        await self.store.write(*writes, audit_statements.ADD.of(entry), *announcements, *told)
        if messages:
            self._outbox.committed(messages)
        try:
            await self.directory.catch_up()
        except StoreUnavailable as error:
            # Committed all the same: the directory turns stale by itself and follows when the database answers.
            _log.warning("directory is behind a committed change", action=action, error=str(error))

    def later_than(self, updated_at: int | None) -> int:
        """The time for a new `updated_at` (epoch ms): now, yet later than the one seen.

        Updates are guarded by the `updated_at` their author saw, so of two authors the second is refused, not lost.
        """
        return max(self.clock.now_ms(), (updated_at or 0) + 1)

    async def entries(
        self,
        account_id: int,
        chosen: AuditFilter | None = None,
        *,
        before_id: int | None = None,
        rows: int = 100,
    ) -> list[AuditEntry]:
        """Audit entries of an account, newest first, older than the entry `before_id`."""
        chosen = chosen or AuditFilter()
        found = await self.store.scan(
            audit_statements.PAGE,
            of_account=account_id,
            before_id=_LAST if before_id is None else before_id,
            like_actor=like_pattern(chosen.actor),
            like_action=like_pattern(chosen.action),
            like_target=like_pattern(chosen.target),
            of_kind=chosen.target_kind,
            since=chosen.since,
            until=chosen.until,
            rows=rows,
        )
        return [
            AuditEntry(
                id=row.id,
                at=row.at,
                actor=row.actor,
                address=row.address,
                action=row.action,
                target_kind=row.target_kind,
                target=row.target,
                detail=msgspec.json.decode(row.detail),
            )
            for row in found
        ]

    async def forget_before(self, at_ms: int) -> None:
        """Drop audit entries older than `at_ms` (epoch ms)."""
        await self.store.write(audit_statements.DELETE_BEFORE(before=at_ms))
