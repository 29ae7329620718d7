"""Devices whose connections are lists under the test's control, and the commands that go to them."""

import asyncio

from sqlalchemy import bindparam

from fakes import FakeClock, FakeEntropy
from mooring.platform import Platform
from mooring.platform.command_input import codec_of
from mooring.platform.commands import Commands
from mooring.platform.entities import Device, Product
from mooring.platform.journal import Entry, Journal
from mooring.platform.session import Delivery, Session
from mooring.platform.sources import Ids
from mooring.platform.trace import Trace
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field
from mooring.store import commands as command_statements
from mooring.store import devices as device_statements
from mooring.store import logs as log_statements
from mooring.store.commands import CommandRow
from mooring.store.logs import DataRow
from mooring.store.statement import Query
from mooring.store.tables import data_log

__all__ = ["Desk", "Line", "Lines"]

_LOGGED = Query(data_log.select().where(data_log.c.id == bindparam("of_row")), DataRow)


class Line:
    """A `DeviceLink` that keeps what it is given. `by_itself` are the calls that each delivery gets at once."""

    def __init__(self, by_itself: str = "") -> None:
        self.by_itself = by_itself
        self.sent: list[Frame] = []
        self.qos: list[int] = []
        self.deliveries: list[Delivery] = []
        self.refused: list[Delivery] = []
        self._more = asyncio.Event()

    async def reaches(self, count: int) -> None:
        """Wait until so many frames were sent: payloads of cached commands come from the database by and by."""
        async with asyncio.timeout(20):
            while len(self.sent) < count:
                self._more.clear()
                await self._more.wait()

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        assert delivery is not None
        self.sent.append(frame)
        self.qos.append(qos)
        self.deliveries.append(delivery)
        self._more.set()
        for call in self.by_itself.split():
            if call == "lost":
                self.refused.append(delivery)
                delivery.lost("too many in flight")
            else:
                getattr(delivery, call)()

    def close(self, reason: str, notice: int | None = None) -> None:
        raise AssertionError("commands do not close connections")


class Lines:
    """Which device is online."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}

    def of(self, device_id: int) -> Session | None:
        return self.sessions.get(device_id)

    def note_data(self, session: Session, entry: Entry, at_ms: int) -> None:
        entry.write(device_statements.ACTIVATE(of_device=session.device.id, at=at_ms))
        session.activated = True


class Desk:
    """A process that sends commands: everything of it but the database can be thrown away by `restart`."""

    def __init__(self, platform: Platform, clock: FakeClock) -> None:
        self.platform = platform
        self.clock = clock
        self.ids = Ids(clock, FakeEntropy("desk"))
        self.trace = Trace(clock)
        self.lines = Lines()
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.platform.store)
        self.commands = Commands(
            self.platform.store,
            self.platform.directory,
            self.journal,
            self.lines,
            self.trace,
            self.clock,
            self.ids,
            self.platform.announcer,
        )

    async def restart(self) -> None:
        await self.journal.settle()
        self.lines.sessions.clear()
        self.start()
        await self.commands.recover()

    async def device(self, product: Product, key: str = "DK1", **changes: object) -> Device:
        number = self.ids.next()
        values: dict[str, object] = {
            "id": number,
            "product_id": product.id,
            "device_key": key,
            "client_id": f"qd{product.product_key}{key}",
            "name": key,
            "sn": None,
            "auth_mode": 0,
            "device_secret": None,
            "secret_confirmed": False,
            "fingerprint": None,
            "enabled": True,
            "is_verified": True,
            "is_virtual": False,
            "online": False,
            "created_at": self.clock.now_ms(),
            "updated_at": None,
            "activated_at": None,
            "first_conn_at": None,
            "last_conn_at": None,
            "last_offline_at": None,
            **changes,
        }
        await self.platform.store.write(device_statements.ADD(**values, deleted_at=None))
        return Device(**values)  # type: ignore[arg-type]

    def connect(self, device: Device, by_itself: str = "") -> tuple[Session, Line]:
        line = Line(by_itself)
        session = Session(self.ids.next(), device, line, "192.0.2.1", self.clock.now_ms())
        self.lines.sessions[device.id] = session
        self.commands.on_open(session)
        return session, line

    def disconnect(self, session: Session) -> None:
        if self.lines.sessions.get(session.device.id) is session:
            del self.lines.sessions[session.device.id]
        self.commands.on_close(session)

    async def uplink(self, session: Session, cmd: int, packet_id: int, fields: list[Field]) -> int | None:
        """What the uplink service does with a report or an answer; returns the ticket of its row."""
        product = self.platform.directory.product(session.device.product_id)
        assert product is not None
        entry = Entry()
        log_id = self.ids.next()
        at = self.clock.now_ms()
        decoded = codec_of(product).decode(fields)
        evidence = self.commands.on_uplink(session, entry, cmd, packet_id, decoded, log_id, at)
        ticket = evidence.ticket if evidence is not None else None
        entry.add(
            log_statements.ADD_DATA,
            (log_id, session.device.id, 1, cmd, packet_id, "", decoded.dm, ticket or log_id, 1, at, at, at),
        )
        self.journal.add(entry)
        self.commands.device_spoke(session)
        await self.journal.settle()
        return ticket

    async def row(self, ticket: int | None) -> CommandRow:
        await self.journal.settle()
        assert ticket is not None
        [found] = await self.platform.store.read(command_statements.ONE, ticket=ticket)
        return found

    async def logged(self, ticket: int | None) -> DataRow:
        await self.journal.settle()
        [found] = await self.platform.store.read(_LOGGED, of_row=ticket)
        return found
