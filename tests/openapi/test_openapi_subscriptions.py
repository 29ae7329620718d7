"""subscribe/create, saas, enduser, update, delete, list, detail, start and stop (messages.md sections 5 and 8)."""

import json
from typing import Any

import pytest

from cloud import Cloud
from documented import check_answer
from mooring.platform.devices import NewDevice
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.entities import App
from mooring.platform.subscriptions import Subscriptions

BASE = "/v2/quecrule/r1/openapi/subscribe"
DOMAIN = "C.DM.26106.1"


async def call(
    cloud: Cloud, name: str, body: object = None, *, app: App | None = None, method: str = "POST", **params: object
) -> dict[str, Any]:
    """The answer to one call, which has the shape of the contract whatever it is."""
    headers = {"Authorization": await cloud.token(app), "Content-Type": "application/json"}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    query: dict[str, Any] = {"language": "EN", **params}
    async with cloud.client() as client:
        answer = await client.request(method, f"{BASE}/{name}", content=content, params=query, headers=headers)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    check_answer(f"{BASE}/{name}", decoded, method.lower())
    return decoded


def wanted(cloud: Cloud, **members: object) -> dict[str, object]:
    """A subscription to a product; members that are None are left out."""
    body = {
        "subscribeName": "test",
        "queueName": "testQueue",
        "dataLevel": 1,
        "productKey": cloud.modelled.product_key,
        "msgTypes": [1, 6],
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


async def queue(cloud: Cloud, name: str = "testQueue", app: App | None = None) -> int:
    cloud.clock.advance(10)
    return (await cloud.platform.queues.create(cloud.actor, app or cloud.app, name)).id


async def domain(cloud: Cloud) -> int:
    """Authorize an App with the domain; returns its id."""
    apps = cloud.platform.end_user_apps
    new = NewEndUserApp("App", user_domain=DOMAIN, domain_secret="x" * 40)
    app = await apps.create(cloud.actor, new)
    await apps.authorize(cloud.actor, cloud.app.id, app.id)
    return app.id


async def subscribe(cloud: Cloud, name: str = "create", /, **members: object) -> int:
    cloud.clock.advance(10)
    answer = await call(cloud, name, wanted(cloud, **members))
    assert answer["code"] == 200, answer
    subscription_id: int = answer["data"]["subscribeId"]
    return subscription_id


async def detail(cloud: Cloud, subscription_id: int) -> dict[str, Any]:
    data: dict[str, Any] = (await call(cloud, "detail", method="GET", subscribeId=subscription_id))["data"]
    return data


async def status(cloud: Cloud, name: str = "testQueue") -> int:
    """Of a queue."""
    return cloud.platform.queues.by_name(cloud.app.account_id, name).status


# Making


async def test_a_product_level_subscription(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    queue_id = await queue(cloud)
    made = await subscribe(cloud, msgTypes=[1, 6, 1])
    full_name = f"a.{cloud.app.account_id}.testQueue"
    assert await detail(cloud, made) == {
        "subscribeId": made,
        "subscribeName": "test",
        "dataLevel": 1,
        "msgType": "1,6",
        "queueId": queue_id,
        "queueName": full_name,
        "userId": cloud.app.account_id,
        "productName": "modelled",
        "productKey": cloud.modelled.product_key,
        "status": 0,
        "createTime": cloud.clock.now_ms(),
        "updateTime": None,
    }
    [row] = (await call(cloud, "list", {}))["data"]
    assert row == {
        "subscribeId": made,
        "subscribeName": "test",
        "queueId": str(queue_id),
        "queueName": full_name,
        "status": 0,
        "subscribeLevel": 1,
        "projectId": None,
        "projectName": None,
        "createTime": cloud.clock.now_ms(),
    }


@pytest.mark.parametrize(
    ("name", "members", "in_detail", "in_list", "shown"),
    [
        ("create", {"deviceKey": "DK00001"}, 1, 1, {"productKey", "productName"}),
        (
            "create",
            {"dataLevel": 2, "deviceKey": "DK00001"},
            2,
            3,
            {"productKey", "productName", "deviceKey", "deviceName"},
        ),
        ("saas", {"msgTypes": [101, 102, 103, 104, 105]}, 4, 6, set()),
        ("enduser", {"endUserDomain": DOMAIN, "msgTypes": [201]}, 5, 5, {"endUserDomain"}),
    ],
)
async def test_levels_have_their_numbers_and_members(
    cloud_on_each: Cloud, name: str, members: dict[str, object], in_detail: int, in_list: int, shown: set[str]
) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    await domain(cloud)
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("DK00001", "Lamp"))
    made = await subscribe(cloud, name, **members)
    found = await detail(cloud, made)
    optional = {"productKey", "productName", "deviceKey", "deviceName", "endUserDomain"}
    assert (found["dataLevel"], found.keys() & optional) == (in_detail, shown)
    assert found.get("deviceName", "Lamp") == "Lamp"
    assert [row["subscribeLevel"] for row in (await call(cloud, "list"))["data"]] == [in_list]


async def test_a_queue_is_named_by_its_short_or_its_full_name(cloud: Cloud) -> None:
    queue_id = await queue(cloud)
    number = cloud.app.account_id
    for name in ("testQueue", f"a.{number}.testQueue", f"a.{number:012d}.testQueue"):
        assert (await detail(cloud, await subscribe(cloud, queueName=name)))["queueId"] == queue_id


@pytest.mark.parametrize("members", [{"dataLevel": "2", "msgTypes": ["1", 2]}, {"dataLevel": 2, "msgTypes": [1, 2]}])
async def test_numbers_may_come_as_text(cloud: Cloud, members: dict[str, object]) -> None:
    await queue(cloud)
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("861234567890123"))
    made = await subscribe(cloud, deviceKey=861234567890123, **members)
    assert (await detail(cloud, made))["msgType"] == "1,2"


