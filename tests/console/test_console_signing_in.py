"""Who gets in, by what, and where they are led."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Page

from console.looking import Looker, Seen
from served import Served


def client(served: Served) -> httpx.Client:
    return httpx.Client(base_url=served.demo["base_url"])


def test_login_leads_where_one_wanted_to_go_and_logout_ends_the_session(
    nobody: Looker, opened: Callable[..., Page], served: Served
) -> None:
    page = opened(nobody, "/devices?text=PLUG")
    page.get_by_label("E-mail").fill(served.demo["manage"]["email"])
    page.get_by_label("Password").fill(served.demo["manage"]["password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/console/devices?text=PLUG")
    cookies = page.context.cookies()
    [session] = [cookie for cookie in cookies if cookie["name"] == "mooring-session"]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/console/login")
    with client(served) as http:
        again = http.get("/console/devices", headers={"Cookie": f"mooring-session={session['value']}"})
        assert again.headers["location"].startswith("/console/login")


def test_a_wrong_password_is_told_beside_the_form(
    nobody: Looker, opened: Callable[..., Page], seen: Seen, served: Served
) -> None:
    seen.expected.add(403)
    page = opened(nobody, "/login")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").filter(has_text="e-mail or password is wrong").wait_for()
    assert page.get_by_label("E-mail").input_value() == "nobody@example.com"


def test_a_form_without_the_sessions_mark_does_nothing(served: Served, owner_session: str) -> None:
    with client(served) as http:
        answer = http.post(
            "/console/devices",
            data={"product_key": served.product_key, "device_key": "FORGED01", "auth_mode": "0"},
            headers={"Cookie": f"mooring-session={owner_session}"},
        )
        assert answer.status_code == 403


def test_a_form_of_another_site_does_nothing(served: Served) -> None:
    manage = served.demo["manage"]
    with client(served) as http:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
            answer = http.post(
                "/console/login", data={"email": manage["email"], "password": manage["password"]}, headers=headers
            )
            assert (answer.status_code, "mooring-session" in answer.cookies) == (403, False)


def test_login_never_leads_to_another_host(served: Served) -> None:
    manage = served.demo["manage"]
    with client(served) as http:
        for to in ("//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"):
            form = {"email": manage["email"], "password": manage["password"], "to": to}
            answer = http.post("/console/login", data=form)
            assert answer.headers["location"] == "/console/"


def test_pages_may_run_nothing_but_their_own_script(served: Served) -> None:
    with client(served) as http:
        policy = http.get("/console/login").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
