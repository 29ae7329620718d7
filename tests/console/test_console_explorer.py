"""The integration guide by clicking, up to a curl call that works; the explorer, and who may do what in it."""

import json
import os
import subprocess
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect
from tools.generate_explorer import TARGET, render

from console.looking import Looker
from mooring.console.explorer_operations import OPERATIONS, body_for
from mooring.console.page import ROOT


def test_operations_are_those_of_the_contract() -> None:
    assert TARGET.read_text() == render()


@pytest.mark.parametrize("operation", ["authLogin", "authRefresh", "userSetStatus", "dmReadData", "queueDelete"])
def test_what_changes_something_or_gives_a_token_is_no_reading(operation: str) -> None:
    assert OPERATIONS[operation].writes


def test_lists_are_readings_whatever_their_method() -> None:
    assert [OPERATIONS[one].writes for one in ("queueList", "subscribeList", "deviceDetail")] == [False] * 3


def test_an_example_has_the_keys_that_were_chosen() -> None:
    assert body_for(OPERATIONS["dmReadData"], None, "", "")["productKey"] == "PK0001"


def test_the_guide_by_clicking_ends_with_a_curl_call_that_works(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, "/saas-apps")
    page.get_by_role("button", name="Create a SaaS application").click()
    box = page.get_by_role("dialog", name="Create a SaaS application")
    box.get_by_label("Name").fill("Guide by clicking")
    box.get_by_role("button", name="Create", exact=True).click()
    shown = page.get_by_role("dialog", name="Keys")
    expect(shown.locator("code")).to_have_count(2)
    access_key, access_secret = shown.locator("code").all_inner_texts()
    shown.get_by_role("button", name="Close").click()
    page.wait_for_url("**/saas-apps/*?tab=services")
    application = page.url.partition("?")[0]

    page.get_by_role("button", name="Authorize Product and Device Management", exact=True).click()
    expect(
        page.get_by_role("row").filter(has_text="Product and Device").get_by_text("Authorized", exact=True)
    ).to_be_visible()

    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Products", exact=True).click()
    page.get_by_role("link", name="Create a product").click()
    page.get_by_label("Name", exact=True).fill("Clicked plug")
    page.get_by_role("button", name="Create", exact=True).click()
    page.locator("#result").get_by_role("button", name="Close").click()
    page.wait_for_url(lambda url: "/products/" in url and not url.endswith("/new"))

    page.goto(f"{application}?tab=products")
    page.get_by_role("button", name="Authorize a product").click()
    box = page.get_by_role("dialog", name="Authorize a product")
    option = box.locator("option", has_text="Clicked plug")
    product_key = option.get_attribute("value")
    box.get_by_label("Product").select_option(product_key)
    box.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("link", name="Clicked plug")).to_be_visible()

    page.get_by_role("link", name="Try the API").click()
    page.get_by_label("Operation").select_option("productDetail")
    expect(page.get_by_role("heading", name="productDetail")).to_be_visible()
    page.get_by_role("button", name="Call").click()
    result = page.get_by_role("dialog", name="productDetail")
    expect(result.get_by_role("region", name="Answer")).to_contain_text("Clicked plug")
    script = result.get_by_role("region", name="curl").inner_text()
    assert access_key not in result.inner_text()
    assert access_secret not in page.content()

    keys = {"ACCESS_KEY": access_key, "ACCESS_SECRET": access_secret}
    ran = subprocess.run(["bash", "-c", script], env={**os.environ, **keys}, capture_output=True, text=True, check=True)
    answer = json.loads(ran.stdout)
    assert (answer["code"], answer["data"]["productKey"]) == (200, product_key)


def test_an_example_made_from_the_model_is_accepted_and_no_token_is_shown(
    owner: Looker, opened: Callable[..., Page]
) -> None:
    page = opened(owner, f"/explorer?product={owner.served.product_key}&device=PLUG0001&operation=dmWriteData")
    page.get_by_role("button", name="Call").click()
    answer = page.get_by_role("dialog", name="dmWriteData").get_by_role("region", name="Answer")
    expect(answer).to_contain_text('"ticket"')
    page.goto(owner.url("/explorer?operation=authLogin"))
    page.get_by_role("button", name="Call").click()
    answer = page.get_by_role("dialog", name="authLogin").get_by_role("region", name="Answer")
    expect(answer).to_contain_text('"access_token": "***"')


def test_a_viewer_reads_and_changes_nothing(viewer: Looker, opened: Callable[..., Page], viewer_session: str) -> None:
    served = viewer.served
    page = opened(viewer, "/explorer?operation=dmWriteData")
    expect(page.get_by_role("button", name="Call")).to_have_count(0)
    page.get_by_label("Operation").select_option("productList")
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_role("region", name="Answer")).to_contain_text('"code": 200')
    csrf = page.locator("meta[name=csrf]").get_attribute("content")
    app_id = served.manage("GET", "/saas-apps")["items"][-1]["id"]
    sent = {"csrf": csrf, "app": app_id, "operation": "dmReadData", "body": "{}"}
    with httpx.Client(base_url=viewer.base_url, cookies={"mooring-session": viewer_session}) as http:
        for path in ("read", "write"):
            assert http.post(f"{ROOT}/explorer/{path}", data=sent).status_code == 403
