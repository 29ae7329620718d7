"""Commands to devices: accepted and committed here, moved on by `command_delivery`, shown by `command_timeline`.

openapi-notes.md sections 9 to 11, domain-rules.md section 6. A command is accepted when its row and its row of the
data log are committed; only then it is given to the device's connection.
"""

import asyncio
import base64
from collections.abc import Sequence

import msgspec

from mooring.store import Store, StoreError
from mooring.store import commands as statements
from mooring.store import devices as device_statements
from mooring.store import gateway_links as link_statements
from mooring.store import logs as log_statements
from mooring.thingmodel import Decoded

from .announcer import Announcer
from .command_delivery import Deliveries, Online
from .command_evidence import Evidence
from .command_input import (
    BadData,
    Kind,
    Prepared,
    SendOptions,
    prepare_payload,
    prepare_raw,
    prepare_read,
    prepare_service,
    prepare_write,
)
from .command_messages import CommandMessages, Receiver
from .command_steps import Command, State
from .command_timeline import CommandTimeline, timeline
from .device_limits import DeviceLimits
from .directory import Directory
from .entities import App, Device, Product
from .errors import Conflict, Missing
from .journal import Entry, Journal
from .ledger import Actor
from .session import Session
from .sources import Clock, Ids
from .trace import Trace

__all__ = [
    "MAX_CACHED",
    "MAX_DEVICES",
    "MAX_LOOKED",
    "MAX_UNCONFIRMED",
    "BadData",
    "CommandTimeline",
    "Commands",
    "SendOptions",
    "SendResult",
]

MAX_DEVICES = 500  # of one call
MAX_CACHED = 100  # commands of a device that wait in the cache
MAX_LOOKED = 10_000  # commands that one search over all devices reads
MAX_UNCONFIRMED = 100  # commands of a device that is online

_ACCEPTED, _PARAMETER = 200, 50005
_UNSUPPORTED, _OFFLINE, _QUOTA, _TOO_OFTEN = 61001, 61002, 61006, 61007
_NO_GATEWAY, _NOT_SENT, _UNKNOWN = 70026, 70051, 70130

_SUB_DEVICE = 2  # access_type
_DEFAULT_PROTOCOL, _MQTT = 0, 1
_DOWN, _PENDING = 2, 0
_ORIGIN = "openapi"
_LOOK_UPS = 50  # at a time
_SHARED = [name for name in statements.CommandRow.__struct_fields__ if hasattr(Command, name)]
"""What rows and commands have in common."""
_ALL_TIME = 2**62


class SendResult(msgspec.Struct, frozen=True):
    """What became of one device of a call. `code` is 200, or a code of errors.yaml with `detail` and no ticket."""

    product_key: str
    device_key: str
    code: int
    ticket: int | None = None
    detail: str = ""


class _Target(msgspec.Struct):
    product: Product
    device_key: str
    prepared: Prepared


_Found = tuple[device_statements.DeviceRow | None, link_statements.LinkRow | None]
"""A device and its gateway, which only sub-devices have."""


