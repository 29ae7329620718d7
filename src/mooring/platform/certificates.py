"""CA certificates of accounts, and what they say about a device's certificate (domain-rules.md section 3).

An account uploads the certificate of its CA, then proves that the CA is its own: it has the CA sign a certificate
whose Common Name is a code it was given. Device certificates that a proved CA signed are believed from then on.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mooring.store import UniqueViolation, WriteRefused
from mooring.store import certificates as statements

from .errors import Conflict, Invalid, LimitReached, Missing
from .fields import check_text
from .ledger import Actor, Ledger
from .sources import Entropy

__all__ = ["MAX_CERTIFICATES", "MAX_CERTIFICATE_BYTES", "CaCertificate", "Certificates", "PeerCertificate"]

MAX_CERTIFICATES = 10  # of an account
MAX_CERTIFICATE_BYTES = 1024 * 1024
CODE_LIFETIME_MS = 7 * 86_400_000
_MAX_NAME = 50
_CODE_BYTES = 16
_PEM = b"-----BEGIN"


class CaCertificate(msgspec.Struct, frozen=True):
    """One CA certificate of an account. `code` is what the proof's Common Name must be; times are epoch ms.

    `fingerprint` is SHA-1, 40 lower-case hex digits, as the platform shows fingerprints.
    """

    id: int
    name: str
    subject: str
    fingerprint: str
    code: str
    code_expires_at: int
    verified_at: int | None
    expires_at: int
    created_at: int


class PeerCertificate:
    """The certificate that the peer of a TLS connection has proved to own."""

    __slots__ = ("der",)

    def __init__(self, der: bytes) -> None:
        self.der = der

    @property
    def fingerprint(self) -> str:
        """SHA-1, 40 lower-case hex digits."""
        return _fingerprint(self.der)


class Certificates:
    """What an administrator does with CA certificates, and the question a connection asks.

    `on_prove` listeners hear each certificate (DER) that is proved.
    """

    def __init__(self, ledger: Ledger, entropy: Entropy) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._clock = ledger.clock
        self._entropy = entropy
        self.on_prove: list[Callable[[bytes], None]] = []

    async def all(self, account_id: int) -> list[CaCertificate]:
        """The account's CA certificates, oldest first."""
        return [_shown(row) for row in await self._store.read(statements.OF_ACCOUNT, of_account=account_id)]

    async def one(self, account_id: int, certificate_id: int) -> CaCertificate:
        """One of them. Raises Missing."""
        return _shown(await self._row(account_id, certificate_id))

    async def upload(self, actor: Actor, name: str, data: bytes) -> CaCertificate:
        """Keep a CA certificate (PEM or DER, X.509 v3, basic constraints CA) that is to be proved.

        Raises Invalid, LimitReached, Conflict when the account has it already.
        """
        name = check_text("name", name, low=1, high=_MAX_NAME)
        certificate = _read(data)
        der = _checked_ca(certificate)
        [count] = await self._store.read(statements.COUNT, of_account=actor.account_id)
        if count.rows >= MAX_CERTIFICATES:
            raise LimitReached("certificate_limit", f"the account has {MAX_CERTIFICATES} CA certificates, its limit")
        now = self._clock.now_ms()
        row = statements.CaRow(
            id=self._ledger.ids.next(),
            account_id=actor.account_id,
            name=name,
            subject=certificate.subject.rfc4514_string(),
            fingerprint=_fingerprint(der),
            certificate=der,
            code=self._new_code(),
            code_expires_at=now + CODE_LIFETIME_MS,
            verified_at=None,
            expires_at=int(certificate.not_valid_after_utc.timestamp() * 1000),
            created_at=now,
        )
        if row.expires_at <= now:
            raise Invalid("certificate_expired", "the certificate is not valid any more", field="certificate")
        try:
            await self._ledger.commit(
                actor,
                "ca_certificate.upload",
                ("ca_certificate", name),
                statements.ADD.of(row),
                detail={"id": row.id, "subject": row.subject, "fingerprint": row.fingerprint},
            )
        except UniqueViolation:
            raise Conflict("certificate_exists", "the account has this certificate already") from None
        return _shown(row)

    async def new_code(self, actor: Actor, certificate_id: int) -> CaCertificate:
        """Another code, when the old one has expired. Raises Missing, Conflict for a certificate that is proved."""
        row = await self._row(actor.account_id, certificate_id)
        write = statements.SET_CODE(
            of_account=actor.account_id,
            of_certificate=certificate_id,
            new_code=self._new_code(),
            until=self._clock.now_ms() + CODE_LIFETIME_MS,
        )
        try:
            await self._ledger.commit(
                actor, "ca_certificate.new_code", ("ca_certificate", row.name), write.must("unproved")
            )
        except WriteRefused:
            raise _proved_already() from None
        return await self.one(actor.account_id, certificate_id)

    async def prove(self, actor: Actor, certificate_id: int, data: bytes) -> CaCertificate:
        """Take the certificate (PEM or DER) that the CA signed over the code. Raises Missing, Invalid, Conflict."""
        row = await self._row(actor.account_id, certificate_id)
        now = self._clock.now_ms()
        if row.verified_at is not None:
            raise _proved_already()
        if row.code_expires_at <= now:
            raise Conflict("code_expired", "the code has expired; ask for a new one")
        proof = _read(data)
        names = proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if len(names) != 1 or not hmac.compare_digest(str(names[0].value).encode(), row.code.encode()):
            raise Invalid("wrong_code", "the Common Name of the certificate is not the code", field="certificate")
        if not _signed_by(proof, x509.load_der_x509_certificate(row.certificate)):
            raise Invalid("not_signed", "the certificate is not signed by this CA", field="certificate")
        write = statements.SET_VERIFIED(
            of_account=actor.account_id, of_certificate=certificate_id, of_code=row.code, at=now
        )
        try:
            await self._ledger.commit(
                actor,
                "ca_certificate.prove",
                ("ca_certificate", row.name),
                write.must("unproved"),
                detail={"id": row.id, "fingerprint": row.fingerprint},
            )
        except WriteRefused:
            raise _proved_already() from None
        for listener in self.on_prove:
            listener(row.certificate)
        return await self.one(actor.account_id, certificate_id)

    async def delete(self, actor: Actor, certificate_id: int) -> None:
        """Forget a CA: its devices cannot connect any more; those that are connected stay. Raises Missing."""
        row = await self._row(actor.account_id, certificate_id)
        write = statements.DELETE(of_account=actor.account_id, of_certificate=certificate_id)
        await self._ledger.commit(
            actor,
            "ca_certificate.delete",
            ("ca_certificate", row.name),
            write,
            detail={"id": row.id, "fingerprint": row.fingerprint},
        )

    async def verified(self) -> list[bytes]:
        """Every proved CA certificate of every account, in DER."""
        return [row.certificate for row in await self._store.scan(statements.VERIFIED)]

    async def vouches(self, account_id: int, peer: PeerCertificate) -> bool:
        """Whether a proved CA of the account signed the certificate itself, and both are valid now."""
        try:
            certificate = x509.load_der_x509_certificate(peer.der)
        except (ValueError, UnsupportedAlgorithm):
            return False
        now = self._clock.now_ms()
        if not _is_valid(certificate, now):
            return False
        for row in await self._store.read(statements.OF_ACCOUNT, of_account=account_id):
            if row.verified_at is not None and row.expires_at > now:
                issuer = x509.load_der_x509_certificate(row.certificate)
                if _signed_by(certificate, issuer) and _is_valid(issuer, now):
                    return True
        return False

    async def _row(self, account_id: int, certificate_id: int) -> statements.CaRow:
        for row in await self._store.read(statements.ONE, of_account=account_id, of_certificate=certificate_id):
            return row
        raise Missing("no_such_certificate", f"there is no CA certificate {certificate_id}")

    def _new_code(self) -> str:
        return self._entropy.random_bytes(_CODE_BYTES).hex()


