"""/v2/enduser and /v2/binding: user domains, users, their devices, binding codes; openapi-notes.md sections 4 to 8."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from cloud import Cloud
from documented import DOCUMENT, check_answer
from mooring.openapi import enterprise
from mooring.platform.binding_codes import report_code
from mooring.platform.bindings import BindRequest
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.end_user_entities import EndUser, EndUserApp
from mooring.platform.end_user_input import NewEndUser
from mooring.platform.journal import Entry
from mooring.platform.saas_apps import AppChanges
from mooring.platform.session import Delivery
from mooring.platform.sharing import NewShare
from mooring.protocol import commands
from mooring.protocol.commands import BindCodeReport, DeviceConfiguration, Direction
from mooring.protocol.frame import Frame

USERS, BINDINGS = "/v2/enduser/enterpriseapi", "/v2/binding/enterpriseapi"
DOMAINS, DOMAIN_USERS, INFO, STATUS = (
    f"{USERS}/{name}" for name in ("entUserDomainList", "userDomainUserList", "userInfo", "setUserStatus")
)
DEVICES, BOUND, VERIFY = (f"{BINDINGS}/{name}" for name in ("userDeviceList", "getUserListByBind", "verifyBindingCode"))
CODE = "0123456789abcdef"


@dataclass
class House:
    """`home` is authorized to the application, `away` is not; `ann` is of the first, `zoe` of the second."""

    cloud: Cloud
    home: EndUserApp
    away: EndUserApp
    ann: EndUser
    zoe: EndUser

    async def ask(self, path: str, method: str = "get", **params: Any) -> dict[str, Any]:
        """A call whose answer fits the contract."""
        headers = {"Authorization": await self.cloud.token()}
        async with self.cloud.client() as client:
            answer = await client.request(method.upper(), path, params=params, headers=headers)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        check_answer(path, found, method)
        assert found["extMsg"] is None
        return found

    async def code(self, path: str, method: str = "get", **params: Any) -> int:
        code: int = (await self.ask(path, method, **params))["code"]
        return code

    async def bind(self, user: EndUser | None = None, **given: str) -> None:
        request = BindRequest(self.cloud.modelled.product_key, **(given or {"device_key": "DK00001"}))
        await self.cloud.platform.bindings.bind(self.cloud.actor, (user or self.ann).uid, request)

    async def show_code(self, valid_s: int = 600) -> None:
        device = await self.cloud.platform.devices.find(self.cloud.modelled.id, "DK00001")
        assert device is not None
        entry = Entry()
        report_code(entry, device.id, BindCodeReport(CODE.encode(), valid_s), self.cloud.clock.now_ms())
        await self.cloud.platform.journal.commit(entry)

    @property
    def device(self) -> dict[str, str]:
        return {"pk": self.cloud.modelled.product_key, "dk": "DK00001"}


async def build_house(cloud: Cloud) -> House:
    platform, actor = cloud.platform, cloud.actor
    home = await platform.end_user_apps.create(actor, NewEndUserApp("Home", "for families"))
    cloud.clock.advance(10)
    away = await platform.end_user_apps.create(actor, NewEndUserApp("Away"))
    for app in (home, away):
        await platform.end_user_apps.add_product(actor, app.id, cloud.modelled.product_key)
    home = await platform.end_user_apps.authorize(actor, cloud.app.id, home.id)
    known = {"wechat_union_id": "w1", "apple_user_id": "a1"}
    new = NewEndUser(nickname="Ann", phone="13800000001", email="ann@example.com", sex=1, third_party=known)
    ann = await platform.end_users.create(actor, home.id, new)
    zoe = await platform.end_users.create(actor, away.id, NewEndUser(phone="13800000002"))
    await platform.devices.add(actor, cloud.modelled.product_key, NewDevice("DK00001", "Kitchen", "SN1"))
    return House(cloud, home, away, ann, zoe)


@pytest.fixture
async def house(cloud: Cloud) -> House:
    return await build_house(cloud)


@pytest.fixture
async def house_on_each(cloud_on_each: Cloud) -> House:
    return await build_house(cloud_on_each)


# Domains and users


async def test_authorized_domains_with_their_secrets(house_on_each: House) -> None:
    house = house_on_each
    answer = await house.ask(DOMAINS)
    assert answer["data"]["list"] == [
        {
            "userDomainId": house.home.id,
            "userDomain": house.home.user_domain,
            "userDomainSecret": house.home.domain_secret.reveal(),
            "userDomainType": None,
            "entId": house.cloud.actor.account_id,
            "enable": True,
            "isEnable": True,
            "remark": "for families",
            "addTime": house.home.created_at,
            "addTimeTs": house.home.created_at,
            "updateTime": None,
            "updateTimeTs": None,
        }
    ]


async def test_a_cancelled_domain_is_gone_at_once(house: House) -> None:
    platform, actor = house.cloud.platform, house.cloud.actor
    await platform.end_user_apps.cancel(actor, house.cloud.app.id, house.home.id)
    assert (await house.ask(DOMAINS))["data"]["total"] == 0
    assert await house.code(INFO, uid=house.ann.uid) == 5041
    assert await house.code(DOMAIN_USERS, userDomain=house.home.user_domain) == 5041
    assert await house.code(DEVICES, uid=house.ann.uid) == 5041


async def test_a_user_as_the_wire_spells_it(house_on_each: House) -> None:
    house = house_on_each
    house.cloud.clock.advance(10)
    await house.cloud.platform.end_users.issue_token(house.cloud.actor, house.ann.uid)
    user = (await house.ask(INFO, uid=house.ann.uid))["data"]
    assert {name: value for name, value in user.items() if value is not None} == {
        "uid": house.ann.uid,
        "userDomain": house.home.user_domain,
        "nikeName": "Ann",
        "phone": "13800000001",
        "email": "ann@example.com",
        "sex": "1",
        "status": 1,
        "registerTime": house.ann.registered_at,
        "registerTimeTs": house.ann.registered_at,
        "lastLoginTime": house.cloud.clock.now_ms(),
        "lastLoginTimeTs": house.cloud.clock.now_ms(),
        "appleUserId": "a1",
        "wechatUnionId": "w1",
    }
    schema = DOCUMENT["components"]["schemas"]["EndUser"]["properties"]
    assert set(user) == set(schema)


async def test_users_of_a_domain_come_in_pages(house_on_each: House) -> None:
    house = house_on_each
    for number in range(12):
        house.cloud.clock.advance(10)
        await house.cloud.platform.end_users.create(
            house.cloud.actor, house.home.id, NewEndUser(phone=f"1390000000{number:02}")
        )
    first = (await house.ask(DOMAIN_USERS, userDomain=house.home.user_domain))["data"]
    assert (len(first["list"]), first["total"], first["pageNum"], first["pageSize"]) == (10, 13, 1, 10)
    assert [user["phone"] for user in first["list"][:2]] == ["139000000011", "139000000010"]
    last = (await house.ask(DOMAIN_USERS, userDomain=house.home.user_domain, page=3, pageSize=6))["data"]
    assert [user["uid"] for user in last["list"]] == [house.ann.uid]


WRONG: list[tuple[str, dict[str, str], int]] = [
    (DOMAIN_USERS, {}, 5023),
    (DOMAIN_USERS, {"userDomain": "C.DM.1.999"}, 5015),
    (DOMAIN_USERS, {"userDomain": "away"}, 5041),
    (INFO, {}, 5065),
    (INFO, {"uid": "C999999"}, 5033),
    (INFO, {"uid": "zoe"}, 5041),
    (STATUS, {"status": "1"}, 5065),
    (STATUS, {"uid": "C999999", "status": "1"}, 5033),
    (STATUS, {"uid": "zoe", "status": "1"}, 5041),
    (STATUS, {"uid": "ann"}, 5487),
    (STATUS, {"uid": "ann", "status": "2"}, 5488),
    (STATUS, {"uid": "ann", "status": "on"}, 5488),
    (DEVICES, {}, 5065),
    (DEVICES, {"uid": "C999999"}, 5033),
    (DEVICES, {"uid": "zoe"}, 5041),
    (BOUND, {"pk": "pXXXXX"}, 5327),
    (BOUND, {"pk": "foreign"}, 5327),
    (BOUND, {"uid": "C999999"}, 5370),
    (BOUND, {"uid": "zoe"}, 5041),
    (BOUND, {"userDomain": "C.DM.1.999"}, 5015),
    (BOUND, {"userDomain": "away"}, 5041),
    (VERIFY, {"dk": "DK00001", "bindingCode": CODE}, 5066),
    (VERIFY, {"pk": "modelled", "bindingCode": CODE}, 5067),
    (VERIFY, {"pk": "modelled", "dk": "DK00001"}, 5179),
    (VERIFY, {"pk": "foreign", "dk": "DK00001", "bindingCode": CODE}, 5041),
    (VERIFY, {"pk": "modelled", "dk": "DK00001", "bindingCode": "xyz"}, 5213),
    (VERIFY, {"pk": "modelled", "dk": "DK00009", "bindingCode": CODE}, 5493),
    (VERIFY, {"pk": "modelled", "dk": "DK00001", "bindingCode": CODE}, 5460),
    (VERIFY, {"pk": "modelled", "dk": "DK00001", "bindingCode": CODE, "isBinding": "2"}, 50005),
]


@pytest.mark.parametrize(
    ("method", "path", "params", "code"),
    [(method, path, params, code) for path, params, code in WRONG for method in DOCUMENT["paths"][path]],
)
async def test_what_is_wrong_with_a_request(
    house: House, method: str, path: str, params: Mapping[str, str], code: int
) -> None:
    names = {
        "ann": house.ann.uid,
        "zoe": house.zoe.uid,
        "away": house.away.user_domain,
        "modelled": house.cloud.modelled.product_key,
        "foreign": house.cloud.foreign.product_key,
    }
    given = {name: names.get(value, value) for name, value in params.items()}
    assert await house.code(path, method, **given) == code


@pytest.mark.parametrize(
    ("path", "params"), [(DOMAINS, {}), (DOMAIN_USERS, {"userDomain": 0}), (DEVICES, {"uid": 0}), (BOUND, {})]
)
@pytest.mark.parametrize("wrong", [{"page": "0"}, {"pageSize": "0"}, {"pageSize": "1001"}, {"page": "x"}])
async def test_pages_are_checked(
    house: House, path: str, params: Mapping[str, object], wrong: Mapping[str, str]
) -> None:
    given = {"userDomain": house.home.user_domain, "uid": house.ann.uid}
    assert await house.code(path, **{name: given[name] for name in params}, **wrong) == 50005


@pytest.mark.parametrize("path", [INFO, STATUS])
async def test_a_text_that_no_database_can_hold(house: House, path: str) -> None:
    assert await house.code(path, uid="a\0b", status="1") == 50005
    if path == STATUS:
        assert await house.code(path, "post", uid="a\0b", status="1") == 50005


# Status


@pytest.mark.parametrize("method", ["get", "post"])
async def test_disabling_a_user_ends_the_tokens_at_once(house_on_each: House, method: str) -> None:
    house = house_on_each
    users = house.cloud.platform.end_users
    token = await users.issue_token(house.cloud.actor, house.ann.uid)
    assert (await house.ask(STATUS, method, uid=house.ann.uid, status=0))["data"] == {}
    assert await users.admitted(house.ann.uid, token.text) is None
    assert (await house.ask(INFO, uid=house.ann.uid))["data"]["status"] == 0
    assert await house.code(STATUS, method, uid=house.ann.uid, status=0) == 200  # is so already
    await house.ask(STATUS, method, uid=house.ann.uid, status=1)
    assert (await house.ask(INFO, uid=house.ann.uid))["data"]["status"] == 1
    [entry, _] = await house.cloud.platform.ledger.entries(house.cloud.actor.account_id, rows=2)
    assert entry.action == "end_user.enable"
    assert house.cloud.app.name in entry.actor


@pytest.mark.parametrize(("method", "path"), [("get", STATUS), ("post", STATUS), ("get", DOMAINS)])
async def test_what_changes_or_shows_secrets_is_kept_by_no_cache(house: House, method: str, path: str) -> None:
    params = {"uid": house.ann.uid, "status": "0"}
    async with house.cloud.client() as client:
        answer = await client.request(
            method.upper(), path, params=params, headers={"Authorization": await house.cloud.token()}
        )
    assert answer.headers["cache-control"] == "no-store"


# Devices


async def test_a_users_device(house_on_each: House) -> None:
    house = house_on_each
    clock, product = house.cloud.clock, house.cloud.modelled
    await house.show_code()
    await house.bind(device_key="DK00001", binding_code=CODE)
    [row] = (await house.ask(DEVICES, uid=house.ann.uid, page=1, pageSize=10))["data"]["list"]
    assert set(row) == set(DOCUMENT["components"]["schemas"]["BoundDevice"]["properties"])
    assert {name: value for name, value in row.items() if value not in (None, "")} == {
        "productKey": product.product_key,
        "deviceKey": "DK00001",
        "productName": product.name,
        "deviceName": "Kitchen",
        "sn": "SN1",
        "uid": house.ann.uid,
        "deviceType": 1,
        "userName": "Ann",
        "phone": "13800000001",
        "accessType": "0",
        "networkType": product.net_way,
        "protocol": "1",
        "deviceStatus": "0",
        "onlineStatus": 0,
        "status": 1,
        "bindStatus": 1,
        "bindMode": 3,
        "bindingType": 3,
        "verified": "1",
        "deviceBindTime": "2025-10-09 08:53:20",
        "deviceBindTimeTs": clock.now_ms(),
        "deviceCreateTime": "2025-10-09 08:53:20",
        "deviceCreateTimeTs": clock.now_ms(),
    }
    assert row["activeTime"] == ""
    assert row["lastConnTimeTs"] is None


async def test_a_shared_device_names_who_shares_it(house: House) -> None:
    platform, actor, clock = house.cloud.platform, house.cloud.actor, house.cloud.clock
    guest = await platform.end_users.create(actor, house.home.id, NewEndUser(phone="13800000009"))
    await house.bind()
    until = clock.now_ms() + 3_600_000
    new = NewShare(house.cloud.modelled.product_key, "DK00001", accept_until=until, use_until=until)
    share = await platform.sharing.share(actor, house.ann.uid, new)
    await platform.sharing.accept(actor, guest.uid, share.code)
    [row] = (await house.ask(DEVICES, uid=guest.uid))["data"]["list"]
    assert (row["deviceType"], row["ownerUid"], row["shareCode"]) == (2, house.ann.uid, share.code)
    assert (row["sharingExpireTimeTs"], row["sharingExpireAt"]) == (until, "2025-10-09 09:53:20")


async def test_a_reset_leaves_a_void_binding(house: House) -> None:
    await house.bind()
    await house.cloud.platform.devices.reset(house.cloud.actor, house.cloud.modelled.product_key, "DK00001")
    [row] = (await house.ask(DEVICES, uid=house.ann.uid))["data"]["list"]
    assert (row["status"], row["bindStatus"]) == (2, 2)
    assert row["invaildTimeTs"] == house.cloud.clock.now_ms()


async def test_times_are_numbers_for_applications_that_want_those(house: House) -> None:
    await house.bind()
    changes = AppChanges(times="numbers")
    await house.cloud.platform.saas_apps.update(house.cloud.actor, house.cloud.app.id, changes)
    token = await house.cloud.token()
    [row] = (await house.cloud.get(DEVICES, {"uid": house.ann.uid}, token=token))["data"]["list"]
    assert (row["deviceBindTime"], row["activeTime"]) == (house.cloud.clock.now_ms(), None)


async def test_users_that_have_bound_devices(house_on_each: House) -> None:
    house = house_on_each
    assert (await house.ask(BOUND))["data"]["total"] == 0
    await house.bind()
    await house.bind(house.zoe)
    answer = (await house.ask(BOUND, page=1, pageSize=5))["data"]
    assert [user["uid"] for user in answer["list"]] == [house.ann.uid]
    schema = DOCUMENT["components"]["schemas"]["BoundUser"]["properties"]
    assert set(answer["list"][0]) == set(schema)
    assert answer["list"][0]["lastLoginTime"] == ""
    for chosen, total in (
        ({"pk": house.cloud.modelled.product_key}, 1),
        ({"pk": house.cloud.empty.product_key}, 0),
        ({"uid": house.ann.uid}, 1),
        ({"userDomain": house.home.user_domain}, 1),
    ):
        assert (await house.ask(BOUND, **chosen))["data"]["total"] == total


# Binding codes


class Device:
    """A link that keeps what is sent to the device."""

    def __init__(self) -> None:
        self.got: list[bytes | None] = []

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        value = commands.decode(frame, Direction.DOWN)
        assert isinstance(value, DeviceConfiguration)
        self.got.append(value.bind_code)

    def close(self, reason: str, notice: int | None = None) -> None:
        pass


async def test_a_binding_code_is_verified(house_on_each: House) -> None:
    house = house_on_each
    await house.show_code()
    assert (await house.ask(VERIFY, "post", **house.device, bindingCode=CODE))["data"] == 1
    assert await house.code(VERIFY, "post", **house.device, bindingCode=CODE.upper(), isBinding=0) == 200
    assert await house.code(VERIFY, "post", **house.device, bindingCode="f" * 16) == 5462
    house.cloud.clock.advance(600_000)
    await house.cloud.platform.directory.catch_up()
    assert await house.code(VERIFY, "post", **house.device, bindingCode=CODE) == 5461
    await house.show_code(0)
    assert await house.code(VERIFY, "post", **house.device, bindingCode=CODE) == 5460


async def test_the_device_is_told_while_a_binding_is_under_way(house: House) -> None:
    device = await house.cloud.platform.devices.find(house.cloud.modelled.id, "DK00001")
    assert device is not None
    link = Device()
    await house.cloud.platform.sessions.open(device, link, "192.0.2.9")
    await house.show_code()
    await house.ask(VERIFY, "post", **house.device, bindingCode=CODE)
    assert link.got == []
    await house.ask(VERIFY, "post", **house.device, bindingCode=CODE, isBinding=1)
    await house.ask(VERIFY, "post", **house.device, bindingCode="f" * 16, isBinding=1)
    assert link.got == [CODE.encode(), b""]


# Envelope


async def test_refusals_in_front_have_the_numbers_of_the_family(house: House) -> None:
    cloud = house.cloud
    for token, code in (("", 5106), ("QJWT x.y.z", 5032)):
        answer = await cloud.get(DOMAINS, token=token, language="EN")
        assert (answer["code"], set(answer)) == (code, {"code", "msg", "extMsg"})
    await cloud.platform.service_market.deactivate(cloud.actor, "end-user-management")
    assert (await cloud.get(DOMAINS))["code"] == 5041


@pytest.mark.parametrize(
    ("number", "size", "total", "rows", "expected"),
    [
        (1, 10, 0, 0, (0, 0, 0, 0, 0, True, True, [])),
        (1, 10, 25, 10, (1, 10, 3, 0, 2, True, False, [1, 2, 3])),
        (3, 10, 25, 5, (21, 25, 3, 2, 0, False, True, [1, 2, 3])),
        (9, 10, 25, 0, (0, 0, 3, 8, 0, False, True, [1, 2, 3])),
        (10, 1, 20, 1, (10, 10, 20, 9, 11, False, False, [6, 7, 8, 9, 10, 11, 12, 13])),
        (19, 1, 20, 1, (19, 19, 20, 18, 20, False, False, [13, 14, 15, 16, 17, 18, 19, 20])),
    ],
)
def test_counters_of_a_page(number: int, size: int, total: int, rows: int, expected: tuple[Any, ...]) -> None:
    data = msgspec.json.decode(enterprise.page([{}] * rows, number, size, total))["data"]
    names = ("startRow", "endRow", "pages", "prePage", "nextPage", "isFirstPage", "isLastPage", "navigatepageNums")
    assert tuple(data[name] for name in names) == expected
    assert (data["total"], data["size"], data["pageNum"], data["pageSize"]) == (total, rows, number, size)
    shown = expected[-1] or [0]
    assert (data["navigateFirstPage"], data["navigateLastPage"]) == (shown[0], shown[-1])
