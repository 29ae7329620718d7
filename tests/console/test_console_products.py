"""Products, as somebody with a browser makes and configures them."""

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from console.looking import Looker, Seen


def test_a_product_of_sub_devices_is_made_configured_and_deleted(
    owner: Looker, opened: Callable[..., Page], seen: Seen
) -> None:
    seen.expected |= {409, 422}
    served = owner.served
    gateway = served.manage("POST", "/products", {"name": "Clicked gateway", "access_type": 1})["product_key"]
    page = opened(owner, "/products/new")
    page.get_by_label("Name", exact=True).fill("Smart plug")
    page.get_by_label("Device type").select_option("2")
    page.get_by_label(f"Clicked gateway ({gateway})").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("there is a product 'Smart plug' already")
    name = "<i>Clicked</i> sub-device"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("May move to another gateway").uncheck()
    page.get_by_role("button", name="Create", exact=True).click()
    key, secret = page.locator("#result code").all_inner_texts()
    made = served.manage("GET", f"/products/{key}")
    assert (made["name"], made["access_type"], made["specified_gateways"], made["may_change_gateway"]) == (
        name,
        2,
        [gateway],
        False,
    )
    assert served.manage("GET", f"/products/{key}/secret")["product_secret"] == secret
    page.locator("#result").get_by_role("button", name="Close").click()
    page.wait_for_url(f"**/products/{key}")
    assert page.get_by_role("heading", level=1).inner_text() == name
    assert secret not in page.content()
    page.get_by_role("button", name="Show the ProductSecret").click()
    expect(page.locator("#result code").last).to_have_text(secret)
    page.locator("#result").get_by_role("button", name="Close").click()

    page.get_by_role("link", name="Configuration").click()
    devices = page.locator("form").filter(has_text="Require session encryption")
    devices.get_by_label("Dynamic authentication").uncheck()
    devices.get_by_label("Require session encryption").check()
    devices.get_by_label(f"Clicked gateway ({gateway})").uncheck()
    devices.get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text("Saved.")
    now = served.manage("GET", f"/products/{key}")
    assert (now["dynamic_authentication"], now["require_encryption"], now["specified_gateways"]) == (False, True, None)

    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator("#question").get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/products")
    expect(page.get_by_role("link", name="Smart plug")).to_be_visible()
    expect(page.get_by_role("link", name=name)).to_have_count(0)


def test_a_refusal_is_told_in_the_readers_language(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(409)
    page = opened(owner, "/products/new", language="CN")
    page.locator("[name=name]").fill("Smart plug")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("alert")).to_have_text("已有名为 'Smart plug' 的产品")


def test_the_list_narrows_by_name_and_kind(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, "/products")
    page.get_by_label("Name or ProductKey").fill("plug")
    expect(page.get_by_role("link", name="Asset tracker")).to_have_count(0)
    expect(page.get_by_role("link", name="Smart plug")).to_be_visible()
    page.get_by_label("Data format").select_option("0")
    expect(page.get_by_text("No product matches.")).to_be_visible()


def test_the_numbers_of_a_products_devices_are_asked_for_when_the_page_is_there(
    owner: Looker, opened: Callable[..., Page]
) -> None:
    path = f"/products/{owner.served.product_key}"
    found = owner.served.manage("GET", f"/products/{owner.served.product_key}/devices")
    page = opened(owner, path)
    shown = page.locator("#numbers dd")
    expect(shown.first).to_have_text(str(found["real"]))
    expect(shown.last).to_have_text(re.compile(r"^\d+$"))
    first = httpx.get(owner.url(path), cookies={"mooring-session": owner.session}).text
    assert first.count("<dd>…</dd>") == 3, "the first content counts nothing"


def test_a_viewer_sees_products_and_can_change_none(viewer: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(403)
    key = viewer.served.product_key
    page = opened(viewer, f"/products/{key}")
    expect(page.get_by_text("ProductSecret", exact=True)).to_be_visible()
    assert page.get_by_role("button", name="Show the ProductSecret").count() == 0
    for path in ("", "/model", "/model/review", "/names", "/configuration"):
        page.goto(viewer.url(f"/products/{key}{path}"))
        assert page.locator("main form[method=post]").count() == 0, path
        assert page.get_by_role("link", name="Edit", exact=True).count() == 0, path
    for path in (f"/products/{key}/model/edit", "/products/new"):
        page.goto(viewer.url(path))
        expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