def _read(data: bytes) -> x509.Certificate:
    if len(data) > MAX_CERTIFICATE_BYTES:
        message = f"the certificate has {len(data)} bytes; the limit is {MAX_CERTIFICATE_BYTES}"
        raise LimitReached("certificate_size", message, field="certificate")
    try:
        if data.lstrip().startswith(_PEM):
            found = x509.load_pem_x509_certificates(data)
            if len(found) != 1:
                message = f"the file holds {len(found)} certificates; give one"
                raise Invalid("certificate", message, field="certificate")
            certificate = found[0]
        else:
            certificate = x509.load_der_x509_certificate(data)
        certificate.subject.rfc4514_string()  # parsed only when it is looked at
        certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid("certificate", "this is no X.509 certificate in PEM or DER", field="certificate") from None
    return certificate


def _checked_ca(certificate: x509.Certificate) -> bytes:
    """Its DER. Raises Invalid."""
    if certificate.version is not x509.Version.v3:
        raise Invalid("certificate_version", "the certificate is not X.509 version 3", field="certificate")
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        is_ca = False
    if not is_ca:
        raise Invalid("no_ca", "the basic constraints of the certificate do not say CA", field="certificate")
    return certificate.public_bytes(Encoding.DER)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_valid(certificate: x509.Certificate, now_ms: int) -> bool:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _fingerprint(der: bytes) -> str:
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def _proved_already() -> Conflict:
    return Conflict("proved_already", "the certificate is proved already")


def _shown(row: statements.CaRow) -> CaCertificate:
    return CaCertificate(
        id=row.id,
        name=row.name,
        subject=row.subject,
        fingerprint=row.fingerprint,
        code=row.code,
        code_expires_at=row.code_expires_at,
        verified_at=row.verified_at,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )
