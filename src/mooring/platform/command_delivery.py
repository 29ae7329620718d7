"""Open commands of all devices: when each leaves, how long each step may take, which uplink is evidence of which.

This is an index of what the database holds: after a restart `load` fills it again, and only the wait for answers is
lost. Commands of a device leave oldest first, a bounded number of them unconfirmed at a time.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import structlog

from mooring.protocol.frame import Frame
from mooring.store import Store, StoreError, StoreUnavailable
from mooring.store import commands as statements
from mooring.store.queue_messages import MessageRow
from mooring.thingmodel import Decoded

from .announcer import Announcer
from .command_evidence import Evidence
from .command_flight import Flight
from .command_input import Kind, Settled
from .command_lane import WINDOW, Lane
from .command_messages import CommandMessages, Receiver
from .command_steps import Command, state_of
from .directory import Directory
from .journal import Entry, Journal
from .session import Session
from .sources import Clock
from .trace import Trace

__all__ = ["CONFIRM_WITHIN_S", "EVIDENCE_S", "Deliveries", "Online"]

CONFIRM_WITHIN_S = 5.0  # from being given to the connection to the PUBACK (openapi-notes.md section 11)
EVIDENCE_S = 300.0  # for how long an answer, a report or a late PUBACK is looked for

_READ_RESPONSE = 0x0012
_UNCONFIRMED = f"the device did not confirm it within {CONFIRM_WITHIN_S:.0f} s"
_UNSENT = f"it could not be sent within {CONFIRM_WITHIN_S:.0f} s"
_OFFLINE = "the device went offline before it could be sent"
_ENDED = "the connection ended before the device confirmed it"
_FORGOTTEN = "its data is no longer kept"

_log = structlog.get_logger()

_K = TypeVar("_K")


class Online(Protocol):
    """What commands need to know of sessions."""

    def of(self, device_id: int, /) -> Session | None:
        """The session of the device, when it is online."""

    def note_data(self, session: Session, entry: Entry, at_ms: int, /) -> None:
        """Data passed on this connection."""


class Deliveries:
    """Moves commands on. Everything returns at once; what changes goes through the journal."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        journal: Journal,
        sessions: Online,
        trace: Trace,
        clock: Clock,
        announcer: Announcer,
    ) -> None:
        self._store = store
        self._directory = directory
        self._journal = journal
        self._sessions = sessions
        self._trace = trace
        self._clock = clock
        self._messages = CommandMessages(announcer)
        self._lanes: dict[int, Lane] = {}
        self._opened: dict[int, Session] = {}  # sessions that are shown online: commands follow that, not overtake it
        self._stuck: set[int] = set()  # devices whose connection or database refused: the next tick tries again
        # The four are in the order of their deadlines.
        self._to_send: dict[Command, float] = {}
        self._to_confirm: dict[Flight, float] = {}
        self._to_watch: dict[Flight, float] = {}
        self._to_expire: list[tuple[int, int, int]] = []  # heap of (epoch ms, ticket, device)
        self._unsaved: dict[int, Command] = {}
        self._untold: list[Sequence[MessageRow]] = []
        self.awaited: dict[int, Settled] = {}  # by ticket, each heard once
        self.on_sent: Callable[[int, int], None] | None = None
        """Hears of each command that was written: the device and the bytes of its payload."""

    # Commands

    @property
    def lanes(self) -> Mapping[int, Lane]:
        """By device, where something is open."""
        return self._lanes

    def load(self, commands: Iterable[Command]) -> None:
        """Take what lies in the cache, oldest first."""
        for command in commands:
            self._lane(command.device_id).queue.append(command)
            self._remember_expiry(command)

    def reserve(self, device_id: int, limit: int, covers: Kind | None) -> bool:
        """Keep a place among `limit` open commands of the device; waiting ones of the kind `covers` do not count."""
        lane = self._lane(device_id)
        free = lane.unconfirmed(covers) < limit
        lane.reserved += free
        self._tidy(device_id, lane)
        return free

    def release(self, device_id: int) -> None:
        """Give the place back: the command is committed, or is not to be."""
        lane = self._lanes[device_id]
        lane.reserved -= 1
        self._tidy(device_id, lane)

    def add(self, command: Command, *, cover: bool) -> None:
        """Take a committed command; it leaves at once when the device is online and nothing waits before it."""
        lane = self._lane(command.device_id)
        if cover:
            for waiting in [other for other in lane.queue if other.kind is command.kind]:
                self._give_up(lane, waiting, f"replaced by {command.id}")
        lane.queue.append(command)
        if command.expires_at is None:
            self._to_send[command] = self._clock.monotonic() + CONFIRM_WITHIN_S
        else:
            self._remember_expiry(command)
        if self._sessions.of(command.device_id) is None:
            self._keep_or_fail(lane, command)
        self._go_on(command.device_id, lane)

    def cancel(self, device_id: int, ticket: int, reason: str) -> bool:
        """Give up a command that has not left; False when it has."""
        lane = self._lanes.get(device_id)
        command = lane.waiting(ticket) if lane is not None else None
        if lane is None or command is None:
            return False
        self._give_up(lane, command, reason)
        self._tidy(device_id, lane)
        return True

    def abandon(self, device_id: int, reason: str) -> None:
        """Give up everything of the device that has not left."""
        lane = self._lanes.get(device_id)
        if lane is not None:
            for command in tuple(lane.queue):
                self._give_up(lane, command, reason)
            self._tidy(device_id, lane)

    # Devices

    def opened(self, session: Session) -> None:
        """Send what waited; what an earlier connection was given is lost."""
        self._opened[session.device.id] = session
        lane = self._lanes.get(session.device.id)
        if lane is not None:
            for flight in [flight for flight in lane.flights.values() if flight.session is not session]:
                self.on_lost(flight, _ENDED)
            self._stuck.discard(session.device.id)
            self._go_on(session.device.id, lane)

    def closed(self, session: Session) -> None:
        """Nothing more is heard of what this connection was given."""
        if self._opened.get(session.device.id) is session:
            del self._opened[session.device.id]
        lane = self._lanes.get(session.device.id)
        if lane is not None:
            for flight in [flight for flight in lane.flights.values() if flight.session is session]:
                self.on_lost(flight, _ENDED)
            if self._sessions.of(session.device.id) is None:
                for command in tuple(lane.queue):
                    self._keep_or_fail(lane, command)
            self._tidy(session.device.id, lane)

    def spoke(self, session: Session) -> None:
        """Send what waits; near free when nothing does."""
        lane = self._lanes.get(session.device.id)
        if lane is not None and lane.queue:
            self._stuck.discard(session.device.id)
            self._go_on(session.device.id, lane)

    def take_uplink(
        self,
        session: Session,
        entry: Entry,
        cmd: int,
        packet_id: int,
        decoded: Decoded | None,
        log_id: int,
        at_ms: int,
    ) -> Evidence | None:
        """Find what an uplink is evidence of; the changes join `entry`. Returns what it answers, None when nothing."""
        lane = self._lanes.get(session.device.id)
        if lane is None or not lane.flights:
            return None
        values: Mapping[int, object] = decoded.properties if decoded is not None else {}
        answers = list(decoded.services) if decoded is not None else []
        output = decoded.dm if decoded is not None else None
        evidence = Evidence()
        moved = []
        for flight in lane.flights.values():
            ticket = flight.command.id
            if cmd == _READ_RESPONSE and flight.take_reply(packet_id, output, log_id, at_ms):
                evidence.read = ticket
            elif answers and (taken := flight.take_services(answers, log_id, at_ms)):
                evidence.answers += [(answer, ticket) for answer in taken]
                if flight.command.answered_at is None:
                    continue
                evidence.done = evidence.done or ticket
            elif not values or not flight.take_values(values, log_id, at_ms):
                continue
            moved.append(flight)
        for flight in moved:
            self._forget(lane, flight)
        if moved:
            self._join(entry, [flight.command for flight in moved], at_ms)
            self._tidy(session.device.id, lane)
        return evidence if moved or evidence.answers else None

    # Flights

    def on_published(self, flight: Flight) -> None:
        """The PUBLISH was written."""
        if flight.withdrawn:
            return
        now = self._clock.now_ms()
        command, entry = flight.command, Entry()
        messages: list[MessageRow] = []
        if not flight.session.activated:
            self._sessions.note_data(flight.session, entry, now)
        if command.published_at is None:
            payload = command.payload or b""
            if self.on_sent is not None:
                self.on_sent(command.device_id, len(payload))
            sent = Frame(flight.packet_id, command.cmd, payload)
            self._messages.left(messages.append, command.receiver, command.id, command.kind, sent, flight.codec)
        command.publish(now, flight.packet_id)
        self._save(command, entry, messages)

    def on_delivered(self, flight: Flight) -> None:
        """The PUBACK came, maybe late."""
        if flight.withdrawn:
            return
        command = flight.command
        self._to_confirm.pop(flight, None)
        if command.published_at is None:
            self.on_published(flight)  # what was confirmed was on the wire, whether or not the connection said so
        if command.delivered_at is None:
            command.deliver(self._clock.now_ms())
            self._save(command)
        lane = self._lanes.get(command.device_id)
        if lane is not None:
            if command.kind is Kind.RAW:
                self._forget(lane, flight)
            lane.settle(flight)
            self._go_on(command.device_id, lane)

    def on_lost(self, flight: Flight, reason: str) -> None:
        """The connection gave it up."""
        lane = self._lanes.get(flight.command.device_id)
        if flight.settled or lane is None:
            return
        command, now = flight.command, self._clock.now_ms()
        self._to_confirm.pop(flight, None)
        if command.pending and command.published_at is None and (command.expires_at or 0) > now:
            # Nothing of it was on the wire, and its sender allows it to wait.
            flight.withdrawn = True
            self._forget(lane, flight)
            lane.put_back(command)
            self._stuck.add(command.device_id)
            command.cache(now)
            self._save(command)
            return
        if command.pending:
            command.fail(now, reason)
            self._save(command)
        lane.settle(flight)
        self._go_on(command.device_id, lane)

    # Time

    def tick(self) -> None:
        """Do what is due: to be called a few times a second."""
        now, monotonic = self._clock.now_ms(), self._clock.monotonic()
        for command in _due(self._to_send, monotonic):
            self._give_up(self._lanes[command.device_id], command, _UNSENT)
        for flight in _due(self._to_confirm, monotonic):
            del self._to_confirm[flight]
            self._unconfirmed(flight, now, monotonic)
        for flight in _due(self._to_watch, monotonic):
            self._watched_enough(flight)
        while self._to_expire and self._to_expire[0][0] <= now:
            _, ticket, device_id = heapq.heappop(self._to_expire)
            self._expire(device_id, ticket, now)
        untold, self._untold = self._untold, []
        for messages in untold:
            self._tell_again(messages)
        unsaved, self._unsaved = self._unsaved, {}
        for command in unsaved.values():
            self._save(command)
        stuck, self._stuck = self._stuck, set()
        for device_id in stuck:
            lane = self._lanes.get(device_id)
            if lane is not None:
                self._go_on(device_id, lane)

    def _unconfirmed(self, flight: Flight, now: int, monotonic: float) -> None:
        command = flight.command
        if command.published_at is None and (command.expires_at or 0) > now:
            self._to_confirm[flight] = monotonic + CONFIRM_WITHIN_S  # the connection is busy, and it may wait
        elif command.pending:
            command.fail(now, _UNSENT if command.published_at is None else _UNCONFIRMED)
            self._save(command)

    def _watched_enough(self, flight: Flight) -> None:
        command = flight.command
        lane = self._lanes[command.device_id]
        self._forget(lane, flight)
        if command.open:
            command.fail(self._clock.now_ms(), _UNSENT if command.published_at is None else _UNCONFIRMED)
            command.close()
            self._save(command)
        self._go_on(command.device_id, lane)

    def _expire(self, device_id: int, ticket: int, now: int) -> None:
        lane = self._lanes.get(device_id)
        command = lane.waiting(ticket) if lane is not None else None
        if lane is not None and command is not None:
            lane.queue.remove(command)
            command.expire(now)
            self._save(command)
            self._tidy(device_id, lane)

    # Moving on

    def _go_on(self, device_id: int, lane: Lane) -> None:
        session = self._opened.get(device_id)
        if session is not None and lane.queue and session is self._sessions.of(device_id):
            self._drain(session, lane)
        self._tidy(device_id, lane)

    def _drain(self, session: Session, lane: Lane) -> None:
        if lane.draining or lane.loading is not None:
            return
        lane.draining = True
        device_id = session.device.id
        try:
            while lane.queue and lane.has_window and device_id not in self._stuck:
                if lane.queue[0].payload is None:
                    lane.loading = asyncio.get_running_loop().create_task(self._fetch(device_id, lane))
                    return
                self._send(session, lane, lane.queue.pop(0))
        finally:
            lane.draining = False

    def _send(self, session: Session, lane: Lane, command: Command) -> None:
        product = self._directory.product(session.device.product_id)
        model = product.model if product is not None else None
        flight = Flight(self, command, session, model.codec if model is not None else None)
        command.leave_cache()
        if session.gateway is not None:
            command.receiver = Receiver(command.receiver.device, session.gateway.device)
        self._to_send.pop(command, None)
        monotonic = self._clock.monotonic()
        self._to_confirm[flight] = monotonic + CONFIRM_WITHIN_S
        self._to_watch[flight] = monotonic + EVIDENCE_S
        lane.flights[command.id] = flight
        lane.unsettled += 1
        session.link.send(Frame(flight.packet_id, command.cmd, command.payload or b""), min(command.qos, 1), flight)
        forgotten = lane.oldest_to_forget()
        if forgotten is not None:
            self._watched_enough(forgotten)

    async def _fetch(self, device_id: int, lane: Lane) -> None:
        """Payloads of cached commands, which only the database keeps."""
        try:
            for command in lane.queue[:WINDOW]:
                if command.payload is None:
                    rows = await self._store.read(statements.ONE, ticket=command.id)
                    if rows:
                        command.payload = rows[0].payload
                    elif lane.waiting(command.id) is not None:
                        self._give_up(lane, command, _FORGOTTEN)
        except StoreError as error:
            _log.warning("cached commands cannot be read", device=device_id, error=str(error))
            self._stuck.add(device_id)
        finally:
            lane.loading = None
        self._go_on(device_id, lane)

    def _keep_or_fail(self, lane: Lane, command: Command) -> None:
        now = self._clock.now_ms()
        if (command.expires_at or 0) <= now:
            self._give_up(lane, command, _OFFLINE)
        else:
            command.payload = None
            if not command.waits:
                command.cache(now)
                self._save(command)

    def _give_up(self, lane: Lane, command: Command, reason: str) -> None:
        lane.queue.remove(command)
        self._to_send.pop(command, None)
        command.fail(self._clock.now_ms(), reason)
        self._save(command)

    def _forget(self, lane: Lane, flight: Flight) -> None:
        lane.flights.pop(flight.command.id, None)
        lane.settle(flight)
        self._to_confirm.pop(flight, None)
        self._to_watch.pop(flight, None)

    def _remember_expiry(self, command: Command) -> None:
        if command.expires_at is not None:
            heapq.heappush(self._to_expire, (command.expires_at, command.id, command.device_id))

    def _lane(self, device_id: int) -> Lane:
        lane = self._lanes.get(device_id)
        if lane is None:
            lane = self._lanes[device_id] = Lane()
        return lane

    def _tidy(self, device_id: int, lane: Lane) -> None:
        if lane.is_empty and self._lanes.get(device_id) is lane:
            del self._lanes[device_id]

    # Keeping

    def _save(self, command: Command, entry: Entry | None = None, messages: Sequence[MessageRow] = ()) -> None:
        entry = entry or Entry()
        self._join(entry, [command], self._clock.now_ms(), messages)
        self._journal.add(entry)

    def _join(self, entry: Entry, commands: Sequence[Command], at_ms: int, messages: Sequence[MessageRow] = ()) -> None:
        """The commands as they are now, what `messages` tell of them, and what came of those that are settled."""
        told = list(messages)
        for command in commands:
            if self.awaited and not command.pending:
                settled = self.awaited.pop(command.id, None)
                if settled is not None:
                    settled(command.id, state_of(command), command.failure)
            for write in command.writes(at_ms):
                entry.write(write)
            if not command.pending and not command.outcome_told:
                command.outcome_told = True
                delivered = command.delivered_at is not None
                self._messages.outcome(
                    told.append, command.receiver, command.id, command.published_at, delivered=delivered
                )
            if self._trace.watched(command.device_id):
                failure = f" ({command.failure})" if command.failure else ""
                self._trace.tell(
                    command.device_id, "note", note=f"command {command.id} is {state_of(command)}{failure}"
                )
        for message in told:
            entry.push(message)
        listener = entry.done

        def done(error: StoreError | None) -> None:
            if isinstance(error, StoreUnavailable):
                self._unsaved.update((command.id, command) for command in commands)
                if told:
                    self._untold.append(told)
            if listener is not None:
                listener(error)

        entry.done = done

    def _tell_again(self, messages: Sequence[MessageRow]) -> None:
        """Messages whose commit seemed to fail. When they are there all the same they are refused as a whole."""

        def done(error: StoreError | None) -> None:
            if isinstance(error, StoreUnavailable):
                self._untold.append(messages)

        entry = Entry(done)
        for message in messages:
            entry.push(message)
        self._journal.add(entry)


def _due(deadlines: Mapping[_K, float], now: float) -> list[_K]:
    """The keys whose time has come, of a mapping in the order of time."""
    found = []
    for key, due in deadlines.items():
        if due > now:
            break
        found.append(key)
    return found
