"""What queues get of devices that come, go and change, on both databases (contract/messages.md 4.1 and 4.4)."""

import asyncio
from typing import Any

import pytest

from authority import Authority
from cloud import Cloud, build_cloud
from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from links import Line
from listening import Body, Listener, listen
from mooring.platform import Limits, Platform
from mooring.platform.certificates import PeerCertificate
from mooring.platform.connecting import Admitted, Step
from mooring.platform.device_input import DeviceChanges, NewDevice
from mooring.platform.entities import Product
from mooring.protocol.commands import SubDeviceLogout, SubDeviceWithdrawal
from mooring.protocol.credentials import build_authentication, build_connection, client_id
from mooring.store import Rows, Store, StoreUnavailable, Vault, Write
from reporting import connect
from topologies import RAND, Topologies, build_topologies

KEY = "DK00001"


@pytest.fixture
async def queue(cloud: Cloud) -> Listener:
    return await listen(cloud.platform, cloud.actor, cloud.app, cloud.modelled)


@pytest.fixture
async def hub(cloud: Cloud) -> Topologies:
    return await build_topologies(cloud.platform, cloud.actor, cloud.app)


@pytest.fixture
async def lamps(cloud: Cloud, hub: Topologies) -> Listener:
    """A queue about gateways and sub-devices."""
    return await listen(cloud.platform, cloud.actor, cloud.app, hub.hub, hub.lamp, queue="lamps")


def told(bodies: list[Body]) -> list[tuple[Any, Any]]:
    """Operation or type, and data."""
    return [(body.get("operation", body["type"]), body["data"]) for body in bodies]


def brief(name: str = KEY, sn: str | None = None) -> Body:
    return {"deviceName": name, "sn": sn}


# Management


async def test_adding_changing_and_deleting(cloud: Cloud, queue: Listener, clock: FakeClock) -> None:
    devices, key = cloud.platform.devices, cloud.modelled.product_key
    await devices.add(cloud.actor, key, NewDevice(KEY, "Pump", sn="SN1"))
    await devices.update(cloud.actor, key, KEY, DeviceChanges(name="Pump 2", sn=None))
    await devices.update(cloud.actor, key, KEY, DeviceChanges(name="Pump 2"))
    await devices.delete(cloud.actor, key, KEY)
    bodies = await queue.new()
    assert told(bodies) == [
        ("ADD", brief("Pump", "SN1")),
        ("UPDATE", {"deviceName": {"old": "Pump", "new": "Pump 2"}, "sn": {"new": None}}),
        ("DELETE", brief("Pump 2")),
    ]
    assert [(body["productKey"], body["deviceKey"]) for body in bodies] == [(key, KEY)] * 3
    await devices.add(cloud.actor, key, NewDevice(KEY))  # its row lives on
    assert told(await queue.new()) == [("ADD", brief())]


async def test_a_batch_is_told_device_by_device_or_not_at_all(cloud: Cloud, queue: Listener) -> None:
    devices, key = cloud.platform.devices, cloud.modelled.product_key
    new = [NewDevice(f"DK0000{number}") for number in range(3)]
    await devices.add_many(cloud.actor, key, new)
    assert [body["deviceKey"] for body in await queue.new()] == ["DK00000", "DK00001", "DK00002"]
    with pytest.raises(Exception, match="DK00001"):
        await devices.add_many(cloud.actor, key, [NewDevice("DK00009"), NewDevice("DK00001")])
    assert await queue.new() == []


async def test_the_application_hears_of_it_as_well_and_a_queue_has_one_copy(cloud: Cloud, queue: Listener) -> None:
    saas = await listen(cloud.platform, cloud.actor, cloud.app, queue="saas")
    await saas.subscribe(codes=[102])
    await queue.subscribe(codes=[102])  # the queue that has it by the product already
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice(KEY))
    await cloud.platform.devices.add(cloud.actor, cloud.transparent.product_key, NewDevice(KEY))
    rows = await queue.rows()
    assert [row.type for row in rows] == ["META_EVENT-DEVICE"] * 4
    assert len({(row.queue_id, row.ticket) for row in rows}) == 4
    await cloud.platform.devices.add(cloud.actor, cloud.foreign.product_key, NewDevice(KEY))
    assert len(await queue.rows()) == 4


