"""What devices send: each message becomes one entry of the journal, with everything that follows from it.

device-protocol.md sections 5.1, 6 and 9, tsl.md section 10, domain-rules.md sections 6 and 7. A message is never
refused: what cannot be read or has no place in the thing model goes to the exception log, because a device that was
not acknowledged would only send the same again. `receive` for reports is the hot path of the server.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from mooring.protocol import commands, ttlv
from mooring.protocol.commands import CommandError, Direction
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import TtlvError
from mooring.store import StoreError
from mooring.store.logs import ADD_EVENT, ADD_EXCEPTION, ADD_LOCATION
from mooring.thingmodel import Decoded, DecodedEvent, Misfit, plain_dm_data

from .announcer import Announcer
from .binding_codes import report_code
from .command_evidence import Evidence
from .device_limits import DeviceLimits
from .directory import Directory
from .journal import Entry, Journal
from .live import Live
from .locations import newest_fix, read_report
from .resources import module_resources, status_resources
from .session import Session
from .sources import Clock, Ids
from .trace import Trace
from .uplink_messages import UplinkMessages
from .uplink_rows import data_row, event_row, exception_row, misfit_reason

__all__ = ["MAX_EVENTS", "Downlinks", "Online", "SubDevices", "Uplinks"]

MAX_EVENTS = 200  # of one report; an empty one takes four bytes, and each makes a row

_ANSWER, _REPORT = 0x0012, 0x0014
_COUNTED = frozenset((_ANSWER, _REPORT, 0x0024, 0x0122, 0x0124))  # see DeviceLimits
_TRANSPARENT = 0
_MAX_PACKET_ID = 0xFFFF
_NUL_SHOWN = "\ufffd"  # JSONB of PostgreSQL, where the newest values are merged, cannot hold NUL

_log = structlog.get_logger()

Done = Callable[[StoreError | None], None]


class Online(Protocol):
    """What uplinks need of sessions."""

    def note_data(self, session: Session, entry: Entry, at_ms: int, /) -> None:
        """Data passed on this connection."""


class Downlinks(Protocol):
    """What uplinks need of commands."""

    @property
    def busy(self) -> Container[int]:
        """Devices with open commands; the rest is asked for these only."""

    def on_uplink(
        self,
        session: Session,
        entry: Entry,
        cmd: int,
        packet_id: int,
        decoded: Decoded | None,
        log_id: int,
        at_ms: int,
        /,
    ) -> Evidence | None:
        """Find the commands that a message is evidence of; what it answers, None when nothing."""

    def device_spoke(self, session: Session, /) -> None:
        """An uplink came."""


class SubDevices(Protocol):
    """What uplinks need of the service for gateways."""

    def take(self, gateway: Session, request: commands.SubDeviceRequest, packet_id: int, done: Done | None, /) -> None:
        """A gateway asks something for a sub-device."""


class Uplinks:
    """Takes what devices send. Everything returns at once; `done` hears the outcome of the commit."""

    def __init__(
        self,
        directory: Directory,
        journal: Journal,
        sessions: Online,
        commands: Downlinks,
        sub_devices: SubDevices,
        trace: Trace,
        clock: Clock,
        ids: Ids,
        limits: DeviceLimits,
        announcer: Announcer,
        live: Live,
        *,
        network_positions: bool = True,
    ) -> None:
        self._live = live
        self._limits = limits
        self._targets = announcer.targets
        self._messages = UplinkMessages(announcer, ids, network_positions=network_positions)
        self._directory = directory
        self._journal = journal
        self._sessions = sessions
        self._commands = commands
        self._busy = commands.busy
        self._sub_devices = sub_devices
        self._trace = trace
        self._clock = clock
        self._ids = ids
        self.received = 0  # messages since the start, for those who look on

    def receive(self, session: Session, frame: Frame, qos: int, done: Done | None) -> None:
        """Take one frame. Never raises. `qos` is that of its message, for those who watch."""
        at_ms = self._clock.now_ms()
        self.received += 1
        entry = Entry(done)
        if frame.command in _COUNTED and not self._limits.take(session.device.id, len(frame.payload)):
            self._except(session, entry, frame, qos, "the device has used up its messages of the day", at_ms)
            self._journal.add(entry)
            return
        try:
            if frame.command == _REPORT or frame.command == _ANSWER:
                self._take_model_data(session, entry, frame, qos, at_ms)
            else:
                self._take(session, entry, frame, qos, at_ms)
        except Exception:
            _log.exception("uplink not understood", device=session.device.id, cmd=f"{frame.command:04X}")
            entry = Entry(done)
            self._except(session, entry, frame, qos, "a fault of the server, see its log", at_ms)
        self._journal.add(entry)
        if session.device.id in self._busy:
            self._commands.device_spoke(session)

    def malformed(self, session: Session, payload: bytes, reason: str, done: Done | None) -> None:
        """Take a message that is no frame, and say why. Never raises."""
        entry = Entry(done)
        device_id, at_ms = session.device.id, self._clock.now_ms()
        entry.add(ADD_EXCEPTION, exception_row(self._ids.next(), device_id, None, None, reason, (), payload, at_ms))
        self._journal.add(entry)

    def _take_model_data(self, session: Session, entry: Entry, frame: Frame, qos: int, at_ms: int) -> None:
        """0014 and 0012: properties, events and answers of services."""
        device = session.device
        log_id = self._ids.next(at_ms)
        decoded = None
        dm_data = None
        events: Sequence[int] = ()
        product = self._directory.product(device.product_id)
        try:
            if product is not None and product.model is not None:
                decoded = product.model.codec.decode_payload(frame.payload)
            else:
                dm_data = plain_dm_data(ttlv.decode(frame.payload))
        except TtlvError as error:
            self._except(session, entry, frame, qos, f"the payload is no TTLV: {error}", at_ms)
        else:
            if decoded is not None:
                dm_data = decoded.dm
                if decoded.properties:
                    entry.set_properties(device.id, decoded.properties, at_ms)
                    if device.id in self._live and product is not None and product.model is not None:
                        known = product.model.codec.properties
                        values = {known[ident].code: value for ident, value in decoded.properties.items()}
                        self._live.values(device, values)
                if decoded.events:
                    events = self._add_events(session, entry, frame, qos, decoded.events, at_ms)
                if decoded.misfits:
                    self._except(
                        session, entry, frame, qos, misfit_reason(decoded.misfits), at_ms, misfits=decoded.misfits
                    )
            else:
                transparent = product is not None and product.data_fmt == _TRANSPARENT
                reason = "the product is transparent" if transparent else "the product has no released thing model"
                self._except(session, entry, frame, qos, reason, at_ms)
        if not session.activated:
            self._sessions.note_data(session, entry, at_ms)
        ticket, evidence = log_id, None
        if device.id in self._busy:
            evidence = self._commands.on_uplink(session, entry, frame.command, frame.packet_id, decoded, log_id, at_ms)
            if evidence is not None and evidence.ticket:
                ticket = evidence.ticket
        entry.data = data_row(log_id, device.id, frame, dm_data, ticket, at_ms)
        targets = self._targets(device.product_id)
        if targets is not None and decoded is not None and product is not None and product.model is not None:
            codec = product.model.codec
            self._messages.model_data(targets, session, entry, frame, codec, decoded, log_id, events, evidence)

    def _add_events(
        self, session: Session, entry: Entry, frame: Frame, qos: int, events: Sequence[DecodedEvent], at_ms: int
    ) -> Sequence[int]:
        """The ids of the rows."""
        numbers = []
        for event in events[:MAX_EVENTS]:
            number = self._ids.next()
            numbers.append(number)
            entry.add(ADD_EVENT, event_row(number, session.device.id, event, frame.packet_id, at_ms))
        if len(events) > MAX_EVENTS:
            reason = f"the report has {len(events)} events, the limit is {MAX_EVENTS}"
            self._except(session, entry, frame, qos, reason, at_ms)
        return numbers

    def _take(self, session: Session, entry: Entry, frame: Frame, qos: int, at_ms: int) -> None:
        """Everything but model data."""
        try:
            value = commands.decode(frame, Direction.UP)
        except CommandError as error:
            self._except(session, entry, frame, qos, f"{error.field}: {error.reason}", at_ms)
            return
        match value:
            case commands.PassThroughUp():
                self._take_bytes(session, entry, frame, at_ms)
            case commands.LocationReport() | commands.LocationResponse():
                self._take_location(session, entry, frame, qos, value.text, at_ms)
            case commands.Status():
                self._set_resources(session, entry, frame, status_resources(value), at_ms)
            case commands.ModuleInformation():
                self._set_resources(session, entry, frame, module_resources(value), at_ms)
            case commands.ExceptionReport():
                reason = f"the device refused a frame with code {value.code}"
                self._except(session, entry, frame, qos, reason, at_ms, packet_id=value.packet_id)
            case commands.SubDeviceRequest():
                done, entry.done = entry.done, None
                self._sub_devices.take(session, value, frame.packet_id, done)
            case commands.BindCodeReport():
                wrong = report_code(entry, session.device.id, value, at_ms)
                if wrong is not None:
                    self._except(session, entry, frame, qos, wrong, at_ms)
            case commands.Unknown():
                self._except(session, entry, frame, qos, f"unknown command {frame.command:04X}", at_ms)
            case _:
                self._except(session, entry, frame, qos, f"this server does not serve {frame.command:04X}", at_ms)

    def _take_bytes(self, session: Session, entry: Entry, frame: Frame, at_ms: int) -> None:
        if not session.activated:
            self._sessions.note_data(session, entry, at_ms)
        log_id = self._ids.next()
        self._commands.on_uplink(session, entry, frame.command, frame.packet_id, None, log_id, at_ms)
        entry.data = data_row(log_id, session.device.id, frame, None, log_id, at_ms)
        targets = self._targets(session.device.product_id)
        if targets is not None:
            self._messages.raw(targets, session, entry, frame, log_id)

    def _take_location(self, session: Session, entry: Entry, frame: Frame, qos: int, text: str, at_ms: int) -> None:
        device_id = session.device.id
        if not session.activated:
            self._sessions.note_data(session, entry, at_ms)
        found, unread = read_report(text, at_ms)
        logged = []
        for location in found:
            log_id = self._ids.next()
            location = msgspec.structs.replace(location, ticket=log_id, packet_id=frame.packet_id)
            logged.append(location)
            entry.add(ADD_LOCATION, (log_id, device_id, msgspec.json.encode(location).decode(), at_ms))
        fix = newest_fix(logged)
        if fix is not None:
            if device_id in self._live:
                self._live.location(session.device, fix)
            entry.set_location(device_id, msgspec.json.encode(fix).decode(), at_ms)
        if unread:
            self._except(session, entry, frame, qos, f"{unread} sentences beyond the limit were not read", at_ms)
        targets = self._targets(session.device.product_id)
        if targets is not None:
            self._messages.location(targets, session, entry, frame, text, logged)

    def _set_resources(
        self, session: Session, entry: Entry, frame: Frame, values: Mapping[str, str], at_ms: int
    ) -> None:
        if not values:
            return
        cleaned = {name: value.replace("\0", _NUL_SHOWN) for name, value in values.items()}
        entry.set_resources(session.device.id, cleaned, at_ms)
        targets = self._targets(session.device.product_id)
        if targets is not None:
            self._messages.resources(targets, session, entry, frame, cleaned)

    def _except(
        self,
        session: Session,
        entry: Entry,
        frame: Frame,
        qos: int,
        reason: str,
        at_ms: int,
        *,
        misfits: Sequence[Misfit] = (),
        packet_id: int | None = None,
    ) -> None:
        """Log what could not be taken; `packet_id` is that of the downlink concerned, else the frame's own counts."""
        device_id = session.device.id
        if packet_id is None or not 0 <= packet_id <= _MAX_PACKET_ID:
            packet_id = frame.packet_id
        row = exception_row(
            self._ids.next(), device_id, frame.command, packet_id, reason, misfits, frame.payload, at_ms
        )
        entry.add(ADD_EXCEPTION, row)
        if self._trace.watched(device_id):
            cmd = f"{frame.command:04X}"
            self._trace.tell(
                device_id, "note", direction="up", qos=qos, packet_id=frame.packet_id, cmd=cmd, note=reason
            )
