"""What queues get of products, models, authorizations, end users and bindings, on both databases.

contract/messages.md sections 4.5, 4.9 and 4.10. The last test makes every kind of message that this server sends.
"""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from cloud import Cloud, sample
from fakes import FakeClock
from home import Home, make_home
from listening import Body, Listener, listen
from mooring.platform.bindings import BindRequest
from mooring.platform.command_input import SendOptions
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.end_user_input import EndUserChanges, NewEndUser
from mooring.platform.ledger import Actor
from mooring.platform.message_codes import CODE_OF
from mooring.platform.message_schema import BRANCHES
from mooring.platform.products import NewProduct, ProductChanges
from mooring.platform.saas_apps import NewApp
from mooring.platform.sharing import NewShare
from mooring.protocol import ttlv
from mooring.protocol.commands import LocationReport, PassThroughUp, StatusReport
from mooring.protocol.ttlv import Field
from mooring.store import Store
from reporting import connect

HOUR = 3_600_000
NEVER_SENT: Mapping[str, str] = {
    "LOCATION-QUERY": "nothing in this server asks a device for its position",
    "CEP_RULE-NOTICE": "this server has no rule engine",
}


@pytest.fixture
async def saas(cloud: Cloud) -> Listener:
    """Everything at the level of the application."""
    queue = await listen(cloud.platform, cloud.actor, cloud.app)
    await queue.subscribe()
    return queue


def told(bodies: list[Body]) -> list[tuple[str, str]]:
    return [(body["subtype"], body["operation"]) for body in bodies]


# Products


async def test_a_new_product_is_told_to_every_application_that_listens(
    cloud: Cloud, saas: Listener, clock: FakeClock
) -> None:
    other = await listen(cloud.platform, cloud.actor, cloud.other_app, queue="other")
    await other.subscribe()
    await cloud.platform.saas_apps.create(cloud.actor, NewApp("Deaf"))
    new = NewProduct("Pump", access_type=1, net_way="1", data_fmt=0, allowed_limit=5, item_code="pump")
    product = await cloud.platform.products.create(cloud.actor, new)
    first, second = await saas.new()
    assert told([first]) == [("PRODUCT", "ADD")]
    assert first["productKey"] == product.product_key
    assert first["data"] == second["data"]
    assert {row.queue_id for row in await saas.rows()} == {
        queue.id for queue in cloud.platform.queues.all(cloud.actor.account_id)
    }
    data = first["data"]
    assert (data["productName"], data["accessType"], data["dataFmt"], data["netWay"]) == ("Pump", 1, 0, "1")
    assert (data["allowedLimit"], data["itemCode"], data["createTime"]) == (5, "pump", clock.now_ms())
    [person] = cloud.platform.directory.administrators()
    assert (first["operator"], first["operatorType"]) == (person.id, 1)


async def test_of_a_change_only_the_name_is_told_and_only_to_who_holds_the_product(
    cloud: Cloud, saas: Listener
) -> None:
    products, key = cloud.platform.products, cloud.modelled.product_key
    await products.update(cloud.actor, key, ProductChanges(ai_capability=True))
    await products.update(cloud.actor, cloud.foreign.product_key, ProductChanges(name="Not ours"))
    await products.update(cloud.actor, key, ProductChanges(name="Socket"))
    [body] = await saas.new()
    assert told([body]) == [("PRODUCT", "UPDATE")]
    assert body["data"] == {"productName": {"old": "modelled", "new": "Socket"}}


async def test_a_deleted_product_is_told_to_who_held_it(cloud: Cloud, saas: Listener) -> None:
    for product in (cloud.empty, cloud.foreign):
        await cloud.platform.products.delete(cloud.actor, product.product_key)
    [body] = await saas.new()
    assert (told([body]), body["data"]["productName"]) == ([("PRODUCT", "DELETE")], "empty")


async def test_who_is_no_person_has_no_number(cloud: Cloud, saas: Listener) -> None:
    actor = Actor(cloud.actor.account_id, "system", "local")
    await cloud.platform.products.update(actor, cloud.modelled.product_key, ProductChanges(name="Socket"))
    [body] = await saas.new()
    assert "operator" not in body


