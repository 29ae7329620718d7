"""Pictures of every page of the console, for docs/console.md. Needs Chromium; nothing is fetched from anywhere."""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from console.looking import Looker, address_of, log_in
from mooring.console.app import ROUTES
from mooring.console.page import Page as ConsolePage
from served import Served, serving

FOLDER = Path(__file__).parent.parent / "docs/images"
TABS = ("values", "debug", "trace", "commands", "data", "events")
LEFT_OUT = ("/password",)
WIDTH, HEIGHT, TALLEST = 1280, 800, 1400
SETTLE_S = 14  # of the demo: until its devices have told something worth a picture


def main() -> None:
    """Take all of them anew."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("screenshots: there is no chromium; on Debian: apt-get install chromium")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        served = stack.enter_context(serving(data))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        manage = served.demo["manage"]
        looker = Looker(served, browser, log_in(served.demo["base_url"], manage["email"], manage["password"]))
        prepare(served)
        time.sleep(SETTLE_S)
        with opened(looker.context(width=WIDTH)) as page:
            for name, path in pictures(looker):
                take(page, looker.url(path), name)
        with opened(looker.context("CN", "dark", width=WIDTH)) as page:
            take(page, looker.url("/"), "start-dark-chinese")
        with opened(looker.context(theme="dark", width=360)) as page:
            take(page, looker.url("/devices"), "devices-narrow")
        browser.close()


def prepare(served: Served) -> None:
    """Something to see on each page."""
    device = f"/devices/{served.product_key}/PLUG0001"
    served.detail("PLUG0001")
    served.manage("POST", f"{device}/commands", {"kind": "write", "data": [{"relay": "true"}]})
    served.manage("POST", f"/products/{served.product_key}/virtual-device")
    served.manage("POST", f"/products/{served.product_key}/virtual-device/online")
    served.manage("POST", "/administrators", {"email": "viewer@example.com", "role": "viewer"})


def pictures(looker: Looker) -> Iterator[tuple[str, str]]:
    """Name and path of each."""
    for route in ROUTES:
        if not isinstance(route, ConsolePage) or route.path in LEFT_OUT:
            continue
        path = address_of(route.path, looker)
        name = "-".join(part for part in route.path.split("/") if part and "{" not in part) or "start"
        if "{" in route.path:
            name += "-one"
        yield name, path
        if route.path == "/devices/{product_key}/{device_key}":
            yield from ((f"{name}-{tab}", f"{path}?tab={tab}") for tab in TABS)


@contextlib.contextmanager
def opened(context: BrowserContext) -> Iterator[Page]:
    """A page of it."""
    try:
        yield context.new_page()
    finally:
        context.close()


def take(page: Page, url: str, name: str) -> None:
    """One picture, as tall as the page but not endless."""
    answer = page.goto(url)
    if answer is None or answer.status != 200:
        print(f"left out, HTTP {answer.status if answer else 0}: {url}")
        return
    page.wait_for_timeout(6_000 if name.endswith("-trace") else 300)
    tall: int = page.evaluate("document.documentElement.scrollHeight")
    width = page.viewport_size["width"] if page.viewport_size else WIDTH
    page.set_viewport_size({"width": width, "height": max(HEIGHT, min(tall, TALLEST))})
    page.screenshot(path=FOLDER / f"{name}.png")
    page.set_viewport_size({"width": width, "height": HEIGHT})


if __name__ == "__main__":
    main()
