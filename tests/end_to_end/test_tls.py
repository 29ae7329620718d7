"""The TLS port, asked by `openssl s_client` and by paho-mqtt: chain, names, versions, certificates of devices."""

import secrets
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from end_to_end.certificates import Authority, Signed
from end_to_end.paho_device import connected
from mooring.protocol import commands
from mooring.protocol.frame import decode, encode
from mooring.protocol.mqtt import ClientSession, Connect
from mooring.protocol.ttlv import Field
from programs import program
from served import EVENTS, Served, serving

CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x03\x00\x01\x01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def root(folder: Path) -> Authority:
    return Authority(folder, "root")


@pytest.fixture(scope="module")
def cloud(folder: Path, root: Authority) -> Iterator[Served]:
    """A cloud that shows a certificate of an intermediate CA, with its chain."""
    intermediate = Authority(folder, "intermediate", root)
    server = intermediate.sign("localhost", ("localhost", "iot.example.com"))
    chain = folder / "chain.pem"
    chain.write_text(server.text + intermediate.own.text)
    tls = {"MOORING_TLS_CERTIFICATE": str(chain), "MOORING_TLS_KEY": str(server.key)}
    with serving(folder / "data", "--mqtts-port", "0", env=tls) as served:
        yield served


@pytest.fixture
def key() -> str:
    return f"DK{secrets.token_hex(6)}"


