"""Members, as an owner makes them and as they find the console."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Locator, Page, expect

from console.looking import Looker, Seen, log_in
from mooring.console.page import ROOT
from mooring.console.requests import csrf_of

_OWN_PASSWORD = "a password of the tests"


def confirmed(page: Page) -> None:
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Confirm").click()


def fact(page: Page, label: str) -> Locator:
    return page.locator("main dl.facts > div", has=page.get_by_text(label, exact=True)).locator("dd")


def added(page: Page, email: str, role: str) -> str:
    """The one-time password of a new member, whose page is shown then."""
    page.get_by_role("button", name="Add a member").click()
    box = page.get_by_role("dialog", name="Add a member")
    box.get_by_label("E-mail").fill(email)
    box.get_by_label("Role").select_option(role)
    box.get_by_role("button", name="Add", exact=True).click()
    shown = page.get_by_role("dialog", name="One-time password")
    password = shown.locator("code").inner_text()
    shown.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(email)
    assert password not in page.content()
    return password


def member_of(owner: Looker, email: str) -> int:
    [found] = [one["id"] for one in owner.served.manage("GET", "/administrators")["items"] if one["email"] == email]
    return int(found)


def test_a_viewer_whom_an_owner_adds_logs_in_and_is_refused_actions(
    owner: Looker, nobody: Looker, opened: Callable[..., Page], seen: Seen
) -> None:
    email = "added@example.com"
    password = added(opened(owner, "/members"), email, "viewer")
    theirs = opened(nobody, "/login")
    theirs.get_by_label("E-mail").fill(email)
    theirs.get_by_label("Password", exact=True).fill(password)
    theirs.get_by_role("button", name="Log in").click()
    theirs.wait_for_url("**/password")
    theirs.get_by_label("Present password").fill(password)
    theirs.get_by_label("New password").fill(_OWN_PASSWORD)
    theirs.get_by_role("button", name="Change password").click()
    theirs.wait_for_url("**/login*")
    session = log_in(owner.base_url, email, _OWN_PASSWORD)

    cookies = {"name": "mooring-session", "value": session, "url": owner.url("")}
    theirs.context.add_cookies([cookies])  # type: ignore[list-item]
    theirs.goto(owner.url("/members"))
    expect(theirs.get_by_role("row", name=email)).to_contain_text("viewer")
    expect(theirs.get_by_role("button", name="Add a member")).to_have_count(0)
    one = member_of(owner, email)
    theirs.goto(owner.url(f"/members/{one}"))
    expect(theirs.get_by_text("This is you.")).to_be_visible()
    expect(theirs.get_by_role("button", name="Delete")).to_have_count(0)
    headers = {"Cookie": f"mooring-session={session}", "X-Console": "1"}
    asked = {"csrf": csrf_of(session), "role": "owner"}
    answer = httpx.post(f"{owner.base_url}{ROOT}/members/{one}", data=asked, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "Your role does not allow this.")
    owner.served.manage("DELETE", f"/administrators/{one}")


def test_an_owner_changes_disables_resets_and_deletes_a_member(owner: Looker, opened: Callable[..., Page]) -> None:
    email = "changed@example.com"
    page = opened(owner, "/members")
    first = added(page, email, "viewer")
    expect(fact(page, "Last login")).to_have_text("never")
    page.get_by_label("Role").select_option("developer")
    page.get_by_role("button", name="Save").click()
    expect(fact(page, "Role")).to_have_text("developer")
    page.get_by_role("button", name="Disable").click()
    confirmed(page)
    expect(fact(page, "State")).to_have_text("Disabled")
    login = {"email": email, "password": first}
    refused = httpx.post(f"{owner.base_url}/manage/v1/login", json=login)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "member_disabled")
    page.get_by_role("button", name="Enable").click()
    expect(fact(page, "State")).to_have_text("One-time password")
    page.get_by_role("button", name="Reset password").click()
    confirmed(page)
    shown = page.get_by_role("dialog", name="One-time password")
    expect(shown.locator("code")).not_to_have_text(first)
    second = shown.locator("code").inner_text()
    shown.get_by_role("button", name="Close").click()
    assert httpx.post(f"{owner.base_url}/manage/v1/login", json={**login, "password": second}).status_code == 200
    page.get_by_role("button", name="Delete").click()
    confirmed(page)
    page.wait_for_url("**/members")
    expect(page.get_by_role("link", name=email)).to_have_count(0)


def test_a_locked_member_is_unlocked(owner: Looker, opened: Callable[..., Page]) -> None:
    email = "locked@example.com"
    one = owner.served.manage("POST", "/administrators", {"email": email, "role": "viewer"})
    wrong = {"email": email, "password": "not this password"}
    for _ in range(5):
        httpx.post(f"{owner.base_url}/manage/v1/login", json=wrong)
    page = opened(owner, "/members?text=locked")
    expect(page.get_by_role("row", name=email)).to_contain_text("Locked")
    page.get_by_role("link", name=email).click()
    page.get_by_role("button", name="Unlock").click()
    expect(fact(page, "Failed logins")).to_have_text("0")
    login = httpx.post(f"{owner.base_url}/manage/v1/login", json={"email": email, "password": one["password"]})
    assert login.status_code == 200
    owner.served.manage("DELETE", f"/administrators/{one['id']}")


def test_the_last_owner_stays(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(409)
    me = owner.served.manage("GET", "/me")["administrator"]["id"]
    page = opened(owner, f"/members/{me}")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("the last owner of an account stays")
