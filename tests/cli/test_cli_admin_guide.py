"""The guide from a fresh server to a working application, by commands only."""

import json
from pathlib import Path

from cli.terminal import Terminal

SAMPLE = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"
PACKAGE = "product-and-device-management"


def test_the_guide_can_be_walked_with_commands(admin: Terminal, tmp_path: Path) -> None:
    app = admin.ask("app", "create", "Fleet", "--description", "trucks")
    assert len(app["access_secret"]) == 40
    admin.run("service", "activate", PACKAGE)
    admin.run("app", "authorize-package", "Fleet", PACKAGE)
    key = admin.ask("product", "create", "Smart plug", "--net-way", "1")["product_key"]
    admin.run("thing-model", "validate", key, SAMPLE)
    admin.run("thing-model", "import", key, SAMPLE)
    assert "added" in admin.run("thing-model", "diff", key).out
    version = admin.ask("thing-model", "release", key)["version"]
    admin.run("app", "authorize-product", "Fleet", key)
    exported = tmp_path / "model.json"
    admin.run("thing-model", "export", key, "--output", exported)
    assert json.loads(exported.read_text())["profile"] == {
        "tslVersion": "1.2.0",
        "productKey": key,
        "version": version,
    }
    assert admin.ask("app", "secret", "Fleet")["access_key"] == app["access_key"]
    shown = admin.run("app", "show", "Fleet").out
    assert PACKAGE in shown
    assert key in admin.run("app", "products", app["id"]).out


