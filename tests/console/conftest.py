"""One `mooring up --demo` for all tests of the console, a browser for each file, a fresh page for each test.

Tests with a browser are plain functions: the browser's loop and pytest's cannot run in one thread at a time.
"""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from console.looking import Looker, Seen, log_in, session_of
from served import Served, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("console") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None and os.environ.get("CI"):
        pytest.fail("chromium is missing, which CI needs")
    if program is None:
        pytest.skip("chromium is missing; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def owner_session(served: Served) -> str:
    manage = served.demo["manage"]
    return log_in(served.demo["base_url"], manage["email"], manage["password"])


@pytest.fixture
def owner(served: Served, browser: Browser, owner_session: str) -> Looker:
    """The owner of the demo's account."""
    return Looker(served, browser, owner_session)


@pytest.fixture(scope="session")
def viewer_session(served: Served) -> str:
    return session_of(served, "viewer")


@pytest.fixture
def viewer(served: Served, browser: Browser, viewer_session: str) -> Looker:
    """A member who may only look."""
    return Looker(served, browser, viewer_session)


@pytest.fixture
def nobody(served: Served, browser: Browser) -> Looker:
    """Somebody who is not logged in."""
    return Looker(served, browser, "")


@pytest.fixture
def seen(served: Served) -> Iterator[Seen]:
    """Fails the test when a page complained; what a test provokes goes to `seen.expected`."""
    noted = Seen(served.demo["base_url"].removeprefix("http://"))
    yield noted
    assert noted.complaints == []


@pytest.fixture
def opened(seen: Seen) -> Iterator[Callable[..., Page]]:
    """`opened(owner, "/devices", language="CN")`: a watched page of a context of its own."""
    contexts = []

    def open_page(who: Looker, path: str, **how: object) -> Page:
        context = who.context(**how)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        seen.watch(page)
        page.goto(who.url(path))
        return page

    yield open_page
    for context in contexts:
        context.close()
