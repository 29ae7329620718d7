"""queue/create, delete, clear, list and detail (openapi-notes.md section 13, messages.md section 7)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cloud import Cloud
from documented import check_answer
from mooring.platform.entities import App
from mooring.platform.queues import Queues
from mooring.platform.saas_apps import AppChanges
from mooring.platform.subscriptions import NewSubscription
from mooring.store import StoreUnavailable
from queued import push

BASE = "/v2/quecrule/r1/openapi/queue"
SUBSCRIPTION = "message-subscription"


async def call(
    cloud: Cloud,
    name: str,
    body: object = None,
    *,
    app: App | None = None,
    method: str = "POST",
    **params: object,
) -> dict[str, Any]:
    """The answer to one call, which has the shape of the contract whatever it is."""
    headers = {"Authorization": await cloud.token(app), "Content-Type": "application/json"}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    query: Mapping[str, Any] = {"language": "EN", **params}
    async with cloud.client() as client:
        answer = await client.request(method, f"{BASE}/{name}", content=content, params=query, headers=headers)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    check_answer(f"{BASE}/{name}", decoded, method.lower())
    return decoded


async def create(cloud: Cloud, name: str = "testQueue", **members: object) -> dict[str, Any]:
    cloud.clock.advance(10)
    answer = await call(cloud, "create", {"queueName": name, **members})
    assert answer["code"] == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_new_queue_has_the_full_name_and_is_not_started(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    made = await create(cloud, queueDesc="desc")
    assert made == {
        "createTime": cloud.clock.now_ms(),
        "entUserId": cloud.app.account_id,
        "id": made["id"],
        "isFree": 1,
        "queueDesc": "desc",
        "queueName": f"a.{cloud.app.account_id}.testQueue",
        "status": 0,
        "updateTime": None,
        "userId": cloud.app.account_id,
    }
    [row] = (await call(cloud, "list", {}))["data"]
    assert row == {**made, "metadata": None}
    detail = (await call(cloud, "detail", method="GET", queueId=made["id"]))["data"]
    assert detail == {
        "consumeRate": "0",
        "msgNum": 0,
        "msgSize": "0",
        "queueId": made["id"],
        "queueName": made["queueName"],
        "queueDesc": "desc",
        "createTime": made["createTime"],
        "updateTime": None,
        "status": 0,
        "connectUrl": cloud.platform.amqp_url,
    }


async def test_the_first_queue_of_each_application_is_its_free_one(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    free = [(await create(cloud, name))["isFree"] for name in ("a", "b")]
    free.append((await call(cloud, "create", {"queueName": "c"}, app=cloud.other_app))["data"]["isFree"])
    assert free == [1, 0, 1]


@pytest.mark.parametrize("name", ["testQueue", "A-_9", "x" * 64])
async def test_names_that_a_queue_may_have(cloud: Cloud, name: str) -> None:
    assert (await create(cloud, name))["queueName"].rpartition(".")[2] == name


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "queueName missing"),
        ({"queueName": ""}, "queueName missing"),
        ({"queueName": None}, "queueName missing"),
        ({"queueName": "x" * 65}, "queueName must be 1 to 64"),
        ({"queueName": "a.b"}, "queueName must be"),
        ({"queueName": "队列"}, "queueName must be"),
        ({"queueName": ["x"]}, "queueName is not text"),
        ({"queueName": "x", "queueDesc": "x" * 201}, "queueDesc has 201 characters, the limit is 200"),
        (b"[]", "no object"),
        (b"{", "not JSON"),
    ],
)
async def test_a_queue_that_cannot_be_made(cloud: Cloud, body: object, told: str) -> None:
    answer = await call(cloud, "create", body)
    assert (answer["code"], told in answer["msg"]) == (50005, True), answer
    assert cloud.platform.queues.all(cloud.app.account_id) == []


async def test_a_name_is_unique_in_the_account_and_case_sensitive(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await create(cloud)
    assert (await call(cloud, "create", {"queueName": "testQueue"}))["code"] == 16001
    assert (await call(cloud, "create", {"queueName": "testQueue"}, app=cloud.other_app))["code"] == 16001
    assert (await call(cloud, "create", {"queueName": "TestQueue"}))["code"] == 200


async def test_an_account_has_so_many_queues_at_most(cloud: Cloud) -> None:
    platform = cloud.platform
    platform.queues = Queues(platform.ledger, platform.queue_engine, platform.push_quota, limit=2)
    await create(cloud, "one")
    await call(cloud, "create", {"queueName": "two"}, app=cloud.other_app)
    answer = await call(cloud, "create", {"queueName": "three"})
    assert (answer["code"], "2 queues" in answer["msg"]) == (16007, True)


async def test_a_queue_that_the_database_does_not_take(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(cloud.platform.store, "write", down)
    answer = await call(cloud, "create", {"queueName": "one"})
    assert (answer["code"], "disk is full" in answer["msg"]) == (16004, True)


async def test_queues_come_newest_first_in_pages_of_at_most_100(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    for name in ("alpha", "beta", "gamma"):
        await create(cloud, name)
    await call(cloud, "create", {"queueName": "foreign"}, app=cloud.other_app)
    first = await call(cloud, "list", {"pageNum": 1, "pageSize": 2})
    assert [row["queueName"].rpartition(".")[2] for row in first["data"]] == ["gamma", "beta"]
    assert {name: first[name] for name in ("pageNum", "pageSize", "pages", "total")} == {
        "pageNum": 1,
        "pageSize": 2,
        "pages": 2,
        "total": 3,
    }
    assert [row["queueName"][-5:] for row in (await call(cloud, "list", {"pageNo": "2", "pageSize": 2}))["data"]] == [
        "alpha"
    ]
    assert (await call(cloud, "list", {"pageNum": 9}))["data"] == []
    assert (await call(cloud, "list"))["total"] == 3
    assert (await call(cloud, "list", {"queueName": "eta", "status": None}))["total"] == 1
    assert [(await call(cloud, "list", {"status": status}))["total"] for status in (0, 1, 2)] == [3, 0, 0]


@pytest.mark.parametrize(
    "body", [{"pageSize": 101}, {"pageSize": 0}, {"pageNum": 0}, {"pageNum": "x"}, {"status": 3}, b"7"]
)
async def test_a_list_that_cannot_be(cloud: Cloud, body: object) -> None:
    assert (await call(cloud, "list", body))["code"] == 50005


async def test_the_detail_shows_what_waits(cloud: Cloud) -> None:
    await cloud.platform.recover()
    queue_id = (await create(cloud))["id"]
    await push(cloud.platform, queue_id, b"{}", b'{"type":"ONLINE"}')
    detail = (await call(cloud, "detail", method="GET", queueId=queue_id))["data"]
    assert (detail["msgNum"], detail["msgSize"]) == (2, "19")
    assert (await call(cloud, "clear", queueId=queue_id)) == {"code": 200, "msg": ""}
    detail = (await call(cloud, "detail", method="GET", queueId=queue_id))["data"]
    assert (detail["msgNum"], detail["msgSize"]) == (0, "0")


@pytest.mark.parametrize("body", [None, {}, {"queueId": 1}])
async def test_a_deleted_queue_is_gone(cloud_on_each: Cloud, body: object) -> None:
    cloud = cloud_on_each
    queue_id = (await create(cloud))["id"]
    assert (await call(cloud, "delete", body, method="DELETE", queueId=queue_id)) == {"code": 200, "msg": ""}
    assert (await call(cloud, "list"))["total"] == 0
    assert (await call(cloud, "delete", method="DELETE", queueId=queue_id))["code"] == 16002
    assert (await create(cloud))["isFree"] == 1


async def test_a_queue_that_a_subscription_points_to_stays(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    queue_id = (await create(cloud))["id"]
    new = NewSubscription(name="one", queue="testQueue", codes=[101])
    await cloud.platform.subscriptions.create(cloud.actor, cloud.app, new)
    answer = await call(cloud, "delete", method="DELETE", queueId=queue_id)
    assert (answer["code"], "1 subscriptions point to it: one" in answer["msg"]) == (16008, True)


NAMED = [("delete", "DELETE"), ("clear", "POST"), ("detail", "GET")]


@pytest.mark.parametrize(("name", "method"), NAMED)
@pytest.mark.parametrize(("queue_id", "code"), [(None, 50005), ("", 50005), ("x", 50005), ("-1", 50005), ("7", 16002)])
async def test_the_queue_that_is_meant_must_be_there(
    cloud: Cloud, name: str, method: str, queue_id: str | None, code: int
) -> None:
    params: dict[str, Any] = {} if queue_id is None else {"queueId": queue_id}
    assert (await call(cloud, name, method=method, **params))["code"] == code


@pytest.mark.parametrize(("name", "method"), NAMED)
async def test_a_queue_of_another_application_is_not_there(cloud: Cloud, name: str, method: str) -> None:
    queue_id = (await create(cloud))["id"]
    assert (await call(cloud, name, method=method, app=cloud.other_app, queueId=queue_id))["code"] == 16002
    assert (await call(cloud, name, method=method, queueId=queue_id))["code"] == 200


# What stands in front


async def test_an_account_that_never_activated_the_package_is_told_so(cloud: Cloud) -> None:
    """openapi-notes.md section 4: 16024 where it is listed, 91007 for the rest of the family."""
    await cloud.platform.service_market.deactivate(cloud.actor, SUBSCRIPTION)
    codes = await _refusals(cloud)
    assert codes == {"create": 16024, "list": 91007, "clear": 91007}


async def test_api_access_that_is_off_is_another_thing(cloud: Cloud) -> None:
    token = await cloud.token()
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(api_access=False))
    assert await _refusals(cloud, token) == {"create": 91007, "list": 91007, "clear": 91007}


async def test_a_package_that_is_not_authorized_to_the_application_is_another_thing_too(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.cancel_package(cloud.actor, cloud.app.id, SUBSCRIPTION)
    assert await _refusals(cloud) == {"create": 91005, "list": 91005, "clear": 91005}


async def _refusals(cloud: Cloud, token: str | None = None) -> dict[str, int]:
    headers = {"Authorization": token or await cloud.token()}
    async with cloud.client() as client:
        return {
            name: (await client.post(f"{BASE}/{name}", json={"queueName": "x"}, headers=headers)).json()["code"]
            for name in ("create", "list", "clear")
        }


async def test_the_audit_log_names_the_application(cloud: Cloud) -> None:
    queue_id = (await create(cloud))["id"]
    await call(cloud, "clear", queueId=queue_id)
    await call(cloud, "delete", method="DELETE", queueId=queue_id)
    entries = (await cloud.platform.ledger.entries(cloud.actor.account_id))[:3]
    assert [entry.action for entry in entries] == ["queue.delete", "queue.clear", "queue.create"]
    assert {(entry.actor, entry.target) for entry in entries} == {
        (f"SaaS application Fleet ({cloud.app.id})", "testQueue")
    }