class Commands:
    """Accepts commands, follows them, shows them."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        journal: Journal,
        sessions: Online,
        trace: Trace,
        clock: Clock,
        ids: Ids,
        announcer: Announcer,
        limits: DeviceLimits | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._journal = journal
        self._sessions = sessions
        self._clock = clock
        self._ids = ids
        self._limits = limits or DeviceLimits(store, clock)
        self._messages = CommandMessages(announcer)
        self._deliveries = Deliveries(store, directory, journal, sessions, trace, clock, announcer)
        self._deliveries.on_sent = self._limits.count
        self.busy = self._deliveries.lanes
        """Devices with open commands: uplinks of others are evidence of nothing, and nothing waits for them."""

    # Sending

    async def send_read(
        self, sender: App | Actor, product: Product, device_keys: Sequence[str], data: str, options: SendOptions
    ) -> list[SendResult]:
        """Ask devices for properties, `["code", …]`: one result for each distinct key, in their order.

        Raises BadData when nothing can be sent to any device, StoreError when it was not committed.
        """
        return await self._send_all(sender, product, device_keys, options, prepare_read(product, data))

    async def send_write(
        self, sender: App | Actor, product: Product, device_keys: Sequence[str], data: str, options: SendOptions
    ) -> list[SendResult]:
        """Set properties, `[{"code": value}, …]`. As `send_read`."""
        return await self._send_all(sender, product, device_keys, options, prepare_write(product, data))

    async def send_service(
        self, sender: App | Actor, product: Product, device_keys: Sequence[str], data: str, options: SendOptions
    ) -> list[SendResult]:
        """Call a service, `[{"service": [{"input": value}, …]}]`. As `send_read`."""
        return await self._send_all(sender, product, device_keys, options, prepare_service(product, data))

    async def send_raw(
        self,
        sender: App | Actor,
        targets: Sequence[tuple[Product, str]],
        data: str,
        options: SendOptions,
        encoding: str = "Text",
    ) -> list[SendResult]:
        """Send bytes to devices of any products, given as text or, with `encoding` Hex, as digits. As `send_read`."""
        prepared = prepare_raw(data, encoding)
        return await self._send(sender, [_Target(product, key, prepared) for product, key in targets], options)

    async def send_payload(
        self,
        sender: App | Actor,
        product: Product,
        device_key: str,
        cmd: int,
        payload: bytes,
        options: SendOptions,
    ) -> SendResult:
        """Send the payload of a 0011, 0013 or 0023 as it is. Raises BadData, StoreError."""
        prepared = prepare_payload(cmd, payload)
        [result] = await self._send(sender, [_Target(product, device_key, prepared)], options)
        return result

    def awaits(self, ticket: int) -> bool:
        """Whether somebody waits for the outcome of a command."""
        return ticket in self._deliveries.awaited

    def look_away(self, ticket: int) -> None:
        """Nobody waits for the outcome of a command any more."""
        self._deliveries.awaited.pop(ticket, None)

    async def resend(
        self, sender: App | Actor, account_id: int, ticket: int, options: SendOptions | None = None
    ) -> SendResult:
        """Send a command's payload again under a new ticket, by default as it was sent. Raises Missing, BadData."""
        row, owner, product = await self._find(account_id, ticket)
        if options is None:
            cache_s = None if row.expires_at is None else (row.expires_at - row.accepted_at) // 1000
            options = SendOptions(cache_s=cache_s, qos=row.qos)
        prepared = Prepared(Kind(row.kind), row.cmd, row.payload, row.input, row.feature_id)
        [result] = await self._send(sender, [_Target(product, owner.device_key, prepared)], options)
        return result

    async def cancel(self, account_id: int, ticket: int) -> None:
        """Take a command back that has not left. Raises Missing, and Conflict when it has."""
        row, _, _ = await self._find(account_id, ticket)
        if not self._deliveries.cancel(row.device_id, ticket, "cancelled"):
            raise Conflict("command_not_waiting", f"command {ticket} does not wait any more")

    def abandon(self, device_id: int, reason: str) -> None:
        """Give up what waits for a device that is no more."""
        self._deliveries.abandon(device_id, reason)

    # What happens to devices

    @property
    def open_devices(self) -> int:
        """How many devices have commands that wait, are on their way or may still be answered."""
        return len(self.busy)

    def on_uplink(
        self,
        session: Session,
        entry: Entry,
        cmd: int,
        packet_id: int,
        decoded: Decoded | None,
        log_id: int,
        at_ms: int,
    ) -> Evidence | None:
        """Find the commands that an uplink is evidence of. `entry` is the uplink's, with its `done` set already: the
        changes join it. Returns what the uplink answers, None when nothing."""
        return self._deliveries.take_uplink(session, entry, cmd, packet_id, decoded, log_id, at_ms)

    def device_spoke(self, session: Session) -> None:
        """An uplink came: cached commands leave. Near free when there are none."""
        self._deliveries.spoke(session)

    def on_open(self, session: Session) -> None:
        """The device is online: cached commands leave."""
        self._deliveries.opened(session)

    def on_close(self, session: Session) -> None:
        """The device's connection is gone."""
        self._deliveries.closed(session)

    def tick(self) -> None:
        """Time out and expire what is due; to be called a few times a second."""
        self._deliveries.tick()

    async def recover(self) -> None:
        """At start: what another process left unconfirmed has failed, what it cached waits here. Raises StoreError."""
        now = self._clock.now_ms()
        await self._store.write(statements.REQUEUE(now=now), statements.CLOSE_DELIVERED())
        entry = Entry()
        for left in await self._store.scan(statements.LEFT):
            self._messages.outcome(entry.push, _receiver_of(left), left.id, left.published_at, delivered=False)
        entry.write(statements.FAIL_LOG_OPEN(now=now))
        entry.write(statements.FAIL_OPEN(now=now, reason="the server stopped"))
        await self._journal.commit(entry)
        rows = await self._store.scan(statements.WAITING)
        self._deliveries.load(
            Command(
                id=row.id,
                receiver=_receiver_of(row),
                kind=Kind(row.kind),
                cmd=row.cmd,
                qos=row.qos,
                accepted_at=row.accepted_at,
                expires_at=row.expires_at,
                payload=None,
                waits=True,
                cached_at=row.cached_at,
            )
            for row in rows
        )

    # Looking

    async def one(self, account_id: int, ticket: int) -> CommandTimeline:
        """A command of the account with its timeline. Raises Missing."""
        row, owner, product = await self._find(account_id, ticket)
        return await self._shown(row, product, owner.device_key)

    async def of_device(
        self,
        device: Device,
        *,
        kind: Kind | None = None,
        since: int = 0,
        until: int = _ALL_TIME,
        number: int = 1,
        size: int = 10,
    ) -> tuple[list[CommandTimeline], int]:
        """A page of the device's commands, newest first, and how many there are. Times are epoch ms of acceptance."""
        product = self._directory.product(device.product_id)
        if product is None:
            return [], 0
        chosen = {"of_device": device.id, "since": since, "until": until, "of_kind": kind or ""}
        [count] = await self._store.scan(statements.COUNT, **chosen)
        rows = await self._store.scan(statements.PAGE, **chosen, rows=size, skip=(number - 1) * size)
        return [await self._shown(row, product, device.device_key) for row in rows], count.rows

    async def newest(
        self,
        account_id: int,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        since: int = 0,
        before: int | None = None,
        rows: int = 20,
    ) -> tuple[list[CommandTimeline], int | None]:
        """At most `rows` commands of the account accepted since then (epoch ms), newest first, older than the ticket
        `before`; and the ticket that older ones must be before, None when there are none. Not more than `MAX_LOOKED`
        commands are looked through at a time, so fewer than asked for, even none, may come before the last."""
        before_id = _ALL_TIME if before is None else before
        from_id = Ids.first_of(since) if since else 0
        [floor] = await self._store.scan(statements.FLOOR, before_id=before_id, looked=MAX_LOOKED)
        if floor.id is None or before_id <= from_id:
            return [], None
        found = await self._store.scan(
            statements.NEWEST,
            of_account=account_id,
            before_id=before_id,
            from_id=max(from_id, floor.id),
            of_kind=kind or "",
            of_state=state or "",
            rows=rows + 1,
        )
        shown = []
        for row in found[:rows]:
            product = self._directory.product(row.product_id)
            if product is not None:
                shown.append(await self._shown(row, product, row.device_key))
        if len(found) > rows:
            return shown, found[rows - 1].id
        return shown, floor.id if floor.rows == MAX_LOOKED and floor.id > from_id else None

    async def _find(self, account_id: int, ticket: int) -> tuple[statements.CommandRow, statements.OwnerRow, Product]:
        for row in await self._store.read(statements.ONE, ticket=ticket):
            for owner in await self._store.read(statements.OWNER, of_device=row.device_id):
                product = self._directory.product(owner.product_id)
                if product is not None and product.account_id == account_id:
                    return row, owner, product
        raise Missing("command", f"there is no command {ticket}")

    async def _shown(self, row: statements.CommandRow, product: Product, device_key: str) -> CommandTimeline:
        replies = await self._store.read(statements.LOG_PAYLOAD, of_row=row.reply_id) if row.reply_id else []
        return timeline(row, product, device_key, replies[0] if replies else None)

    # Accepting

    async def _send_all(
        self,
        sender: App | Actor,
        product: Product,
        device_keys: Sequence[str],
        options: SendOptions,
        prepared: Prepared,
    ) -> list[SendResult]:
        return await self._send(sender, [_Target(product, key, prepared) for key in device_keys], options)

    async def _send(self, sender: App | Actor, targets: Sequence[_Target], options: SendOptions) -> list[SendResult]:
        options.check()
        if len(targets) > MAX_DEVICES:
            raise BadData(_PARAMETER, f"{len(targets)} devices, the limit is {MAX_DEVICES}", "devices")
        distinct = list({(target.product.id, target.device_key): target for target in targets}.values())
        found: list[_Found] = []
        for start in range(0, len(distinct), _LOOK_UPS):
            some = distinct[start : start + _LOOK_UPS]
            found += await asyncio.gather(*(self._find_receiver(target) for target in some))
        results: list[SendResult] = []
        accepted: list[Command] = []
        entry = Entry()
        for target, (row, link) in zip(distinct, found, strict=True):
            has_gateway = link is not None or target.product.access_type != _SUB_DEVICE
            code, detail = self._verdict(target, row, options, has_gateway=has_gateway)
            ticket = None
            if row is not None and code == _ACCEPTED:
                receiver = Receiver(statements.OwnerRow(row.id, row.product_id, row.device_key), link)
                command = self._accept(sender, target.prepared, receiver, options, entry)
                accepted.append(command)
                ticket = command.id
            results.append(SendResult(target.product.product_key, target.device_key, code, ticket, detail))
        if accepted:
            await self._commit(entry, accepted, options)
        return results

    async def _find_receiver(self, target: _Target) -> _Found:
        found = await self._store.read(device_statements.BY_KEY, of_product=target.product.id, of_key=target.device_key)
        if not found:
            return None, None
        if target.product.access_type != _SUB_DEVICE:
            return found[0], None
        links = await self._store.read(link_statements.CURRENT, of_sub_device=found[0].id)
        return found[0], links[0] if links else None

    def _verdict(
        self, target: _Target, row: device_statements.DeviceRow | None, options: SendOptions, *, has_gateway: bool
    ) -> tuple[int, str]:
        """200 with a place reserved, or why this device cannot take the command."""
        if row is None:
            return _UNKNOWN, ""
        if not row.enabled:
            return _NOT_SENT, "the device is disabled"
        online = self._sessions.of(row.id) is not None
        if not online:
            if not has_gateway:
                return _NO_GATEWAY, ""
            if target.product.access_type != _SUB_DEVICE and target.product.protocol not in (_DEFAULT_PROTOCOL, _MQTT):
                return _UNSUPPORTED, ""
            if options.cache_s is None:
                return _OFFLINE, ""
        refusal = self._limits.refusal(row.id)
        if refusal is not None:
            return refusal
        limit = MAX_UNCONFIRMED if online else MAX_CACHED
        if self._deliveries.reserve(row.id, limit, target.prepared.kind if options.cover else None):
            return _ACCEPTED, ""
        if online:
            return _TOO_OFTEN, f"{limit} commands are unconfirmed, which is the limit of a device"
        return _QUOTA, f"{limit} commands are cached, which is the limit of a device"

    def _accept(
        self, sender: App | Actor, prepared: Prepared, receiver: Receiver, options: SendOptions, entry: Entry
    ) -> Command:
        now = self._clock.now_ms()
        device_id = receiver.device.id
        online = self._sessions.of(device_id) is not None
        command = Command(
            id=self._ids.next(),
            receiver=receiver,
            kind=prepared.kind,
            cmd=prepared.cmd,
            qos=options.qos,
            accepted_at=now,
            expires_at=now + options.cache_s * 1000 if options.cache_s is not None else None,
            payload=prepared.payload,
        )
        if not online:
            command.cache(now)
        row = statements.CommandRow(
            app_id=sender.id if isinstance(sender, App) else None,
            origin=_ORIGIN if isinstance(sender, App) else sender.name,
            feature_id=prepared.feature_id,
            input=prepared.input,
            **{name: getattr(command, name) for name in _SHARED},
        )
        entry.add(statements.ADD, msgspec.structs.astuple(row))
        logged = log_statements.DataRow(
            id=command.id,
            device_id=device_id,
            direction=_DOWN,
            cmd=prepared.cmd,
            packet_id=None,
            data=base64.b64encode(prepared.payload).decode(),
            dm_data=None if prepared.kind is Kind.RAW else prepared.input,
            ticket=command.id,
            status=_PENDING,
            sent_at=None,
            created_at=now,
            updated_at=now,
        )
        entry.add(log_statements.ADD_DATA, msgspec.structs.astuple(logged))
        return command

    async def _commit(self, entry: Entry, accepted: Sequence[Command], options: SendOptions) -> None:
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: StoreError | None) -> None:
            # Here, not behind the await: a caller that hangs up meanwhile must not keep a command from leaving.
            if not outcome.done():
                if error is None:
                    outcome.set_result(None)
                else:
                    outcome.set_exception(error)
            for command in accepted:
                if error is None:
                    if options.settled is not None:
                        self._deliveries.awaited[command.id] = options.settled
                    self._deliveries.add(command, cover=options.cover)
                self._deliveries.release(command.device_id)

        entry.done = done
        self._journal.add(entry)
        await outcome


def _receiver_of(row: statements.WaitingRow | statements.LeftRow) -> Receiver:
    device = statements.OwnerRow(row.device_id, row.product_id, row.device_key)
    if row.gateway_id is None or row.gateway_product_id is None or row.gateway_key is None:
        return Receiver(device)
    return Receiver(device, statements.OwnerRow(row.gateway_id, row.gateway_product_id, row.gateway_key))
