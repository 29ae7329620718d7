"""Every endpoint once, on both databases, with the audit entry that each change leaves."""

import asyncio
import base64
from pathlib import Path

import msgspec

from authority import Authority
from manage.desk import EMAIL, PASSWORD, Desk
from manage.end_users_walk import END_USER_ACTIONS, walk_end_users
from manage.queues_walk import QUEUE_ACTIONS, walk_queues
from mooring.manage.app import ENDPOINTS
from mooring.platform import Actor, Secret
from mooring.platform.one_time_codes import code_at
from topologies import build_topologies

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PACKAGE = "product-and-device-management"


async def test_every_endpoint_answers_as_described(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await _walk_people(desk)
    await _walk_apps_and_products(desk)
    await _walk_devices(desk)
    await _walk_gateways(desk)
    await _walk_virtual_device(desk)
    await _walk_ca_certificates(desk)
    await walk_end_users(desk)
    await walk_queues(desk)
    await desk.ask("GET", "/audit")
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == desk.visited


async def test_every_change_is_audited_with_actor_and_address(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await _walk_people(desk)
    await _walk_apps_and_products(desk)
    await _walk_devices(desk)
    await _walk_gateways(desk)
    await _walk_virtual_device(desk)
    await _walk_ca_certificates(desk)
    await walk_end_users(desk)
    await walk_queues(desk)
    entries = (await desk.ask("GET", "/audit?limit=1000"))["items"]
    done = [entry for entry in entries if entry["action"] != "account.create"]
    assert {entry["actor"] for entry in done} == {EMAIL}
    assert {entry["address"] for entry in done} == {"192.0.2.7"}
    assert {entry["action"] for entry in done} - END_USER_ACTIONS - QUEUE_ACTIONS == {
        "account.rename",
        "account.set_addresses",
        "administrator.change_password",
        "administrator.codes_off",
        "administrator.codes_on",
        "administrator.create",
        "administrator.delete",
        "administrator.disable",
        "administrator.enable",
        "administrator.log_in",
        "administrator.log_in_failed",
        "administrator.reset_password",
        "administrator.set_role",
        "administrator.unlock",
        "app.authorize_package",
        "app.authorize_product",
        "app.cancel_package",
        "app.cancel_product",
        "app.create",
        "app.delete",
        "app.reset_secret",
        "app.show_secret",
        "app.update",
        "ca_certificate.delete",
        "ca_certificate.new_code",
        "ca_certificate.prove",
        "ca_certificate.upload",
        "device.create",
        "device.create_batch",
        "device.delete",
        "device.disable",
        "device.enable",
        "device.make_serial_numbers",
        "device.reset_secret",
        "device.show_secret",
        "device.unbind_gateway",
        "device.update",
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
        "virtual_device.go_offline",
        "virtual_device.go_online",
    }
    assert {entry["action"] for entry in done} >= END_USER_ACTIONS | QUEUE_ACTIONS


async def _walk_people(desk: Desk) -> None:
    me = await desk.ask("GET", "/me")
    assert me["administrator"]["email"] == EMAIL
    await desk.ask("POST", "/me/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!"}, status=204)
    desk.token = await desk.log_in(password=PASSWORD + "!")
    made = await desk.ask("POST", "/tokens", {"name": "scripts", "days": 30}, status=201)
    assert [token["name"] for token in (await desk.ask("GET", "/tokens"))["items"]] == ["login", "scripts"]
    await desk.ask("DELETE", f"/tokens/{made['id']}", status=204)
    await desk.ask("GET", "/account")
    assert (await desk.ask("GET", "/overview"))["devices"]["real"] == 0
    assert (await desk.ask("PATCH", "/account", {"name": "Harbour"}))["name"] == "Harbour"
    lists = await desk.ask("PUT", "/account/addresses", {"enabled": True, "addresses": ["192.0.2.0/24"]})
    assert lists["allowed_addresses"] == ["192.0.2.0/24"]
    added = await desk.ask("POST", "/administrators", {"email": "second@example.com"}, status=201)
    assert (await desk.ask("GET", "/administrators"))["total"] == 2
    reset = await desk.ask("POST", f"/administrators/{added['id']}/password-reset")
    assert reset["password"] != added["password"]
    changed = await desk.ask("PATCH", f"/administrators/{added['id']}", {"role": "viewer"})
    assert changed["role"] == "viewer"
    one = f"/administrators/{added['id']}"
    assert (await desk.ask("POST", f"{one}/disable"))["enabled"] is False
    assert (await desk.ask("POST", f"{one}/enable"))["enabled"] is True
    await desk.ask("DELETE", f"/administrators/{added['id']}", status=204)
    await desk.refused("POST", "/login", {"email": EMAIL, "password": "x"}, status=401, code="wrong_credentials")
    own = me["administrator"]["id"]
    assert (await desk.ask("POST", f"/administrators/{own}/unlock"))["locked_until"] is None
    offer = await desk.ask("POST", "/me/codes/offer")
    code = code_at(Secret(offer["secret"]), desk.platform.clock.now_ms() // 30_000)
    await desk.ask("PUT", "/me/codes", {"secret": offer["secret"], "code": code}, status=204)
    assert (await desk.ask("GET", "/me"))["administrator"]["asks_for_codes"] is True
    await desk.ask("POST", "/me/codes/off", {"password": PASSWORD + "!"}, status=204)


async def _walk_apps_and_products(desk: Desk) -> None:
    assert len((await desk.ask("GET", "/services"))["items"]) == 4
    await desk.ask("POST", f"/services/{PACKAGE}/activate")
    app = await desk.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    one = f"/saas-apps/{app['id']}"
    await desk.ask("GET", "/saas-apps")
    assert (await desk.ask("GET", one))["name"] == "Fleet"
    await desk.ask("PATCH", one, {"description": "trucks", "api_access": False})
    assert (await desk.ask("GET", f"{one}/statistics"))["calls"] == 0
    assert (await desk.ask("GET", f"{one}/requests"))["items"] == []
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


async def _modelled(desk: Desk, name: str) -> str:
    product = await desk.ask("POST", "/products", {"name": name}, status=201)
    model = f"/products/{product['product_key']}/thing-model"
    await desk.ask("PUT", f"{model}/draft", msgspec.json.decode((SAMPLES / "smart-plug.json").read_bytes()))
    await desk.ask("POST", f"{model}/release")
    key: str = product["product_key"]
    return key


async def _walk_devices(desk: Desk) -> None:
    key = await _modelled(desk, "Plug 2")
    devices, one = f"/products/{key}/devices", f"/devices/{key}/DK00001"
    made = await desk.ask("POST", devices, {"device_key": "DK00001", "auth_mode": 1}, status=201)
    assert len(made["device_secret"]) == 32
    batch = {"devices": [{"device_key": "DK00002"}, {"device_key": "DK00003", "sn": "SN3"}]}
    assert len((await desk.ask("POST", f"{devices}/batch", batch, status=201))["items"]) == 2
    csv = b"device_key,name,sn\r\nDK00004,Lamp,SN4\r\n"
    assert (await desk.ask("POST", f"{devices}/import", csv, status=201))["items"][0]["name"] == "Lamp"
    found = await desk.ask("GET", f"{devices}?online=false&limit=2")
    assert (len(found["items"]), found["total"], found["real"]) == (2, 4, 4)
    assert (await desk.ask("GET", "/devices?text=lamp"))["items"][0]["product_key"] == key
    assert (await desk.ask("GET", one))["has_secret"] is True
    assert (await desk.ask("PATCH", one, {"name": "Lamp 1"}))["name"] == "Lamp 1"
    assert (await desk.ask("POST", f"{one}/disable"))["enabled"] is False
    assert (await desk.ask("POST", f"{one}/enable"))["enabled"] is True
    assert (await desk.ask("GET", f"{one}/secret"))["device_secret"] == made["device_secret"]
    assert (await desk.ask("POST", f"{one}/secret/reset"))["device_secret"] != made["device_secret"]
    values = await desk.ask("GET", f"{one}/values")
    assert [found["code"] for found in values["properties"]][:2] == ["relay", "power"]
    for log in ("data", "events", "exceptions", "locations", "services"):
        await desk.ask("GET", f"{one}/logs/{log}?since=1&limit=5")
    command = {"kind": "write", "data": [{"relay": True}], "cache_s": 60}
    sent = await desk.ask("POST", f"{one}/commands", command, status=201)
    assert (sent["state"], sent["origin"]) == ("cached", EMAIL)
    again = await desk.ask("POST", f"/commands/{sent['ticket']}/resend", status=201)
    assert (await desk.ask("POST", f"/commands/{again['ticket']}/cancel"))["state"] == "failed"
    assert (await desk.ask("GET", f"/commands/{sent['ticket']}"))["input"] == sent["input"]
    assert (await desk.ask("GET", f"{one}/commands?kind=property"))["total"] == 2
    page = await desk.ask("GET", "/commands?kind=property&limit=1")
    assert [shown["ticket"] for shown in page["items"]] == [again["ticket"]]
    older = await desk.ask("GET", f"/commands?state=cached&before_id={page['next_before_id']}")
    assert ([shown["ticket"] for shown in older["items"]], older["next_before_id"]) == ([sent["ticket"]], None)
    numbers = await desk.ask("POST", f"/products/{key}/serial-numbers", {"count": 3}, status=201)
    assert len(numbers["items"]) == 3
    file = await desk.send("POST", f"/products/{key}/serial-numbers.csv", {"count": 2})
    assert [line.count(",") for line in file.text.split()] == [1, 1, 1]
    await desk.ask("DELETE", one, status=204)
    await desk.refused("DELETE", f"/products/{key}", status=409, code="product_has_devices")
    await desk.ask("DELETE", f"/products/{key}?force=true", status=204)


async def _walk_gateways(desk: Desk) -> None:
    account = next(iter(desk.platform.directory.accounts()))
    topologies = await build_topologies(desk.platform, Actor(account.id, EMAIL, "192.0.2.7"))
    gateway = await topologies.gateway()
    await topologies.log_in(gateway, "LAMP0001")
    hub, lamp = f"/devices/{topologies.hub.product_key}/HUB00001", f"/devices/{topologies.lamp.product_key}/LAMP0001"
    listed = await desk.ask("GET", f"{hub}/sub-devices?limit=5")
    assert (listed["total"], listed["items"][0]["device_key"], listed["items"][0]["is_current"]) == (
        1,
        "LAMP0001",
        True,
    )
    [carrier] = (await desk.ask("GET", f"{lamp}/gateways"))["items"]
    assert (carrier["device_key"], carrier["product_key"]) == ("HUB00001", topologies.hub.product_key)
    await desk.refused("GET", f"{lamp}/sub-devices", status=409, code="not_a_gateway")
    await desk.ask("DELETE", f"{lamp}/gateway", status=204)
    assert (await desk.ask("GET", lamp))["online"] is False
    await desk.refused("DELETE", f"{lamp}/gateway", status=409, code="no_gateway")
    for product in (topologies.hub.product_key, topologies.lamp.product_key):
        await desk.ask("POST", f"/products/{product}/virtual-device", status=201)
    await desk.ask("POST", f"/products/{topologies.hub.product_key}/virtual-device/online")
    through = f"/products/{topologies.lamp.product_key}/virtual-device/online/{topologies.hub.product_key}"
    assert (await desk.ask("POST", through))["device"]["online"] is True
    await desk.refused("POST", through.rpartition("/")[0], status=422, code="gateway")


async def _walk_virtual_device(desk: Desk) -> None:
    key = await _modelled(desk, "Plug 3")
    virtual = f"/products/{key}/virtual-device"
    made = await desk.ask("POST", virtual, status=201)
    assert (await desk.ask("GET", virtual)) == made
    assert (await desk.ask("POST", f"{virtual}/online"))["device"]["online"] is True
    trace = f"/devices/{key}/{made['device']['device_key']}/trace?limit=1"
    watching = asyncio.create_task(desk.send("GET", trace))
    while not desk.platform.trace.watched(made["device"]["id"]):  # noqa: ASYNC110 - the platform has no event for it
        await asyncio.sleep(0)
    pushed = await desk.ask("POST", f"{virtual}/properties", {"values": {"relay": True, "power": 12.5}})
    [comment, event] = (await watching).text.strip().split("\n\n")
    assert comment == ": watching"
    assert msgspec.json.decode(event.removeprefix("data: "))["hex"] == pushed["frame"]
    await desk.ask("POST", f"{virtual}/events", {"code": "countdown_done"})
    answer = {"outputs": {"energy_total": 1}, "delay_s": 1}
    assert (await desk.ask("PUT", f"{virtual}/service-answers/reset_energy", answer))["answers"] == ["reset_energy"]
    await desk.ask("POST", f"{virtual}/service-answers", {"code": "reset_energy", "outputs": {"energy_total": 2}})
    assert (await desk.ask("POST", f"{virtual}/offline"))["device"]["online"] is False
    await desk.ask("DELETE", virtual, status=204)
    await desk.ask("DELETE", f"/products/{key}", status=204)


async def _walk_ca_certificates(desk: Desk) -> None:
    ca = Authority("Own CA")
    made = await desk.ask("POST", "/ca-certificates", {"name": "Own", "certificate": ca.pem.decode()}, status=201)
    one = f"/ca-certificates/{made['id']}"
    assert (await desk.ask("GET", "/ca-certificates"))["total"] == 1
    assert (await desk.ask("GET", one))["verified_at"] is None
    code = (await desk.ask("POST", f"{one}/code"))["code"]
    der = base64.b64encode(ca.sign(code).der).decode()
    assert (await desk.ask("POST", f"{one}/proof", {"certificate": der}))["verified_at"] is not None
    await desk.ask("DELETE", one, status=204)


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