async def test_a_reset_is_told(cloud: Cloud, queue: Listener) -> None:
    reporter = await connect(cloud.platform, cloud.modelled)
    reporter.line.close = lambda *_: None  # type: ignore[method-assign]
    await queue.new()
    await cloud.platform.devices.reset(cloud.actor, cloud.modelled.product_key, reporter.device.device_key)
    assert told(await queue.new()) == [("RESET", None), ("ONLINE", {"value": 0})]


async def test_a_virtual_device_is_told_like_a_real_one(cloud: Cloud, queue: Listener) -> None:
    virtual, key = cloud.platform.virtual_devices, cloud.modelled.product_key
    made = await virtual.create(cloud.actor, key)
    await virtual.go_online(cloud.actor, key)
    await virtual.push_properties(cloud.actor, key, {"relay": True})
    await virtual.push_event(cloud.actor, key, "countdown_done", {})
    await virtual.go_offline(cloud.actor, key)
    bodies = await queue.new()
    kinds = [(body["type"], body.get("subtype"), body.get("operation")) for body in bodies]
    assert kinds == [
        ("META_EVENT", "DEVICE", "ADD"),
        ("ONLINE", None, None),
        ("META_EVENT", "DEVICE", "ACTIVE"),
        ("MATTR", "REPORT", None),
        ("MEVENT", "INFO", None),
        ("ONLINE", None, None),
    ]
    assert {body["deviceKey"] for body in bodies} == {made.device.device_key}


# Proving itself


class Porch:
    """Devices of a product that knock."""

    def __init__(self, cloud: Cloud, product: Product) -> None:
        self.cloud = cloud
        self.product = product

    async def enters(self, password: str | None, certificate: PeerCertificate | None = None) -> Admitted:
        name = client_id(self.product.product_key, KEY)
        given = None if password is None else password.encode()
        verdict = await self.cloud.platform.connecting.decide(
            name, given, certificate, address="192.0.2.9", secure=certificate is not None
        )
        assert isinstance(verdict, Admitted), verdict
        return verdict

    def zero(self) -> str:
        product = self.product
        return build_authentication(product.product_key, product.product_secret.reveal(), KEY, RAND)

    def one(self, secret: str | None) -> str:
        assert secret is not None
        return build_connection(self.product.product_secret.reveal(), secret, RAND)


@pytest.fixture
def porch(cloud: Cloud) -> Porch:
    return Porch(cloud, cloud.modelled)


async def test_a_first_authentication_adds_the_device_and_proves_it_once(queue: Listener, porch: Porch) -> None:
    first = await porch.enters(porch.zero())
    assert told(await queue.new()) == [("ADD", brief()), ("AUTH", brief())]
    again = await porch.enters(porch.zero())  # the secret never arrived
    assert again.secret_to_deliver == first.secret_to_deliver
    await porch.enters(porch.one(first.secret_to_deliver))
    await porch.enters(porch.one(first.secret_to_deliver))
    assert await queue.new() == []


async def test_first_authentications_at_once_are_told_once(queue: Listener, porch: Porch) -> None:
    await asyncio.gather(*(porch.enters(porch.zero()) for _ in range(5)))
    assert told(await queue.new()) == [("ADD", brief()), ("AUTH", brief())]


async def test_a_new_secret_is_proved_anew(cloud: Cloud, queue: Listener, porch: Porch) -> None:
    await porch.enters(porch.zero())
    await cloud.platform.devices.reset(cloud.actor, cloud.modelled.product_key, KEY)
    await queue.new()
    await porch.enters(porch.zero())
    assert told(await queue.new()) == [("AUTH", brief())]


async def test_a_static_device_proves_itself_by_its_first_login(cloud: Cloud, queue: Listener, porch: Porch) -> None:
    added = await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice(KEY, auth_mode=1))
    await queue.new()
    assert added.secret is not None
    for _ in range(2):
        await porch.enters(porch.one(added.secret.reveal()))
    assert told(await queue.new()) == [("AUTH", brief())]


@pytest.mark.parametrize("asks_for_a_secret", [False, True])
async def test_a_certificate_proves_itself_by_being_the_first(
    cloud: Cloud, queue: Listener, porch: Porch, asks_for_a_secret: bool
) -> None:
    authority = Authority("Factory CA")
    row = await cloud.platform.certificates.upload(cloud.actor, "Factory", authority.pem)
    await cloud.platform.certificates.prove(cloud.actor, row.id, authority.sign(row.code).pem)
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice(KEY, auth_mode=2))
    await queue.new()
    own = PeerCertificate(authority.sign(KEY).der)
    for _ in range(2):
        verdict = await porch.enters(porch.zero() if asks_for_a_secret else None, own)
        assert verdict.step is Step.CERTIFICATE
    assert told(await queue.new()) == [("AUTH", brief())]


