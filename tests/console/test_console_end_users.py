"""Apps, end users, bindings and shares, and CA certificates, as somebody with a browser uses them."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from authority import Authority
from console.looking import Looker, Seen


def box_of(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name)


def close(page: Page) -> None:
    page.locator("#result").get_by_role("button", name="Close").click()


def test_an_app_its_users_and_what_they_share_by_clicking(
    owner: Looker, opened: Callable[..., Page], seen: Seen
) -> None:
    seen.expected.add(422)
    served = owner.served
    page = opened(owner, "/end-users")
    page.get_by_role("button", name="Create an App").click()
    box = box_of(page, "Create an App")
    box.get_by_label("Name").fill("Clicked <b>app</b>")
    box.get_by_role("button", name="Create").click()
    shown = page.locator("#result code")
    expect(shown).to_have_count(2)
    secret = shown.last.inner_text()
    close(page)
    page.wait_for_url("**/end-users/apps/*")
    app = page.url.rpartition("/")[2]
    assert served.manage("GET", f"/end-user-apps/{app}/secret")["domain_secret"] == secret
    assert page.get_by_role("heading", level=1).inner_text() == "Clicked <b>app</b>"

    products = page.locator(".card").filter(has_text="Products whose devices users may bind")
    products.get_by_label("Product").select_option(served.product_key)
    products.get_by_role("button", name="Add").click()
    expect(products.get_by_role("link", name="Smart plug")).to_be_visible()

    users = []
    for name in ("giver", "receiver"):
        page.goto(owner.url(f"/end-users/apps/{app}"))
        page.get_by_role("button", name="Register a user").click()
        box = box_of(page, "Register a user")
        if name == "giver":
            box.get_by_role("button", name="Register").click()
            expect(box.get_by_role("alert")).to_be_visible()
        box.get_by_label("Nickname").fill(name)
        box.get_by_label("E-mail").fill(f"{name}@example.com")
        box.get_by_role("button", name="Register").click()
        page.wait_for_url("**/end-users/users/*")
        users.append(page.url.rpartition("/")[2])
    giver, receiver = users

    page.goto(owner.url(f"/end-users/users/{giver}"))
    page.get_by_role("button", name="Bind a device").click()
    box = box_of(page, "Bind a device")
    box.get_by_label("DeviceKey").fill("PLUG0002")
    box.get_by_role("button", name="Bind", exact=True).click()
    expect(page.get_by_role("link", name="PLUG0002")).to_be_visible()
    page.get_by_role("button", name="Share a device").click()
    box_of(page, "Share a device").get_by_role("button", name="Share", exact=True).click()
    code = page.locator("#result code").inner_text()
    page.goto(owner.url(f"/end-users/users/{receiver}"))
    page.get_by_role("button", name="Accept a share").click()
    box = box_of(page, "Accept a share")
    box.get_by_label("Code").fill(code)
    box.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_role("cell", name="Shared", exact=True)).to_be_visible()

    page.goto(owner.url(f"/end-users/users/{giver}"))
    page.get_by_role("button", name=f"Take back: {code}").click()
    expect(page.get_by_text("Nothing is shared.")).to_be_visible()
    assert served.manage("GET", f"/end-users/{receiver}/bindings")["total"] == 0
    page.get_by_role("button", name="Unbind: PLUG0002").click()
    page.locator("#question").get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("No device is bound.")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    page.locator("#question").get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    assert served.manage("GET", f"/end-users/{giver}")["enabled"] is False


def test_a_ca_is_uploaded_proved_and_deleted(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(422)
    ca = Authority("Clicked CA")
    page = opened(owner, "/ca-certificates")
    page.get_by_role("button", name="Upload a CA").click()
    box = box_of(page, "Upload a CA")
    box.get_by_label("Name").fill("Clicked CA")
    box.get_by_label("or its text").fill("no certificate")
    box.get_by_role("button", name="Upload", exact=True).click()
    expect(box.get_by_role("alert")).to_be_visible()
    box.get_by_label("or its text").fill(ca.pem.decode())
    box.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("To be verified")).to_be_visible()
    page.get_by_role("button", name="Verify", exact=True).click()
    box = box_of(page, "Verify Clicked CA")
    proof = ca.sign(box.locator("code").first.inner_text())
    box.get_by_label("Certificate file (PEM)").set_input_files(
        {"name": "proof.pem", "mimeType": "text/plain", "buffer": proof.pem}
    )
    box.get_by_role("button", name="Verify", exact=True).click()
    expect(page.get_by_text("Verified", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete: Clicked CA").click()
    page.locator("#question").get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("There is no CA certificate yet.")).to_be_visible()