async def test_a_release_is_told_with_the_whole_model_before_data_of_it(cloud: Cloud, saas: Listener) -> None:
    await saas.subscribe(cloud.empty)
    models, key = cloud.platform.thing_models, cloud.empty.product_key
    reporter = await connect(cloud.platform, cloud.empty)
    await models.import_draft(cloud.actor, key, sample("smart-plug"))
    await saas.new()
    release = await models.release(cloud.actor, key)
    await models.release(cloud.actor, key)  # nothing new
    await reporter.values({"relay": True})
    bodies = await saas.new("META_EVENT-THING_MODEL", "MATTR-REPORT")
    assert [body["subtype"] for body in bodies] == ["THING_MODEL", "REPORT"]
    model = bodies[0]["data"]["tslJson"]
    assert model == await models.export(cloud.actor, key)
    assert model["profile"]["version"] == release.version


async def test_authorization_is_told_and_its_end_is_the_last_that_is_told(cloud: Cloud, saas: Listener) -> None:
    apps, product = cloud.platform.saas_apps, cloud.transparent
    await saas.subscribe(product)
    reporter = await connect(cloud.platform, product)
    await saas.new()
    await apps.cancel_product(cloud.actor, cloud.app.id, product.product_key)
    await reporter.say(PassThroughUp(b"x"))
    await apps.authorize_product(cloud.actor, cloud.app.id, product.product_key)
    await apps.cancel_product(cloud.actor, cloud.other_app.id, cloud.foreign.product_key)
    bodies = await saas.new()
    assert told(bodies) == [("GRANT_AUTHORIZED", "CANCEL_AUTH"), ("GRANT_AUTHORIZED", "AUTH")]
    assert {body["data"]["productName"] for body in bodies} == {"transparent"}


async def test_what_is_refused_is_not_told(cloud: Cloud, saas: Listener) -> None:
    with pytest.raises(Exception, match="authorized"):
        await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.other_app.id, cloud.modelled.product_key)
    with pytest.raises(Exception, match="already"):
        await cloud.platform.products.create(cloud.actor, NewProduct("modelled"))
    assert await saas.new() == []


# End users


@pytest.fixture
async def home(cloud: Cloud) -> Home:
    made = await make_home(cloud.platform, cloud.actor)
    await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, made.product.product_key)
    return made


async def test_an_app_given_and_taken(cloud: Cloud, saas: Listener, home: Home) -> None:
    await saas.new()
    apps = cloud.platform.end_user_apps
    await apps.authorize(cloud.actor, cloud.app.id, home.app.id)
    await apps.cancel(cloud.actor, cloud.app.id, home.app.id)
    bodies = await saas.new()
    assert told(bodies) == [("GRANT_USER_DOMAIN", "AUTH"), ("GRANT_USER_DOMAIN", "CANCEL_AUTH")]
    for body in bodies:
        assert (body["userDomain"], body["userDomainId"]) == (home.app.user_domain, home.app.id)
        assert body["data"] == {"appName": "Home"}
        assert "operator" in body


async def test_users_that_come_change_and_go(cloud: Cloud, home: Home) -> None:
    await cloud.platform.end_user_apps.authorize(cloud.actor, cloud.app.id, home.app.id)
    queue = await listen(cloud.platform, cloud.actor, cloud.app, queue="users")
    await queue.subscribe(user_domain=home.app.user_domain, codes=[201])
    elsewhere = await cloud.platform.end_user_apps.create(cloud.actor, NewEndUserApp("Elsewhere"))
    users = cloud.platform.end_users
    await users.create(cloud.actor, elsewhere.id, NewEndUser(phone="13800000001"))
    user = await users.create(
        cloud.actor,
        home.app.id,
        NewEndUser(phone="13800000001", international_code="86", third_party={"wechat_union_id": "wx1"}),
    )
    await users.update(cloud.actor, user.uid, EndUserChanges(email="a@example.com"))
    await users.delete(cloud.actor, user.uid)
    bodies = await queue.new()
    keys = {"endUserId": user.uid, "endUserDomain": home.app.user_domain}
    known = {**keys, "internationalCode": "86", "phone": "13800000001", "wechatId": "wx1"}
    assert [(body["subtype"], body["data"]) for body in bodies] == [
        ("USER-ADD", known),
        ("USER-UPDATE", {**known, "email": "a@example.com"}),
        ("USER-DELETE", keys),
    ]
    assert "productKey" not in bodies[0]


