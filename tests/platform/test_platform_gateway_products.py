"""Products of gateways and sub-devices: who may carry them, and whether they may move (domain-rules.md section 5)."""

import pytest

from mooring.platform import Actor, Invalid, Platform
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct, ProductChanges

GATEWAY, SUB_DEVICE = 1, 2
ACCESS, INTEGRATED = 1, 2


@pytest.fixture
async def actor(platform: Platform) -> Actor:
    made = await platform.accounts.bootstrap("admin@example.com")
    assert made is not None
    return Actor(made.account.id, "admin@example.com", "127.0.0.1")


@pytest.fixture
async def hub(platform: Platform, actor: Actor) -> Product:
    return await platform.products.create(actor, NewProduct("Hub", access_type=GATEWAY, net_way="1"))


async def test_a_product_of_sub_devices_takes_any_gateway_unless_it_names_some(
    platform: Platform, actor: Actor, hub: Product
) -> None:
    made = await platform.products.create(actor, NewProduct("Lamp", access_type=SUB_DEVICE))
    assert (made.gateway_type, made.specified_gateways, made.may_change_gateway) == (ACCESS, None, True)
    wanted = ProductChanges(specified_gateways=[hub.product_key, hub.product_key], may_change_gateway=False)
    changed = await platform.products.update(actor, made.product_key, wanted)
    assert (changed.specified_gateways, changed.may_change_gateway) == ((hub.product_key,), False)
    again = await platform.products.update(actor, made.product_key, ProductChanges(specified_gateways=None))
    assert (again.specified_gateways, again.may_change_gateway) == (None, False)


async def test_both_options_may_be_given_at_creation(platform: Platform, actor: Actor, hub: Product) -> None:
    new = NewProduct(
        "Lamp", access_type=SUB_DEVICE, specified_gateways=[hub.product_key], may_change_gateway=False, net_way="5"
    )
    made = await platform.products.create(actor, new)
    assert (made.specified_gateways, made.may_change_gateway) == ((hub.product_key,), False)
    await platform.directory.load()
    assert platform.directory.product_by_key(made.product_key) == made


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewProduct("Lamp", access_type=SUB_DEVICE, specified_gateways=["pNoOne"]), "specified_gateways"),
        (NewProduct("Lamp", access_type=SUB_DEVICE, specified_gateways=[]), "number of specified_gateways"),
        (NewProduct("Lamp", access_type=SUB_DEVICE, specified_gateways=["pNoOne"] * 301), "number of"),
        (NewProduct("Lamp", specified_gateways=["pNoOne"]), "specified_gateways"),
        (NewProduct("Lamp", access_type=GATEWAY, may_change_gateway=False), "may_change_gateway"),
        (
            NewProduct("Lamp", access_type=SUB_DEVICE, gateway_type=INTEGRATED, may_change_gateway=False),
            "may_change_gateway",
        ),
        (NewProduct("Lamp", access_type=GATEWAY, gateway_type=ACCESS), "gateway_type"),
    ],
)
async def test_options_that_do_not_fit_are_refused(
    platform: Platform, actor: Actor, new: NewProduct, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await platform.products.create(actor, new)
    assert (refused.value.field or "").startswith(field)


async def test_a_direct_product_is_no_gateway(platform: Platform, actor: Actor) -> None:
    direct = await platform.products.create(actor, NewProduct("Pump"))
    lamp = await platform.products.create(actor, NewProduct("Lamp", access_type=SUB_DEVICE))
    with pytest.raises(Invalid, match="there is no gateway product"):
        await platform.products.update(actor, lamp.product_key, ProductChanges(specified_gateways=[direct.product_key]))
    with pytest.raises(Invalid, match="only a product of sub-devices"):
        await platform.products.update(actor, direct.product_key, ProductChanges(specified_gateways=["pNoOne"]))
