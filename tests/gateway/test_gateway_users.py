"""Apps of end users on the ports of devices; device-protocol.md section 12."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from fakes import FakeClock
from gateway.door import Door, until
from gateway.peer import Peer, report
from mooring.gateway.users import MAX_OF_USER
from mooring.platform.bindings import BindRequest
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import EndUserAppChanges, NewEndUserApp
from mooring.platform.end_user_entities import EndUserApp
from mooring.platform.end_user_input import NewEndUser
from mooring.platform.products import ProductChanges
from mooring.platform.sharing import NewShare
from mooring.protocol import commands, frame
from mooring.protocol.commands import (
    BindCodeReport,
    DeviceConfiguration,
    LocationReport,
    PassThroughDown,
    ReadProperties,
    WriteProperties,
)
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import GRANT_REFUSED, ConnectRefused, PublishReceived
from mooring.protocol.ttlv import Field
from mooring.store import Query
from mooring.store.commands import CommandRow
from mooring.store.tables import commands as commands_table

RELAY = 1
DEVICE = "DK01"
_COMMANDS = Query(commands_table.select(), CommandRow)


@dataclass
class App:
    """One connection of a user's app to the device DK01, unless another is named."""

    door: Door
    peer: Peer

    def topic(self, level: str, device_key: str = DEVICE) -> str:
        return f"q/2/d/{self.door.client_id(device_key)}/{level}"

    async def listen(self, *levels: str, qos: int = 1) -> tuple[int, ...]:
        return await self.peer.subscribe(*(self.topic(level) for level in levels), qos=qos)

    def ask(self, device_key: str = DEVICE, **members: Any) -> None:
        body = {"msgId": 7, "type": "READ-ATTR", "kv": '["relay"]', **members}
        self.peer.publish(msgspec.json.encode(body), topic=f"q/1/d/{self.door.client_id(device_key)}/sys_")

    def send(self, payload: bytes, device_key: str = DEVICE) -> None:
        self.peer.publish(payload, topic=f"q/1/d/{self.door.client_id(device_key)}/bus")

    async def heard(self) -> tuple[str, Any]:
        """Last level and content of the next message."""
        event: PublishReceived = await self.peer.message()
        return event.topic.rpartition("/")[2], msgspec.json.decode(event.payload)

    async def refused(self) -> int:
        event = await self.peer.message()
        assert event.topic == f"q/1/u/{self.peer.client_id}/sys_"
        code: int = msgspec.json.decode(event.payload)["code"]
        return code


@dataclass
class House:
    """An App whose users may bind the product's devices; `uid` has bound DK01."""

    door: Door
    app: EndUserApp
    uid: str

    async def user(self, number: int) -> str:
        platform = self.door.platform
        new = NewEndUser(phone=f"1380000000{number}")
        return (await platform.end_users.create(self.door.cloud.actor, self.app.id, new)).uid

    async def bind(self, uid: str, device_key: str = DEVICE) -> None:
        request = BindRequest(self.door.product.product_key, device_key)
        await self.door.platform.bindings.bind(self.door.cloud.actor, uid, request)

    async def token(self, uid: str | None = None) -> str:
        issued = await self.door.platform.end_users.issue_token(self.door.cloud.actor, uid or self.uid)
        return issued.text

    @asynccontextmanager
    async def open(self, uid: str | None = None, ms: int = 1) -> AsyncIterator[App]:
        """An app that was let in."""
        async with Peer.open(self.door.port, f"qu_{uid or self.uid}_{ms}") as peer:
            await peer.connect(await self.token(uid), username="", keep_alive_s=40)
            yield App(self.door, peer)

    @asynccontextmanager
    async def device(self) -> AsyncIterator[Peer]:
        """DK01 online, subscribed."""
        async with self.door.peer() as peer:
            await self.door.first(peer)
            await until(lambda: self.door.platform.sessions.count == 1)
            yield peer


@pytest.fixture
async def house(door: Door, clock: FakeClock) -> House:
    platform, actor = door.platform, door.cloud.actor
    app = await platform.end_user_apps.create(actor, NewEndUserApp("Home"))
    await platform.end_user_apps.add_product(actor, app.id, door.product.product_key)
    await platform.products.update(actor, door.product.product_key, ProductChanges(bind_mode=1))
    await platform.devices.add(actor, door.product.product_key, NewDevice(DEVICE))
    made = House(door, app, "")
    made.uid = await made.user(1)
    await made.bind(made.uid)
    return made