async def test_bindings_that_come_and_go(cloud: Cloud, home: Home, clock: FakeClock) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app, home.product, queue="bindings")
    owner, guest, last = [await home.user(number) for number in range(3)]
    await home.bind(owner)
    new = NewShare(*home.keys, accept_until=clock.now_ms() + HOUR, use_until=clock.now_ms() + HOUR, cover=1)
    share = await cloud.platform.sharing.share(cloud.actor, owner, new)
    await cloud.platform.sharing.accept(cloud.actor, guest, share.code)
    clock.advance(HOUR)
    await cloud.platform.bindings.expire_due()
    await home.unbind(owner)
    await home.bind(last)
    await cloud.platform.devices.reset(cloud.actor, *home.keys)
    await home.bind(last)
    await cloud.platform.end_users.delete(cloud.actor, last)
    bodies = await queue.new("ENDUSER-USER-BIND")
    shown = [
        (data["endUserId"], data["value"], data.get("invalidCause"), data["authLevel"])
        for data in (body["data"] for body in bodies)
    ]
    assert shown == [
        (owner, 1, None, 1),
        (guest, 1, None, 2),
        (guest, 0, 3, 2),
        (owner, 0, 1, 1),
        (last, 1, None, 1),
        (last, 2, 2, 1),
        (last, 1, None, 1),
        (last, 0, 1, 1),
    ]
    for body in bodies:
        assert (body["productKey"], body["deviceKey"]) == home.keys
        assert (body["deviceName"], body["data"]["endUserDomain"]) == ("DK00001", home.app.user_domain)
        assert body["data"]["authStatus"] == 2


async def test_a_deleted_device_ends_its_bindings(cloud: Cloud, home: Home) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app, home.product, queue="bindings")
    await home.bind(await home.user(1))
    await queue.new()
    await cloud.platform.devices.delete(cloud.actor, *home.keys)
    binding, deleted = await queue.new()
    assert (binding["data"]["value"], binding["data"]["invalidCause"]) == (0, 1)
    assert deleted["operation"] == "DELETE"


# All of them


def test_every_kind_has_a_code() -> None:
    assert CODE_OF.keys() == BRANCHES.keys()
    assert len(BRANCHES) == 27


async def test_every_kind_is_made_by_what_really_happens(
    cloud: Cloud, saas: Listener, home: Home, clock: FakeClock, store: Store
) -> None:
    platform, actor, app = cloud.platform, cloud.actor, cloud.app
    made = await platform.products.create(actor, NewProduct("Tracker"))
    await platform.saas_apps.authorize_product(actor, app.id, made.product_key)
    await platform.thing_models.import_draft(actor, made.product_key, sample("tracker"))
    await platform.thing_models.release(actor, made.product_key)
    product = platform.products.one(actor.account_id, made.product_key)
    await platform.end_user_apps.authorize(actor, app.id, home.app.id)
    await platform.end_user_apps.add_product(actor, home.app.id, product.product_key)
    await saas.subscribe(product)
    await saas.subscribe(user_domain=home.app.user_domain, codes=[201])

    reporter = await connect(platform, product)
    reporter.line.by_itself = "published delivered"
    for code in ("started", "low_battery", "sos"):
        await reporter.event(code, {})
    await reporter.values({"charging": True})
    await reporter.say(StatusReport(battery=Decimal(50)))
    await reporter.say(PassThroughUp(b"up"))
    await reporter.say(LocationReport("$GNGGA,020530.00,3150.1234,N,11711.5678,E,1,12,0.9,42.5,M,,,,*5A"))
    commands, keys, plain = platform.commands, [reporter.device.device_key], SendOptions()
    await commands.send_write(app, product, keys, '[{"report_interval":"60"}]', plain)
    await commands.send_read(app, product, keys, '["charging"]', plain)
    await reporter.frame(0x0012, ttlv.encode([Field(3, True)]), reporter.line.sent[-1].packet_id)
    await commands.send_service(app, product, keys, '[{"locate_now":[{"timeout":"30"}]}]', plain)
    await reporter.fields(reporter.codec.encode_service_answer("locate_now", {}))
    await commands.send_raw(app, [(product, keys[0])], "down", plain)

    user = await platform.end_users.create(actor, home.app.id, NewEndUser(phone="13800000001"))
    await platform.end_users.update(actor, user.uid, EndUserChanges(nickname="One"))
    await platform.bindings.bind(actor, user.uid, BindRequest(product.product_key, device_key=keys[0]))
    await platform.end_users.delete(actor, user.uid)

    assert {row.type for row in await saas.rows()} == BRANCHES.keys() - NEVER_SENT.keys()
    assert not platform.announcer.invalid