@pytest.mark.parametrize("name", ["test", "订阅_1-a", "x" * 128])
async def test_names_that_a_subscription_may_have(cloud: Cloud, name: str) -> None:
    await queue(cloud)
    ids = [await subscribe(cloud, subscribeName=name) for _ in range(2)]  # uniqueness is not asked for
    assert [(await detail(cloud, one))["subscribeName"] for one in ids] == [name, name]


@pytest.mark.parametrize(
    ("members", "code", "told"),
    [
        ({"subscribeName": None}, 50004, "subscribeName missing"),
        ({"queueName": ""}, 50004, "queueName missing"),
        ({"dataLevel": None}, 50004, "dataLevel missing"),
        ({"productKey": None}, 50004, "productKey missing"),
        ({"msgTypes": None}, 50004, "msgTypes is empty"),
        ({"msgTypes": []}, 50004, "msgTypes is empty"),
        ({"dataLevel": 2}, 50004, "deviceKey missing"),
        ({"dataLevel": 3}, 50005, "dataLevel=3"),
        ({"subscribeName": "a b"}, 50005, "subscribeName must be"),
        ({"subscribeName": "x" * 129}, 50005, "subscribeName must be"),
        ({"msgTypes": [17]}, 50005, "msgTypes holds 17"),
        ({"msgTypes": [101]}, 50005, "msgTypes holds 101"),
        ({"msgTypes": [None]}, 50005, "msgTypes[0]"),
        ({"msgTypes": ["x"]}, 50005, "msgTypes[0]"),
        ({"msgTypes": "1,2"}, 50005, "msgTypes is not a list"),
        ({"productKey": "pXXXXX"}, 70017, ""),
        ({"productKey": "{foreign}"}, 70089, ""),
        ({"productKey": "{foreign}", "msgTypes": [], "subscribeName": None}, 70089, ""),
        ({"dataLevel": 2, "deviceKey": "DK00009"}, 70130, "DK00009"),
        ({"queueName": "nothing"}, 16002, "nothing"),
        ({"queueName": "a.1.testQueue"}, 16002, "a.1.testQueue"),
        ({"queueName": "TestQueue"}, 16002, "TestQueue"),
        ({"queueName": "otherQueue"}, 70060, "another application's"),
    ],
)
async def test_a_subscription_that_cannot_be_made(
    cloud_on_each: Cloud, members: dict[str, object], code: int, told: str
) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    await queue(cloud, "otherQueue", cloud.other_app)
    chosen = {name: cloud.foreign.product_key if value == "{foreign}" else value for name, value in members.items()}
    answer = await call(cloud, "create", wanted(cloud, **chosen))
    assert (answer["code"], told in answer["msg"]) == (code, True), answer
    assert cloud.platform.subscriptions.all(cloud.app.account_id) == []


