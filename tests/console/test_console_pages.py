"""What holds of every page: languages, themes, widths; no complaint, no serious fault of accessibility."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from console.looking import WIDTHS, Looker, address_of, faults_of, overflow_of
from mooring.console.app import ROUTES
from mooring.console.page import Page

PAGES = [route.path for route in ROUTES if isinstance(route, Page)]


TABS = ["values", "debug", "trace", "commands", "data", "events", "errors", "services", "location"]


@pytest.mark.parametrize(("language", "theme"), [("EN", "light"), ("CN", "dark")])
@pytest.mark.parametrize("path", [*PAGES, *(f"/devices/{{product_key}}/{{device_key}}?tab={tab}" for tab in TABS)])
def test_every_page_fits_every_width_and_is_accessible(
    owner: Looker, opened: Callable[..., Window], path: str, language: str, theme: str
) -> None:
    page = opened(owner, address_of(path, owner), language=language, theme=theme)
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"at {width}: {place}" for place in overflow_of(page)]
    # Colours are those of the style sheet in both languages, so each is looked at in one theme.
    assert [*found, *faults_of(page)] == []


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/products/{product_key}/model/edit", "Asynchronous"),
        ("/devices/{product_key}/{device_key}?tab=trace", "Report"),
    ],
)
def test_a_table_is_not_cut_in_a_usual_window(
    owner: Looker, opened: Callable[..., Window], path: str, row: str
) -> None:
    page = opened(owner, address_of(path, owner), width=1280)
    expect(page.get_by_role("row").filter(has_text=row).first).to_be_visible(timeout=30_000)
    assert page.locator("main .table").evaluate("box => box.scrollWidth - box.clientWidth") == 0


def test_what_cannot_be_broken_between_words_fits_a_telephone(owner: Looker, opened: Callable[..., Window]) -> None:
    email = f"{'long' * 12}@example.com"
    made = owner.served.manage("POST", "/administrators", {"email": email, "role": "viewer"})
    page = opened(owner, "/audit", width=360)
    expect(page.get_by_text(email).first).to_be_visible()
    assert overflow_of(page) == []
    owner.served.manage("DELETE", f"/administrators/{made['id']}")


def test_the_menu_leads_to_pages_by_keyboard(owner: Looker, opened: Callable[..., Window]) -> None:
    page = opened(owner, "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Devices", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/devices")
    assert page.get_by_role("heading", level=1).inner_text() == "Devices"


def test_language_and_theme_are_remembered(owner: Looker, opened: Callable[..., Window]) -> None:
    page = opened(owner, "/devices")
    with page.expect_navigation():
        page.get_by_label("Language").select_option("CN")
    assert page.get_by_role("heading", level=1).inner_text() == "设备"
    with page.expect_navigation():
        page.get_by_label("主题").select_option("dark")
    page.goto(owner.url("/"))
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