def s_client(port: int, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Shake hands, say nothing, leave."""
    openssl = program("openssl", "openssl")
    command = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", *arguments]
    return subprocess.run(command, input=b"", capture_output=True, timeout=60)


def answer(port: int, *arguments: str, said: bytes, ends: bytes) -> bytes:
    """What the server says to `said`, up to what `ends` it, or all of it when the server closes."""
    command = [program("openssl", "openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", *arguments]
    with subprocess.Popen(
        command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        watchdog = threading.Timer(60, client.kill)
        watchdog.start()
        try:
            client.stdin.write(said)
            heard = b""
            while ends not in heard:
                more = client.stdout.read(4096)
                if not more:
                    break
                heard += more
            return heard
        finally:
            watchdog.cancel()
            client.kill()


def session(client_id: str, password: str | None) -> bytes:
    """What a device sends that connects and subscribes."""
    mqtt = ClientSession(0.0)
    mqtt.connect(Connect(client_id, None, None if password is None else password.encode(), 60), 0.0)
    sent = mqtt.data_to_send()
    mqtt.receive_data(CONNACK, 0.0)
    mqtt.subscribe([(f"q/1/d/{client_id}/+", 1)], 0.0)
    return sent + mqtt.data_to_send()


def trusting(certificate: Path) -> tuple[str, ...]:
    return ("-CAfile", str(certificate), "-verify_return_error", "-verify_hostname", "localhost")


# The server's certificate


@pytest.mark.parametrize(("flag", "version"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
@pytest.mark.parametrize("name", ["localhost", "iot.example.com", "anything.example.net"])
def test_the_chain_is_shown_whatever_name_is_asked_for(
    cloud: Served, root: Authority, flag: str, version: str, name: str
) -> None:
    ended = s_client(cloud.running.mqtts_port, flag, "-servername", name, *trusting(root.own.certificate))
    printed = ended.stdout.decode()
    assert (ended.returncode, "Verify return code: 0 (ok)" in printed, version in printed) == (0, True, True)
    shown = [line.strip() for line in printed.splitlines() if line.strip().startswith(("0 s:", "1 s:", "2 s:"))]
    assert [line.rpartition("=")[2].strip() for line in shown] == ["localhost", "intermediate"]


def test_without_a_name_it_works_as_well(cloud: Served, root: Authority) -> None:
    ended = s_client(cloud.running.mqtts_port, "-noservername", *trusting(root.own.certificate))
    assert (ended.returncode, b"Verify return code: 0 (ok)" in ended.stdout) == (0, True)


@pytest.mark.parametrize("flag", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(cloud: Served, flag: str) -> None:
    ended = s_client(cloud.running.mqtts_port, flag, "-cipher", "DEFAULT@SECLEVEL=0")
    assert (ended.returncode, b"Cipher is (NONE)" in ended.stdout) == (1, True)


def test_who_does_not_know_the_root_or_asks_for_another_host_is_warned(
    cloud: Served, root: Authority, folder: Path
) -> None:
    other = Authority(folder, "other root")
    assert s_client(cloud.running.mqtts_port, *trusting(other.own.certificate)).returncode != 0
    wrong = ("-CAfile", str(root.own.certificate), "-verify_return_error", "-verify_hostname", "example.net")
    assert s_client(cloud.running.mqtts_port, *wrong).returncode != 0


def test_the_certificate_that_mooring_makes_is_good_for_this_machine(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--mqtts-port", "0") as served:
        own = str(tmp_path / "data" / "tls.crt")
        for check in (("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1")):
            ended = s_client(served.running.mqtts_port, "-CAfile", own, "-verify_return_error", *check)
            assert ended.returncode == 0, ended.stderr


def test_plain_text_on_the_tls_port_and_tls_on_the_plain_one_end(cloud: Served, key: str) -> None:
    ended = s_client(cloud.running.mqtt_port)
    assert (ended.returncode, b"Cipher is (NONE)" in ended.stdout) == (1, True)
    with socket.create_connection(("127.0.0.1", cloud.running.mqtts_port), timeout=60) as plain:
        plain.sendall(session(cloud.client_id(key), cloud.first_password(key)))
        heard = b"".join(iter(lambda: plain.recv(4096), b""))
    assert CONNACK not in heard


# Devices


def test_bytes_through_openssl_are_a_session(cloud: Served, root: Authority, key: str) -> None:
    said = session(cloud.client_id(key), cloud.first_password(key))
    secret_of_32 = b"\xaa\xaa\x00\x29"
    heard = answer(cloud.running.mqtts_port, *trusting(root.own.certificate), said=said, ends=secret_of_32)
    assert heard.startswith(CONNACK + SUBACK)
    assert secret_of_32 in heard
    cloud.reaches(key, 0)
    assert [row["eventCode"] for row in cloud.rows(EVENTS, key)] == ["offline", "online"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_paho_over_tls(cloud: Served, root: Authority, key: str, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=root.own.certificate)
    context.minimum_version = context.maximum_version = version
    port = cloud.running.mqtts_port
    with connected(port, cloud.client_id(key), cloud.first_password(key), tls=context) as device:
        device.subscribe()
        assert len(device.secret()) == 32
        report = commands.encode(commands.Report([Field(2, Decimal(9))]), 1)
        device.publish(encode(report), 1)
    assert cloud.values(key) == {"power": "9"}


# Certificates of devices


@pytest.fixture(scope="module")
def devices_ca(cloud: Served, folder: Path) -> Authority:
    """A CA that the account has proved to be its own."""
    authority = Authority(folder, "devices")
    uploaded = cloud.manage("POST", "/ca-certificates", {"name": "Plant", "certificate": authority.own.text})
    proof = authority.sign(uploaded["code"])
    cloud.manage("POST", f"/ca-certificates/{uploaded['id']}/proof", {"certificate": proof.text})
    return authority


def showing(signed: Signed) -> tuple[str, ...]:
    return ("-cert", str(signed.certificate), "-key", str(signed.key))


@pytest.mark.parametrize("flag", ["-tls1_2", "-tls1_3"])
def test_a_device_proves_itself_by_its_certificate(cloud: Served, devices_ca: Authority, key: str, flag: str) -> None:
    cloud.add(key, auth_mode=2)
    mine, others = devices_ca.sign(f"{key}-mine"), devices_ca.sign(f"{key}-others")
    said = session(cloud.client_id(key), None)
    port = cloud.running.mqtts_port
    assert answer(port, flag, *showing(mine), said=said, ends=SUBACK) == CONNACK + SUBACK
    assert cloud.reaches(key, 0)["isVerified"] == 1
    pinned = cloud.manage("GET", f"/devices/{cloud.product_key}/{key}")["fingerprint"]
    assert len(pinned) == 40
    assert refusal(answer(port, flag, *showing(others), said=said, ends=b"never")) == 10430
    assert [row["eventCode"] for row in cloud.rows(EVENTS, key)] == ["offline", "online"]


def test_without_a_certificate_it_is_refused(cloud: Served, devices_ca: Authority, key: str) -> None:
    cloud.add(key, auth_mode=2)
    said = session(cloud.client_id(key), cloud.first_password(key))
    assert refusal(answer(cloud.running.mqtts_port, said=said, ends=b"never")) == 10430
    assert cloud.detail(key)["firstConnTime"] is None


def test_a_certificate_of_a_ca_that_nobody_proved_ends_the_handshake(
    cloud: Served, devices_ca: Authority, folder: Path, key: str
) -> None:
    cloud.add(key, auth_mode=2)
    stranger = Authority(folder, "stranger").sign(key)
    said = session(cloud.client_id(key), None)
    assert answer(cloud.running.mqtts_port, *showing(stranger), said=said, ends=CONNACK) == b""
    assert cloud.detail(key)["firstConnTime"] is None


def refusal(heard: bytes) -> int:
    """The code of the exception notice behind CONNACK and SUBACK."""
    head = CONNACK + SUBACK
    assert heard.startswith(head)
    frame = heard[heard.index(b"\xaa\xaa", len(head)) :]
    notice = commands.decode(decode(frame), commands.Direction.DOWN)
    assert isinstance(notice, commands.ExceptionNotice)
    return notice.code
