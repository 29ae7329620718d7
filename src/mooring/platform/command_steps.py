"""The steps of one command, each taken on evidence only (openapi-notes.md section 11, design: one command end to end).

A command is accepted; may be cached; is published (the PUBLISH was written), delivered (PUBACK), answered or reported;
or failed, or expired in the cache. What comes late still counts: a PUBACK after `failed` clears the failure.
"""

import enum
from collections.abc import Iterator

import msgspec

from mooring.store import Write
from mooring.store import commands as statements

from .command_input import Kind
from .command_messages import Receiver

__all__ = ["Command", "State", "state_of"]

_PENDING, _SENT, _LOST = 0, 1, -1


class State(enum.StrEnum):
    """The furthest step of a command."""

    ACCEPTED = "accepted"
    CACHED = "cached"
    PUBLISHED = "published"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    REPORTED = "reported"
    FAILED = "failed"
    EXPIRED = "expired"


class Command(msgspec.Struct, kw_only=True, eq=False):
    """An open command. The names are those of the table, but for `receiver` and `outcome_told`, which says that
    applications know what came of it; `payload` is None while only the database holds it."""

    id: int
    receiver: Receiver
    kind: Kind
    cmd: int
    qos: int
    accepted_at: int
    expires_at: int | None
    payload: bytes | None
    output: str | None = None
    packet_id: int | None = None
    waits: bool = False
    open: bool = True
    reply_id: int | None = None
    failure: str | None = None
    cached_at: int | None = None
    published_at: int | None = None
    delivered_at: int | None = None
    answered_at: int | None = None
    reported_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    outcome_told: bool = False

    @property
    def device_id(self) -> int:
        """The device it is for."""
        return self.receiver.device.id

    @property
    def pending(self) -> bool:
        """Whether it is neither delivered nor given up."""
        return self.delivered_at is None and self.failed_at is None and self.expired_at is None

    def cache(self, at_ms: int) -> None:
        """It waits until the device comes online or speaks."""
        self.waits = True
        if self.cached_at is None:
            self.cached_at = at_ms

    def leave_cache(self) -> None:
        """It was given to the connection; nothing is known to be on the wire yet."""
        self.waits = False

    def publish(self, at_ms: int, packet_id: int) -> None:
        """The PUBLISH was written to the device's connection."""
        self.waits = False
        self.published_at = at_ms
        self.packet_id = packet_id

    def deliver(self, at_ms: int) -> None:
        """The device confirmed it."""
        if self.published_at is None or self.delivered_at is not None:
            return
        self.delivered_at = at_ms
        self.failed_at = self.failure = None
        if self.kind is Kind.RAW:
            self.open = False

    def answer(self, at_ms: int, reply_id: int, output: str | None) -> None:
        """The device's answer came, which also shows that it had the command."""
        if self.published_at is None:
            return
        self.deliver(at_ms)
        if self.answered_at is None:
            self.answered_at = at_ms
        self.reply_id = reply_id
        self.output = output
        self.open = False

    def report(self, at_ms: int, reply_id: int) -> None:
        """The device reported the values that were written."""
        if self.delivered_at is None:
            return
        self.reported_at = at_ms
        self.reply_id = reply_id
        self.open = False

    def fail(self, at_ms: int, reason: str) -> None:
        """It could not be sent, or was not confirmed."""
        if not self.pending:
            return
        self.failed_at = at_ms
        self.failure = reason
        self.waits = self.open = False

    def expire(self, at_ms: int) -> None:
        """It waited longer than it may."""
        if not self.pending or self.published_at is not None:
            return
        self.expired_at = at_ms
        self.waits = self.open = False

    def close(self) -> None:
        """Nothing more is expected of it."""
        self.open = False

    def writes(self, at_ms: int) -> Iterator[Write]:
        """All of it into its row and into its row of the data log; `at_ms` is when the last step was."""
        steps = {f"new_{name}": getattr(self, name) for name in statements.STEPS}
        yield statements.SAVE(ticket=self.id, **steps)
        status = _SENT if self.delivered_at is not None else _PENDING if self.pending else _LOST
        yield statements.SAVE_LOG(
            ticket=self.id,
            new_packet_id=self.packet_id,
            new_status=status,
            new_sent_at=self.published_at,
            at=at_ms,
        )


def state_of(command: Command | statements.CommandRow) -> State:
    """The furthest step that has evidence."""
    if command.answered_at is not None:
        return State.ANSWERED
    if command.reported_at is not None:
        return State.REPORTED
    if command.delivered_at is not None:
        return State.DELIVERED
    if command.failed_at is not None:
        return State.FAILED
    if command.expired_at is not None:
        return State.EXPIRED
    if command.published_at is not None:
        return State.PUBLISHED
    return State.CACHED if command.waits else State.ACCEPTED
