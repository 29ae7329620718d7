"""The recorded first minute of a device; device-protocol.md section 11. Its password is a vector of `auth.json`."""

import json
from pathlib import Path

import pytest

from mooring.protocol.mqtt import (
    ConnectRequested,
    PingReceived,
    PublishAcked,
    PublishReceived,
    ServerSession,
    Subscribe,
)

CONTRACT = Path(__file__).parents[3] / "contract"
VECTORS = json.loads((CONTRACT / "vectors" / "auth.json").read_text())["vectors"]
PASSWORD = next(vector["password"] for vector in VECTORS if vector["name"] == "as sent by a running device process")
CID = b"qdp11TestPK861234567890123"
TOPIC = b"/d/" + CID + b"/sys"

CONNECT = (
    bytes.fromhex("10 a501 0004 4d515454 04 42 0078 001a") + CID + bytes.fromhex("007d") + PASSWORD.encode("ascii")
)
SUBSCRIBE = bytes.fromhex("82 27 0001 0022") + b"q/1/d/" + CID + b"/+" + b"\x01"
SECRET = bytes.fromhex("aaaa0029c4000100b4002b0020") + b"0123456789abcdef0123456789abcdef"
STATUS = bytes.fromhex("aaaa00184300010034000a00580012110177001a8043002202100000")
INFORMATION = b"".join(
    (
        bytes.fromhex("aaaa00743000020044"),
        bytes.fromhex("000b0006") + b"EC600S",
        bytes.fromhex("0013000a") + b"FW_TEST_01",
        bytes.fromhex("001b000a") + b"MCU1:1.0.0",
        bytes.fromhex("002b0014") + b"89860012345678901234",
        bytes.fromhex("005b0005") + b"2.9.0",
        bytes.fromhex("00630012") + b"NONE;AUTO;LBS;GGA;",
        bytes.fromhex("006b0005") + b"1.3.0",
        bytes.fromhex("00730005") + b"3.0.0",
    )
)


def qos_1(direction: bytes, packet_id: int, frame: bytes) -> bytes:
    topic = b"q/" + direction + TOPIC
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + frame
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    return b"\x32" + length + body


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_first_minute_of_a_device(piece: int) -> None:
    server = ServerSession(0.0)

    def up(data: bytes, now: float) -> list[object]:
        return [event for at in range(0, len(data), piece) for event in server.receive_data(data[at : at + piece], now)]

    assert len(CONNECT) == 3 + 0xA5
    assert up(CONNECT, 0.01) == [
        ConnectRequested(CID.decode(), None, PASSWORD.encode("ascii"), 120, True, None, 0x42, repeated=False)
    ]
    assert server.accept(0.01) == []
    assert server.data_to_send() == bytes.fromhex("20020000")

    assert up(SUBSCRIBE, 0.01) == [Subscribe(1, ((f"q/1/d/{CID.decode()}/+", 1),), repeated=False)]
    server.grant(1, [1])
    assert server.data_to_send() == bytes.fromhex("9003000101")

    packet_id = server.publish(f"q/1{TOPIC.decode()}", SECRET, 1, 0.56)
    assert server.data_to_send() == qos_1(b"1", packet_id, SECRET)
    assert up(b"\x40\x02" + packet_id.to_bytes(2), 0.57) == [PublishAcked(packet_id)]

    for mqtt_id, frame in ((2, STATUS), (3, INFORMATION)):
        assert up(qos_1(b"2", mqtt_id, frame), 0.61) == [
            PublishReceived(f"q/2{TOPIC.decode()}", frame, 1, mqtt_id, dup=False, retain=False)
        ]
        server.acknowledge(mqtt_id)
        assert server.data_to_send() == b"\x40\x02" + mqtt_id.to_bytes(2)

    for now in (50.01, 150.01, 250.01):
        assert server.on_time(now) == []
        assert up(b"\xc0\x00", now) == [PingReceived()]
        assert server.data_to_send() == b"\xd0\x00"
    assert server.next_deadline() == pytest.approx(250.01 + 180)


def test_reply_overtakes_at_qos_0() -> None:
    """The exchange seen afterwards: a read and its answer, which repeats the frame's packet id."""
    server = ServerSession(0.0)
    server.receive_data(CONNECT, 0.0)
    server.accept(0.0)
    answer = bytes.fromhex("aaaa00149301070012 0009 0012002a 001b000568656c6c6f")
    topic = b"q/2/d/" + CID + b"/bus"
    data = b"\x30" + bytes([2 + len(topic) + len(answer)]) + len(topic).to_bytes(2) + topic + answer
    assert server.receive_data(data, 1.0) == [PublishReceived(topic.decode(), answer, 0, 0, dup=False, retain=False)]