async def test_the_first_data_activates_the_device_once(cloud: Cloud, queue: Listener) -> None:
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})
    await reporter.values({"relay": True})
    operations = [body.get("operation") for body in await queue.new()]
    assert operations == ["ADD", None, "ACTIVE", None, None]


# Online and offline


async def test_coming_and_going(cloud: Cloud, queue: Listener) -> None:
    reporter = await connect(cloud.platform, cloud.modelled)
    _, online = await queue.new()
    await cloud.platform.sessions.close(reporter.session)
    [offline] = await queue.new()
    assert told([online, offline]) == [("ONLINE", {"value": 1}), ("ONLINE", {"value": 0})]
    rows, _ = await cloud.platform.history.events(reporter.device.id)
    assert {str(row.id) for row in rows} == {online["ticket"], offline["ticket"]}
    assert "subtype" not in online
    assert "gateway" not in online


async def test_a_new_login_over_an_old_connection_is_one_and_the_old_end_says_nothing(
    cloud: Cloud, queue: Listener
) -> None:
    first = await connect(cloud.platform, cloud.modelled)
    await queue.new()
    first.line.close = lambda *_: None  # type: ignore[method-assign]
    await cloud.platform.sessions.open(first.device, Line(), "192.0.2.2")
    cloud.platform.sessions.end(first.session)
    assert told(await queue.new()) == [("ONLINE", {"value": 1})]


