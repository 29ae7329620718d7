"""`Device` against a cloud on a real socket."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from device.cloud_peer import DK, DS, KEY, PK, PS, CloudPeer
from device.peer import SocketCloud, until
from mooring.device import (
    DeliveryFailed,
    Device,
    DeviceError,
    InvalidMessage,
    ModelMissing,
    NotConnected,
    Refused,
    SecretFileUnusable,
    State,
    Timing,
)
from mooring.protocol import commands
from mooring.protocol.commands import call_service
from mooring.protocol.ttlv import Field
from mooring.thingmodel import DataError

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PLUG = (SAMPLES / "smart-plug.json").read_bytes()
QUICK = Timing(retry_least_s=0.0, retry_most_s=0.01, anew_s=0.0)


@pytest.fixture
async def cloud() -> AsyncIterator[SocketCloud]:
    async with SocketCloud() as found:
        yield found


def device(cloud: SocketCloud, **options: Any) -> Device:
    return Device(PK, PS, DK, port=cloud.port, **{"model": PLUG, "timing": QUICK, **options})


async def test_a_device_authenticates_and_reports(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        assert (plug.state, plug.secret) == (State.ONLINE, DS)
        await plug.report({"power": 12.5, "relay": True})
        await plug.report({"label": "kitchen"}, qos=0)
        await plug.report({"countdown": 3}, qos=2)
        await until(lambda: len(cloud.sent(commands.Report)) == 3)
        assert plug.values == {"power": 12.5, "relay": True, "label": "kitchen", "countdown": 3}
    reports = {field.id: field.value for report in cloud.sent(commands.Report) for field in report.fields}
    assert reports == {2: Decimal("12.5"), 1: True, 9: b"kitchen", 7: Decimal(3)}


async def test_every_other_thing_it_sends(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        await plug.event("overload", {"limit": 3000})
        await plug.answer_service("reset_energy", {"energy_total": 0})
        await plug.locate("$GPGGA,,,,,,0,,,,,,,,*56;")
        await plug.report_status(battery=17, voltage=3.6)
        await plug.send_raw(b"\xaa\x55")
    last = cloud.peers[-1].uplinks[2:]
    assert last == [
        commands.report_event(10, [Field(11, Decimal(3000))]),
        commands.Report([Field(13, [Field(5, Decimal(0))])]),
        commands.LocationReport("$GPGGA,,,,,,0,,,,,,,,*56;"),
        commands.StatusReport(battery=Decimal(17), voltage=Decimal("3.6")),
        commands.PassThroughUp(b"\xaa\x55"),
    ]


async def test_the_secret_survives_in_a_private_file(cloud: SocketCloud, tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "plug.json"
    async with device(cloud, secret_file=path):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["plug.json"]
    async with device(cloud, secret_file=path):
        assert [peer.step for peer in cloud.peers] == [0, 1]
        assert cloud.peers[1].frames[0].packet_id == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no json", "is not a file of a device secret"),
        (json.dumps({"client_id": "qdother", "memory": {}}).encode(), "belongs to the device qdother"),
    ],
)
async def test_a_wrong_secret_file_is_named(cloud: SocketCloud, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "plug.json"
    path.write_bytes(content)
    with pytest.raises(SecretFileUnusable, match=reason):
        async with device(cloud, secret_file=path):
            pass


async def test_a_secret_that_cannot_be_kept_is_not_confirmed(cloud: SocketCloud, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SecretFileUnusable, match="cannot be"):
        async with device(cloud, secret_file=tmp_path / "file" / "plug.json"):
            pass
    assert cloud.peers == [] or cloud.peer().acked == []


async def test_writes_are_taken_and_reported_back(cloud: SocketCloud) -> None:
    plug = device(cloud)
    seen: list[dict[str, object]] = []

    @plug.on_write
    async def written(values: dict[str, object]) -> None:
        seen.append(values)

    async with plug:
        cloud.send(commands.WriteProperties([Field(1, True), Field(9, b"x")]))
        await until(lambda: cloud.sent(commands.Report))
    assert seen == [{"relay": True, "label": "x"}]
    assert cloud.sent(commands.Report) == [commands.Report([Field(1, True), Field(9, b"x")])]
    assert plug.values == {"relay": True, "label": "x"}


async def test_a_handler_may_report_something_else_than_was_written(cloud: SocketCloud) -> None:
    plug = device(cloud)
    plug.on_write(lambda values: {"countdown": 10})
    async with plug:
        cloud.send(commands.WriteProperties([Field(7, Decimal(9))]))
        await until(lambda: cloud.sent(commands.Report))
    assert cloud.sent(commands.Report) == [commands.Report([Field(7, Decimal(10))])]


async def test_reads_are_answered_with_the_packet_id_of_the_request(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        await plug.report({"power": 7, "relay": False})
        packet_id = cloud.send(commands.ReadProperties((2, 999, 3)))
        await until(lambda: cloud.sent(commands.ReadResponse))
        plug.on_read(lambda codes: dict.fromkeys(codes, 1))
        cloud.send(commands.ReadProperties((3,)))
        await until(lambda: len(cloud.sent(commands.ReadResponse)) == 2)
    assert cloud.sent(commands.ReadResponse) == [
        commands.ReadResponse([Field(2, Decimal(7))]),
        commands.ReadResponse([Field(3, Decimal(1))]),
    ]
    assert packet_id in [content.packet_id for content in cloud.peer().frames if content.command == 0x12]


async def test_services_are_answered(cloud: SocketCloud) -> None:
    plug = device(cloud)
    calls: list[tuple[str, dict[str, object]]] = []

    @plug.on_service
    def called(code: str, inputs: dict[str, object]) -> dict[str, object]:
        calls.append((code, inputs))
        return {"energy_total": Decimal("0.5")}

    async with plug:
        cloud.send(call_service(13, []))
        await until(lambda: cloud.sent(commands.Report))
    assert calls == [("reset_energy", {})]
    assert cloud.sent(commands.Report) == [commands.Report([Field(13, [Field(5, Decimal("0.5"))])])]


async def test_raw_data_and_requests_for_a_location(cloud: SocketCloud) -> None:
    plug = device(cloud)
    raw: list[bytes] = []
    plug.on_raw(raw.append)
    plug.on_location_request(lambda kinds: f"$LBS,460,00,{kinds[0]};")
    async with plug:
        cloud.send(commands.PassThroughDown(b"\x00\x01"))
        cloud.send(commands.LocationRequest(("LBS",)))
        await until(lambda: cloud.sent(commands.LocationResponse))
    assert raw == [b"\x00\x01"]
    assert cloud.sent(commands.LocationResponse) == [commands.LocationResponse("$LBS,460,00,LBS;")]


async def test_a_handler_that_fails_does_not_stop_the_next_command(
    cloud: SocketCloud, caplog: pytest.LogCaptureFixture
) -> None:
    plug = device(cloud)

    @plug.on_raw
    def fails(data: bytes) -> None:
        raise RuntimeError("broken")

    async with plug:
        cloud.send(commands.PassThroughDown(b"1"))
        cloud.send(commands.WriteProperties([Field(1, True)]))
        await until(lambda: cloud.sent(commands.Report))
    assert "a handler of the device failed" in caplog.text


async def test_it_comes_back_by_itself_and_goes_on(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        await plug.report({"power": 0})  # after which nothing is on its way
        events = plug.events()
        cloud.drop()
        await until(lambda: len(cloud.peers) == 2)
        await plug.wait_connected()
        await plug.report({"power": 1})
        seen = [await anext(events) for _ in range(2)]
    assert [(event.event, event.code) for event in seen] == [(2, 10474), (2, 10200)]
    assert "connection is lost" in seen[0].meaning
    assert [event.code async for event in events][-1] == 10210


async def test_it_waits_for_a_server_that_is_not_there_yet() -> None:
    async with SocketCloud() as cloud:
        port = cloud.port
    later = SocketCloud()
    later.port = port
    plug = Device(PK, PS, DK, port=port, timing=QUICK)
    events = plug.events()
    await plug.start()
    assert (await anext(events)).code == 10450
    async with later:
        await plug.wait_connected()
        await plug.close()


async def test_a_refusal_says_what_to_do() -> None:
    async with SocketCloud(lambda: CloudPeer(refusal=10422)) as cloud:
        with pytest.raises(Refused, match="10422: the device is authenticated already") as caught:
            async with device(cloud):
                pass
        assert not caught.value.final
        assert str(caught.value.advice).startswith("The cloud holds a secret")


async def test_a_device_that_is_barred_stays_so_until_it_is_started_again() -> None:
    peers = iter([CloudPeer(connack=5), CloudPeer()])
    async with SocketCloud(lambda: next(peers)) as cloud:
        plug = device(cloud, device_secret="f" * 32)
        await plug.start()
        with pytest.raises(Refused) as caught:
            await plug.wait_connected(patiently=True)
        assert (caught.value.final, plug.state, plug.secret) == (True, State.BARRED, None)
        await plug.start()
        await plug.wait_connected()
        await plug.close()
        assert [peer.step for peer in cloud.peers] == [1, 0]


async def test_a_report_that_is_not_confirmed_fails(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        await plug.report({"power": 0})  # after which nothing is on its way
        cloud.peer().acknowledges = False
        report = asyncio.create_task(plug.report({"power": 1}))
        await until(lambda: len(cloud.sent(commands.Report)) == 2)
        cloud.drop()
        with pytest.raises(DeliveryFailed, match="connection broke"):
            await report


async def test_what_cannot_be_sent_is_refused_before(cloud: SocketCloud) -> None:
    plug = device(cloud)
    with pytest.raises(NotConnected):
        await plug.report({"power": 1})
    async with plug:
        with pytest.raises(DataError):
            await plug.report({"nothing": 1})
        with pytest.raises(InvalidMessage, match="QoS"):
            await plug.send_raw(b"", qos=3)
        with pytest.raises(InvalidMessage, match="no temperature"):
            await plug.report_status(temperature=1)
    plain = Device(PK, PS, DK, port=cloud.port)
    with pytest.raises(ModelMissing):
        await plain.report({"power": 1})


async def test_a_device_without_a_model_hands_out_ids(cloud: SocketCloud) -> None:
    plain = device(cloud, model=None)
    seen: list[object] = []
    plain.on_write(seen.append)
    async with plain:
        cloud.send(commands.WriteProperties([Field(4, Decimal(5)), Field(6, [Field(0, b"a")])]))
        await until(lambda: seen)
        await plain.report_fields([Field(1, True)])
    assert seen == [{"4": 5, "6": [b"a"]}]


async def test_session_encryption() -> None:
    async with (
        SocketCloud(lambda: CloudPeer(session_key=KEY)) as cloud,
        device(cloud, session_encryption=True) as plug,
    ):
        await plug.report({"power": 1})
        assert not cloud.peer().messages[-1].payload.startswith(b"\xaa\xaa")


async def test_nothing_shows_a_secret(cloud: SocketCloud) -> None:
    async with device(cloud) as plug:
        assert repr(plug) == f"Device('{PK}', '{DK}', online)"


def test_a_keep_alive_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        Device(PK, PS, DK, keep_alive_s=0)


async def test_commands_over_the_limit_are_not_confirmed(cloud: SocketCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.device.device.MAX_COMMANDS", 2)
    plug = device(cloud)
    started, release = asyncio.Event(), asyncio.Event()

    @plug.on_raw
    async def slow(data: bytes) -> None:
        started.set()
        await release.wait()

    async with plug:
        await plug.report({"power": 0})
        events = plug.events()
        first = cloud.peer()
        cloud.send(commands.PassThroughDown(b"first"), first.client_id)
        await started.wait()
        for number in range(6):
            cloud.send(commands.PassThroughDown(bytes([number])), first.client_id)
        await until(lambda: len(cloud.peers) == 2)
        codes = [(await anext(events)).code for _ in range(4)]
        release.set()
    assert codes == [10200, 10428, 10474, 10200]  # told once, then it comes back
    assert len(first.acked) <= 4  # the secret, the first command, and the two that there was room for


async def test_events_that_nobody_reads_are_not_lost_in_silence(
    cloud: SocketCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mooring.device.device.MAX_EVENTS", 2)
    plug = device(cloud)
    events = plug.events()
    async with plug:
        with pytest.raises(DeviceError, match="over 2 events"):
            await anext(events)


async def test_a_listener_that_fails_does_not_break_the_connection(
    cloud: SocketCloud, caplog: pytest.LogCaptureFixture
) -> None:
    plug = device(cloud)

    @plug.on_event
    def fails(event: object) -> None:
        raise RuntimeError("broken")

    async with plug:
        await plug.report({"power": 0})
    assert "a listener of the device failed" in caplog.text
