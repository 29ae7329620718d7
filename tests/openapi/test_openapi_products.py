"""products, product/detail and tslFile."""

from typing import Any

import pytest

from cloud import Cloud, sample
from fakes import FakeClock
from mooring.platform.products import NewProduct, ProductChanges
from mooring.platform.saas_apps import AppChanges
from mooring.store import Change
from mooring.store.tables import tsl_releases

PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
DETAIL = "/v2/quecproductmgr/r3/openapi/product/detail"
TSL = "/v2/quectsl/openapi/product/export/tslFile"


async def test_products_lists_the_authorized_ones_newest_first(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    answer = await cloud.get(PRODUCTS)
    names = [row["productName"] for row in answer["data"]]
    assert names == ["transparent", "empty", "modelled"]
    counters = {name: answer[name] for name in ("code", "msg", "pageNum", "pageSize", "pages", "total")}
    assert counters == {"code": 200, "msg": "", "pageNum": 1, "pageSize": 10, "pages": 1, "total": 3}


async def test_a_product_row_is_as_the_contract_shows_it(cloud: Cloud) -> None:
    row = (await cloud.get(PRODUCTS, {"productKey": cloud.modelled.product_key}))["data"][0]
    assert row == {
        "accessType": 0,
        "connectPlatform": 0,
        "createTime": cloud.modelled.created_at,
        "dataFmt": 3,
        "logoPath": None,
        "netWay": "2",
        "productKey": cloud.modelled.product_key,
        "productName": "modelled",
        "updateTime": None,
    }


async def test_a_change_sets_the_update_time(cloud: Cloud, clock: FakeClock) -> None:
    clock.advance(5)
    await cloud.platform.products.update(cloud.actor, cloud.modelled.product_key, ProductChanges(name="Lamp"))
    row = (await cloud.get(DETAIL, {"productKey": cloud.modelled.product_key}))["data"]
    assert (row["productName"], row["updateTime"]) == ("Lamp", clock.now_ms())


@pytest.mark.parametrize(
    ("params", "names", "page", "size", "pages"),
    [
        ({"pageNum": 1, "pageSize": 2}, ["transparent", "empty"], 1, 2, 2),
        ({"pageNum": 2, "pageSize": 2}, ["modelled"], 2, 2, 2),
        ({"pageNo": 2, "pageSize": 2}, ["modelled"], 2, 2, 2),
        ({"pageNum": 1, "pageNo": 2, "pageSize": 2}, ["transparent", "empty"], 1, 2, 2),
        ({"pageNum": 9, "pageSize": 2}, [], 9, 2, 2),
        ({"pageSize": 1000}, ["transparent", "empty", "modelled"], 1, 1000, 1),
        ({"pageNum": "", "pageSize": ""}, ["transparent", "empty", "modelled"], 1, 10, 1),
        ({"productName": "mod"}, ["modelled"], 1, 10, 1),
        ({"status": "3", "unheard": "of"}, ["transparent", "empty", "modelled"], 1, 10, 1),
    ],
)
async def test_pages(cloud: Cloud, params: dict[str, Any], names: list[str], page: int, size: int, pages: int) -> None:
    answer = await cloud.get(PRODUCTS, params)
    assert [row["productName"] for row in answer["data"]] == names
    assert (answer["pageNum"], answer["pageSize"], answer["pages"]) == (page, size, pages)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"pageNum": 0}, "pageNum=0"),
        ({"pageNo": -1}, "pageNo=-1"),
        ({"pageSize": 0}, "pageSize=0"),
        ({"pageSize": 1001}, "pageSize=1001"),
        ({"pageSize": "ten"}, "pageSize=ten"),
        ({"pageNum": "1.5"}, "pageNum=1.5"),
        ({"pageNum": "9" * 30}, "pageNum=999"),
        ({"pageNum": "٣"}, "pageNum"),
    ],
)
async def test_a_bad_page_is_50005_and_named(cloud: Cloud, params: dict[str, Any], named: str) -> None:
    answer = await cloud.get(PRODUCTS, params)
    assert (answer["code"], named in answer["msg"]) == (50005, True)


async def test_detail_adds_the_configuration(cloud: Cloud) -> None:
    product = await cloud.platform.products.create(cloud.actor, NewProduct("AI", ai_capability=True))
    await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, product.product_key)
    answer = await cloud.get(DETAIL, {"productKey": product.product_key})
    assert answer["data"]["productConfig"] == {"aiCapabilityStatus": True}
    assert answer.keys() == {"code", "msg", "data"}