@pytest.mark.parametrize(("name", "wrong"), [("saas", [1]), ("saas", [106]), ("enduser", [101])])
async def test_each_level_has_its_own_codes(cloud: Cloud, name: str, wrong: list[int]) -> None:
    await queue(cloud)
    await domain(cloud)
    assert (await call(cloud, name, wanted(cloud, endUserDomain=DOMAIN, msgTypes=wrong)))["code"] == 50005


@pytest.mark.parametrize("name", ["saas", "enduser"])
@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"subscribeName": ""}, 50004),
        ({"queueName": None}, 50004),
        ({"msgTypes": []}, 50004),
        ({"queueName": "nothing"}, 16002),
        ({"queueName": "otherQueue"}, 70060),
    ],
)
async def test_what_every_level_needs(cloud: Cloud, name: str, members: dict[str, object], code: int) -> None:
    await queue(cloud)
    await domain(cloud)
    await queue(cloud, "otherQueue", cloud.other_app)
    codes = [101] if name == "saas" else [201]
    body = wanted(cloud, endUserDomain=DOMAIN, **{"msgTypes": codes, **members})
    assert (await call(cloud, name, body))["code"] == code


async def test_a_domain_must_be_given_and_be_the_applications(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    assert (await call(cloud, "enduser", wanted(cloud, msgTypes=[201])))["code"] == 50004
    assert (await call(cloud, "enduser", wanted(cloud, endUserDomain=DOMAIN, msgTypes=[201])))["code"] == 70060
    app = await domain(cloud)
    made = await subscribe(cloud, "enduser", endUserDomain=DOMAIN, msgTypes=[201])
    assert (await call(cloud, "start", subscribeId=made))["code"] == 200
    await queue(cloud, "otherQueue", cloud.other_app)
    other = wanted(cloud, endUserDomain=DOMAIN, queueName="otherQueue", msgTypes=[201])
    assert (await call(cloud, "enduser", other, app=cloud.other_app))["code"] == 70060
    await cloud.platform.end_user_apps.cancel(cloud.actor, cloud.app.id, app)
    assert ((await detail(cloud, made))["status"], await status(cloud)) == (0, 0)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 70060
    await cloud.platform.end_user_apps.authorize(cloud.actor, cloud.app.id, app)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 200
    await cloud.platform.end_user_apps.delete(cloud.actor, app)
    assert ((await detail(cloud, made))["status"], await status(cloud)) == (0, 0)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 70060


@pytest.mark.parametrize("codes", [[6], [7], [8], [9], [10], [1, 10]])
async def test_a_transparent_product_has_no_codes_of_a_model(cloud: Cloud, codes: list[int]) -> None:
    await queue(cloud)
    body = wanted(cloud, productKey=cloud.transparent.product_key, msgTypes=codes)
    assert (await call(cloud, "create", body))["code"] == 50005


async def test_every_code_that_a_product_has(cloud: Cloud) -> None:
    """messages.md section 5 and 10, rows 4 to 8."""
    await queue(cloud)
    every = list(range(1, 17))
    await subscribe(cloud, msgTypes=every)
    await subscribe(cloud, productKey=cloud.transparent.product_key, msgTypes=[*every[:5], *every[10:]])


async def test_an_account_has_so_many_subscriptions_at_most(cloud: Cloud) -> None:
    platform = cloud.platform
    platform.subscriptions = Subscriptions(platform.ledger, platform.queues, platform.devices, limit=1)
    await queue(cloud)
    await domain(cloud)
    await subscribe(cloud)
    for name, members in (
        ("create", {}),
        ("saas", {"msgTypes": [101]}),
        ("enduser", {"endUserDomain": DOMAIN, "msgTypes": [201]}),
    ):
        answer = await call(cloud, name, wanted(cloud, **members))
        assert (answer["code"], "1 subscriptions" in answer["msg"]) == (16018, True)


@pytest.mark.parametrize("name", ["create", "saas", "enduser"])
async def test_an_account_that_never_activated_the_package_is_told_so(cloud: Cloud, name: str) -> None:
    await cloud.platform.service_market.deactivate(cloud.actor, "message-subscription")
    assert (await call(cloud, name, wanted(cloud)))["code"] == 16024


# Starting and stopping


async def test_a_queue_is_started_while_one_subscription_runs(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    one, two = await subscribe(cloud), await subscribe(cloud)
    assert await status(cloud) == 0
    cloud.clock.advance(5)
    assert await call(cloud, "start", subscribeId=one) == {"code": 200, "msg": ""}
    found = await detail(cloud, one)
    assert (found["status"], found["updateTime"]) == (1, cloud.clock.now_ms())
    assert (await call(cloud, "start", {}, subscribeId=two))["code"] == 200
    assert await status(cloud) == 1
    assert await call(cloud, "stop", subscribeId=one) == {"code": 200, "msg": ""}
    assert await status(cloud) == 1
    assert (await call(cloud, "stop", subscribeId=two))["code"] == 200
    assert await status(cloud) == 0


async def test_a_running_subscription_starts_changes_and_goes_not(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    made = await subscribe(cloud)
    assert (await call(cloud, "stop", subscribeId=made))["code"] == 16021
    await call(cloud, "start", subscribeId=made)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 16020
    assert (await call(cloud, "update", {"subscribeId": made, "subscribeName": "new"}))["code"] == 16022
    assert (await call(cloud, "delete", method="DELETE", subscribeId=made))["code"] == 16019
    await call(cloud, "stop", subscribeId=made)
    assert await call(cloud, "delete", {}, method="DELETE", subscribeId=made) == {"code": 200, "msg": ""}
    assert (await call(cloud, "detail", method="GET", subscribeId=made))["code"] == 16011


async def test_a_subscription_starts_only_while_its_product_is_the_applications(cloud_on_each: Cloud) -> None:
    cloud, key = cloud_on_each, cloud_on_each.modelled.product_key
    await queue(cloud)
    made = await subscribe(cloud)
    await cloud.platform.saas_apps.cancel_product(cloud.actor, cloud.app.id, key)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 70089
    await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, key)
    assert (await call(cloud, "start", subscribeId=made))["code"] == 200


async def test_a_subscription_starts_only_while_its_device_is_there(cloud_on_each: Cloud) -> None:
    cloud, key = cloud_on_each, cloud_on_each.modelled.product_key
    await queue(cloud)
    await cloud.platform.devices.add(cloud.actor, key, NewDevice("DK00001"))
    made = await subscribe(cloud, dataLevel=2, deviceKey="DK00001")
    await cloud.platform.devices.delete(cloud.actor, key, "DK00001")
    assert (await call(cloud, "start", subscribeId=made))["code"] == 70130
    found = await detail(cloud, made)
    assert (found["deviceKey"], "deviceName" in found) == ("DK00001", False)


# Changing


async def test_name_codes_and_queue_change(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    second = await queue(cloud, "second")
    made = await subscribe(cloud)
    cloud.clock.advance(5)
    body = {"subscribeId": made, "subscribeName": "renamed", "queueName": "second", "msgTypes": [2, 3, 4]}
    assert await call(cloud, "update", body) == {"code": 200, "msg": ""}
    found = await detail(cloud, made)
    assert (found["subscribeName"], found["queueId"], found["msgType"]) == ("renamed", second, "2,3,4")
    assert found["updateTime"] == cloud.clock.now_ms()
    body = {"subscribeId": str(made), "subscribeName": "", "queueName": None, "msgTypes": [7]}
    assert (await call(cloud, "update", body))["code"] == 200
    found = await detail(cloud, made)
    assert (found["subscribeName"], found["queueId"], found["msgType"]) == ("renamed", second, "7")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"subscribeId": None}, 50005),
        ({"subscribeId": "x"}, 50005),
        ({"subscribeId": 7, "subscribeName": "x"}, 16011),
        ({}, 50004),
        ({"subscribeName": "", "queueName": None, "msgTypes": None}, 50004),
        ({"msgTypes": []}, 50004),
        ({"msgTypes": [101]}, 50005),
        ({"subscribeName": "a b"}, 50005),
        ({"queueName": "nothing"}, 16002),
        ({"queueName": "otherQueue"}, 70060),
    ],
)
async def test_a_change_that_cannot_be(cloud: Cloud, members: dict[str, object], code: int) -> None:
    await queue(cloud)
    await queue(cloud, "otherQueue", cloud.other_app)
    made = await subscribe(cloud)
    assert (await call(cloud, "update", {"subscribeId": made, **members}))["code"] == code
    found = await detail(cloud, made)
    assert (found["subscribeName"], found["msgType"], found["updateTime"]) == ("test", "1,6", None)


