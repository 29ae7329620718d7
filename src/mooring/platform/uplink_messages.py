"""What applications are told of an uplink (contract/messages.md sections 2, 4.2 and 4.6 to 4.8).

Only what the released model has is told. One report makes one MATTR/REPORT, one MEVENT for each event and one
MSERV/OUTPUT for each answer; those that are no answers have a ticket of their own, which is the id of their row in a
log.
"""

from collections.abc import Mapping, Sequence

from mooring.protocol.frame import Frame
from mooring.thingmodel import Decoded, ModelCodec

from . import message_bodies as bodies
from .announcer import Announcer
from .command_evidence import Evidence
from .journal import Entry
from .locations import Location
from .routes import Targets
from .session import Session
from .sources import Ids

__all__ = ["UplinkMessages"]

_ANSWER = 0x0012


class UplinkMessages:
    """Puts messages into the entry of an uplink. Without `network_positions` cells and Wi-Fi scans are not told."""

    def __init__(self, announcer: Announcer, ids: Ids, *, network_positions: bool) -> None:
        self._announcer = announcer
        self._ids = ids
        self._network_positions = network_positions

    def model_data(
        self,
        targets: Targets,
        session: Session,
        entry: Entry,
        frame: Frame,
        codec: ModelCodec,
        decoded: Decoded,
        log_id: int,
        event_ids: Sequence[int],
        evidence: Evidence | None,
    ) -> None:
        """0014 and 0012. `event_ids` are those of the rows of the first events, which are the ones that count."""
        packet_id = frame.packet_id
        read = evidence.read if evidence is not None else None
        if decoded.properties or read is not None:
            values = bodies.values(packet_id, bodies.by_code(codec, decoded.properties))
            kind = "MATTR-READRESP" if frame.command == _ANSWER else "MATTR-REPORT"
            self._tell(targets, session, entry, kind, values, read or log_id)
        for event, event_id in zip(decoded.events, event_ids, strict=False):
            data = bodies.event(packet_id, event.code, event.outputs)
            self._tell(targets, session, entry, f"MEVENT-{event.sub_type}", data, event_id)
        for answer in decoded.services:
            ticket = evidence.ticket_of(answer) if evidence is not None else None
            data = bodies.event(packet_id, answer.code, answer.outputs)
            self._tell(targets, session, entry, "MSERV-OUTPUT", data, ticket or self._ids.next())

    def raw(self, targets: Targets, session: Session, entry: Entry, frame: Frame, log_id: int) -> None:
        """Transparent data; the contract has no message for none."""
        if frame.payload:
            self._tell(targets, session, entry, "RAW-UPLINK", bodies.raw(frame.payload, frame.packet_id), log_id)

    def resources(
        self, targets: Targets, session: Session, entry: Entry, frame: Frame, values: Mapping[str, str]
    ) -> None:
        """Status and module values."""
        self._tell(targets, session, entry, "STATUS", bodies.values(frame.packet_id, values), self._ids.next())

    def location(
        self,
        targets: Targets,
        session: Session,
        entry: Entry,
        frame: Frame,
        text: str,
        logged: Sequence[Location],
    ) -> None:
        """The sentences of a report, and each position that was worked out of them."""
        sentences = bodies.sentences(text, network=self._network_positions)
        if sentences:
            data = bodies.positions(frame.packet_id, sentences)
            self._tell(targets, session, entry, "LOCATION-INFO-RAW", data, self._ids.next())
        for location in logged:
            if location.wgs84 is not None:
                data = bodies.fix(frame.packet_id, location)
                self._tell(targets, session, entry, "LOCATION-INFO-KV", data, location.ticket)

    def _tell(
        self, targets: Targets, session: Session, entry: Entry, kind: str, data: bodies.Json, ticket: int
    ) -> None:
        gateway = session.gateway.device if session.gateway is not None else None
        self._announcer.tell(entry.push, targets, session.device, kind, data, ticket=ticket, gateway=gateway)