async def test_tsl_file_answers_the_release(cloud_on_each: Cloud) -> None:
    product = cloud_on_each.modelled
    answer = await cloud_on_each.get(TSL, {"productKey": product.product_key})
    expected = sample("smart-plug")
    released = (await cloud_on_each.platform.thing_models.releases(cloud_on_each.actor, product.product_key))[0]
    expected["profile"] = {
        "tslVersion": "1.2.0",
        "productKey": product.product_key,
        "version": released.version,
    }
    assert answer == {"code": 200, "msg": "OK", "data": expected}


async def test_product_id_wins_over_product_key(cloud: Cloud) -> None:
    params = {"productId": cloud.modelled.id, "productKey": "nonsense"}
    assert (await cloud.get(TSL, params))["data"]["profile"]["productKey"] == cloud.modelled.product_key


async def test_language_selects_translated_names(cloud: Cloud) -> None:
    key = cloud.modelled.product_key
    await cloud.platform.thing_models.set_labels(cloud.actor, key, "CN", {"relay": "继电器", "relay=true": "开"})
    names = {}
    for language in ("CN", "EN", "FR", None):
        params = {"productKey": key} | ({"language": language} if language else {})
        feature = (await cloud.get(TSL, params))["data"]["properties"][0]
        names[language] = (feature["name"], feature["specs"][0]["name"], feature["code"])
    translated, plain = ("继电器", "开", "relay"), ("Relay", "On", "relay")
    assert names == {"CN": translated, "EN": plain, "FR": translated, None: translated}


async def test_a_new_release_is_answered_at_once(cloud: Cloud) -> None:
    key = cloud.modelled.product_key
    document = sample("smart-plug")
    document["properties"][0]["name"] = "Main relay"
    await cloud.platform.thing_models.import_draft(cloud.actor, key, document)
    before = await cloud.get(TSL, {"productKey": key})
    release = await cloud.platform.thing_models.release(cloud.actor, key)
    after = await cloud.get(TSL, {"productKey": key})
    assert before["data"]["properties"][0]["name"] == "Relay"
    assert after["data"]["properties"][0]["name"] == "Main relay"
    assert after["data"]["profile"]["version"] == release.version


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        (PRODUCTS, {"productKey": "{foreign}"}, 70089),
        (PRODUCTS, {"productKey": "pXXXXX"}, 70089),
        (DETAIL, {}, 50005),
        (DETAIL, {"productKey": ""}, 50005),
        (DETAIL, {"productKey": "pXXXXX"}, 70017),
        (DETAIL, {"productKey": "{foreign}"}, 70089),
        (TSL, {}, 50006),
        (TSL, {"productId": "", "productKey": ""}, 50006),
        (TSL, {"productId": "abc"}, 50005),
        (TSL, {"productId": "1"}, 70017),
        (TSL, {"productKey": "pXXXXX"}, 70017),
        (TSL, {"productKey": "{foreign}"}, 70089),
        (TSL, {"productKey": "{transparent}"}, 70063),
        (TSL, {"productKey": "{empty}"}, 70097),
    ],
)
async def test_which_product_is_meant(cloud_on_each: Cloud, path: str, params: dict[str, str], code: int) -> None:
    keys = {name: getattr(cloud_on_each, name).product_key for name in ("foreign", "transparent", "empty")}
    answer = await cloud_on_each.get(path, {name: value.format(**keys) for name, value in params.items()})
    assert answer["code"] == code
    assert "data" not in answer


async def test_keys_are_case_sensitive(cloud: Cloud) -> None:
    assert (await cloud.get(DETAIL, {"productKey": cloud.modelled.product_key.swapcase()}))["code"] == 70017


async def test_a_release_that_is_gone_is_71006(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    delete = Change(tsl_releases.delete())
    await cloud.platform.store.write(delete())
    await cloud.platform.directory.load()
    assert (await cloud.get(TSL, {"productKey": cloud.modelled.product_key}))["code"] == 71006


async def test_msg_follows_the_language(cloud: Cloud) -> None:
    texts = [(await cloud.get(DETAIL, {"productKey": "x", "language": name}))["msg"] for name in ("CN", "EN", "")]
    assert texts == ["产品不存在", "Product not found", "产品不存在"]
    english = await cloud.get(DETAIL, {"productKey": "x"}, language="EN")
    assert english["msg"] == "Product not found"


async def test_api_access_switched_off_keeps_the_token(cloud: Cloud) -> None:
    token = await cloud.token()
    for api_access, code in ((False, 91007), (True, 200)):
        await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(api_access=api_access))
        assert (await cloud.get(PRODUCTS, token=token))["code"] == code