# Coming in


async def test_a_token_lets_its_user_in_and_nobody_else(house: House) -> None:
    other = await house.user(2)
    token = await house.token()
    for client_id, password, code in (
        (f"qu_{house.uid}_1", token, None),
        (f"qu_{other}_1", token, 5),
        (f"qu_{house.uid}_1", token + "x", 5),
        (f"qu_{house.uid}_1", None, 5),
        ("qu_nonsense", token, 5),
        ("qu_C999999_1", token, 5),
    ):
        async with Peer.open(house.door.port, client_id) as peer:
            peer.mqtt.connect(peer.connect_packet(password, username=""), 0.0)
            peer.flush()
            if code is None:
                await peer.connected()
            else:
                assert (await peer.wait(ConnectRefused)).return_code == code
                await peer.closed()


async def test_who_guesses_too_often_is_not_heard(house: House) -> None:
    for _ in range(10):
        async with Peer.open(house.door.port, f"qu_{house.uid}_1") as peer:
            peer.mqtt.connect(peer.connect_packet("guess", username=""), 0.0)
            peer.flush()
            await peer.closed()
    token = await house.token()
    async with Peer.open(house.door.port, f"qu_{house.uid}_1") as peer:
        peer.mqtt.connect(peer.connect_packet(token, username=""), 0.0)
        peer.flush()
        assert (await peer.wait(ConnectRefused)).return_code == 5


async def test_the_same_client_id_takes_over(house: House) -> None:
    async with house.open() as first, house.open() as second:
        await first.peer.closed()
        await second.listen("bus_")


async def test_a_users_oldest_connection_gives_way(house: House) -> None:
    token = await house.token()
    async with house.open(ms=0) as first:
        async with asyncio.timeout(20):
            peers = []
            for number in range(1, MAX_OF_USER + 1):
                opened = Peer.open(house.door.port, f"qu_{house.uid}_{number}")
                peer = await opened.__aenter__()
                peers.append(opened)
                await peer.connect(token, username="")
            await first.peer.closed()
            assert house.door.gateway.users.count == MAX_OF_USER
            for opened in peers:
                await opened.__aexit__(None, None, None)


# Hearing


async def test_only_topics_of_ones_devices_are_granted(house: House) -> None:
    await house.door.add("DK02")
    async with house.open() as app:
        assert await app.listen("bus_", "ack_", "onl_", "ota_", "inf_", "loc_") == (1,) * 6
        assert await app.peer.subscribe(f"q/1/u/{app.peer.client_id}/sys_") == (1,)
        for text in (
            app.topic("bus_", "DK02"),
            app.topic("bus"),
            f"q/1/d/{house.door.client_id()}/bus",
            f"q/1/u/qu_{house.uid}_2/sys_",
            "#",
            "q/2/d/+/bus_",
        ):
            assert await app.peer.subscribe(text) == (GRANT_REFUSED,)
            assert await app.refused() == 4007


async def test_properties_come_by_code(house: House) -> None:
    async with house.device() as device, house.open() as app:
        await app.listen("bus_")
        await device.acked(device.publish(report(3)))
        level, content = await app.heard()
        assert level == "bus_"
        assert content == {
            "productKey": house.door.product.product_key,
            "deviceKey": DEVICE,
            "type": "MATTR",
            "data": {"kv": {"power": "7"}},
        }


async def test_a_device_that_comes_and_goes_is_shown(house: House) -> None:
    async with house.open() as app:
        await app.listen("onl_")
        async with house.device():
            assert (await app.heard())[1]["data"] == {"value": 1}
        assert (await app.heard())[1]["data"] == {"value": 0}


async def test_positions_are_shown(house: House) -> None:
    text = "$GPRMC,092846.400,A,3029.7317,N,10404.1784,E,0.00,0.00,171124,,,A*66;"
    async with house.device() as device, house.open() as app:
        await app.listen("loc_")
        device.publish(frame.encode(commands.encode(LocationReport(text), 9)))
        level, content = await app.heard()
        assert level == "loc_"
        assert set(content["data"]) == {"time", "source", "wgs_84", "gcj_02", "bd_09"}
        assert round(content["data"]["wgs_84"]["lat"], 2) == 30.5


