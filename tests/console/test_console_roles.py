"""Nobody does in the console what their role does not allow."""

import httpx
import pytest
from playwright.sync_api import Page as Window

from console.looking import Looker
from mooring.console.app import ROUTES
from mooring.console.page import ROOT, Action, AnyRoute
from mooring.console.requests import csrf_of
from mooring.platform import Role
from served import Served

RESTRICTED = [route for route in ROUTES if route.role is not None and route.role is not Role.VIEWER]
MEMBERS_ONLY = [route for route in ROUTES if route.role is not None]


def ask(served: Served, route: AnyRoute, session: str) -> httpx.Response:
    cookies = {"Cookie": f"mooring-session={session}"} if session else {}
    path = ROOT + route.path.replace("{", "").replace("}", "")
    with httpx.Client(base_url=served.demo["base_url"], headers={**cookies, "X-Console": "1"}) as http:
        if isinstance(route, Action):
            return http.post(path, data={"csrf": csrf_of(session)})
        return http.get(path)


def name_of(route: AnyRoute) -> str:
    return f"{type(route).__name__} {route.path}"


@pytest.mark.parametrize("route", RESTRICTED, ids=name_of)
def test_a_viewer_is_refused_every_action(served: Served, viewer_session: str, route: AnyRoute) -> None:
    answer = ask(served, route, viewer_session)
    assert (answer.status_code, answer.json()["error"]) == (403, "Your role does not allow this.")


@pytest.mark.parametrize("route", MEMBERS_ONLY, ids=name_of)
def test_nobody_sees_anything_without_a_login(served: Served, route: AnyRoute) -> None:
    answer = ask(served, route, "")
    assert answer.status_code in (303, 401)
    assert "/console/login" in (answer.headers.get("location") or answer.json()["to"])


def test_a_viewer_is_not_offered_what_they_may_not_do(viewer: Looker, opened: object) -> None:
    page: Window = opened(viewer, "/devices")  # type: ignore[operator]
    assert page.get_by_role("link", name="PLUG0001").is_visible()
    assert page.get_by_role("button", name="Add a device").count() == 0
