"""A certificate authority for tests of CA certificates."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["make_ca", "pem", "sign"]

_DAYS = timedelta(days=30)


def make_ca(now_ms: int, name: str = "Own CA") -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, name, key, now_ms)
    extended = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return key, extended.sign(key, SHA256())


def sign(key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, name: str, now_ms: int) -> x509.Certificate:
    """A certificate for `name` that the CA signed."""
    issuer = str(ca.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    return _builder(name, issuer, ec.generate_private_key(ec.SECP256R1()), now_ms).sign(key, SHA256())


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, now_ms: int) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAYS)
        .not_valid_after(now + _DAYS)
    )
