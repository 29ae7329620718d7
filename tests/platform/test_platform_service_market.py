"""The service market; domain-rules.md section 9."""

import pytest

from databases import on_sqlite
from fakes import FakeClock
from mooring.platform import Actor, Conflict, Missing, Platform
from mooring.platform.entities import PACKAGES

PACKAGE = "message-subscription"


def activated(platform: Platform, actor: Actor) -> dict[str, int]:
    packages = platform.service_market.packages(actor.account_id)
    return {entry.package: entry.activated_at for entry in packages if entry.activated_at is not None}


@on_sqlite
async def test_the_market_offers_the_four_packages_of_the_contract(platform: Platform, actor: Actor) -> None:
    offered = {entry.package: entry.services for entry in platform.service_market.packages(actor.account_id)}
    assert offered == {
        "product-and-device-management": ("product", "tsl", "device", "shadow", "storage"),
        "message-subscription": ("subscription",),
        "end-user-management": ("enduser",),
        "binding-management": ("binding",),
    }


@on_sqlite
async def test_a_new_account_has_none_of_them(platform: Platform, actor: Actor) -> None:
    assert activated(platform, actor) == {}


async def test_an_activated_package_carries_its_time(platform: Platform, actor: Actor, clock: FakeClock) -> None:
    made = await platform.service_market.activate(actor, PACKAGE)
    assert made.activated_at == clock.now_ms()
    assert activated(platform, actor) == {PACKAGE: clock.now_ms()}


async def test_a_package_is_activated_once(platform: Platform, actor: Actor) -> None:
    await platform.service_market.activate(actor, PACKAGE)
    with pytest.raises(Conflict) as caught:
        await platform.service_market.activate(actor, PACKAGE)
    assert caught.value.code == "package_active"


async def test_a_deactivated_package_is_off_and_can_be_activated_again(platform: Platform, actor: Actor) -> None:
    await platform.service_market.activate(actor, PACKAGE)
    assert (await platform.service_market.deactivate(actor, PACKAGE)).activated_at is None
    await platform.service_market.activate(actor, PACKAGE)
    assert list(activated(platform, actor)) == [PACKAGE]


@on_sqlite
async def test_what_is_off_is_not_deactivated(platform: Platform, actor: Actor) -> None:
    with pytest.raises(Conflict) as caught:
        await platform.service_market.deactivate(actor, PACKAGE)
    assert caught.value.code == "package_inactive"


@on_sqlite
@pytest.mark.parametrize("package", ["", "device-group-management", "Message-Subscription"])
async def test_a_package_the_market_does_not_offer_is_missing(platform: Platform, actor: Actor, package: str) -> None:
    for change in (platform.service_market.activate, platform.service_market.deactivate):
        with pytest.raises(Missing, match=r"the market offers product-and-device-management"):
            await change(actor, package)


async def test_accounts_activate_for_themselves(platform: Platform, actor: Actor, stranger: Actor) -> None:
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
    assert activated(platform, stranger) == {}