async def test_an_offline_that_is_stale_is_not_told(
    cloud: Cloud, queue: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not be written before the device was back: the log marks it as invalid."""
    reporter = await connect(cloud.platform, cloud.modelled)
    await queue.new()
    store = cloud.platform.store
    real, held = store.write, asyncio.Event()

    async def refused(*writes: Write | Rows) -> None:
        held.set()
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "write", refused)
    cloud.platform.sessions.end(reporter.session)
    await held.wait()
    await cloud.platform.journal.settle()
    monkeypatch.setattr(store, "write", real)
    await cloud.platform.sessions.open(reporter.device, Line(), "192.0.2.1")
    cloud.platform.sessions._write_again()
    assert told(await queue.new()) == [("ONLINE", {"value": 1})]
    cloud.platform.sessions.stop()


async def test_an_offline_is_told_when_the_database_answers_again(
    cloud: Cloud, queue: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = await connect(cloud.platform, cloud.modelled)
    await queue.new()
    store = cloud.platform.store
    real = store.write

    async def refused(*writes: Write | Rows) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "write", refused)
    cloud.platform.sessions.end(reporter.session)
    await cloud.platform.journal.settle()
    monkeypatch.setattr(store, "write", real)
    cloud.platform.sessions._write_again()
    assert told(await queue.new()) == [("ONLINE", {"value": 0})]
    cloud.platform.sessions.stop()


async def test_a_login_that_fails_tells_nothing(cloud: Cloud, queue: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await cloud.platform.devices.ensure_registered(cloud.modelled, KEY)
    await queue.new()
    store = cloud.platform.store
    real = store.write

    async def refused(*writes: Write | Rows) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "write", refused)
    with pytest.raises(StoreUnavailable):
        await cloud.platform.sessions.open(device, Line(), "192.0.2.1")
    monkeypatch.setattr(store, "write", real)
    assert await queue.new() == []
    cloud.platform.sessions.stop()


async def test_what_an_ended_process_left_online_is_told_offline_once(
    cloud: Cloud, queue: Listener, hub: Topologies, lamps: Listener, clock: FakeClock, store: Store, vault: Vault
) -> None:
    await connect(cloud.platform, cloud.modelled)
    gateway = await hub.gateway()
    await hub.log_in(gateway, "LAMP0001")
    await queue.new()
    for number in range(2):
        other = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(f"again {number}"))
        await other.recover()
    bodies = await queue.new()
    assert sorted((body["deviceKey"], body["data"]["value"]) for body in bodies) == [
        (KEY, 0),
        ("HUB00001", 0),
        ("LAMP0001", 0),
    ]
    keys = {"productKey": hub.hub.product_key, "deviceKey": "HUB00001"}
    assert {body["deviceKey"]: body.get("gateway") for body in bodies} == {
        KEY: None,
        "HUB00001": None,
        "LAMP0001": keys,
    }


# Sub-devices


async def test_a_sub_device_names_its_gateway_in_everything(cloud: Cloud, hub: Topologies, lamps: Listener) -> None:
    gateway = await hub.gateway()
    await lamps.new()
    await hub.log_in(gateway, "LAMP0001")
    session = cloud.platform.sessions.of((await hub.device("LAMP0001")).id)
    assert session is not None
    cloud.platform.sessions.end(session)
    devices, key = cloud.platform.devices, hub.lamp.product_key
    await devices.update(cloud.actor, key, "LAMP0001", DeviceChanges(name="Hall"))
    bodies = await lamps.new()
    assert told(bodies) == [
        ("ADD", brief("LAMP0001")),
        ("AUTH", brief("LAMP0001")),
        ("ONLINE", {"value": 1}),
        ("ONLINE", {"value": 0}),
        ("UPDATE", {"deviceName": {"old": "LAMP0001", "new": "Hall"}}),
    ]
    keys = {"productKey": hub.hub.product_key, "deviceKey": "HUB00001"}
    assert [body.get("gateway") for body in bodies] == [None, *[keys] * 4]
    await devices.reset(cloud.actor, key, "LAMP0001")
    [reset] = await lamps.new()
    assert (reset["operation"], reset["gateway"]) == ("RESET", keys)


async def test_sub_devices_go_offline_before_their_gateway_one_message_each(
    cloud: Cloud, hub: Topologies, lamps: Listener
) -> None:
    gateway = await hub.gateway()
    for key in ("LAMP0001", "LAMP0002"):
        await hub.log_in(gateway, key)
    await lamps.new()
    await cloud.platform.sessions.close(gateway)
    bodies = await lamps.new()
    assert [body["data"]["value"] for body in bodies] == [0, 0, 0]
    assert [body["deviceKey"] for body in bodies] == ["LAMP0001", "LAMP0002", "HUB00001"]


@pytest.mark.parametrize(("as_online", "value"), [(False, 2), (True, 1)])
async def test_a_sub_device_that_changes_gateways_while_online_has_reconnected(
    store: Store, vault: Vault, clock: FakeClock, as_online: bool, value: int
) -> None:
    limits = Limits(reconnect_as_online=as_online)
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=limits)
    cloud = await build_cloud(platform, clock)
    hub = await build_topologies(platform, cloud.actor, cloud.app)
    lamps = await listen(platform, cloud.actor, cloud.app, hub.lamp)
    first, second = await hub.gateway(), await hub.gateway("HUB00002")
    await hub.log_in(first, "LAMP0001")
    await lamps.new()
    await hub.log_in(second, "LAMP0001")
    [body] = await lamps.new("ONLINE")
    assert body["data"] == {"value": value}
    assert body["gateway"]["deviceKey"] == "HUB00002"


async def test_logging_out_and_de_registering(cloud: Cloud, hub: Topologies, lamps: Listener) -> None:
    gateway = await hub.gateway()
    await hub.log_in(gateway, "LAMP0001")
    await lamps.new()
    await hub.ask(gateway, SubDeviceLogout(hub.lamp.product_key, "LAMP0001"))
    assert told(await lamps.new()) == [("ONLINE", {"value": 0})]
    answer = await hub.ask(gateway, SubDeviceWithdrawal(hub.lamp.product_key, "LAMP0001"))
    assert answer.code == 10200
    [body] = await lamps.new()
    assert (body["operation"], body["data"]) == ("LOGOFF", brief("LAMP0001"))
    assert body["gateway"] == {"productKey": hub.hub.product_key, "deviceKey": "HUB00001"}
    secret_again = await hub.ask(gateway, hub.zero("LAMP0001"))
    assert secret_again.device_secret is not None
    assert told(await lamps.new()) == [("AUTH", brief("LAMP0001"))]


async def test_a_refused_login_tells_nothing(cloud: Cloud, hub: Topologies, lamps: Listener) -> None:
    gateway = await hub.gateway()
    await hub.log_in(gateway, "LAMP0001")
    await lamps.new()
    answer = await hub.ask(gateway, hub.one("LAMP0001", "0" * 32))
    assert answer.code != 10200
    assert await lamps.new() == []


@on_sqlite
async def test_a_device_that_is_already_gone_tells_nothing_twice(cloud: Cloud, queue: Listener) -> None:
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice(KEY))
    outcomes = await asyncio.gather(
        *(cloud.platform.devices.delete(cloud.actor, cloud.modelled.product_key, KEY) for _ in range(3)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert told(await queue.new()) == [("ADD", brief()), ("DELETE", brief())]
