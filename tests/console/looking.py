"""What a browser's tests share: members who are logged in, pages by their routes, and what must hold of every page."""

import functools
import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

from mooring.console.page import ROOT, address
from served import Served

__all__ = ["WIDTHS", "Looker", "Seen", "address_of", "faults_of", "log_in", "overflow_of", "press", "session_of"]

WIDTHS = (360, 768, 1440)
_SESSION = "mooring-session"


@dataclass
class Seen:
    """What went wrong behind a page: messages of its script, and requests to other hosts."""

    host: str
    complaints: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses of refusals that a test provokes."""

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        told = message.text.startswith("Failed to load resource")  # by its status
        if message.type in ("error", "warning") and not told:
            self.complaints.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        if urlsplit(url).netloc not in (self.host, "") and not url.startswith(("data:", "blob:")):
            self.complaints.append(f"request to another host: {url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.complaints.append(f"{response.status} for {response.url}")


class Looker:
    """A person at the console of a served platform."""

    def __init__(self, served: Served, browser: Browser, session: str) -> None:
        self.served = served
        self._browser = browser
        self.session = session

    @cached_property
    def base_url(self) -> str:
        url: str = self.served.demo["base_url"]
        return url

    def url(self, path: str) -> str:
        return f"{self.base_url}{ROOT}{path}"

    def context(self, language: str = "EN", theme: str = "light", width: int = 1440) -> BrowserContext:
        context = self._browser.new_context(viewport={"width": width, "height": 900}, base_url=self.base_url)
        host = urlsplit(self.base_url).hostname or ""
        cookies = {"mooring-language": language, "mooring-theme": theme, _SESSION: self.session}
        context.add_cookies(
            [{"name": name, "value": value, "domain": host, "path": ROOT} for name, value in cookies.items() if value]
        )
        return context


def press(button: Locator) -> None:
    """Click what leads to a new page, and be there: what one does next would else be done on the old one."""
    with button.page.expect_navigation():
        button.click()


def log_in(base_url: str, email: str, password: str) -> str:
    """The text of a session's cookie."""
    answer = httpx.post(f"{base_url}{ROOT}/login", data={"email": email, "password": password})
    assert answer.status_code == 303, answer.text
    return answer.cookies[_SESSION]


def session_of(served: Served, role: str) -> str:
    """The session of a new member with this role and an own password."""
    email, password, base_url = f"{role}@example.com", "a password of the tests", served.demo["base_url"]
    added = served.manage("POST", "/administrators", {"email": email, "role": role})
    first = httpx.post(f"{base_url}/manage/v1/login", json={"email": email, "password": added["password"]}).json()
    change = {"old_password": added["password"], "new_password": password}
    headers = {"Authorization": f"Bearer {first['token']}"}
    assert httpx.post(f"{base_url}/manage/v1/me/password", json=change, headers=headers).status_code == 204
    return log_in(base_url, email, password)


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
    elif path.startswith("/members/"):
        things["member_id"] = served.manage("GET", "/administrators")["items"][-1]["id"]
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


_OVERFLOW = """() => {
  const room = document.documentElement.clientWidth, wide = document.documentElement.scrollWidth;
  if (wide <= room) return [];
  const out = [...document.querySelectorAll("main *")].filter((place) => place.getBoundingClientRect().right > room);
  return [`${wide - room} px`, ...out.slice(-3).map((place) => place.outerHTML.slice(0, 200))];
}"""


def overflow_of(page: Page) -> list[str]:
    """By how much the page is wider than the window, and what reaches out of it, innermost last."""
    found: list[str] = page.evaluate(_OVERFLOW)
    return found


def faults_of(page: Page) -> list[str]:
    """Serious and critical findings of axe-core."""
    found = Axe().run(page).response["violations"]
    return [
        f"{entry['id']}: {json.dumps([node['html'][:160] for node in entry['nodes'][:3]])}"
        for entry in found
        if entry["impact"] in ("serious", "critical")
    ]
