"""TLS of the MQTT door: the server's certificate, and client certificates of devices (domain-rules.md section 3)."""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["TlsError", "make_self_signed", "server_context", "trust"]

_LIFE = datetime.timedelta(days=3650)
_NAME = "mooring"


class TlsError(Exception):
    """The TLS certificate or its key cannot be used. `mooring up` ends with exit code 18."""

    exit_code = 18


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context that shows this certificate (PEM, with its chain) and takes client certificates. Raises TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"cannot use TLS certificate {certificate} with key {key}: {error}") from None
    # A certificate is asked for and need not be shown. Which device it may be is decided at CONNECT.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def trust(context: ssl.SSLContext, authorities: Iterable[bytes]) -> None:
    """Let devices show certificates of these CAs (DER). One that is forgotten is refused at CONNECT, not here."""
    text = "".join(ssl.DER_cert_to_PEM_cert(der) for der in authorities)
    if text:
        context.load_verify_locations(cadata=text)


def make_self_signed(certificate: Path, key: Path, host: str, now: datetime.datetime) -> None:
    """Make a certificate for this machine, unless it is there already; the key has mode 0600. Raises TlsError."""
    if certificate.exists() and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        _write(key, secret)
        _write(certificate, built.public_bytes(Encoding.PEM))
    except OSError as error:
        raise TlsError(f"cannot write the TLS certificate {certificate}: {error.strerror}") from None


def _names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        names.append(x509.DNSName(host))
    else:
        if not address.is_unspecified and not address.is_loopback:
            names.append(x509.IPAddress(address))
    return names


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
