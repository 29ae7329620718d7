"""Whatever happens to commands, in whatever order: their timelines hold together and say nothing without evidence."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud import Cloud
from databases import on_sqlite
from links import Desk, Line
from listening import Body, Listener, listen
from mooring.platform.command_flight import Flight
from mooring.platform.command_input import Kind
from mooring.platform.command_messages import Receiver
from mooring.platform.command_steps import Command, State, state_of
from mooring.platform.commands import SendOptions
from mooring.platform.entities import Device
from mooring.platform.session import Session
from mooring.protocol.ttlv import Field
from mooring.store import commands as statements
from mooring.store.commands import CommandRow

TIMES = ("published_at", "delivered_at", "answered_at", "reported_at", "expired_at", "cached_at")
LEFT = {("MATTR", "READ"), ("MATTR", "WRITE"), ("MSERV", "INPUT"), ("RAW", "DOWNLINK")}
_numbers = itertools.count()

SEND = st.tuples(st.just("send"), st.sampled_from(["read", "write", "service", "raw"]), st.booleans(), st.booleans())
WIRE = st.tuples(
    st.sampled_from(["published", "published", "delivered", "delivered", "answer", "lost"]), st.integers(0, 7)
)
UPLINK = st.tuples(st.sampled_from(["report", "serve"]))
TIME = st.tuples(st.just("tick"), st.sampled_from([1, 1, 2_500, 5_000, 60_000, 300_000]))
PEER = st.tuples(st.sampled_from(["connect", "connect", "connect", "disconnect", "refuse", "restart", "abandon"]))
STEPS = st.lists(
    st.sampled_from([SEND, SEND, WIRE, WIRE, WIRE, UPLINK, TIME, PEER]).flatmap(lambda one: one),
    min_size=8,
    max_size=40,
)


class World:
    """One device, its connections as a peer may treat them, and what was seen on the wire."""

    def __init__(self, desk: Desk, cloud: Cloud, device: Device, queue: Listener) -> None:
        self.queue = queue
        self.desk = desk
        self.cloud = cloud
        self.device = device
        self.session: Session | None = None
        self.line = Line()
        self.tickets: list[int] = []
        self.published: dict[Flight, int] = {}
        self.confirmed: set[int] = set()
        self.settled: set[Flight] = set()
        self.before: dict[int, CommandRow] = {}

    @property
    def flights(self) -> list[Any]:
        given = [delivery for delivery in self.line.deliveries if delivery not in self.line.refused]
        return [delivery for delivery in given if isinstance(delivery, Flight)]

    async def take(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(*step[1:])

    async def send(self, kind: str, cached: bool, cover: bool) -> None:
        commands, app, product = self.desk.commands, self.cloud.app, self.cloud.modelled
        options = SendOptions(cache_s=60 if cached else None, cover=cover)
        keys = [self.device.device_key]
        if kind == "read":
            [result] = await commands.send_read(app, product, keys, '["relay"]', options)
        elif kind == "write":
            [result] = await commands.send_write(app, product, keys, '[{"relay":"true"}]', options)
        elif kind == "service":
            [result] = await commands.send_service(app, product, keys, '[{"reset_energy":[]}]', options)
        else:
            [result] = await commands.send_raw(app, [(product, keys[0])], "x", options)
        assert (result.ticket is not None) == (result.code == 200)
        assert result.code == 200 or not (cached or self.session)
        if result.ticket is not None:
            self.tickets.append(result.ticket)

    async def one(self, call: str, number: int) -> None:
        flights = self.flights
        if not flights:
            return
        # Mostly the newest: an old one has often had all there is to have.
        flight = flights[-1 - number % len(flights)]
        ticket = flight.command.id
        if (
            call == "published"
            and flight.session is self.session
            and flight not in self.settled | self.published.keys()
        ):
            assert ticket not in self.published.values(), "published twice"
            self.published[flight] = ticket
            flight.published()
        elif call == "delivered" and flight in self.published:
            self.settled.add(flight)
            self.confirmed.add(ticket)
            flight.delivered()
        elif call == "lost" and flight not in self.settled:
            self.settled.add(flight)
            flight.lost("given up")
        elif call == "answer" and self.session is not None:
            answered = await self.desk.uplink(self.session, 0x0012, flight.packet_id, [Field(1, True)])
            if answered is not None:
                assert answered == ticket
                assert ticket in self.published.values()
                self.confirmed.add(ticket)

    async def report(self) -> None:
        if self.session is not None:
            await self.desk.uplink(self.session, 0x0014, 1, [Field(1, True)])

    async def serve(self) -> None:
        if self.session is not None:
            answered = await self.desk.uplink(self.session, 0x0014, 2, [Field(13, [Field(5, Decimal(1))])])
            if answered is not None:
                self.confirmed.add(answered)

    async def tick(self, milliseconds: int) -> None:
        self.desk.clock.advance(milliseconds)
        self.desk.commands.tick()

    async def connect(self) -> None:
        self.line.by_itself = ""
        self.session, self.line = self.desk.connect(self.device)

    async def refuse(self) -> None:
        self.line.by_itself = "" if self.line.by_itself else "lost"

    async def disconnect(self) -> None:
        if self.session is not None:
            self.desk.disconnect(self.session)
            self.session = None

    async def restart(self) -> None:
        await self.desk.restart()
        self.session, self.line = None, Line()

    async def abandon(self) -> None:
        self.desk.commands.abandon(self.device.id, "deleted")

    async def check(self) -> None:
        await self.desk.journal.settle()
        for ticket in self.tickets:
            row = await self.desk.row(ticket)
            self.check_row(row)
            before = self.before.get(ticket)
            if before is not None:
                for name in TIMES:
                    assert getattr(before, name) in (None, getattr(row, name)), name
                assert row.open <= before.open
            self.before[ticket] = row
            logged = await self.desk.logged(ticket)
            given_up = row.failed_at is not None or row.expired_at is not None
            assert logged.status == (1 if row.delivered_at is not None else -1 if given_up else 0)
            assert (logged.sent_at, logged.packet_id) == (row.published_at, row.packet_id)

    async def check_messages(self) -> None:
        """One that it left when it did, one of what came of it, and no other. What was given up before it left may
        leave all the same: that is told then, as the exception to the order."""
        told: dict[str, list[Body]] = {str(ticket): [] for ticket in self.tickets}
        for body in await self.queue.new():
            if body["ticket"] in told and (body["type"], body.get("subtype")) in (*LEFT, ("REQACK", None)):
                told[body["ticket"]].append(body)
        for ticket, bodies in told.items():
            row = await self.desk.row(int(ticket))
            [outcome] = [body for body in bodies if body["type"] == "REQACK"]
            assert len(bodies) == 1 + (row.published_at is not None)
            sent_at = outcome["data"].get("sentAt")
            assert sent_at in (None, row.published_at)
            assert outcome is bodies[0 if sent_at is None else -1]
            if outcome["data"]["status"] == "succ":
                assert row.delivered_at is not None

    def check_row(self, row: CommandRow) -> None:
        assert (row.published_at is not None) == (row.id in self.published.values())
        assert (row.delivered_at is None) or row.id in self.confirmed
        times = [row.accepted_at, row.published_at, row.delivered_at, row.answered_at or row.reported_at]
        known = [time for time in times if time is not None]
        assert known == sorted(known)
        assert None not in times[: len(known)], "a step without the one before it"
        assert row.delivered_at is None or row.failed_at is None
        assert (row.failed_at is None) == (row.failure is None)
        assert row.expired_at is None or (row.published_at, row.failed_at) == (None, None)
        if row.waits:
            assert row.open
            assert row.expires_at is not None
            assert row.cached_at is not None
            assert (row.published_at, row.failed_at, row.expired_at) == (None, None, None)


@pytest.fixture
async def queue(cloud: Cloud) -> Listener:
    return await listen(cloud.platform, cloud.actor, cloud.app, cloud.modelled)


@on_sqlite
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
async def test_any_order_of_events_leaves_a_timeline_that_holds(
    desk: Desk, cloud: Cloud, queue: Listener, steps: list[tuple[Any, ...]]
) -> None:
    device = await desk.device(cloud.modelled, f"DK{next(_numbers):05}")
    world = World(desk, cloud, device, queue)
    await world.connect()
    for step in steps:
        await (world.one(*step) if step[0] in ("published", "delivered", "lost", "answer") else world.take(step))
        await world.check()
    await world.disconnect()
    await world.tick(60_000)
    await world.tick(300_000)
    await world.check()
    for row in await desk.platform.store.read(statements.PAGE, **page(device)):
        assert not row.open, msgspec.structs.asdict(row)
        assert row.delivered_at or row.failed_at or row.expired_at
    assert desk.commands.open_devices == 0
    await world.check_messages()


def page(device: Device) -> dict[str, object]:
    return {"of_device": device.id, "since": 0, "until": 2**62, "of_kind": "", "rows": 1_000, "skip": 0}


def test_no_step_is_taken_before_the_one_it_needs() -> None:
    command = Command(
        id=1,
        receiver=Receiver(statements.OwnerRow(2, 3, "DK1")),
        kind=Kind.PROPERTY,
        cmd=0x0013,
        qos=1,
        accepted_at=1,
        expires_at=None,
        payload=b"",
    )
    command.deliver(2)
    command.answer(3, 9, None)
    command.report(4, 9)
    assert state_of(command) == State.ACCEPTED
    command.publish(5, 7)
    command.expire(6)
    command.report(6, 9)
    assert state_of(command) == State.PUBLISHED
