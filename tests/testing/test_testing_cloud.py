"""What `mooring.testing` gives to the tests of others: a cloud, its clock, its faults, its devices."""

from datetime import UTC, datetime, timedelta

import pytest
import structlog

from mooring.client import Client, Conflict, ConnectionFailed, RateLimited, Retries, TimedOut
from mooring.testing import Cloud, CloudFailed, CloudProduct, SaasApp, SimulatedDevice

NONE = Retries(attempts=0)


def test_everything_of_a_device_is_there(saas_app: SaasApp, device: SimulatedDevice) -> None:
    with saas_app.client() as client:
        [product] = client.products.list()
        assert product.product_key == device.product_key
        plug = client.device(device.product_key, device.device_key)
        assert plug.detail().device_status == 1
        device.report(power=12.5, relay=True)
        assert plug.latest()["power"].value == 12.5
        device.go_offline()
        with pytest.raises(Conflict):
            plug.write(relay=False)
        device.go_online()
        plug.write(relay=False).result()
        assert device.written == [{"relay": False}]
        assert device.values["relay"] is False


def test_two_clouds_know_nothing_of_each_other(cloud: Cloud, saas_app: SaasApp) -> None:
    with Cloud() as other, saas_app.client(base_url=other.base_url) as client:
        assert other.base_url != cloud.base_url
        with pytest.raises(Exception, match="AccessKey didn't exists"):
            client.login()


def test_time_can_be_moved_on(cloud: Cloud, saas_app: SaasApp, device: SimulatedDevice) -> None:
    before = cloud.clock.now()
    assert abs(before - datetime.now(UTC)) < timedelta(minutes=1)
    exchanges: list[str] = []
    with saas_app.client(hooks=[lambda exchange: exchanges.append(exchange.operation)]) as client:
        client.products.detail(device.product_key)
        cloud.clock.advance(timedelta(hours=3))
        client.products.detail(device.product_key)
        assert cloud.clock.now() - before >= timedelta(hours=3)
    assert exchanges == ["authLogin", "productDetail", "authLogin", "productDetail"]
    with pytest.raises(ValueError, match="does not go back"):
        cloud.clock.advance(-1)


def test_expired_tokens_are_renewed_by_the_client(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    exchanges: list[str] = []
    with saas_app.client(hooks=[lambda exchange: exchanges.append(exchange.operation)]) as client:
        client.products.detail(product.product_key)
        cloud.faults.expire_tokens()
        client.products.detail(product.product_key)
    assert exchanges == ["authLogin", "productDetail", "productDetail", "authLogin", "productDetail"]


def test_used_up_quota(cloud: Cloud, saas_app: SaasApp, device: SimulatedDevice) -> None:
    cloud.faults.quota_used_up(times=1)
    with saas_app.client() as client:
        plug = client.device(device.product_key, device.device_key)
        with pytest.raises(RateLimited, match="quota"):
            plug.write(relay=True)
        cloud.faults.quota_used_up()
        [result] = client.commands.send_raw([(device.product_key, device.device_key)], b"\x00")
        assert (result.code, result.accepted) == (61006, False)
        cloud.faults.clear()
        plug.write(relay=True).result()


def test_slow_answers(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    with saas_app.client(timeout=0.2, retries=NONE) as client:
        client.login()
        cloud.faults.slow(2.0, path="product/detail", times=1)
        with pytest.raises(TimedOut):
            client.products.detail(product.product_key)
        assert client.products.detail(product.product_key).product_key == product.product_key


def test_dropped_connections_before_and_after(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    with saas_app.client(retries=NONE) as client:
        cloud.faults.drop(path="device/create")
        with pytest.raises(ConnectionFailed):
            client.devices.create(product.product_key, "NEVERMADE")
        cloud.faults.drop_answer(path="device/create")
        with pytest.raises(ConnectionFailed):
            client.devices.create(product.product_key, "MADE")
        assert [one.device_key for one in client.devices.list(product.product_key)] == ["MADE"]


def test_reads_are_tried_again_and_writes_when_asked(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    with saas_app.client() as client:
        cloud.faults.drop(times=2)
        assert list(client.products.list())
        cloud.faults.unavailable(times=2)
        assert list(client.products.list())
        cloud.faults.drop(path="device/create")
        with pytest.raises(ConnectionFailed):
            client.devices.create(product.product_key, "ONCE0001")
        cloud.faults.drop(path="device/create")
        asked = client.with_options(retries=Retries(first_s=0.01, writes=True))
        asked.devices.create(product.product_key, "TWICE001")


def test_processes_find_the_cloud_by_their_environment(saas_app: SaasApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in saas_app.environ.items():
        monkeypatch.setenv(name, value)
    with Client.from_environment() as client:
        assert len(list(client.products.list())) == 1


def test_queues_get_what_happens(saas_app: SaasApp, product: CloudProduct, device: SimulatedDevice) -> None:
    queue = saas_app.queue("events", product, types=[6])
    device.report(power=3)
    with saas_app.client() as client, client.subscribe(queue) as messages:
        delivery = next(messages)
        delivery.ack()
    assert (delivery.message.device_key, delivery.message.raw["type"]) == (device.device_key, "MATTR")


def test_transparent_products_and_models_of_ones_own(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    serial = cloud.product(model=None)
    again = cloud.product("Same model", model={**(product.model or {})})
    app = cloud.saas_app("Both", serial, again)
    device = cloud.device(serial, "SERIAL01")
    with app.client() as client:
        command = client.device(serial.product_key, "SERIAL01").send_raw(b"\x01\x02")
        command.result()
        device.send_raw(b"\x03")
        [reading] = client.device(serial.product_key, "SERIAL01").history(timedelta(hours=1), values=False)
        assert reading.payload == b"\x03"
    assert device.received == [b"\x01\x02"]


def test_what_does_not_start_says_so() -> None:
    with pytest.raises(CloudFailed, match="PortTaken"), Cloud(host="203.0.113.1"):
        pass


def test_no_secret_in_representations(cloud: Cloud, saas_app: SaasApp, product: CloudProduct) -> None:
    shown = repr(cloud) + repr(saas_app) + repr(product)
    assert saas_app.access_secret not in shown
    assert product.product_secret not in shown


def test_a_cloud_that_is_not_started_can_be_stopped() -> None:
    cloud = Cloud()
    cloud.stop()
    assert repr(cloud) == "Cloud(not started)"


def test_logging_of_others_is_left_as_it_was() -> None:
    before = structlog.get_config()
    with Cloud():
        pass
    assert structlog.get_config() == before
