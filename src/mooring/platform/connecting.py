"""Who may connect: the answer to a device's CONNECT (device-protocol.md sections 2 and 3, domain-rules.md section 3).

A device proves itself by a password made from its product's secret (step `0;`, answered with a secret of its own), by
one made from its own secret (step `1;`), or by its certificate; a sub-device by the same passwords, which its gateway
hands on (section 8). Whoever fails too often is turned away unheard.
"""

import enum
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from mooring.protocol.credentials import (
    Authentication,
    Connection,
    CredentialError,
    Password,
    client_id,
    open_authentication,
    parse,
    verify_connection,
)
from mooring.store import SecretKeyError, StoreError, Vault, Write, WriteRefused
from mooring.store import devices as statements

from . import message_bodies as bodies
from .announcer import Announcer
from .certificates import Certificates, PeerCertificate
from .devices import Devices
from .directory import Directory
from .entities import Device, Product
from .errors import PlatformError
from .failures import Failures
from .journal import Entry, Journal
from .loading import device_context
from .session import Session
from .sources import Clock, Entropy

__all__ = ["Admitted", "Code", "Connecting", "How", "Step", "Turned"]

DYNAMIC, STATIC, X509 = 0, 1, 2
_GATEWAY, _SUB_DEVICE = 1, 2  # access_type
_SESSION_KEY_BYTES = 16
_SECRET_BYTES = 16  # 32 lower-case hex digits

_log = structlog.get_logger()


class Code(enum.IntEnum):
    """Platform codes (section 10.1) that a decision adds to those of the password itself."""

    INNER_SERVICE = 10404
    STATIC_DEVICE = 10421
    ALREADY_AUTHENTICATED = 10422
    PRODUCT_NOT_FOUND = 10423
    NOT_ACCEPTED = 10430
    SESSION_FLAG_NOT_VALID = 10433
    WRONG_CLIENT_ID = 10434
    STEP_NOT_VALID = 10435
    DEVICE_NOT_FOUND = 10438
    NOT_OF_A_GATEWAY = 10440


class How(enum.Enum):
    """How a device is turned away (section 2.3)."""

    NOTICE = "notice"
    """Accept, wait for SUBSCRIBE, send 00A3 with the code, close: the device knows why, and for how long to wait."""
    HEAL = "heal"
    """Accept in quarantine, send 00B4 id 9: the device forgets its secret and comes back with step `0;`."""
    CLOSE = "close"
    """Close at once, without an answer."""


class Step(enum.Enum):
    """By what a device proved itself."""

    AUTHENTICATION = "product secret"
    CONNECTION = "device secret"
    CERTIFICATE = "certificate"


class Admitted(msgspec.Struct, frozen=True):
    """A device may connect. `secret_to_deliver` and `session_key` go out by 00B4 after its SUBSCRIBE.

    No representation shows them.
    """

    device: Device
    product: Product
    step: Step
    session_encryption: bool
    secret_to_deliver: str | None
    session_key: bytes | None

    def __repr__(self) -> str:
        return f"Admitted(device={self.device!r}, step={self.step})"


class Turned(msgspec.Struct, frozen=True):
    """A device may not connect; `device_id` is set when the client id is that of a device."""

    code: int
    how: How
    reason: str
    device_id: int | None = None


class _Refusal(Exception):
    def __init__(self, code: int, reason: str, how: How = How.NOTICE, device_id: int | None = None) -> None:
        super().__init__(reason)
        self.turned = Turned(code, how, reason, device_id)