async def test_what_nobody_watches_costs_no_message(house: House) -> None:
    async with house.device() as device, house.open() as app:
        await app.listen("bus_")
        assert len(house.door.platform.live._watchers) == 1
        app.peer.mqtt.unsubscribe([app.topic("bus_")], 0.0)
        app.peer.flush()
        await until(lambda: not house.door.platform.live._watchers)
        await device.acked(device.publish(report(3)))
        assert house.door.gateway.metrics.user_messages == 0


async def test_an_app_that_leaves_watches_nothing(house: House) -> None:
    async with house.open() as app:
        await app.listen("bus_")
    await until(lambda: not house.door.platform.live._watchers)
    assert house.door.gateway.users.count == 0


# Sending


async def test_a_read_is_sent_and_confirmed(house: House) -> None:
    async with house.device() as device, house.open() as app:
        await app.listen("ack_", "bus_")
        app.ask()
        words = await device.downlink()
        assert words == ReadProperties((RELAY,))
        level, content = await app.heard()
        assert (level, content["status"], content["msgId"]) == ("ack_", "succ", 7)


async def test_a_write_is_sent_and_confirmed(house: House) -> None:
    async with house.device() as device, house.open() as app:
        await app.listen("ack_")
        app.ask(type="WRITE-ATTR", kv='[{"relay":"true"}]', productKey=house.door.product.product_key, deviceKey=DEVICE)
        assert await device.downlink() == WriteProperties([Field(RELAY, True)])
        assert (await app.heard())[1]["status"] == "succ"
        [row, *_] = await house.door.platform.store.read(_COMMANDS)
        assert row.origin == f"user {house.uid}"


async def test_a_cached_command_waits_for_the_device(house: House) -> None:
    async with house.open() as app:
        await app.listen("ack_")
        app.ask(type="WRITE-ATTR", kv='[{"relay":"true"}]', isCache=True, cacheTime=600)
        await until(lambda: house.door.platform.commands.open_devices == 1)
        async with house.device() as device:
            assert await device.downlink() == WriteProperties([Field(RELAY, True)])
            assert (await app.heard())[1]["status"] == "succ"


@pytest.mark.parametrize("damage", [False, True])
async def test_a_frame_is_made_anew_whatever_its_checksum(house: House, damage: bool) -> None:
    sent = bytearray(frame.encode(commands.encode(WriteProperties([Field(RELAY, True)]), 1)))
    sent[4] ^= 0x55 if damage else 0
    async with house.device() as device, house.open() as app:
        await app.listen("ack_")
        app.send(bytes(sent))
        event = await device.message()
        assert device.decoded(event) == WriteProperties([Field(RELAY, True)])
        assert (await app.heard())[1]["status"] == "succ"


async def test_bytes_are_passed_through(house: House) -> None:
    async with house.device() as device, house.open() as app:
        app.send(frame.encode(commands.encode(PassThroughDown(b"hello"), 1)))
        assert await device.downlink() == PassThroughDown(b"hello")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"no frame", 50005),
        (frame.encode(Frame(1, 0x0014, b"")), 50005),
        (frame.encode(Frame(1, 0x0013, b"\xff")), 50005),
        (frame.encode(Frame(1, 0x0011, b"\x00")), 50005),
    ],
)
async def test_frames_that_are_not_sent(house: House, payload: bytes, code: int) -> None:
    async with house.device(), house.open() as app:
        app.send(payload)
        assert await app.refused() == code


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"kv": '["nothing"]'}, 71028),
        ({"kv": "x"}, 71027),
        ({"kv": 7}, 50005),
        ({"type": "DANCE"}, 50005),
        ({"deviceKey": "DK09"}, 50005),
        ({"isCache": True, "cacheTime": 0}, 50005),
        ({"kv": '["' + "a" * 20_000 + '"]'}, 50005),
    ],
)
async def test_requests_that_are_not_sent(house: House, members: dict[str, Any], code: int) -> None:
    async with house.device(), house.open() as app:
        app.ask(**members)
        assert await app.refused() == code


async def test_refusals_have_their_numbers(house: House) -> None:
    await house.door.add("DK02")
    async with house.open() as app:
        app.ask("DK02")
        assert await app.refused() == 4007
        app.ask("DK99")
        assert await app.refused() == 4007
        app.send(b"anything", "DK02")
        assert await app.refused() == 4007
        app.ask()
        assert await app.refused() == 4021
        app.peer.publish(b"{}", topic="somewhere/else")
        assert await app.refused() == 4007
        for _ in range(100):
            app.ask(isCache=True)
        app.ask(isCache=True)
        assert await app.refused() == 4026


