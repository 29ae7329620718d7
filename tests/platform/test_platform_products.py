"""Products: every field of domain-rules.md section 2."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, LimitReached, Limits, Missing, Platform
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct, ProductChanges, Products
from mooring.store import Change, Store, Vault, WriteRefused, changes, tables

KEYS: dict[str, Any] = {"product_key": "p11v14", "product_secret": "WWJwcUxqb3Y0cS9x"}
UNSET = msgspec.UNSET


@pytest.fixture
def products(platform: Platform) -> Products:
    return platform.products


async def publish(platform: Platform, product: Product) -> None:
    published = Change(update(tables.products).where(tables.products.c.id == product.id).values(product_status=3))
    await platform.store.write(published(), *changes.record("product", product.id, 1))
    await platform.directory.catch_up()


# Creation


async def test_a_product_of_a_name_alone_is_a_cellular_model_product(
    products: Products, actor: Actor, clock: FakeClock
) -> None:
    product = await products.create(actor, NewProduct("Pump"))
    fields = {name: getattr(product, name) for name in Product.__struct_fields__}
    for drawn in ("id", "product_key", "product_secret"):
        del fields[drawn]
    assert fields == {
        "account_id": actor.account_id,
        "name": "Pump",
        "access_type": 0,
        "net_way": "2",
        "data_fmt": 3,
        "protocol": 1,
        "connect_platform": 0,
        "product_status": 0,
        "product_type": 0,
        "gateway_type": 0,
        "item_code": None,
        "logo_path": None,
        "allowed_limit": None,
        "ai_capability": False,
        "app_id": None,
        "released_version": None,
        "dynamic_authentication": True,
        "require_encryption": False,
        "specified_gateways": None,
        "may_change_gateway": True,
        "bind_mode": 3,
        "device_sharing": True,
        "created_at": clock.now_ms(),
        "updated_at": None,
        "model": None,
    }


@on_sqlite
async def test_keys_have_the_form_of_the_platforms(product: Product) -> None:
    assert re.fullmatch("p[A-Za-z0-9]{5}", product.product_key)
    assert re.fullmatch("[A-Za-z0-9+/]{16}", product.product_secret.reveal())


GIVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Wi-Fi": ({"net_way": "1"}, {"protocol": 1}),
    "cellular": ({"net_way": "2"}, {"protocol": 1}),
    "NB-IoT": ({"net_way": "3"}, {"protocol": 2}),
    "Bluetooth": ({"net_way": "5"}, {"protocol": 3}),
    "default protocol": ({"net_way": "3", "protocol": 0}, {"protocol": 0}),
    "transparent": ({"data_fmt": 0}, {"data_fmt": 0}),
    "gateway": ({"access_type": 1, "net_way": "1"}, {"access_type": 1, "gateway_type": 0}),
    "sub-device": ({"access_type": 2}, {"access_type": 2, "gateway_type": 1}),
    "integrated sub-device": ({"access_type": 2, "gateway_type": 2}, {"gateway_type": 2}),
    "Bluetooth sub-device": ({"access_type": 2, "net_way": "5"}, {"net_way": "5"}),
    "large batch": ({"product_type": 1}, {"product_type": 1}),
    "category": ({"item_code": " 0102 "}, {"item_code": "0102"}),
    "image": ({"logo_path": "https://img.example.com/1.png"}, {"logo_path": "https://img.example.com/1.png"}),
    "codes": ({"allowed_limit": 0}, {"allowed_limit": 0}),
    "many codes": ({"allowed_limit": 2**31 - 1}, {"allowed_limit": 2**31 - 1}),
    "ai": ({"ai_capability": True}, {"ai_capability": True}),
    "name at its longest": ({"name": "水" * 50}, {"name": "水" * 50}),
    "name with blanks around": ({"name": "  Pump "}, {"name": "Pump"}),
    "moved here": (KEYS, {"product_key": "p11v14"}),
    "shortest key": ({**KEYS, "product_key": "1234"}, {"product_key": "1234"}),
    "longest key": ({**KEYS, "product_key": "x" * 32}, {"product_key": "x" * 32}),
}


@on_sqlite
@pytest.mark.parametrize("case", GIVEN.values(), ids=GIVEN)
async def test_what_is_given_is_kept(
    products: Products, actor: Actor, case: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    given, expected = case
    product = await products.create(actor, NewProduct(**{"name": "Pump", **given}))
    assert {name: getattr(product, name) for name in expected} == expected


@on_sqlite
async def test_a_secret_given_by_the_caller_is_used(products: Products, actor: Actor) -> None:
    product = await products.create(actor, NewProduct("Moved", **KEYS))
    assert product.product_secret.reveal() == KEYS["product_secret"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name"),
    "blank name": ({"name": " \t "}, "name"),
    "long name": ({"name": "x" * 51}, "name"),
    "control character": ({"name": "a\x00b"}, "name"),
    "access type": ({"access_type": 3}, "access_type"),
    "net way 4": ({"net_way": "4"}, "net_way"),
    "net way 0": ({"net_way": "0"}, "net_way"),
    "data format": ({"data_fmt": 1}, "data_fmt"),
    "NB-IoT gateway": ({"access_type": 1, "net_way": "3"}, "net_way of a gateway"),
    "Bluetooth gateway": ({"access_type": 1, "net_way": "5"}, "net_way of a gateway"),
    "protocol of another network": ({"net_way": "1", "protocol": 2}, "protocol"),
    "product type": ({"product_type": 2}, "product_type"),
    "gateway type of a direct product": ({"gateway_type": 1}, "gateway_type"),
    "gateway type of a gateway": ({"access_type": 1, "net_way": "1", "gateway_type": 2}, "gateway_type"),
    "no gateway type of a sub-device": ({"access_type": 2, "gateway_type": 0}, "gateway_type"),
    "empty category": ({"item_code": ""}, "item_code"),
    "long category": ({"item_code": "x" * 65}, "item_code"),
    "long image": ({"logo_path": "x" * 1025}, "logo_path"),
    "negative codes": ({"allowed_limit": -1}, "allowed_limit"),
    "too many codes": ({"allowed_limit": 2**31}, "allowed_limit"),
    "key without secret": ({"product_key": "p11v14"}, "product_key"),
    "secret without key": ({"product_secret": KEYS["product_secret"]}, "product_key"),
    "short key": ({**KEYS, "product_key": "p11"}, "product_key"),
    "long key": ({**KEYS, "product_key": "x" * 33}, "product_key"),
    "odd key": ({**KEYS, "product_key": "p11-14"}, "product_key"),
    "empty key": ({**KEYS, "product_key": ""}, "product_key"),
    "short secret": ({**KEYS, "product_secret": "x" * 15}, "product_secret"),
    "long secret": ({**KEYS, "product_secret": "x" * 17}, "product_secret"),
    "odd secret": ({**KEYS, "product_secret": "s3cr3t-s3cr3t-se"}, "product_secret"),
}


@on_sqlite
@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
async def test_what_breaks_a_rule_is_refused_by_field(
    products: Products, actor: Actor, case: tuple[dict[str, Any], str]
) -> None:
    given, field = case
    with pytest.raises(Invalid) as caught:
        await products.create(actor, NewProduct(**{"name": "Pump", **given}))
    assert caught.value.field == field
    assert "s3cr3t" not in str(caught.value)
    assert products.all(actor.account_id) == []


async def test_a_name_is_used_once_in_an_account(
    products: Products, actor: Actor, product: Product, stranger: Actor
) -> None:
    with pytest.raises(Conflict) as caught:
        await products.create(actor, NewProduct("Pump"))
    assert (caught.value.code, caught.value.field, caught.value.wire) == ("name_taken", "name", 70016)
    await products.create(stranger, NewProduct("Pump"))


async def test_names_differ_by_case(products: Products, actor: Actor, product: Product) -> None:
    await products.create(actor, NewProduct("pump"))


async def test_a_given_product_key_is_used_once_in_the_world(products: Products, actor: Actor, stranger: Actor) -> None:
    await products.create(actor, NewProduct("Pump", **KEYS))
    with pytest.raises(Conflict) as caught:
        await products.create(stranger, NewProduct("Pump", **KEYS))
    assert (caught.value.code, caught.value.field) == ("product_key_taken", "product_key")


async def test_product_keys_differ_by_case(products: Products, actor: Actor) -> None:
    for name, product_key in (("lower", "pe18k8"), ("upper", "pe18K8")):
        await products.create(actor, NewProduct(name, product_key=product_key, product_secret=KEYS["product_secret"]))
    assert products.one(actor.account_id, "pe18K8").name == "upper"


async def test_a_made_product_key_that_is_taken_is_made_anew(
    products: Products, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_entropy", FakeEntropy("same"))
    first = await products.create(actor, NewProduct("One"))
    monkeypatch.setattr(products, "_entropy", FakeEntropy("same"))
    assert (await products.create(actor, NewProduct("Two"))).product_key != first.product_key


@on_sqlite
async def test_a_limit_of_products_is_named(store: Store, vault: Vault, clock: FakeClock, actor: Actor) -> None:
    limited = await Platform.open(
        store, vault, clock=clock, entropy=FakeEntropy("limited"), limits=Limits(max_products=1)
    )
    await limited.products.create(actor, NewProduct("One"))
    with pytest.raises(LimitReached, match="1 products"):
        await limited.products.create(actor, NewProduct("Two"))


@on_sqlite
async def test_products_are_listed_newest_first(products: Products, actor: Actor, clock: FakeClock) -> None:
    for name in ("one", "two"):
        clock.advance(1)
        await products.create(actor, NewProduct(name))
    assert [product.name for product in products.all(actor.account_id)] == ["two", "one"]


@on_sqlite
@pytest.mark.parametrize("product_key", ["", "nowhere", "p\x00", "\ud800"])
async def test_a_product_that_does_not_exist_is_70017(products: Products, actor: Actor, product_key: str) -> None:
    with pytest.raises(Missing) as caught:
        products.one(actor.account_id, product_key)
    assert caught.value.wire == 70017


async def test_a_product_of_another_account_is_not_there(products: Products, product: Product, stranger: Actor) -> None:
    for attempt in (
        products.update(stranger, product.product_key, ProductChanges(name="Mine")),
        products.delete(stranger, product.product_key),
        products.show_secret(stranger, product.product_key),
    ):
        with pytest.raises(Missing) as caught:
            await attempt
        assert caught.value.wire == 70017
    assert products.all(stranger.account_id) == []


# Changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (ProductChanges(name=" Valve "), {"name": "Valve"}),
        (ProductChanges(product_type=1), {"product_type": 1}),
        (ProductChanges(item_code="0103"), {"item_code": "0103"}),
        (ProductChanges(item_code=None), {"item_code": None}),
        (ProductChanges(logo_path="/2.png"), {"logo_path": "/2.png"}),
        (ProductChanges(logo_path=None), {"logo_path": None}),
        (ProductChanges(allowed_limit=7), {"allowed_limit": 7}),
        (ProductChanges(allowed_limit=None), {"allowed_limit": None}),
        (ProductChanges(ai_capability=True), {"ai_capability": True}),
    ],
)
async def test_a_change_changes_what_it_names_and_nothing_else(
    products: Products, actor: Actor, clock: FakeClock, changes: ProductChanges, expected: dict[str, object]
) -> None:
    before = await products.create(actor, NewProduct("Pump", item_code="0102", logo_path="/1.png", allowed_limit=5))
    clock.advance(1)
    after = await products.update(actor, before.product_key, changes)
    fields = {name: getattr(before, name) for name in Product.__struct_fields__}
    assert {name: getattr(after, name) for name in fields} == {**fields, **expected, "updated_at": clock.now_ms()}


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (ProductChanges(name=""), "name"),
        (ProductChanges(name="x" * 51), "name"),
        (ProductChanges(product_type=5), "product_type"),
        (ProductChanges(item_code=""), "item_code"),
        (ProductChanges(logo_path="x" * 1025), "logo_path"),
        (ProductChanges(allowed_limit=-1), "allowed_limit"),
    ],
)
async def test_a_change_keeps_to_the_rules(
    products: Products, actor: Actor, product: Product, changes: ProductChanges, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await products.update(actor, product.product_key, changes)
    assert caught.value.field == field
    assert products.one(actor.account_id, product.product_key) == product


@on_sqlite
@pytest.mark.parametrize("changes", [ProductChanges(), ProductChanges(name="Pump"), ProductChanges(name="  Pump ")])
async def test_a_change_that_changes_nothing_is_70064(
    products: Products, actor: Actor, product: Product, changes: ProductChanges
) -> None:
    with pytest.raises(Conflict) as caught:
        await products.update(actor, product.product_key, changes)
    assert caught.value.wire == 70064


async def test_a_name_cannot_be_changed_to_a_taken_one(products: Products, actor: Actor, product: Product) -> None:
    other = await products.create(actor, NewProduct("Valve"))
    with pytest.raises(Conflict) as caught:
        await products.update(actor, other.product_key, ProductChanges(name="Pump"))
    assert caught.value.wire == 70016


@on_sqlite
@pytest.mark.parametrize("changes", [ProductChanges(name="Valve"), ProductChanges(logo_path="/2.png")])
async def test_a_published_product_keeps_its_name_and_image(
    platform: Platform, actor: Actor, product: Product, changes: ProductChanges
) -> None:
    await publish(platform, product)
    with pytest.raises(Conflict) as caught:
        await platform.products.update(actor, product.product_key, changes)
    assert caught.value.wire == 70041


@on_sqlite
async def test_the_rest_of_a_published_product_can_be_changed(
    platform: Platform, actor: Actor, product: Product
) -> None:
    await publish(platform, product)
    changed = await platform.products.update(actor, product.product_key, ProductChanges(allowed_limit=7))
    assert changed.allowed_limit == 7


async def test_of_two_authors_at_once_the_second_is_refused(products: Products, actor: Actor, product: Product) -> None:
    outcomes = await asyncio.gather(
        products.update(actor, product.product_key, ProductChanges(name="One")),
        products.update(actor, product.product_key, ProductChanges(allowed_limit=2)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, WriteRefused)]
    assert [error.guard for error in refused] == [f"product {product.product_key}"]
    changed = products.one(actor.account_id, product.product_key)
    assert (changed.name, changed.allowed_limit) in {("One", None), ("Pump", 2)}


async def test_authors_one_after_another_are_served_while_the_clock_stands_or_goes_back(
    products: Products, actor: Actor, product: Product, clock: FakeClock
) -> None:
    for number in range(4):
        clock.step(-1000 * (number % 2))
        changed = await products.update(actor, product.product_key, ProductChanges(name=str(number)))
        assert changed.name == str(number)


# Secret and deletion


@on_sqlite
async def test_the_secret_is_shown_on_demand(products: Products, actor: Actor, product: Product) -> None:
    assert await products.show_secret(actor, product.product_key) == product.product_secret


async def test_a_deleted_product_is_gone_and_its_name_and_key_are_free(products: Products, actor: Actor) -> None:
    product = await products.create(actor, NewProduct("Pump", **KEYS))
    await products.delete(actor, product.product_key)
    assert products.all(actor.account_id) == []
    with pytest.raises(Missing):
        await products.delete(actor, product.product_key)
    await products.create(actor, NewProduct("Pump", **KEYS))


@pytest.mark.parametrize("kind", [NewProduct, ProductChanges])
def test_fields_that_do_not_exist_are_not_taken(kind: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "Pump", "connect_platform": 1}, kind)
