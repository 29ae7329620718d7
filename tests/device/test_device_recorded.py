"""The recorded first minute of a device, byte for byte; device-protocol.md section 11 and vectors/auth.json."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from device.cloud_peer import DK, DS, IDENTITY, PK, PS, FixedRand
from mooring.device.core import DeviceCore
from mooring.device.events import MemoryChanged
from mooring.device.memory import Memory
from mooring.device.settings import Identity, Settings
from mooring.protocol import commands
from mooring.protocol.commands import ModuleInformation
from mooring.protocol.ttlv import Field

CONTRACT = Path(__file__).parents[2] / "contract"
VECTORS = json.loads((CONTRACT / "vectors" / "auth.json").read_text())["vectors"]
CID = f"qd{PK}{DK}".encode()
DOWN, UP = b"q/1/d/" + CID + b"/sys", b"q/2/d/" + CID
MODULE = ModuleInformation(
    model="EC600S",
    version="FW_TEST_01",
    mcu_versions="MCU1:1.0.0",
    iccid="89860012345678901234",
    sdk_version="2.9.0",
    location_kinds=("NONE", "AUTO", "LBS", "GGA"),
    data_protocol_version="1.3.0",
    communication_protocol_version="3.0.0",
)
STATUS_FRAME = bytes.fromhex("aaaa00184300010034000a00580012110177001a8043002202100000")
MODULE_FRAME = b"".join(
    (
        bytes.fromhex("aaaa00743000020044 000b0006") + b"EC600S",
        bytes.fromhex("0013000a") + b"FW_TEST_01",
        bytes.fromhex("001b000a") + b"MCU1:1.0.0",
        bytes.fromhex("002b0014") + b"89860012345678901234",
        bytes.fromhex("005b0005") + b"2.9.0",
        bytes.fromhex("00630012") + b"NONE;AUTO;LBS;GGA;",
        bytes.fromhex("006b0005") + b"1.3.0",
        bytes.fromhex("00730005") + b"3.0.0",
    )
)


def publish(topic: bytes, frame: bytes, mqtt_id: int) -> bytes:
    body = len(topic).to_bytes(2) + topic + mqtt_id.to_bytes(2) + frame
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    return b"\x32" + length + body


def test_the_first_minute() -> None:
    device = DeviceCore(IDENTITY, Settings(module=MODULE), chance=FixedRand())
    password = next(
        vector["password"] for vector in VECTORS if vector["name"] == "as sent by a running device process"
    ).encode()
    device.start()
    device.opened(0.01)
    assert device.data_to_send() == (bytes.fromhex("10a50100044d515454044200 78001a") + CID + b"\x00\x7d" + password)
    assert device.receive_data(bytes.fromhex("20020000"), 0.01) == []
    assert device.data_to_send() == bytes.fromhex("822700010022") + b"q/1/d/" + CID + b"/+\x01"
    assert device.receive_data(bytes.fromhex("9003000101"), 0.01) == []
    assert device.data_to_send() == b""

    secret = bytes.fromhex("aaaa0029c4000100b4002b0020") + DS.encode()
    assert device.receive_data(publish(DOWN, secret, 1), 0.56) == [MemoryChanged(Memory(DS))]
    assert device.data_to_send() == b""
    device.memory_stored(0.57)
    # Reports of QoS 1 are one in flight.
    assert device.data_to_send() == bytes.fromhex("40020001") + publish(UP + b"/sys", STATUS_FRAME, 2)
    device.receive_data(bytes.fromhex("40020002"), 0.61)
    assert device.data_to_send() == publish(UP + b"/sys", MODULE_FRAME, 3)
    device.receive_data(bytes.fromhex("40020003"), 0.61)

    assert device.next_deadline() == pytest.approx(50.01)
    device.on_time(50.01)
    assert device.data_to_send() == bytes.fromhex("c000")
    device.receive_data(bytes.fromhex("d000"), 50.02)
    assert device.next_deadline() == pytest.approx(150.02)


def test_a_read_afterwards() -> None:
    device = DeviceCore(IDENTITY, Settings(), Memory(DS))
    device.start()
    device.opened(0.0)
    for answer in ("20020000", "9003000101", "40020002", "40020003"):
        device.receive_data(bytes.fromhex(answer), 0.0)
    device.data_to_send()
    read = bytes.fromhex("aaaa000b1f010700110001 00020003")
    [received] = device.receive_data(publish(UP.replace(b"q/2", b"q/1") + b"/bus", read, 5), 1.0)
    assert received.downlink == commands.ReadProperties((1, 2, 3))  # type: ignore[union-attr]
    device.reply(commands.ReadResponse([Field(1, True), Field(2, Decimal(42)), Field(3, b"hello")]), 0x0107, 1.0)
    expected = bytes.fromhex("aaaa00149301070012 0009 0012002a 001b000568656c6c6f")
    assert device.data_to_send().endswith(expected)


@pytest.mark.parametrize(
    "vector",
    [each for each in VECTORS if each["kind"] in ("auth_password", "connect_password")],
    ids=lambda v: v["name"],
)
def test_passwords_of_the_vectors(vector: dict[str, str]) -> None:
    class Chance(FixedRand):
        def choices(self, population: Any, *args: Any, **options: Any) -> list[Any]:
            return list(vector["rand"])

    identity = Identity(vector.get("product_key", PK), vector.get("product_secret", PS), vector.get("device_key", DK))
    device = DeviceCore(
        identity,
        Settings(session_encryption=vector["session_flag"] == "0001"),
        Memory(vector.get("device_secret")),
        chance=Chance(),
    )
    device.start()
    device.opened(0.0)
    assert device.data_to_send().endswith(vector["password"].encode())