async def test_codes_of_the_application_change_too(cloud: Cloud) -> None:
    await queue(cloud)
    made = await subscribe(cloud, "saas", msgTypes=[101])
    assert (await call(cloud, "update", {"subscribeId": made, "msgTypes": [105]}))["code"] == 200
    assert (await call(cloud, "update", {"subscribeId": made, "msgTypes": [1]}))["code"] == 50005


# Looking


async def test_subscriptions_come_newest_first_and_by_filter(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await queue(cloud)
    await queue(cloud, "second")
    first = await subscribe(cloud, subscribeName="alpha")
    second = await subscribe(cloud, "saas", subscribeName="beta", queueName="second", msgTypes=[101])
    await call(cloud, "start", subscribeId=second)
    other = {"subscribeName": "foreign", "queueName": "otherQueue", "msgTypes": [101]}
    await queue(cloud, "otherQueue", cloud.other_app)
    assert (await call(cloud, "saas", other, app=cloud.other_app))["code"] == 200

    async def ids(**body: object) -> list[int]:
        return [row["subscribeId"] for row in (await call(cloud, "list", body))["data"]]

    assert await ids() == [second, first]
    assert await ids(pageNum=2, pageSize=1) == [first]
    assert await ids(subscribeName="lph") == [first]
    assert await ids(queueName="second") == [second]
    assert await ids(queueName=f"a.{cloud.app.account_id}.second") == [second]
    assert [await ids(status=number) for number in (0, 1)] == [[first], [second]]
    counters = await call(cloud, "list", {"pageSize": 1})
    assert (counters["total"], counters["pages"]) == (2, 2)


@pytest.mark.parametrize("body", [{"pageSize": 101}, {"pageNum": 0}, {"status": 2}, b"[]"])
async def test_a_list_that_cannot_be(cloud: Cloud, body: object) -> None:
    assert (await call(cloud, "list", body))["code"] == 50005


NAMED = [("delete", "DELETE"), ("detail", "GET"), ("start", "POST"), ("stop", "POST")]


@pytest.mark.parametrize(("name", "method"), NAMED)
@pytest.mark.parametrize(("wrong", "code"), [(None, 50005), ("x", 50005), (str(2**53 + 1), 50005), ("7", 16011)])
async def test_the_subscription_that_is_meant_must_be_there(
    cloud: Cloud, name: str, method: str, wrong: str | None, code: int
) -> None:
    params: dict[str, Any] = {} if wrong is None else {"subscribeId": wrong}
    assert (await call(cloud, name, method=method, **params))["code"] == code


@pytest.mark.parametrize(("name", "method"), [*NAMED, ("update", "POST")])
async def test_a_subscription_of_another_application_is_not_the_callers(cloud: Cloud, name: str, method: str) -> None:
    await queue(cloud)
    made = await subscribe(cloud)
    body = {"subscribeId": made, "subscribeName": "mine"} if name == "update" else None
    params: dict[str, Any] = {} if name == "update" else {"subscribeId": made}
    assert (await call(cloud, name, body, method=method, app=cloud.other_app, **params))["code"] == 70060
    assert (await detail(cloud, made))["subscribeName"] == "test"