class Connecting:
    """Decides on each CONNECT, issues secrets and session keys, remembers who fails."""

    def __init__(
        self,
        directory: Directory,
        vault: Vault,
        devices: Devices,
        certificates: Certificates,
        journal: Journal,
        entropy: Entropy,
        clock: Clock,
        announcer: Announcer,
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._devices = devices
        self._certificates = certificates
        self._journal = journal
        self._entropy = entropy
        self._announcer = announcer
        self._failures = Failures(clock)

    async def decide(
        self, client_id: str, password: bytes | None, certificate: PeerCertificate | None, *, address: str, secure: bool
    ) -> Admitted | Turned:
        """Whether the sender of a CONNECT may come in. `secure` says that the connection is TLS. Never raises for what
        the peer sends; a database that does not answer is 10404. The user name does not matter (section 2)."""
        return await self._judge(
            client_id, address, lambda: self._admit(client_id, password, certificate, secure=secure)
        )

    async def decide_sub_device(
        self, gateway: Device, product_key: str, device_key: str, password: str | None, step: Step, *, secure: bool
    ) -> Admitted | Turned:
        """The same for a sub-device that this gateway speaks for, with the password of `step`. `secure` says that the
        gateway's connection is TLS."""
        connected_as = client_id(product_key, device_key)
        return await self._judge(
            connected_as,
            f"gateway {gateway.client_id}",
            lambda: self._admit_sub_device(gateway, connected_as, password, step, secure=secure),
        )

    async def _judge(self, client_id: str, address: str, admit: Callable[[], Awaitable[Admitted]]) -> Admitted | Turned:
        if self._failures.too_many(client_id, address):
            return Turned(Code.NOT_ACCEPTED, How.CLOSE, "too many refused attempts; wait a few minutes")
        try:
            if not self._directory.fresh:
                raise _Refusal(Code.INNER_SERVICE, "the database does not answer")
            admitted = await admit()
        except _Refusal as refusal:
            if refusal.turned.code != Code.INNER_SERVICE:  # which is not the device's fault
                self._failures.add(client_id, address)
            return refusal.turned
        except CredentialError as error:
            self._failures.add(client_id, address)
            return Turned(error.code, How.NOTICE, error.reason)
        except (StoreError, SecretKeyError) as error:
            _log.error("cannot decide on a connection", client_id=client_id, error=str(error))
            return Turned(Code.INNER_SERVICE, How.NOTICE, "the database does not answer")
        self._failures.forget(client_id, address)
        return admitted

    def secret_arrived(self, session: Session) -> None:
        """The device spoke after its secret was delivered: from now on step `0;` is refused (section 3)."""
        if not session.device.secret_confirmed:
            session.device = msgspec.structs.replace(session.device, secret_confirmed=True, is_verified=True)
            entry = Entry()
            device = session.device
            entry.write(statements.CONFIRM_SECRET(of_device=device.id, of_secret=device.device_secret))
            self._journal.add(entry)

    async def _admit(
        self, client_id: str, password: bytes | None, certificate: PeerCertificate | None, *, secure: bool
    ) -> Admitted:
        if certificate is not None:
            device = await self._devices.by_client_id(client_id)
            if device is not None and device.auth_mode == X509:
                return await self._by_certificate(device, password, certificate)
        request = parse(password or b"")
        if isinstance(request, Authentication):
            return await self._authenticate(request, client_id, secure=secure)
        return await self._connect(request, client_id, secure=secure)

    async def _admit_sub_device(
        self, gateway: Device, client_id: str, password: str | None, step: Step, *, secure: bool
    ) -> Admitted:
        request = parse((password or "").encode())
        if isinstance(request, Authentication) and step is Step.AUTHENTICATION:
            return await self._authenticate(request, client_id, secure=secure, gateway=gateway)
        if isinstance(request, Connection) and step is Step.CONNECTION:
            return await self._connect(request, client_id, secure=secure, gateway=gateway)
        raise _Refusal(Code.STEP_NOT_VALID, f"this needs the password made from the {step.value}")

    # Step 0

    async def _authenticate(
        self, request: Authentication, client_id: str, *, secure: bool, gateway: Device | None = None
    ) -> Admitted:
        product = self._directory.product_by_key(request.product_key)
        if product is None:
            raise _Refusal(Code.PRODUCT_NOT_FOUND, "there is no product of this key")
        device_key = open_authentication(request, product.product_secret.reveal(), client_id)
        device = await self._devices.find(product.id, device_key)
        self._check_way(product, gateway, device)
        if device is not None:
            self._check_state(device)
        if device is not None and device.auth_mode == STATIC:
            raise _Refusal(Code.STATIC_DEVICE, "a static device has its secret already", device_id=device.id)
        if device is not None and device.auth_mode == X509:
            raise _needs_certificate(device)
        if device is not None and device.device_secret is not None and device.secret_confirmed:
            reason = "the device has its secret; reset it to let the device authenticate again"
            raise _Refusal(Code.ALREADY_AUTHENTICATED, reason, device_id=device.id)
        self._check_encryption(product, request, device, secure=secure)
        if device is None:
            device = await self._register(product, device_key)
        device, secret = await self._issue_secret(device, gateway)
        return self._admitted(device, product, Step.AUTHENTICATION, request, secret)

    async def _register(self, product: Product, device_key: str) -> Device:
        if not product.dynamic_authentication:
            raise _Refusal(Code.DEVICE_NOT_FOUND, "the product takes only devices that were added beforehand")
        try:
            return await self._devices.ensure_registered(product, device_key)
        except PlatformError as error:
            raise _Refusal(Code.WRONG_CLIENT_ID, error.message) from None

    async def _issue_secret(
        self, device: Device, gateway: Device | None = None, *, told: bool = False
    ) -> tuple[Device, str]:
        """The secret to deliver: a new one, stored before it is sent, or the one whose delivery is not confirmed. That
        the device has proved itself is told with a new one, unless it is `told` already."""
        if device.device_secret is not None:
            return device, self._vault.open(device.device_secret, device_context(device.id))
        secret = self._entropy.random_bytes(_SECRET_BYTES).hex()
        sealed = self._vault.seal(secret, device_context(device.id))
        try:
            issue = statements.ISSUE_SECRET(of_device=device.id, new_secret=sealed)
            await self._write(issue.must("secret_issued_already"), None if told else device, gateway)
        except WriteRefused:
            # The same device on another connection, at the same time: both must deliver the same secret.
            again = await self._devices.by_id(device.id)
            if again is None or again.device_secret is None:
                raise _Refusal(Code.DEVICE_NOT_FOUND, "the device was deleted meanwhile") from None
            return again, self._vault.open(again.device_secret, device_context(device.id))
        return msgspec.structs.replace(device, device_secret=sealed, secret_confirmed=False, is_verified=True), secret

    # Step 1

    async def _connect(
        self, request: Connection, client_id: str, *, secure: bool, gateway: Device | None = None
    ) -> Admitted:
        device = await self._devices.by_client_id(client_id)
        product = self._directory.product(device.product_id) if device is not None else None
        if device is None or product is None:
            found = self._directory.products_of_client_id(client_id)
            by_itself = gateway is None
            if any(
                product.dynamic_authentication and by_itself != (product.access_type == _SUB_DEVICE)
                for product, _ in found
            ):
                raise _Refusal(Code.DEVICE_NOT_FOUND, "there is no such device; it may authenticate anew", How.HEAL)
            raise _Refusal(Code.NOT_ACCEPTED, "there is no such device")
        self._check_way(product, gateway, device)
        self._check_state(device)
        if device.auth_mode == X509:
            raise _needs_certificate(device)
        sealed = device.device_secret
        secret = None if sealed is None else self._vault.open(sealed, device_context(device.id))
        try:
            verify_connection(request, product.product_secret.reveal(), secret)
        except CredentialError as error:
            heals = device.auth_mode == DYNAMIC and not (secret is not None and device.secret_confirmed)
            if error.code == error.code.RAND_MISSING:
                raise _Refusal(error.code, error.reason, device_id=device.id) from None
            if heals:
                raise _Refusal(error.code, f"{error.reason}; it may authenticate anew", How.HEAL, device.id) from None
            raise _Refusal(Code.NOT_ACCEPTED, error.reason, device_id=device.id) from None
        self._check_encryption(product, request, device, secure=secure)
        if not (device.secret_confirmed and device.is_verified):
            # Others have proved themselves when they got this secret.
            proves = device.auth_mode == STATIC and not device.is_verified
            confirm = statements.CONFIRM_SECRET(of_device=device.id, of_secret=sealed)
            await self._write(confirm, device if proves else None, gateway)
            device = msgspec.structs.replace(device, secret_confirmed=True, is_verified=True)
        return self._admitted(device, product, Step.CONNECTION, request, None)

    # Certificates

    async def _by_certificate(self, device: Device, password: bytes | None, certificate: PeerCertificate) -> Admitted:
        product = self._directory.product(device.product_id)
        if product is None:
            raise _Refusal(Code.PRODUCT_NOT_FOUND, "the product is deleted", device_id=device.id)
        self._check_way(product, None, device)
        self._check_state(device)
        if not await self._certificates.vouches(product.account_id, certificate):
            reason = "the certificate is not signed by a verified CA of the account, or not valid now"
            raise _Refusal(Code.NOT_ACCEPTED, reason, device_id=device.id)
        is_first = device.fingerprint is None
        if is_first:
            device = await self._pin(device, certificate)
        if device.fingerprint is None or device.fingerprint.lower() != certificate.fingerprint:
            reason = f"the certificate {certificate.fingerprint} is not the one of this device"
            raise _Refusal(Code.NOT_ACCEPTED, reason, device_id=device.id)
        # A device that also sends a password expects its answer: without a secret SDK 2.9.0 waits for ever.
        request = _parsed(password)
        secret: str | None = None
        if isinstance(request, Authentication):
            device, secret = await self._issue_secret(device, told=is_first)
        return self._admitted(device, product, Step.CERTIFICATE, request, secret)

    async def _pin(self, device: Device, certificate: PeerCertificate) -> Device:
        """Note the certificate of a first connection, unless another connection was the first meanwhile."""
        pinned = statements.PIN_FINGERPRINT(of_device=device.id, seen=certificate.fingerprint)
        try:
            await self._write(pinned.must("pinned_already"), device)
        except WriteRefused:
            again = await self._devices.by_id(device.id)
            if again is None:
                raise _Refusal(Code.DEVICE_NOT_FOUND, "the device was deleted meanwhile") from None
            return again
        return msgspec.structs.replace(device, fingerprint=certificate.fingerprint, is_verified=True)

    # All

    async def _write(self, write: Write, proved: Device | None, gateway: Device | None = None) -> None:
        """Commit, and tell that a device has proved itself (META_EVENT/DEVICE AUTH) when one has. Raises StoreError."""
        entry = Entry()
        entry.write(write)
        if proved is not None:
            data = bodies.brief(proved.name, proved.sn)
            self._announcer.device_changed(entry.push, proved, "AUTH", data, gateway=gateway)
        await self._journal.commit_alone(entry)

    def _check_way(self, product: Product, gateway: Device | None, device: Device | None) -> None:
        """Sub-devices come through a gateway that may carry them, other devices by themselves."""
        carrier = None if gateway is None else self._directory.product(gateway.product_id)
        reason = ""
        if gateway is None:
            if product.access_type == _SUB_DEVICE:
                reason = "a sub-device connects through its gateway"
        elif carrier is None or carrier.access_type != _GATEWAY:
            reason = "the product of the device that speaks for it is no gateway product"
        elif product.access_type != _SUB_DEVICE or product.account_id != carrier.account_id:
            reason = f"{product.product_key} is no product of sub-devices"
        elif product.specified_gateways is not None and carrier.product_key not in product.specified_gateways:
            reason = f"{product.product_key} does not name {carrier.product_key} among its gateways"
        if reason:
            raise _Refusal(Code.NOT_OF_A_GATEWAY, reason, device_id=device.id if device is not None else None)

    def _check_state(self, device: Device) -> None:
        if not device.enabled:
            raise _Refusal(Code.NOT_ACCEPTED, "the device is disabled", device_id=device.id)
        if device.is_virtual:
            raise _Refusal(Code.NOT_ACCEPTED, "a virtual device does not connect", device_id=device.id)

    def _check_encryption(self, product: Product, request: Password, device: Device | None, *, secure: bool) -> None:
        # TLS gives more than the session encryption that a product may require.
        if product.require_encryption and not request.session_encryption and not secure:
            reason = "the product requires session encryption or TLS"
            raise _Refusal(Code.SESSION_FLAG_NOT_VALID, reason, device_id=device.id if device else None)

    def _admitted(
        self, device: Device, product: Product, step: Step, request: Password | None, secret: str | None
    ) -> Admitted:
        encrypted = request is not None and request.session_encryption
        key = self._entropy.random_bytes(_SESSION_KEY_BYTES) if encrypted else None
        return Admitted(device, product, step, encrypted, secret, key)


def _needs_certificate(device: Device) -> _Refusal:
    return _Refusal(Code.NOT_ACCEPTED, "the device proves itself by a certificate over TLS", device_id=device.id)


def _parsed(password: bytes | None) -> Password | None:
    try:
        return parse(password or b"")
    except CredentialError:
        return None
