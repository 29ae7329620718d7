"""Applications, queues and subscriptions, as somebody with a browser uses them."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from console.looking import Looker, Seen, press

_BAIT = "<b onclick=alert(1)>x</b>"
_NUMBERS = count(1)


@pytest.fixture
def app(owner: Looker) -> Iterator[dict[str, Any]]:
    """An application of this test alone."""
    made = owner.served.manage("POST", "/saas-apps", {"name": f"Test {next(_NUMBERS)}", "description": _BAIT})
    yield made
    owner.served.manage("DELETE", f"/saas-apps/{made['id']}")


def confirmed(page: Page) -> None:
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Confirm").click()


def fact(page: Page, label: str) -> Locator:
    return page.locator("dl.facts > div", has=page.get_by_text(label, exact=True)).locator("dd")


def test_an_application_is_made_and_its_secret_is_shown_on_demand_and_reset(
    owner: Looker, opened: Callable[..., Page]
) -> None:
    page = opened(owner, "/saas-apps")
    page.get_by_role("button", name="Create a SaaS application").click()
    box = page.get_by_role("dialog", name="Create a SaaS application")
    box.get_by_label("Name").fill(f"Clicked {_BAIT}")
    box.get_by_role("button", name="Create", exact=True).click()
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.locator("code")).to_have_count(2)
    access_key, first = keys.locator("code").all_inner_texts()
    keys.get_by_role("button", name="Close").click()
    page.wait_for_url("**/saas-apps/*?tab=services")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Clicked {_BAIT}")
    [made] = [one for one in owner.served.manage("GET", "/saas-apps")["items"] if one["access_key"] == access_key]
    path = f"/saas-apps/{made['id']}"
    assert owner.served.manage("GET", f"{path}/secret")["access_secret"] == first
    page.get_by_role("link", name="Settings").click()
    assert first not in page.content()
    page.get_by_role("button", name="Show AccessSecret").click()
    expect(keys.locator("code").nth(1)).to_have_text(first)
    keys.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Reset AccessSecret").click()
    confirmed(page)
    expect(keys.locator("code").nth(1)).not_to_have_text(first)
    assert owner.served.manage("GET", f"{path}/secret")["access_secret"] == keys.locator("code").nth(1).inner_text()
    keys.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Delete").click()
    confirmed(page)
    page.wait_for_url("**/console/saas-apps")
    expect(page.get_by_role("cell", name=access_key)).to_have_count(0)


def test_an_address_that_is_none_is_told_at_its_field(
    owner: Looker, opened: Callable[..., Page], seen: Seen, app: dict[str, Any]
) -> None:
    seen.expected.add(422)
    page = opened(owner, f"/saas-apps/{app['id']}")
    expect(fact(page, "Description")).to_have_text(_BAIT)
    page.get_by_label("Only these addresses may call").check()
    page.get_by_role("textbox", name="Addresses").fill("10.0.0.0/8\nnowhere")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="nowhere")).to_be_visible()
    assert page.get_by_role("textbox", name="Addresses").get_attribute("aria-invalid") == "true"
    page.get_by_role("textbox", name="Addresses").fill("10.0.0.0/8\n192.0.2.7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    found = owner.served.manage("GET", f"/saas-apps/{app['id']}")
    assert (found["address_list_enabled"], found["allowed_addresses"]) == (True, ["10.0.0.0/8", "192.0.2.7/32"])


def test_the_log_is_narrowed_by_outcome_and_operation_and_shows_the_request(
    owner: Looker, opened: Callable[..., Page]
) -> None:
    served = owner.served
    path = "/v2/devicemgr/r3/openapi/device/detail"
    served.get(path, deviceKey="PLUG0001")
    assert served.get(path, deviceKey="NOWHERE")["code"] == 70130
    app_id = served.manage("GET", "/saas-apps")["items"][-1]["id"]
    page = opened(owner, f"/saas-apps/{app_id}?tab=log")
    rows = page.locator("tbody tr")
    page.get_by_label("Operation").select_option("deviceDetail")
    page.get_by_label("Outcome").select_option("failed")
    expect(rows.filter(has_text="70130").first).to_be_visible()
    expect(rows.filter(has_text="200")).to_have_count(0)
    rows.filter(has_text="70130").first.get_by_role("link").click()
    expect(page.get_by_role("region", name="Request")).to_contain_text("NOWHERE")
    expect(page.get_by_text("Device not found").first).to_be_visible()
    page.goto(owner.url(f"/saas-apps/{app_id}?tab=log&operation=deviceDetail&outcome=200"))
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Answer")).to_contain_text('"deviceKey": "PLUG0001"')
    page.goto(owner.url(f"/saas-apps/{app_id}?tab=statistics"))
    expect(page.get_by_role("row").filter(has_text="deviceDetail")).to_be_visible()


def test_a_queue_is_made_filled_looked_into_and_cleared(
    owner: Looker, opened: Callable[..., Page], app: dict[str, Any]
) -> None:
    page = opened(owner, "/queues")
    page.get_by_role("button", name="Create a queue").click()
    box = page.get_by_role("dialog", name="Create a queue")
    box.get_by_label("SaaS application").select_option(str(app["id"]))
    box.get_by_label("Name").fill("clicked")
    box.get_by_label("Description").fill(_BAIT)
    box.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url(re.compile(r"/queues/\d+$"))
    expect(fact(page, "Description")).to_have_text(_BAIT)
    queue = f"/queues/{page.url.rpartition('/')[2]}"

    page.goto(owner.url("/subscriptions"))
    page.get_by_role("button", name="Create a subscription").click()
    box = page.get_by_role("dialog", name="Create a subscription")
    box.get_by_label("Name").fill("all-of-it")
    box.get_by_label("Queue").select_option(label=f"clicked ({app['name']})")
    box.get_by_label("Level").select_option("saas")
    expect(box.get_by_label("DeviceKey")).to_be_hidden()
    box.get_by_label("104 Product authorization").check()
    box.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url(re.compile(r"/subscriptions/\d+$"))
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Running", exact=True)).to_be_visible()

    product = owner.served.manage("POST", "/products", {"name": f"For {app['name']}", "data_fmt": 3})
    owner.served.manage("PUT", f"/saas-apps/{app['id']}/products/{product['product_key']}")
    page.goto(owner.url(queue))
    expect(fact(page, "Waiting")).to_have_text("1")
    page.get_by_role("link", name="Messages", exact=True).click()
    page.locator("summary", has_text="META_EVENT-GRANT_AUTHORIZED").click()
    expect(page.locator("details.message pre")).to_contain_text(product["product_key"])
    assert owner.served.manage("GET", queue)["waiting"] == 1
    page.get_by_role("button", name="Clear").click()
    confirmed(page)
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    page.goto(owner.url("/subscriptions?text=all-of-it"))
    press(page.get_by_role("button", name="Stop all-of-it"))
    page.get_by_role("button", name="Delete all-of-it").click()
    confirmed(page)
    expect(page.get_by_text("all-of-it is deleted.")).to_be_visible()
    owner.served.manage("DELETE", f"/products/{product['product_key']}")


def test_a_service_is_taken_from_the_account_and_given_back(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, "/services")
    name = "Binding Management"
    page.get_by_role("button", name=f"Deactivate {name}").click()
    confirmed(page)
    page.get_by_role("button", name=f"Activate {name}").click()
    expect(page.get_by_role("button", name=f"Deactivate {name}")).to_be_visible()
    page.goto(owner.url("/audit?action=package."))
    actions = page.locator("tbody tr td[data-label=Action]").all_inner_texts()
    assert actions[:2] == ["package.activate", "package.deactivate"]
