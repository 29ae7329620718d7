"""Certificates for tests, in memory: CAs, what they sign, and TLS contexts that show them."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["LONG_AGO", "Authority", "Signed", "fingerprint"]

# Good by the clock of the tests as well as by that of the machine, which TLS looks at.
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FAR_OFF = datetime.datetime(2060, 1, 1, tzinfo=datetime.UTC)


def fingerprint(certificate: "Signed") -> str:
    """SHA-1, 40 hex digits, as the platform shows it."""
    return certificate.built.fingerprint(SHA1()).hex()


class Signed:
    """A certificate and its key."""

    def __init__(self, built: x509.Certificate, key: ec.EllipticCurvePrivateKey, chain: str = "") -> None:
        self.built = built
        self.key = key
        self.chain = chain  # of what is above it, as PEM

    @property
    def pem(self) -> bytes:
        return self.built.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.built.public_bytes(Encoding.DER)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """As two files, the certificate with its chain and the key."""
        certificate, key = (folder / f"{self.built.serial_number}.{end}" for end in ("pem", "key"))
        certificate.write_bytes(self.pem + self.chain.encode())
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key

    def client_context(self, folder: Path, server: Path) -> ssl.SSLContext:
        """A context that shows this certificate and believes the server's."""
        context = ssl.create_default_context(cafile=server)
        context.load_cert_chain(*self.write(folder))
        return context


class Authority(Signed):
    """A CA; without `above` it signs itself."""

    def __init__(
        self,
        name: str,
        above: "Authority | None" = None,
        *,
        is_ca: bool | None = True,
        until: datetime.datetime = FAR_OFF,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, above.built.subject if above else None, key, until)
        if is_ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        chain = above.pem.decode() + above.chain if above else ""
        super().__init__(builder.sign(above.key if above else key, SHA256()), key, chain)

    def sign(
        self,
        name: str,
        *,
        since: datetime.datetime = LONG_AGO,
        until: datetime.datetime = FAR_OFF,
        key: Signed | None = None,
    ) -> Signed:
        """A certificate whose Common Name this is."""
        private = key.key if key is not None else ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, self.built.subject, private, until, since)
        return Signed(builder.sign(self.key, SHA256()), private, self.chain and self.pem.decode() + self.chain)


def _builder(
    name: str,
    issuer: x509.Name | None,
    key: ec.EllipticCurvePrivateKey,
    until: datetime.datetime,
    since: datetime.datetime = LONG_AGO,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
