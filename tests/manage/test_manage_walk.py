"""Every endpoint once, on both databases, with the audit entry that each change leaves."""

from pathlib import Path

import msgspec

from manage.desk import EMAIL, PASSWORD, Desk
from mooring.manage.app import ENDPOINTS

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PACKAGE = "product-and-device-management"


async def test_every_endpoint_answers_as_described(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await _walk_people(desk)
    await _walk_apps_and_products(desk)
    await desk.ask("GET", "/audit")
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == desk.visited


async def test_every_change_is_audited_with_actor_and_address(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await _walk_people(desk)
    await _walk_apps_and_products(desk)
    entries = (await desk.ask("GET", "/audit?limit=1000"))["items"]
    done = [entry for entry in entries if entry["action"] != "account.create"]
    assert {entry["actor"] for entry in done} == {EMAIL}
    assert {entry["address"] for entry in done} == {"192.0.2.7"}
    assert {entry["action"] for entry in done} == {
        "account.rename",
        "account.set_addresses",
        "administrator.change_password",
        "administrator.create",
        "administrator.delete",
        "administrator.log_in",
        "administrator.reset_password",
        "app.authorize_package",
        "app.authorize_product",
        "app.cancel_package",
        "app.cancel_product",
        "app.create",
        "app.delete",
        "app.reset_secret",
        "app.show_secret",
        "app.update",
        "package.activate",
        "package.deactivate",
        "product.create",
        "product.delete",
        "product.show_secret",
        "product.update",
        "thing_model.copy",
        "thing_model.discard",
        "thing_model.import",
        "thing_model.release",
        "thing_model.set_labels",
        "token.create",
        "token.revoke",
    }


async def _walk_people(desk: Desk) -> None:
    me = await desk.ask("GET", "/me")
    assert me["administrator"]["email"] == EMAIL
    await desk.ask("POST", "/me/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!"}, status=204)
    desk.token = await desk.log_in(password=PASSWORD + "!")
    made = await desk.ask("POST", "/tokens", {"name": "scripts", "days": 30}, status=201)
    assert [token["name"] for token in (await desk.ask("GET", "/tokens"))["items"]] == ["login", "scripts"]
    await desk.ask("DELETE", f"/tokens/{made['id']}", status=204)
    await desk.ask("GET", "/account")
    assert (await desk.ask("PATCH", "/account", {"name": "Harbour"}))["name"] == "Harbour"
    lists = await desk.ask("PUT", "/account/addresses", {"enabled": True, "addresses": ["192.0.2.0/24"]})
    assert lists["allowed_addresses"] == ["192.0.2.0/24"]
    added = await desk.ask("POST", "/administrators", {"email": "second@example.com"}, status=201)
    assert (await desk.ask("GET", "/administrators"))["total"] == 2
    reset = await desk.ask("POST", f"/administrators/{added['id']}/password-reset")
    assert reset["password"] != added["password"]
    await desk.ask("DELETE", f"/administrators/{added['id']}", status=204)


async def _walk_apps_and_products(desk: Desk) -> None:
    assert len((await desk.ask("GET", "/services"))["items"]) == 4
    await desk.ask("POST", f"/services/{PACKAGE}/activate")
    app = await desk.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    one = f"/saas-apps/{app['id']}"
    await desk.ask("GET", "/saas-apps")
    assert (await desk.ask("GET", one))["name"] == "Fleet"
    await desk.ask("PATCH", one, {"description": "trucks", "api_access": False})
    assert (await desk.ask("POST", f"{one}/disable"))["enabled"] is False
    assert (await desk.ask("POST", f"{one}/enable"))["enabled"] is True
    assert (await desk.ask("GET", f"{one}/secret"))["access_secret"] == app["access_secret"]
    assert (await desk.ask("POST", f"{one}/secret/reset"))["access_secret"] != app["access_secret"]
    authorized = await desk.ask("PUT", f"{one}/packages/{PACKAGE}")
    assert [entry["package"] for entry in authorized["packages"]] == [PACKAGE]
    assert (await desk.ask("DELETE", f"{one}/packages/{PACKAGE}"))["packages"] == []
    await desk.ask("POST", f"/services/{PACKAGE}/deactivate")

    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    key = product["product_key"]
    await desk.ask("GET", "/products")
    await desk.ask("GET", f"/products/{key}")
    assert (await desk.ask("PATCH", f"/products/{key}", {"name": "Smart plug"}))["name"] == "Smart plug"
    assert (await desk.ask("GET", f"/products/{key}/secret"))["product_secret"] == product["product_secret"]
    assert (await desk.ask("PUT", f"{one}/products/{key}"))["app_id"] == app["id"]
    assert [found["product_key"] for found in (await desk.ask("GET", f"{one}/products"))["items"]] == [key]
    await desk.ask("DELETE", f"{one}/products/{key}", status=204)
    await desk.ask("DELETE", one, status=204)
    await _walk_thing_model(desk, key)
    await desk.ask("DELETE", f"/products/{key}", status=204)


async def _walk_thing_model(desk: Desk, key: str) -> None:
    document = msgspec.json.decode((SAMPLES / "smart-plug.json").read_bytes())
    model = f"/products/{key}/thing-model"
    assert (await desk.ask("POST", f"{model}/validate", document))["valid"] is True
    stored = await desk.ask("PUT", f"{model}/draft", document)
    assert (await desk.ask("GET", f"{model}/draft")) == stored["document"]
    changes = (await desk.ask("GET", f"{model}/difference"))["changes"]
    assert {change["kind"] for change in changes} == {"added"}
    released = await desk.ask("POST", f"{model}/release")
    assert released["new"] is True
    assert [found["version"] for found in (await desk.ask("GET", f"{model}/releases"))["items"]] == [
        released["version"]
    ]
    export = await desk.ask("GET", f"{model}/export")
    assert export["profile"]["version"] == released["version"]
    assert (await desk.ask("GET", f"{model}/releases/{released['version']}")) == export
    assert (await desk.ask("GET", f"{model}/labels/CN"))["labels"]["relay"] == "Relay"
    labels = await desk.ask("PUT", f"{model}/labels/CN", {"labels": {"relay": "继电器"}})
    assert labels["labels"]["relay"] == "继电器"
    other = await desk.ask("POST", "/products", {"name": "Copy"}, status=201)
    copy = f"/products/{other['product_key']}/thing-model/draft"
    await desk.ask("POST", f"{copy}/copy", {"source_product_key": key})
    await desk.ask("DELETE", copy, status=204)
    await desk.ask("DELETE", f"/products/{other['product_key']}", status=204)