async def test_what_a_device_does_not_confirm_is_told(house: House) -> None:
    async with house.open() as app:
        await app.listen("ack_", "onl_")
        async with house.device() as device:
            assert (await app.heard())[0] == "onl_"
            await device.stop_reading()
            app.ask()
            await until(lambda: house.door.platform.commands.open_devices == 1)
            device.abort()
        heard = [await app.heard(), await app.heard()]
        assert {level for level, _ in heard} == {"ack_", "onl_"}
        assert dict(heard)["ack_"]["status"] == "fail"


async def test_a_device_shows_a_binding_code_and_hears_the_outcome(house: House) -> None:
    platform, code = house.door.platform, "0123456789abcdef"
    async with house.device() as device:
        await device.acked(
            device.publish(frame.encode(commands.encode(BindCodeReport(code.encode(), 60), 5)), level="sys")
        )
        shown = await house.door.device()
        await platform.binding_codes.verify(shown, code, is_binding=True)
        assert await device.downlink() == DeviceConfiguration(bind_code=code.encode())
        await device.acked(device.publish(frame.encode(commands.encode(BindCodeReport(b"short", 60), 6)), level="sys"))
        assert [row.reason for row in await house.door.exceptions()] == ["a binding code is 16 hex digits"]


# Losing


@pytest.mark.parametrize("way", ["disable", "delete", "disable the app"])
async def test_a_user_who_is_kept_out_is_cut_off(house: House, way: str) -> None:
    platform, actor = house.door.platform, house.door.cloud.actor
    async with house.open() as app, house.device() as device:
        await app.listen("bus_")
        if way == "disable":
            await platform.end_users.set_enabled(actor, house.uid, enabled=False)
        elif way == "delete":
            await platform.end_users.delete(actor, house.uid)
        else:
            await platform.end_user_apps.update(actor, house.app.id, EndUserAppChanges(enabled=False))
        await app.peer.closed()
        await device.acked(device.publish(report(3)))
        assert not house.door.platform.live._watchers


@pytest.mark.parametrize("way", ["unbind", "reset", "delete the device", "end of the share"])
async def test_a_device_that_is_lost_is_heard_no_more(house: House, way: str, clock: FakeClock) -> None:
    platform, actor = house.door.platform, house.door.cloud.actor
    keys = house.door.product.product_key, DEVICE
    guest = await house.user(2)
    now = clock.now_ms()
    share = await platform.sharing.share(
        actor, house.uid, NewShare(*keys, accept_until=now + 60_000, use_until=now + 60_000)
    )
    await platform.sharing.accept(actor, guest, share.code)
    async with house.open(guest) as app:
        await app.listen("bus_", "onl_")
        if way == "unbind":
            await platform.bindings.unbind(actor, house.uid, *keys)
        elif way == "reset":
            await platform.devices.reset(actor, *keys)
        elif way == "end of the share":
            clock.advance(60_000)
            await platform.bindings.expire_due()
        else:
            await platform.devices.delete(actor, *keys)
        assert await app.refused() == 4007
        assert not platform.live._watchers
        app.ask()
        assert await app.refused() == 4007


async def test_others_keep_what_is_theirs(house: House) -> None:
    other = await house.user(2)
    await house.bind(other)
    async with house.open() as first, house.open(other) as second, house.device() as device:
        await first.listen("bus_")
        await second.listen("bus_")
        await house.door.platform.end_users.set_enabled(house.door.cloud.actor, house.uid, enabled=False)
        await first.peer.closed()
        await device.acked(device.publish(report(3)))
        assert (await second.heard())[0] == "bus_"


async def test_a_database_that_does_not_answer_refuses_for_now(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await house.token()

    async def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(house.door.platform.end_users, "admitted", fails)
    async with Peer.open(house.door.port, f"qu_{house.uid}_1") as peer:
        peer.mqtt.connect(peer.connect_packet(token, username=""), 0.0)
        peer.flush()
        assert (await peer.wait(ConnectRefused)).return_code == 3


async def test_apps_are_let_go_when_the_server_stops(house: House) -> None:
    async with house.open() as app:
        await app.listen("bus_")
        await house.door.gateway.close()
        await app.peer.closed()
