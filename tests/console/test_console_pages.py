"""What holds of every page: languages, themes, widths; no complaint, no serious fault of accessibility."""

import functools
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page as Window

from console.looking import WIDTHS, Looker, faults_of, overflow_of
from mooring.console.app import ROUTES
from mooring.console.page import Page, address
from served import Served

PAGES = [route.path for route in ROUTES if isinstance(route, Page)]


def address_of(path: str, owner: Looker) -> str:
    """The page's path with things of the demo for its parameters."""
    served = owner.served
    things = {"product_key": served.product_key, "device_key": "PLUG0001", "ticket": ticket_of(served)}
    if path.startswith("/saas-apps/"):
        app_id = served.manage("GET", "/saas-apps")["items"][-1]["id"]
        calls = served.manage("GET", f"/saas-apps/{app_id}/requests")["items"]
        things |= {"app_id": app_id, "request_id": calls[0]["request_id"]}
    elif path.startswith(("/queues/", "/subscriptions/")):
        things["id"] = served.manage("GET", f"/{path.split('/')[1]}")["items"][0]["id"]
    if path.startswith("/end-users/"):
        app, user = end_user_of(served)
        things |= {"end_user_app_id": app, "uid": user}
    return address(path, None, **things).removeprefix("/console")


def ticket_of(served: Served) -> int:
    """A command of the demo's device."""
    path = f"/devices/{served.product_key}/PLUG0001/commands"
    found = served.manage("GET", path)["items"]
    made = found[0] if found else served.manage("POST", path, {"kind": "read", "data": ["power"]})
    ticket: int = made["ticket"]
    return ticket


@functools.cache
def end_user_of(served: Served) -> tuple[int, str]:
    """An App and a user of it who has bound and shared a device."""
    app = served.manage("POST", "/end-user-apps", {"name": "Pages", "remark": "for the tests of pages"})["id"]
    served.manage("PUT", f"/end-user-apps/{app}/products/{served.product_key}")
    uid = served.manage("POST", f"/end-user-apps/{app}/users", {"email": "pages@example.com"})["uid"]
    keys = {"product_key": served.product_key, "device_key": "PLUG0001"}
    served.manage("POST", f"/end-users/{uid}/bindings", keys)
    until = (int(time.time()) + 86_400) * 1000
    served.manage("POST", f"/end-users/{uid}/shares", {**keys, "accept_until": until})
    return app, uid


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
        if overflow_of(page) > 0:
            found.append(f"{width}: wider than the window by {overflow_of(page)}")
    # Colours are those of the style sheet in both languages, so each is looked at in one theme.
    assert [*found, *faults_of(page)] == []


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
