"""A chain of certificates as files: a root, an intermediate CA, and what they sign."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Signed"]

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key (PEM)."""

    certificate: Path
    key: Path

    @property
    def text(self) -> str:
        return self.certificate.read_text()


class Authority:
    """A CA in a folder; without `above` it signs itself."""

    def __init__(self, folder: Path, name: str, above: "Authority | None" = None) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        signer = above or self
        authority = x509.BasicConstraints(ca=True, path_length=None)
        built = _builder(name, signer._name, self._key).add_extension(authority, critical=True)
        self.own = self._write(name, built.sign(signer._key, SHA256()), self._key)

    def sign(self, name: str, hosts: tuple[str, ...] = ()) -> Signed:
        """A certificate for `name`, good for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, self._name, key)
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return self._write(name, builder.sign(self._key, SHA256()), key)

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Signed:
        made = Signed(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
    )
