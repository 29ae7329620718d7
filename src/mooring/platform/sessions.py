"""Which devices are online: one session a device, the event log of connections, activation (domain-rules.md section 4).

Sessions live in this process's memory. What the database shows of them (online, times, events) goes through the
journal, in order; `recover` sets right what a process that died left behind. A sub-device is online through the session
of its gateway and never longer than that (section 5).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog

from mooring.store import Store, StoreError, StoreUnavailable, Write
from mooring.store import devices as statements
from mooring.store import gateway_links as link_statements
from mooring.store import logs as log_statements

from . import message_bodies as bodies
from .announcer import Announcer, Keyed, Subject
from .entities import Device
from .journal import Entry, Journal
from .session import DeviceLink, Session
from .sources import Clock, Ids
from .trace import Trace

__all__ = ["OFFLINE", "ONLINE", "RECONNECT", "GatewayOffline", "Sessions"]

OFFLINE, ONLINE, RECONNECT = 0, 1, 2
"""Types of the event log."""

_NAMES = {OFFLINE: ("offline", "Offline"), ONLINE: ("online", "Online"), RECONNECT: ("reconnect", "Reconnect")}
_RETRY_S = 1.0
_LATE = "the device was online again when this could be written"
_DIED = "the server stopped without closing the connection"

_log = structlog.get_logger()

Listener = Callable[[Session], None]


class GatewayOffline(Exception):
    """A sub-device cannot come online: the session of its gateway has ended."""


class _Offline(msgspec.Struct):
    """A device that went offline at `at`; `is_late` once it is online again, `logged` when it ever seemed online."""

    device: Device
    gateway: Device | None
    at: int
    logged: bool = True
    is_late: bool = False


class Sessions:
    """The sessions of this process. `on_open` and `on_close` listeners hear of each, after it is shown online and
    when it is gone; a connection that takes another one's place closes that one too."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        trace: Trace,
        clock: Clock,
        ids: Ids,
        announcer: Announcer,
        *,
        reconnect_as_online: bool = False,
    ) -> None:
        """With `reconnect_as_online`, messages never say 2 (contract/messages.md, ambiguity 21)."""
        self._announcer = announcer
        self._reconnected = ONLINE if reconnect_as_online else RECONNECT
        self._store = store
        self._journal = journal
        self._trace = trace
        self._clock = clock
        self._ids = ids
        self._open: dict[int, Session] = {}
        self._behind: dict[int, dict[int, Session]] = {}  # by session of a gateway: sub-devices that are online there
        self._unwritten: list[_Offline] = []  # while the database did not answer
        self._timer: asyncio.TimerHandle | None = None
        self.on_open: list[Listener] = []
        self.on_close: list[Listener] = []

    @property
    def count(self) -> int:
        """How many devices are online."""
        return len(self._open)

    def of(self, device_id: int) -> Session | None:
        """The session of a device, None while it is offline."""
        return self._open.get(device_id)

    def all(self) -> Iterable[Session]:
        """Every session, as of now."""
        return list(self._open.values())

    def behind(self, gateway: Session) -> list[Session]:
        """The sub-devices that are online through this session."""
        return list(self._behind.get(gateway.id, {}).values())

    async def open(
        self,
        device: Device,
        link: DeviceLink,
        address: str,
        *,
        gateway: Session | None = None,
        writes: Sequence[Write] = (),
    ) -> Session:
        """Put a device online; an older connection of it is closed and leaves no offline event (section 4).

        A sub-device comes by the session of its `gateway`; `writes` are committed with the rest. Returns when that is
        done; only then listeners hear of it, unless another connection has taken over since, or the gateway is gone. A
        device that was deleted, disabled or reset meanwhile is closed again. Raises StoreError: it is offline then;
        GatewayOffline.
        """
        if gateway is not None and self._open.get(gateway.device.id) is not gateway:
            raise GatewayOffline
        now = self._clock.now_ms()
        session = Session(self._ids.next(), device, link, address, now, gateway)
        before = self._open.get(device.id)
        self._open[device.id] = session
        if gateway is not None:
            self._behind.setdefault(gateway.id, {})[device.id] = session
        overtaken = [offline for offline in self._unwritten if offline.device.id == device.id and not offline.is_late]
        for offline in overtaken:
            offline.is_late = True
        if before is not None:
            self._leave_gateway(before)
            before.link.close("the device connected again")
            self._end_behind(before)
            self._tell(self.on_close, before)
        entry = Entry()
        entry.write(statements.SET_ONLINE(of_device=device.id, at=now))
        for write in writes:
            entry.write(write)
        ticket = self._add_event(entry, device.id, ONLINE if before is None else RECONNECT, now)
        value = self._reconnected if before is not None and _has_moved(before, gateway) else ONLINE
        self._say(entry, device, gateway.device if gateway is not None else None, value, ticket)
        try:
            await self._journal.commit(entry)
            allowed = await self._may_stay(device)
        except StoreError:
            if self._open.get(device.id) is session:
                del self._open[device.id]
                self._leave_gateway(session)
                for offline in overtaken:
                    offline.is_late = False
                self._write_offline(_offline(session, now, logged=before is not None))
            raise
        if self._open.get(device.id) is session:
            if allowed:
                self._tell(self.on_open, session)
            else:
                await self.disconnect(device.id, "the device was deleted, disabled or reset while it connected")
        return session

    def end(self, session: Session) -> None:
        """Take a device offline, at once; that is committed soon after. Nothing happens to a session that another
        connection has taken over."""
        device_id = session.device.id
        if self._open.get(device_id) is session:
            self._end_behind(session)
            del self._open[device_id]
            self._leave_gateway(session)
            self._write_offline(_offline(session, self._clock.now_ms()))
            self._tell(self.on_close, session)

    async def close(self, session: Session) -> None:
        """As `end`, and wait for the journal."""
        self.end(session)
        await self._journal.settle()

    async def disconnect(self, device_id: int, reason: str, notice: int | None = None) -> None:
        """End the connection of a device when it has one, with an exception notice (00A3) of the code `notice`."""
        session = self._open.get(device_id)
        if session is not None:
            session.link.close(reason, notice)
            self.end(session)

    def note_data(self, session: Session, entry: Entry, at_ms: int) -> None:
        """A data message passed, in either direction: the first one activates the device, within `entry`."""
        if session.activated:
            return
        session.activated = True
        device = session.device
        entry.write(statements.ACTIVATE(of_device=device.id, at=at_ms))
        gateway = session.gateway.device if session.gateway is not None else None
        data = bodies.brief(device.name, device.sn)
        self._announcer.device_changed(entry.push, device, "ACTIVE", data, gateway=gateway)
        told = entry.done

        def done(error: StoreError | None) -> None:
            if error is None:
                if session.device.activated_at is None:
                    session.device = msgspec.structs.replace(session.device, activated_at=at_ms)
            else:
                session.activated = False
            if told is not None:
                told(error)

        entry.done = done

    async def recover(self) -> None:
        """At start, before any device connects: whatever is shown online is not. Raises StoreError."""
        now = self._clock.now_ms()
        rows = await self._store.scan(statements.ONLINE)
        if rows:
            entry = Entry()
            links = {link.sub_device_id: link for link in await self._store.scan(link_statements.ONLINE)}
            for row in rows:
                ticket = self._add_event(entry, row.id, OFFLINE, now, _DIED)
                self._say(entry, row, links.get(row.id), OFFLINE, ticket)
            entry.write(statements.ALL_OFFLINE(at=now))
            await self._journal.commit(entry)
            _log.info("devices set offline that an ended process left online", devices=len(rows))

    def stop(self) -> None:
        """Give up what waits to be tried again: the process ends, `recover` of the next one does it."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_behind(self, gateway: Session) -> None:
        """Sub-devices are offline before their gateway is."""
        for session in self.behind(gateway):
            session.link.close("its gateway went offline")
            self.end(session)

    def _leave_gateway(self, session: Session) -> None:
        if session.gateway is not None:
            places = self._behind.get(session.gateway.id, {})
            if places.get(session.device.id) is session:
                del places[session.device.id]
                if not places:
                    del self._behind[session.gateway.id]

    async def _may_stay(self, device: Device) -> bool:
        rows = await self._store.read(statements.BY_ID, device_id=device.id)
        proof = device.device_secret, device.fingerprint
        return any(row.enabled and (row.device_secret, row.fingerprint) == proof for row in rows)

    def _write_offline(self, offline: "_Offline") -> None:
        """An offline device must not be shown online because the database did not answer: try until it does. What is
        older than the newest connection by then is invalid (section 4), and says so."""
        entry = Entry()
        if not offline.is_late:
            entry.write(statements.SET_OFFLINE(of_device=offline.device.id, at=offline.at))
        if offline.logged:
            remark = _LATE if offline.is_late else None
            ticket = self._add_event(entry, offline.device.id, OFFLINE, offline.at, remark)
            if not offline.is_late:
                self._say(entry, offline.device, offline.gateway, OFFLINE, ticket)

        def done(error: StoreError | None) -> None:
            if isinstance(error, StoreUnavailable):
                offline.is_late = offline.is_late or offline.device.id in self._open
                self._unwritten.append(offline)
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(_RETRY_S, self._write_again)

        entry.done = done
        self._journal.add(entry)

    def _write_again(self) -> None:
        self._timer = None
        unwritten, self._unwritten = self._unwritten, []
        for offline in unwritten:
            self._write_offline(offline)

    def _add_event(self, entry: Entry, device_id: int, kind: int, at: int, remark: str | None = None) -> int:
        """The id of the row, which is the ticket of what is told of it."""
        code, name = _NAMES[kind]
        event_id = self._ids.next()
        entry.add(log_statements.ADD_EVENT, (event_id, device_id, kind, None, code, name, None, None, remark, at))
        return event_id

    def _say(self, entry: Entry, subject: Subject, gateway: Keyed | None, value: int, ticket: int) -> None:
        data = bodies.online(value)
        self._announcer.device(entry.push, subject, "ONLINE", data, ticket=ticket, gateway=gateway)

    def _tell(self, listeners: list[Listener], session: Session) -> None:
        for listener in listeners:
            try:
                listener(session)
            except Exception:
                _log.exception("listener of sessions failed", device=session.device.id)


def _offline(session: Session, at_ms: int, *, logged: bool = True) -> _Offline:
    return _Offline(session.device, session.gateway.device if session.gateway is not None else None, at_ms, logged)


def _has_moved(before: Session, gateway: Session | None) -> bool:
    """Whether a device that comes while it is shown online comes by another gateway: the case in which messages call it
    a reconnection (messages.md section 4.1)."""
    was, now = before.gateway, gateway
    return was is not None and now is not None and was.device.id != now.device.id
