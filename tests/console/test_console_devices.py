"""The list of devices, as somebody with a browser uses it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from console.looking import Looker, Seen, faults_of


def test_the_list_narrows_as_one_types(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, "/devices")
    expect(page.get_by_role("link", name="TRACKER0001")).to_be_visible()
    page.get_by_label("Key, name or SN").press_sequentially("kitchen")
    expect(page.get_by_role("link", name="TRACKER0001")).to_have_count(0)
    expect(page.get_by_role("link", name="PLUG0001")).to_be_visible()
    assert "text=kitchen" in page.url


def test_a_device_is_added_and_its_secret_shown_once(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(422)
    page = opened(owner, "/devices")
    page.get_by_role("button", name="Add a device").click()
    box = page.get_by_role("dialog", name="Add a device")
    assert faults_of(page) == []
    box.get_by_label("Product").select_option(owner.served.product_key)
    box.get_by_label("DeviceKey").first.fill("x!")
    box.get_by_label("Authentication").select_option("1")
    box.get_by_role("button", name="Add", exact=True).click()
    expect(box.get_by_role("alert")).to_contain_text("4 to 32 letters and digits")
    box.get_by_label("DeviceKey").first.fill("CLICKED01")
    box.get_by_label("Name").fill("<b onclick=alert(1)>bold</b>")
    box.get_by_role("button", name="Add", exact=True).click()
    shown = page.get_by_role("dialog", name="DeviceSecret")
    secret = shown.locator("code").inner_text()
    path = f"/devices/{owner.served.product_key}/CLICKED01"
    assert owner.served.manage("GET", f"{path}/secret")["device_secret"] == secret
    shown.get_by_role("button", name="Close").click()
    expect(page.get_by_role("cell", name="<b onclick=alert(1)>bold</b>")).to_be_visible()
