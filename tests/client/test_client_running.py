"""Every operation of the contract, called with the SDK on a running Mooring: `called` says which, and it is checked."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import httpx
import pytest
from tools.contract import operations

from mooring.client import Client, Conflict, DeviceChange, NewDevice, NotFound, SendOptions
from mooring.device import Device, SubDevice
from mooring.platform import Actor
from mooring.platform.bindings import BindRequest
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.end_user_input import NewEndUser
from mooring.platform.products import NewProduct
from mooring.protocol.commands import BindCodeReport
from mooring.protocol.login import build_username, sign
from mooring.testing import Cloud, CloudProduct, SaasApp, SimulatedDevice

CODE = "0123456789abcdef"
WITHIN_S = 60.0
TOKENS = "/v2/quecauth/accessKeyAuthrize"
BY_PATH = {(operation.method, operation.path): operation.id for operation in operations().values()}
CALLED: dict[str, set[str]] = {}

T = TypeVar("T")
Test = TypeVar("Test", bound=Callable[..., None])


def called(*names: str) -> Callable[[Test], Test]:
    """Say which operations a test calls with success; it fails when it has not called one of them."""

    def note(test: Test) -> Test:
        CALLED.setdefault(test.__name__, set()).update(names)
        return test

    return note


class Watched(httpx.HTTPTransport):
    """The network; `succeeded` has the operations that were answered with 200."""

    def __init__(self) -> None:
        super().__init__()
        self.succeeded: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        if response.json()["code"] == 200:
            self.succeeded.add(BY_PATH[request.method, request.url.path])
        return response


@pytest.fixture(scope="module")
def product(running: Cloud) -> CloudProduct:
    return running.product("Plug")


@pytest.fixture(scope="module")
def app(running: Cloud, product: CloudProduct) -> SaasApp:
    return running.saas_app("All", product)


@pytest.fixture
def plug(running: Cloud, product: CloudProduct) -> SimulatedDevice:
    return running.device(product)


@pytest.fixture
def client(app: SaasApp, request: pytest.FixtureRequest) -> Iterator[Client]:
    transport = Watched()
    with app.client(transport=transport, language="EN") as made:
        yield made
    assert CALLED[request.function.__name__] <= transport.succeeded


@pytest.fixture
def actor(running: Cloud) -> Actor:
    account = next(iter(running.platform.directory.accounts()))
    return Actor(account.id, "test", "local")


def until(look: Callable[[], T]) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + WITHIN_S
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def raised(error: type[Exception], call: Callable[[], object]) -> bool:
    with pytest.raises(error):
        call()
    return True


def test_every_operation_of_the_contract_is_called_here() -> None:
    assert operations().keys() == set().union(*CALLED.values())


# Tokens


@called("authLogin", "authRefresh")
def test_a_token_is_renewed_before_it_ends(client: Client, running: Cloud, product: CloudProduct) -> None:
    first = client.login()
    running.clock.advance(timedelta(minutes=61))
    client.products.detail(product.product_key)
    renewed = client._core.token
    assert renewed is not None
    assert renewed.value != first.value
    assert renewed.issued_at - first.issued_at >= 3600


@called("authLoginPost", "authRefreshPost")
def test_the_forms_by_post_do_the_same(client: Client, running: Cloud, app: SaasApp) -> None:
    name = build_username(app.access_key, running.clock.now_ms())
    given = {"grant_type": "password", "username": name, "password": sign(name, app.access_secret)}
    token = client.raw.post(f"{TOKENS}/accessKeyLogin", params=given)["access_token"]
    given = {"grant_type": "refresh_token", "refresh_token": token}
    assert client.raw.post(f"{TOKENS}/refreshToken", params=given)["access_token"]


# Products and devices


@called("productList", "productDetail", "tslExport")
def test_products_and_models(client: Client, running: Cloud, product: CloudProduct) -> None:
    key = product.product_key
    assert [row.product_key for row in client.products.list()] == [key]
    assert [row.product_key for row in client.products.list(product_key=key).page().rows] == [key]
    detail = client.products.detail(key)
    assert (detail.product_name, detail.data_format) == ("Plug", 3)
    model = client.thing_models.export(key)
    known = running.platform.directory.product_by_key(key)
    assert known is not None
    assert model.raw == client.thing_models.export(product_id=known.id).raw
    assert {"power", "relay"} <= {feature.code for feature in model.properties}
    assert raised(NotFound, lambda: client.products.detail("p11v14"))


@called("deviceCreate", "deviceCreateBatch", "deviceDetail", "deviceUpdate", "deviceUpdateBatch", "deviceDelete")
@called("deviceList")
def test_the_life_of_devices(client: Client, product: CloudProduct) -> None:
    pk, devices = product.product_key, client.devices
    devices.create(pk, "LIFE0001", name="First", sn="SN-LIFE1")
    assert raised(Conflict, lambda: devices.create(pk, "LIFE0001"))
    devices.create_many(pk, [NewDevice("LIFE0002"), NewDevice("LIFE0003", name="Third")])
    made = {row.device_key: row.device_name for row in devices.list(pk, activated=False, page_size=1)}
    assert {"LIFE0001": "First", "LIFE0003": "Third"}.items() <= made.items()
    devices.update(pk, "LIFE0001", name="Renamed", sn="SN-LIFE9")
    devices.update_many(pk, [DeviceChange("LIFE0002", name="Two"), DeviceChange("LIFE0003", sn="SN-LIFE3")])
    found = devices.detail(pk, "LIFE0001")
    assert (found.device_name, found.sn) == ("Renamed", "SN-LIFE9")
    assert devices.detail(pk, "LIFE0002").device_name == "Two"
    [third] = devices.list(pk, device_key="LIFE0003")
    assert (third.device_name, third.sn) == ("Third", "SN-LIFE3")
    for key in ("LIFE0001", "LIFE0002", "LIFE0003"):
        devices.delete(pk, key)
    assert raised(NotFound, lambda: devices.detail(pk, "LIFE0001"))


@called("deviceResource", "deviceLocation")
def test_what_a_module_says_of_itself(client: Client, running: Cloud, product: CloudProduct) -> None:
    with speaking(running, product, "MODULE01") as device:
        running.run(device.report_status(battery=87, rsrp=-95))
        running.run(device.locate("$GNGGA,120000.00,3113.8240,N,12128.4220,E,1,12,0.8,12.0,M,0.0,M,,*7A;"))
        found = until(lambda: client.devices.resource(product.product_key, "MODULE01"))
        assert found is not None
        assert (found.battery, found.rsrp) == (87, -95)
        place = client.devices.location(product.product_key, "MODULE01")
        assert place is not None


# Gateways


@called("gatewaySubList", "gatewayByChildDevice", "gatewayUnbind")
def test_sub_devices_of_a_gateway(client: Client, running: Cloud, app: SaasApp, actor: Actor) -> None:
    hub = made_product(running, app, actor, NewProduct("Hub", access_type=1, net_way="1"))
    lamp = made_product(running, app, actor, NewProduct("Lamp", access_type=2, gateway_type=2, net_way="1"))
    with speaking(running, hub, "HUB00001") as gateway:
        behind = running.run(online(gateway, lamp))
        [row] = client.gateways.sub_devices(hub.product_key, "HUB00001")
        assert (row.product_key, row.device_key, row.device_status) == (lamp.product_key, "LAMP0001", 1)
        found = client.gateways.of_sub_device(lamp.product_key, "LAMP0001")
        assert (found.product_key, found.device_key) == (hub.product_key, "HUB00001")
        running.run(behind.close())
        client.gateways.unbind(lamp.product_key, "LAMP0001")
        assert list(client.gateways.sub_devices(hub.product_key, "HUB00001")) == []


# Commands and logs


@called("dmReadData", "dmWriteData", "dmSendServiceData", "dataHistory", "eventHistory")
def test_commands_and_what_the_logs_keep(client: Client, running: Cloud, plug: SimulatedDevice) -> None:
    keys, commands, logs = (plug.product_key, plug.device_key), client.commands, client.logs
    plug.report(power=12.5, relay=True)
    plug.answers("reset_energy", {})
    assert all(sent.code == 200 for sent in commands.read(keys[0], [keys[1]], ["power"]))
    [written] = commands.write(keys[0], [keys[1]], {"relay": False}, options=SendOptions(cache_s=60, qos=1))
    assert written.ticket is not None
    commands.call(keys[0], [keys[1]], "reset_energy")
    until(lambda: plug.called)
    assert plug.written == [{"relay": False}]
    down = until(lambda: [row for row in logs.data(*keys, direction=2) if row.ticket == written.ticket])
    assert len(down) == 1
    up = logs.data(*keys, direction=1, begin=running.clock.now() - timedelta(hours=1), page_size=1)
    assert len(list(up)) >= 2
    assert [row.event_type for row in logs.events(*keys, event_type=1)] == ["1"]


@called("rawSendData")
def test_raw_data(client: Client, running: Cloud, app: SaasApp, actor: Actor) -> None:
    pipe = running.product("Pipe", model=None)
    running.run(running.platform.saas_apps.authorize_product(actor, app.id, pipe.product_key))
    device = running.device(pipe)
    [sent] = client.commands.send_raw([(pipe.product_key, device.device_key)], b"\x01\xff")
    assert sent.code == 200
    assert until(lambda: device.received) == [b"\x01\xff"]


# Queues and subscriptions


@called("queueCreate", "queueList", "queueDetail", "queueClear", "queueDelete")
@called("subscribeCreate", "subscribeDetail", "subscribeUpdate", "subscribeStart", "subscribeStop", "subscribeDelete")
@called("subscribeList")
def test_the_life_of_a_queue_and_its_subscriptions(client: Client, plug: SimulatedDevice) -> None:
    queues, subscriptions = client.queues, client.subscriptions
    made = queues.create("life", description="of a test")
    assert made.queue_name.endswith(".life")
    by_product = subscriptions.create_for_product("product", "life", plug.product_key, [1, 6])
    by_device = subscriptions.create_for_device("device", "life", plug.product_key, plug.device_key, [1])
    subscriptions.update(by_device, name="renamed", msg_types=[1, 6])
    detail = subscriptions.detail(by_device)
    assert (detail.subscribe_name, detail.device_key, detail.status) == ("renamed", plug.device_key, 0)
    assert detail.queue_name == made.queue_name
    assert detail.msg_type is not None
    assert sorted(detail.msg_type.split(",")) == ["1", "6"]
    subscriptions.start(by_product)
    assert raised(Conflict, lambda: subscriptions.start(by_product))
    assert raised(Conflict, lambda: subscriptions.delete(by_product))
    assert {row.subscribe_id: row.status for row in subscriptions.list(queue_name=made.queue_name)} == {
        by_product: 1,
        by_device: 0,
    }
    plug.report(power=3)
    until(lambda: queues.detail(made.id).msg_num)
    queues.clear(made.id)
    assert until(lambda: queues.detail(made.id).msg_num == 0)
    plug.report(power=4)
    until(lambda: queues.detail(made.id).msg_num)
    with client.subscribe(made.queue_name) as messages:
        delivery = next(iter(messages))
        assert delivery.message.device_key == plug.device_key
        delivery.ack()
    subscriptions.stop(by_product)
    assert raised(Conflict, lambda: queues.delete(made.id))
    for subscription in (by_product, by_device):
        subscriptions.delete(subscription)
    queues.delete(made.id)
    assert [row for row in queues.list() if row.id == made.id] == []


# End users


@called("subscribeSaas", "subscribeEnduser", "userDomainList", "userDomainUserList", "userInfo", "userSetStatus")
@called("userSetStatusPost", "userDeviceList", "bindUserList", "verifyBindingCode")
def test_end_users_and_their_devices(
    client: Client, running: Cloud, app: SaasApp, product: CloudProduct, actor: Actor
) -> None:
    platform, pk = running.platform, product.product_key
    home = running.run(platform.end_user_apps.create(actor, NewEndUserApp("Home")))
    running.run(platform.end_user_apps.add_product(actor, home.id, pk))
    running.run(platform.end_user_apps.authorize(actor, app.id, home.id))
    queue = client.queues.create("people")
    for made in (
        client.subscriptions.create_for_app("app", "people", [101]),
        client.subscriptions.create_for_domain("people", "people", home.user_domain),
    ):
        client.subscriptions.start(made)

    ann = running.run(platform.end_users.create(actor, home.id, NewEndUser(email="ann@example.com")))
    assert [row.user_domain for row in client.users.domains()] == [home.user_domain]
    assert [row.uid for row in client.users.list(home.user_domain, page_size=1)] == [ann.uid]
    client.users.set_enabled(ann.uid, enabled=False)
    assert client.users.detail(ann.uid).status == 0
    path = "/v2/enduser/enterpriseapi/setUserStatus"
    client.raw.post(path, params={"uid": ann.uid, "status": 1})
    assert client.users.detail(ann.uid).status == 1

    with speaking(running, product, "BOUND001") as device:
        assert raised(Conflict, lambda: client.bindings.verify_code(pk, "BOUND001", CODE))
        running.run(device.send(BindCodeReport(CODE.encode(), 600), 1))
        client.bindings.verify_code(pk, "BOUND001", CODE, binding=True)
        running.run(platform.bindings.bind(actor, ann.uid, BindRequest(pk, "BOUND001")))
    [bound] = client.bindings.devices(ann.uid)
    assert (bound.product_key, bound.device_key) == (pk, "BOUND001")
    assert [row.uid for row in client.bindings.users(product_key=pk)] == [ann.uid]
    until(lambda: client.queues.detail(queue.id).msg_num)
    with client.subscribe(queue.queue_name) as messages:
        delivery = next(iter(messages))
        assert ann.uid in delivery.body.decode()
        delivery.ack()

    running.run(platform.bindings.unbind(actor, ann.uid, pk, "BOUND001"))
    assert list(client.bindings.devices(ann.uid)) == []
    assert list(client.bindings.users(uid=ann.uid)) == []
    assert raised(NotFound, lambda: client.bindings.devices("nobody").page())


# Helpers


def made_product(running: Cloud, app: SaasApp, actor: Actor, new: NewProduct) -> CloudProduct:
    """A product of any kind, without a thing model, authorized to the application."""
    made = running.run(running.platform.products.create(actor, new))
    running.run(running.platform.saas_apps.authorize_product(actor, app.id, made.product_key))
    return CloudProduct(made.product_key, made.product_secret.reveal(), None)


@contextmanager
def speaking(running: Cloud, product: CloudProduct, device_key: str) -> Iterator[Device]:
    """A device that is online and says what the test wants, in the thread of the cloud."""
    host, port = running.mqtt
    device = Device(product.product_key, product.product_secret, device_key, host=host, port=port, model=product.model)

    async def connect() -> None:
        await device.start()
        await device.wait_connected()

    running.run(connect())
    try:
        yield device
    finally:
        running.run(device.close())


async def online(gateway: Device, product: CloudProduct) -> SubDevice:
    """A sub-device that is logged in behind a gateway."""
    made = gateway.sub_device(product.product_key, product.product_secret, "LAMP0001")
    await made.start()
    await made.wait_connected()
    return made
