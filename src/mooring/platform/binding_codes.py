"""Binding codes: a device shows one for a while, and whoever knows it has the device at hand (domain-rules.md 12).

16 hex digits, in either case, reported by command 00B5 with a limit of 0 to 3600 s; 0 takes the code back. Only the
SHA-256 of a code is kept.
"""

import hashlib
import hmac
import re

from mooring.protocol import commands
from mooring.protocol.commands import BindCodeReport, DeviceConfiguration
from mooring.store import Store, Write
from mooring.store import bindings as statements

from .entities import Device
from .errors import Conflict, Invalid
from .journal import Entry
from .sessions import Sessions
from .sources import Clock

__all__ = ["MAX_VALID_S", "BindingCodes", "report_code"]

MAX_VALID_S = 3_600
_CODE = re.compile("[0-9A-Fa-f]{16}")
_QOS = 1


def report_code(entry: Entry, device_id: int, report: BindCodeReport, at_ms: int) -> str | None:
    """Take what a device reported, within its entry; says what is wrong when it cannot be used."""
    valid_s = MAX_VALID_S if report.valid_s is None else report.valid_s
    if not 0 <= valid_s <= MAX_VALID_S:
        return f"the limit of a binding code is 0 to {MAX_VALID_S} s"
    if valid_s == 0:
        entry.write(statements.DROP_CODE(of_device=device_id))
        return None
    text = report.bind_code.decode("ascii", "replace")
    if not _CODE.fullmatch(text):
        return "a binding code is 16 hex digits"
    write = statements.REPORT_CODE(of_device=device_id, new_hash=_digest(text), now=at_ms, until=at_ms + valid_s * 1000)
    entry.write(write)
    return None


class BindingCodes:
    """Checks codes, and tells devices the outcome."""

    def __init__(self, store: Store, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock

    @staticmethod
    def check_form(code: str) -> None:
        """Raises Invalid (5213)."""
        if not _CODE.fullmatch(code):
            raise Invalid("binding_code", "a binding code is 16 hex digits", field="binding_code", wire=5213)

    async def check(self, device: Device, code: str) -> None:
        """Raises Invalid (5213) for the form, Conflict: 5460 when the device shows no code, 5461 when its time is over,
        5462 when it is another one."""
        self.check_form(code)
        found = await self._store.read(statements.CODE, of_device=device.id)
        if not found:
            raise Conflict("no_binding_code", "the device has not reported a binding code", wire=5460)
        if found[0].expires_at <= self._clock.now_ms():
            raise Conflict("binding_code_expired", "the time of the binding code is over", wire=5461)
        if not hmac.compare_digest(found[0].code_hash, _digest(code)):
            raise Conflict("wrong_binding_code", "the device shows another binding code", wire=5462)

    async def verify(self, device: Device, code: str, *, is_binding: bool) -> None:
        """As `check`; while a binding is under way the device is told the outcome, when it is online."""
        try:
            await self.check(device, code)
        except Conflict:
            if is_binding:
                self.tell(device, None)
            raise
        if is_binding:
            self.tell(device, code)

    def tell(self, device: Device, code: str | None) -> None:
        """Tell the device that a code was accepted, or with None that one was not (00B4 id 11)."""
        session = self._sessions.of(device.id)
        if session is not None:
            words = DeviceConfiguration(bind_code=(code or "").encode())
            session.link.send(commands.encode(words, session.next_packet_id()), _QOS)

    def drop(self, device: Device) -> Write:
        """The write that uses a code up."""
        return statements.DROP_CODE(of_device=device.id)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.lower().encode()).digest()
