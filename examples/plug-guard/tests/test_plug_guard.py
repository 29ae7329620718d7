"""The guard against a cloud of its own: what happens, what is kept, and what goes wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plug_guard import Guard, Store

from mooring.client import Client
from mooring.testing import Cloud, CloudProduct, SaasApp, SimulatedDevice


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "plugs.sqlite3")
    yield made
    made.close()


@pytest.fixture
def client(saas_app: SaasApp) -> Iterator[Client]:
    with saas_app.client() as made:
        yield made


@pytest.fixture
def queue(saas_app: SaasApp, product: CloudProduct) -> str:
    return saas_app.queue("plugs", product)


def guard_until(client: Client, store: Store, queue: str, readings: int, device: SimulatedDevice) -> Guard:
    """Run a guard until it has kept so many readings of a device."""
    guard = Guard(client, store, limit_watts=2000, confirm_within_s=2.0)
    with client.subscribe(queue) as messages:
        for delivery in messages:
            guard.take(delivery.message)
            delivery.ack()
            if len(store.watts(device.device_key)) >= readings:
                return guard
    raise AssertionError("the queue has ended")


def test_readings_are_kept(client: Client, store: Store, queue: str, device: SimulatedDevice) -> None:
    device.report(power=40, relay=True)
    device.report(power=60)
    guard = guard_until(client, store, queue, 2, device)
    assert store.watts(device.device_key) == [40, 60]
    assert guard.switched_off == []


def test_plug_that_draws_too_much_is_switched_off(
    client: Client, store: Store, queue: str, device: SimulatedDevice
) -> None:
    device.report(power=2400, relay=True)
    guard = guard_until(client, store, queue, 1, device)
    assert guard.switched_off == [device.device_key]
    assert device.values["relay"] is False


def test_expired_token_does_not_matter(
    cloud: Cloud, client: Client, store: Store, queue: str, device: SimulatedDevice
) -> None:
    client.login()
    cloud.faults.expire_tokens()
    device.report(power=2400, relay=True)
    assert guard_until(client, store, queue, 1, device).switched_off == [device.device_key]


def test_plug_that_has_gone_is_told_of(
    client: Client, store: Store, queue: str, device: SimulatedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    device.report(power=2400, relay=True)
    device.go_offline()
    guard = guard_until(client, store, queue, 1, device)
    assert guard.switched_off == []
    assert "cannot be switched off" in caplog.text


def test_used_up_quota_is_told_of(
    cloud: Cloud, client: Client, store: Store, queue: str, device: SimulatedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.faults.quota_used_up()
    device.report(power=2400, relay=True)
    assert guard_until(client, store, queue, 1, device).switched_off == []
    assert "quota" in caplog.text