def test_every_command_prints_json_that_parses(admin: Terminal, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    _people(admin)
    key, other = (admin.ask("product", "create", name)["product_key"] for name in ("one", "two"))
    _products(admin, key)
    _thing_models(admin, key, other, labels)
    _apps(admin, key)
    _gateways(admin)
    admin.ask("product", "delete", other, "--yes")
    assert admin.ask("audit", "--limit", "5")["next_before_id"]
    assert admin.ask("logout") == {}


def _people(admin: Terminal) -> None:
    assert admin.ask("whoami")["account"]["name"] == "Mooring"
    made = admin.ask("token", "create", "scripts", "--days", "3")
    assert admin.ask("token", "list")["total"] == 2
    assert admin.ask("token", "revoke", made["id"]) == {}
    assert admin.ask("account", "rename", "Harbour")["name"] == "Harbour"
    assert admin.ask("account", "show")["name"] == "Harbour"
    assert admin.ask("account", "addresses", "192.0.2.1", "--enable")["address_list_enabled"] is True
    assert admin.ask("account", "addresses")["allowed_addresses"] == ["192.0.2.1/32"]
    assert admin.ask("account", "addresses", "--disable", "--clear")["allowed_addresses"] == []
    assert admin.ask("administrator", "create", "second@example.com")["password"]
    assert admin.ask("administrator", "list")["total"] == 2
    assert admin.ask("administrator", "reset-password", "second@example.com")["password"]
    assert admin.ask("administrator", "disable", "second@example.com")["enabled"] is False
    assert admin.ask("administrator", "enable", "second@example.com")["enabled"] is True
    assert admin.ask("administrator", "unlock", "second@example.com")["locked_until"] is None
    assert admin.ask("administrator", "delete", "second@example.com", "--yes") == {}
    assert admin.ask("service", "list")["total"] == 4
    assert admin.ask("service", "activate", PACKAGE)["activated_at"]


def _products(admin: Terminal, key: str) -> None:
    assert admin.ask("product", "list")["total"] == 2
    assert "*" in admin.ask("product", "show", key)["product_secret"]
    assert admin.ask("product", "rename", key, "Plug")["name"] == "Plug"
    assert admin.ask("product", "update", key, "--item-code", "c1", "--allowed-limit", "5")["allowed_limit"] == 5
    assert admin.ask("product", "update", key, "--clear", "item-code")["item_code"] is None
    assert len(admin.ask("product", "secret", key)["product_secret"]) == 16


def _thing_models(admin: Terminal, key: str, other: str, labels: Path) -> None:
    assert admin.ask("thing-model", "validate", key, SAMPLE)["valid"] is True
    assert admin.ask("thing-model", "import", key, SAMPLE)["warnings"] == []
    assert admin.ask("thing-model", "draft", key)["properties"]
    assert admin.ask("thing-model", "diff", key)["changes"]
    assert admin.ask("thing-model", "release", key)["new"] is True
    version = admin.ask("thing-model", "releases", key)["items"][0]["version"]
    assert admin.ask("thing-model", "export", key) == admin.ask("thing-model", "export", key, "--version", version)
    labels.write_text(admin.run("thing-model", "labels", key, "CN", "--json").out)
    assert admin.ask("thing-model", "set-labels", key, "CN", labels)["labels"]["relay"] == "Relay"
    assert admin.ask("thing-model", "copy", other, key)["document"]
    assert admin.ask("thing-model", "discard", other, "--yes") == {}


def _gateways(admin: Terminal) -> None:
    hub = admin.ask("product", "create", "Hub", "--access-type", "1", "--net-way", "1")["product_key"]
    options = ("--access-type", "2", "--specified-gateway", hub, "--no-may-change-gateway")
    lamp = admin.ask("product", "create", "Lamp", *options)
    assert (lamp["specified_gateways"], lamp["may_change_gateway"]) == ([hub], False)
    assert f"{hub}\n" in admin.run("product", "show", lamp["product_key"]).out
    changed = admin.ask(
        "product", "update", lamp["product_key"], "--clear", "specified-gateways", "--may-change-gateway"
    )
    assert (changed["specified_gateways"], changed["may_change_gateway"]) == (None, True)
    admin.ask("device", "add", hub, "HUB00001")
    admin.ask("device", "add", lamp["product_key"], "LAMP0001")
    assert admin.ask("gateway", "sub-devices", hub, "HUB00001")["total"] == 0
    assert admin.ask("gateway", "of", lamp["product_key"], "LAMP0001")["items"] == []
    assert "70026" in admin.run("gateway", "unbind", lamp["product_key"], "LAMP0001", "--yes", code=1).err
    assert "70020" in admin.run("gateway", "sub-devices", lamp["product_key"], "LAMP0001", code=1).err
    for key in (lamp["product_key"], hub):
        admin.ask("product", "delete", key, "--yes", "--force")


def _apps(admin: Terminal, key: str) -> None:
    app_id = admin.ask("app", "create", "Fleet")["id"]
    assert admin.ask("app", "list")["items"][0]["id"] == app_id
    assert admin.ask("app", "rename", app_id, "Trucks")["name"] == "Trucks"
    assert admin.ask("app", "update", "Trucks", "--description", "all")["description"] == "all"
    assert admin.ask("app", "update", "Trucks", "--times", "numbers")["times"] == "numbers"
    assert admin.ask("app", "statistics", "Trucks", "--hours", "24", "--operation", "deviceList")["calls"] == 0
    assert admin.ask("app", "requests", "Trucks", "--failed", "--code", "50005", "--ticket", "7")["items"] == []
    assert admin.ask("app", "disable", "Trucks")["enabled"] is False
    assert admin.ask("app", "enable", "Trucks")["enabled"] is True
    assert admin.ask("app", "api-access", "Trucks", "off")["api_access"] is False
    assert admin.ask("app", "addresses", "Trucks", "::1", "--enable")["allowed_addresses"] == ["::1/128"]
    assert admin.ask("app", "addresses", "Trucks")["address_list_enabled"] is True
    assert admin.ask("app", "authorize-package", "Trucks", PACKAGE)["packages"]
    assert admin.ask("app", "cancel-package", "Trucks", PACKAGE)["packages"] == []
    assert admin.ask("app", "authorize-product", "Trucks", key)["app_id"] == app_id
    assert admin.ask("app", "products", "Trucks")["total"] == 1
    assert admin.ask("app", "cancel-product", "Trucks", key) == {}
    secret = admin.ask("app", "secret", "Trucks")["access_secret"]
    assert admin.ask("app", "reset-secret", "Trucks", "--yes")["access_secret"] != secret
    assert admin.ask("app", "show", "Trucks")["name"] == "Trucks"
    assert admin.ask("app", "delete", "Trucks", "--yes") == {}
    assert admin.ask("service", "deactivate", PACKAGE)["activated_at"] is None
