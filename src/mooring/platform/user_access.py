"""End users at the door: who may come in with which token, which devices are theirs, what they send to them.

device-protocol.md section 12. Every question is asked of the database, because users and bindings are too many for the
directory; whoever is inside is asked about again when the directory says that something changed.
"""

import re
from collections.abc import Callable

import msgspec

from mooring.protocol.frame import Frame

from .bindings import Bindings
from .command_input import DEFAULT_CACHE_S, BadData, SendOptions, Settled
from .command_steps import State
from .commands import Commands, SendResult
from .devices import Devices
from .directory import Directory
from .end_user_entities import EndUser
from .end_users import EndUsers
from .entities import Device, Product
from .failures import Failures
from .ledger import Actor
from .sources import Clock

__all__ = ["NOT_BOUND", "OFFLINE", "QUOTA", "Refusal", "Request", "UserAccess", "cache_of", "user_of_client"]

NOT_BOUND, OFFLINE, QUOTA = 4007, 4021, 4026
_PARAMETER = 50005
_TEXTS = {
    NOT_BOUND: "the device was deleted",
    OFFLINE: "the device is offline",
    QUOTA: "too much is sent to the device",
}
_CODES = {61002: OFFLINE, 70026: OFFLINE, 61006: QUOTA, 61007: QUOTA, 70130: NOT_BOUND}
_CLIENT_ID = re.compile(r"qu_([A-Za-z0-9]{1,32})_[0-9]{1,20}")
_MAX_KV = 16_384  # characters

Outcome = Callable[[int, bool, str], None]
"""Hears the ticket, whether the device confirmed it, and how far it came or why not."""


class Refusal(Exception):
    """What a user asked for is not done; `code` is one of section 12, or of errors.yaml."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class Request(msgspec.Struct, frozen=True):
    """What an app asks of a device: `reads` with a list of codes, or writes with a list of one-key objects, as JSON
    text; `cache_s` None means that it does not wait for a device that is offline."""

    reads: bool
    kv: str
    cache_s: int | None = None
    cover: bool = False


def user_of_client(client_id: str) -> str | None:
    """The uid in the client id of an app, `qu_{uid}_{ms}`; None when it is another's."""
    found = _CLIENT_ID.fullmatch(client_id)
    return found[1] if found is not None else None


class UserAccess:
    """Answers the door of end users."""

    def __init__(
        self,
        directory: Directory,
        users: EndUsers,
        bindings: Bindings,
        devices: Devices,
        commands: Commands,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._users = users
        self._bindings = bindings
        self._devices = devices
        self._commands = commands
        self._failures = Failures(clock)

    async def admit(self, client_id: str, token: str, address: str) -> EndUser | None:
        """The user who connects, None when the token is not the user's or not alive. Raises StoreUnavailable."""
        uid = user_of_client(client_id)
        if uid is None or self._failures.too_many(uid, address):
            return None
        user = await self._users.admitted(uid, token)
        if user is None:
            self._failures.add(uid, address)
        else:
            self._failures.forget(uid, address)
        return user

    async def may_stay(self, user: EndUser) -> bool:
        """Whether the tokens that the user came with are still alive. Raises StoreUnavailable."""
        return await self._users.still_admitted(user.id, user.token_generation) is not None

    async def device(self, user: EndUser, connected_as: str) -> Device:
        """A device of the user by the client id it connects with. Raises Refusal 4007, StoreUnavailable."""
        device = await self._devices.by_client_id(connected_as)
        if device is None or not await self.holds(user, device.id):
            raise Refusal(NOT_BOUND, "the device is not bound to the user")
        return device

    async def holds(self, user: EndUser, device_id: int) -> bool:
        """Whether the user has a device now, and the App may use its product."""
        if await self._bindings.holds(user.id, device_id) is None:
            return False
        device = await self._devices.by_id(device_id)
        app = self._directory.end_user_app(user.end_user_app_id)
        return device is not None and app is not None and device.product_id in app.products

    async def send(self, user: EndUser, address: str, device: Device, request: Request, done: Outcome) -> int:
        """Read or write properties; `done` hears whether the device confirmed it. Returns the ticket.

        Raises Refusal, StoreError.
        """
        if len(request.kv) > _MAX_KV:
            raise Refusal(_PARAMETER, f"kv has {len(request.kv)} characters, the limit is {_MAX_KV}")
        product = self._product(device)
        options = SendOptions(cache_s=request.cache_s, cover=request.cover, settled=_told(done))
        send = self._commands.send_read if request.reads else self._commands.send_write
        try:
            results = await send(_actor(user, product, address), product, [device.device_key], request.kv, options)
        except BadData as error:
            raise Refusal(error.wire or _PARAMETER, error.message) from None
        return _ticket_of(results[0])

    async def send_frame(self, user: EndUser, address: str, device: Device, frame: Frame, done: Outcome) -> int:
        """Send the payload of a frame under a packet id of our own. As `send`."""
        product = self._product(device)
        actor = _actor(user, product, address)
        try:
            result = await self._commands.send_payload(
                actor, product, device.device_key, frame.command, frame.payload, SendOptions(settled=_told(done))
            )
        except BadData as error:
            raise Refusal(error.wire or _PARAMETER, error.message) from None
        return _ticket_of(result)

    def awaits(self, ticket: int) -> bool:
        """Whether the outcome of a command is still to be told."""
        return self._commands.awaits(ticket)

    def look_away(self, ticket: int) -> None:
        """Nobody waits for the outcome of a command any more."""
        self._commands.look_away(ticket)

    def _product(self, device: Device) -> Product:
        product = self._directory.product(device.product_id)
        if product is None:
            raise Refusal(NOT_BOUND, "the product was deleted")
        return product


def cache_of(is_cache: bool, cache_s: int | None) -> int | None:
    """For how long a request may wait, as apps say it."""
    return (DEFAULT_CACHE_S if cache_s is None else cache_s) if is_cache else None


def _told(done: Outcome) -> Settled:
    def told(ticket: int, state: str, failure: str | None) -> None:
        done(ticket, state not in (State.FAILED, State.EXPIRED), failure or state)

    return told


def _ticket_of(result: SendResult) -> int:
    """The ticket of a command that was accepted. Raises Refusal."""
    if result.ticket is None:
        code = _CODES.get(result.code, result.code)
        raise Refusal(code, result.detail or _TEXTS.get(code, "the device cannot take it"))
    return result.ticket


def _actor(user: EndUser, product: Product, address: str) -> Actor:
    return Actor(product.account_id, f"user {user.uid}", address)
