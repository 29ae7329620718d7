"""The same device made twice, batches beside logins, rights withdrawn while commands run: never half done."""

from collections import Counter
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from cloud import Cloud
from concurrency.chance import at_once
from fakes import FakeEntropy
from links import Line
from mooring.platform import Conflict, Limits, Platform
from mooring.platform.connecting import Admitted
from mooring.platform.devices import NewDevice, Registered
from mooring.platform.entities import Device
from mooring.platform.session import Session
from mooring.protocol import credentials
from mooring.store import Query, Vault
from mooring.store.commands import CommandRow
from mooring.store.logs import DataRow
from mooring.store.tables import commands, data_log
from topologies import RAND

WRITE = "/v2/deviceshadow/r3/openapi/dm/writeData"
PACKAGE = "product-and-device-management"
SEEDS = range(6)

_COMMANDS = Query(commands.select(), CommandRow)
_DATA = Query(data_log.select(), DataRow)


async def second(cloud: Cloud) -> Platform:
    """Another process on the same database."""
    found = await Platform.open(
        cloud.platform.store, Vault(bytes(range(32))), clock=cloud.clock, entropy=FakeEntropy("second"), limits=Limits()
    )
    found.store.shared = True
    return found


async def keys_of(cloud: Cloud) -> list[str]:
    found, _ = await cloud.platform.devices.some(cloud.modelled, rows=1000)
    return sorted(device.device_key for device in found)


async def creations(cloud: Cloud) -> list[list[str]]:
    """The device keys of every audited creation."""
    found = []
    for entry in await cloud.platform.ledger.entries(cloud.actor.account_id, rows=1000):
        if entry.action == "device.create":
            found.append([entry.target.partition("/")[2]])
        elif entry.action == "device.create_batch":
            keys = entry.detail["device_keys"]
            assert isinstance(keys, list)
            found.append(sorted(keys))
    return found


def add(cloud: Cloud, platform: Platform, *keys: str) -> Awaitable[list[Registered]]:
    return platform.devices.add_many(cloud.actor, cloud.modelled.product_key, [NewDevice(key) for key in keys])


@pytest.mark.parametrize("seed", SEEDS)
async def test_of_two_creations_of_a_device_one_is_done_and_the_other_is_told_so(cloud: Cloud, seed: int) -> None:
    platforms = cloud.platform, await second(cloud)
    outcomes = await at_once(seed, *(add(cloud, platform, "DK00001") for platform in platforms * 2), turns=4)
    done = [outcome for outcome in outcomes if isinstance(outcome, list)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert (len(done), len(refused)) == (1, 3), outcomes
    assert {refusal.wire for refusal in refused} == {70062}
    assert await keys_of(cloud) == ["DK00001"]
    assert await creations(cloud) == [["DK00001"]]


@pytest.mark.parametrize("seed", SEEDS)
async def test_batches_that_overlap_are_each_done_as_a_whole_or_not_at_all(cloud: Cloud, seed: int) -> None:
    other = await second(cloud)
    batches = [["DK00001", "DK00002"], ["DK00002", "DK00003"], ["DK00003", "DK00004"], ["DK00004", "DK00001"]]
    platforms = [cloud.platform, other] * 2
    outcomes = await at_once(
        seed, *(add(cloud, platform, *batch) for platform, batch in zip(platforms, batches, strict=True)), turns=4
    )
    done = [batch for batch, outcome in zip(batches, outcomes, strict=True) if isinstance(outcome, list)]
    refused = [outcome for outcome in outcomes if not isinstance(outcome, list)]
    assert {getattr(error, "wire", error) for error in refused} <= {70062}, refused
    assert await keys_of(cloud) == sorted(key for batch in done for key in batch)
    assert sorted(await creations(cloud)) == sorted(sorted(batch) for batch in done)
    assert done, "one of them must have come first"


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_batch_beside_the_first_login_of_one_of_its_devices(cloud: Cloud, seed: int) -> None:
    """The device registers itself or is created, whichever is first; the batch is whole or refused."""
    product = cloud.modelled
    secret = product.product_secret.reveal()
    password = credentials.build_authentication(product.product_key, secret, "DK00002", RAND).encode()
    client_id = credentials.client_id(product.product_key, "DK00002")

    async def log_in() -> Session:
        admitted = await cloud.platform.connecting.decide(client_id, password, None, address="192.0.2.1", secure=False)
        assert isinstance(admitted, Admitted), admitted
        return await cloud.platform.sessions.open(admitted.device, Line(), "192.0.2.1")

    work: list[Awaitable[Any]] = [log_in(), add(cloud, cloud.platform, "DK00001", "DK00002", "DK00003")]
    session, batch = await at_once(seed, *work)
    assert isinstance(session, Session), session
    created = isinstance(batch, list)
    assert created or getattr(batch, "wire", None) == 70062, batch
    assert await keys_of(cloud) == (["DK00001", "DK00002", "DK00003"] if created else ["DK00002"])
    await cloud.platform.journal.settle()
    device = await cloud.platform.devices.find(product.id, "DK00002")
    assert isinstance(device, Device)
    assert (device.id, device.online, device.device_secret) == (
        session.device.id,
        True,
        session.device.device_secret,
    )
    assert cloud.platform.sessions.of(device.id) is session


async def send(cloud: Cloud, client: httpx.AsyncClient, token: str, device_key: str) -> dict[str, Any]:
    body = {"productKey": cloud.modelled.product_key, "devices": [device_key], "data": '[{"relay":"true"}]'}
    answer = await client.post(WRITE, json={**body, "isCache": True}, headers={"Authorization": token})
    decoded: dict[str, Any] = answer.json()
    return decoded


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("what", "code"), [("product", 70089), ("package", 91005), ("key", 91004)])
async def test_rights_withdrawn_while_commands_run(cloud: Cloud, what: str, code: int, seed: int) -> None:
    """A command is accepted as a whole or not at all, and none that began after the withdrawal is accepted."""
    keys = [f"DK{number:05}" for number in range(8)]
    await add(cloud, cloud.platform, *keys)
    apps, actor, app = cloud.platform.saas_apps, cloud.actor, cloud.app
    token = await cloud.token()

    async def withdraw() -> None:
        if what == "product":
            await apps.cancel_product(actor, app.id, cloud.modelled.product_key)
        elif what == "package":
            await apps.cancel_package(actor, app.id, PACKAGE)
        else:
            await apps.reset_secret(actor, app.id)

    async with cloud.client() as client:
        work: list[Awaitable[Any]] = [withdraw(), *(send(cloud, client, token, key) for key in keys * 3)]
        _, *answers = await at_once(seed, *work)
        afterwards = [await send(cloud, client, token, key) for key in keys]
    for answer in answers:
        assert isinstance(answer, dict), answer
    codes = Counter(answer["code"] for answer in answers if isinstance(answer, dict))
    assert set(codes) <= {200, code}
    assert {answer["code"] for answer in afterwards} == {code}
    rows = [row for answer in answers if isinstance(answer, dict) and answer["code"] == 200 for row in answer["data"]]
    assert {row["code"] for row in rows} <= {200}
    tickets = sorted(int(row["ticket"]) for row in rows)
    await cloud.platform.journal.settle()
    assert sorted(row.id for row in await cloud.platform.store.scan(_COMMANDS)) == tickets
    assert sorted(row.ticket for row in await cloud.platform.store.scan(_DATA)) == tickets
