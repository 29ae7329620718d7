"""What gateways ask for their sub-devices, 00C0 to 00C8 (device-protocol.md section 8, domain-rules.md section 5).

A sub-device authenticates by its product's secret and gets one of its own (00C0), logs in with that (00C2), and is then
online through its gateway until it logs out (00C4, 00C8), is de-registered (00C6), moves to another gateway, or the
gateway goes offline. Requests about one sub-device are served one after the other.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from typing import cast

import structlog

from mooring.protocol import commands
from mooring.protocol.commands import (
    SubDeviceAnswer,
    SubDeviceAuthentication,
    SubDeviceAuthenticationAnswer,
    SubDeviceLogin,
    SubDeviceLoginAnswer,
    SubDeviceLogout,
    SubDeviceLogoutAnswer,
    SubDeviceRequest,
    SubDeviceWithdrawal,
    SubDeviceWithdrawalAnswer,
)
from mooring.protocol.commands_subdevice import Result
from mooring.protocol.credentials import client_id
from mooring.store import StoreError, WriteRefused
from mooring.store.logs import ADD_EXCEPTION

from .connecting import Admitted, Code, Connecting, Step, Turned
from .devices import Devices
from .directory import Directory
from .entities import Device
from .journal import Entry, Journal
from .session import GatewayLink, Session, SubDeviceLink
from .sessions import GatewayOffline, Sessions
from .sources import Clock, Ids
from .topology import GATEWAY, Topology
from .trace import Trace
from .uplink_rows import exception_row

__all__ = ["MAX_PENDING", "SubDevices"]

MAX_PENDING = 500  # requests of one gateway that are not answered yet

_TOO_OFTEN, _UNKNOWN_ERROR, _KEY_NOT_VALID = 10428, 10500, 10431
_DEVICE_KEY = re.compile("[A-Za-z0-9]{4,32}")
_ANSWERS: dict[type[SubDeviceRequest], type[SubDeviceAnswer]] = {
    SubDeviceAuthentication: SubDeviceAuthenticationAnswer,
    SubDeviceLogin: SubDeviceLoginAnswer,
    SubDeviceLogout: SubDeviceLogoutAnswer,
    SubDeviceWithdrawal: SubDeviceWithdrawalAnswer,
}

_log = structlog.get_logger()

Done = Callable[[StoreError | None], None]


class _Refused(Exception):
    def __init__(self, code: int, reason: str, device_id: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.device_id = device_id


class _Outcome:
    """An answer of success, and what is to be done once it is on its way."""

    __slots__ = ("device_secret", "link", "session", "session_key")

    def __init__(self, device_secret: str | None = None, session_key: bytes | None = None) -> None:
        self.device_secret = device_secret
        self.session_key = session_key
        self.link: SubDeviceLink | None = None
        self.session: Session | None = None


class SubDevices:
    """Serves gateways. `take` returns at once; the answer goes out on the gateway's connection."""

    def __init__(
        self,
        connecting: Connecting,
        directory: Directory,
        devices: Devices,
        topology: Topology,
        sessions: Sessions,
        journal: Journal,
        trace: Trace,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._connecting = connecting
        self._directory = directory
        self._devices = devices
        self._topology = topology
        self._sessions = sessions
        self._journal = journal
        self._trace = trace
        self._clock = clock
        self._ids = ids
        self._pending: Counter[int] = Counter()  # by session of the gateway
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, gateway: Session, request: SubDeviceRequest, packet_id: int, done: Done | None) -> None:
        """Serve a request; `done` hears when that is finished, whatever came of it."""
        if self._pending[gateway.id] >= MAX_PENDING:
            self._refuse(gateway, request, packet_id, _Refused(_TOO_OFTEN, f"{MAX_PENDING} requests are not answered"))
            if done is not None:
                done(None)
            return
        self._pending[gateway.id] += 1
        task = asyncio.get_running_loop().create_task(self._serve(gateway, request, packet_id, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until what was taken so far is finished."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _serve(self, gateway: Session, request: SubDeviceRequest, packet_id: int, done: Done | None) -> None:
        try:
            async with self._topology.changing(client_id(request.product_key, request.device_key)):
                outcome = await self._act(gateway, request)
                self._answer(gateway, request, packet_id, Result.OK, outcome)
        except _Refused as refusal:
            self._refuse(gateway, request, packet_id, refusal)
        except WriteRefused:
            self._refuse(gateway, request, packet_id, _Refused(Code.DEVICE_NOT_FOUND, "it was deleted meanwhile"))
        except StoreError as error:
            self._refuse(gateway, request, packet_id, _Refused(Code.INNER_SERVICE, f"the database: {error}"))
        except Exception:
            _log.exception("cannot serve a gateway", gateway=gateway.device.client_id)
            self._refuse(gateway, request, packet_id, _Refused(_UNKNOWN_ERROR, "a fault of the server, see its log"))
        finally:
            self._pending[gateway.id] -= 1
            if not self._pending[gateway.id]:
                del self._pending[gateway.id]
            if done is not None:
                done(None)

    async def _act(self, gateway: Session, request: SubDeviceRequest) -> _Outcome:
        link = gateway.link
        product = self._directory.product(gateway.device.product_id)
        if product is None or product.access_type != GATEWAY or not isinstance(link, GatewayLink):
            raise _Refused(Result.NOT_ASSOCIATED, "the product of the device that speaks for it is no gateway product")
        if self._directory.product_by_key(request.product_key) is None:
            raise _Refused(Code.PRODUCT_NOT_FOUND, "there is no product of this key")
        if not _DEVICE_KEY.fullmatch(request.device_key):
            raise _Refused(_KEY_NOT_VALID, "a DeviceKey is 4 to 32 letters and digits")
        match request:
            case SubDeviceAuthentication():
                admitted = await self._admit(gateway, link, request, Step.AUTHENTICATION)
                return _Outcome(device_secret=admitted.secret_to_deliver)
            case SubDeviceLogin():
                return await self._log_in(gateway, link, request)
            case SubDeviceWithdrawal():
                return await self._withdraw(gateway, request)
            case _:
                return await self._log_out(gateway, request)

    async def _admit(self, gateway: Session, link: GatewayLink, request: SubDeviceRequest, step: Step) -> Admitted:
        verdict = await self._connecting.decide_sub_device(
            gateway.device, request.product_key, request.device_key, request.password, step, secure=link.is_secure
        )
        if isinstance(verdict, Turned):
            raise _Refused(verdict.code, verdict.reason, verdict.device_id)
        if (verdict.product.product_key, verdict.device.device_key) != (request.product_key, request.device_key):
            raise _Refused(Code.WRONG_CLIENT_ID, "the password is that of another device")
        return verdict

    async def _log_in(self, gateway: Session, link: GatewayLink, request: SubDeviceRequest) -> _Outcome:
        admitted = await self._admit(gateway, link, request, Step.CONNECTION)
        device = admitted.device
        await self._check_move(gateway, admitted)
        outcome = _Outcome(session_key=admitted.session_key)
        place = link.branch(request.product_key, request.device_key, admitted.session_key)
        try:
            session = await self._sessions.open(
                device,
                place,
                gateway.address,
                gateway=gateway,
                writes=self._topology.login(device, gateway.device, self._clock.now_ms()),
            )
            if self._sessions.of(device.id) is not session:
                raise _Refused(Code.NOT_ACCEPTED, "it was deleted, disabled or reset meanwhile", device.id)
        except GatewayOffline:
            place.leave()
            raise _Refused(Code.INNER_SERVICE, "the gateway went offline", device.id) from None
        except BaseException:
            place.leave()
            raise
        outcome.link, outcome.session = place, session
        note = f"by {Step.CONNECTION.value} through gateway {gateway.device.client_id}"
        self._trace.tell(device.id, "connect", note=note)
        return outcome

    async def _check_move(self, gateway: Session, admitted: Admitted) -> None:
        """A sub-device that is online here stays as it is; one that hangs on another gateway may move, or not."""
        device = admitted.device
        present = self._sessions.of(device.id)
        if present is not None and present.gateway is gateway:
            raise _Refused(Result.ALREADY_ONLINE, "it is logged in through this gateway already", device.id)
        if admitted.product.may_change_gateway:
            return
        if present is not None and present.gateway is not None and present.gateway.device.id != gateway.device.id:
            raise _Refused(Result.ALREADY_ONLINE, "it is online through a gateway that it may not leave", device.id)
        if await self._topology.gateway_id(device) not in (None, gateway.device.id):
            raise _Refused(Result.NOT_ASSOCIATED, "it hangs on a gateway that it may not leave", device.id)

    async def _log_out(self, gateway: Session, request: SubDeviceRequest) -> _Outcome:
        device = await self._own(gateway, request)
        if not self._end(gateway, device):
            raise _Refused(Result.NOT_LOGGED_IN, "it is not logged in", device.id)
        return _Outcome()

    async def _withdraw(self, gateway: Session, request: SubDeviceRequest) -> _Outcome:
        device = await self._own(gateway, request)
        self._end(gateway, device)
        await self._topology.withdraw(device, gateway.device)
        return _Outcome()

    async def _own(self, gateway: Session, request: SubDeviceRequest) -> Device:
        """The device, when it hangs on this gateway."""
        product = self._directory.product_by_key(request.product_key)
        device = await self._devices.find(product.id, request.device_key) if product is not None else None
        if device is None or await self._topology.gateway_id(device) != gateway.device.id:
            raise _Refused(Result.NOT_ASSOCIATED, "it does not hang on this gateway")
        return device

    def _end(self, gateway: Session, device: Device) -> bool:
        session = self._sessions.of(device.id)
        if session is None or session.gateway is not gateway:
            return False
        cast("SubDeviceLink", session.link).leave()
        self._sessions.end(session)
        self._trace.tell(device.id, "disconnect", note="it logged out")
        return True

    # Answers

    def _refuse(self, gateway: Session, request: SubDeviceRequest, packet_id: int, refusal: _Refused) -> None:
        _log.info(
            "sub-device refused",
            request=type(request).__name__,
            client_id=client_id(request.product_key, request.device_key)[:80],
            gateway=gateway.device.client_id,
            code=int(refusal.code),
            reason=refusal.reason,
        )
        note = f"{int(refusal.code)}: {refusal.reason}"
        if refusal.device_id is not None:
            self._trace.tell(refusal.device_id, "refuse", direction="up", note=note)
        note = f"sub-device {request.product_key[:40]} {request.device_key[:40]}: {note}"
        self._trace.tell(gateway.device.id, "note", direction="up", packet_id=packet_id, note=note)
        self._log_exception(gateway, request, packet_id, note)
        self._answer(gateway, request, packet_id, refusal.code, _Outcome())

    def _log_exception(self, gateway: Session, request: SubDeviceRequest, packet_id: int, reason: str) -> None:
        """In the gateway's log, without the payload, which holds a password."""
        entry = Entry()
        cmd = commands.command_of(cast("commands.Uplink", request))
        now = self._clock.now_ms()
        row = exception_row(self._ids.next(), gateway.device.id, cmd, packet_id, reason, (), b"", now)
        entry.add(ADD_EXCEPTION, row)
        self._journal.add(entry)

    def _answer(
        self, gateway: Session, request: SubDeviceRequest, packet_id: int, code: int, outcome: _Outcome
    ) -> None:
        kind = _ANSWERS.get(type(request))
        if kind is None:
            return  # 00C8 has no answer
        answer = kind(int(code), request.product_key, request.device_key, outcome.device_secret, outcome.session_key)
        gateway.link.send(commands.encode(cast("commands.Downlink", answer), packet_id), 1)
        if outcome.link is not None and outcome.session is not None:
            outcome.link.opened(outcome.session)  # behind the answer: only now the gateway can tell its frames
