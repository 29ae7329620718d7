"""TLS: the certificate of the server is verified, by the names a private authority signed."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device.cloud_peer import DK, PK, PS
from device.peer import SocketCloud
from mooring.device import Device, Timing

QUICK = Timing(retry_least_s=0.0, retry_most_s=0.01)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_trusted_server_is_spoken_to(certificate: tuple[Path, Path]) -> None:
    async with SocketCloud(tls=server_context(certificate)) as cloud:
        trusting = ssl.create_default_context(cafile=certificate[0])
        async with Device(PK, PS, DK, host="localhost", port=cloud.port, tls=trusting) as device:
            await device.send_raw(b"x")
            await device.close()


@pytest.mark.parametrize(
    ("host", "trusted", "reason"), [("localhost", False, "self"), ("127.0.0.1", True, "127.0.0.1")]
)
async def test_a_server_that_is_not_trusted_is_left(
    certificate: tuple[Path, Path], host: str, trusted: bool, reason: str
) -> None:
    async with SocketCloud(tls=server_context(certificate)) as cloud:
        context = ssl.create_default_context(cafile=certificate[0]) if trusted else True
        device = Device(PK, PS, DK, host=host, port=cloud.port, tls=context, timing=QUICK)
        events = device.events()
        await device.start()
        event = await anext(events)
        await device.close()
    assert (event.event, event.code) == (1, 10450)
    assert event.detail.startswith("TLS certificate: ")
    assert reason in event.detail
