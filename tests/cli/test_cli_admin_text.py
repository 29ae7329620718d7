"""What people read: every command without --json, and help for every command."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.terminal import Terminal
from mooring.cli.admin import admin as admin_group

SAMPLE = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"
PACKAGE = "message-subscription"


def test_every_command_takes_the_shared_options_and_has_help(terminal: Terminal) -> None:
    found = list(_commands(admin_group, ()))
    assert len(found) > 100
    for words in found:
        text = terminal.run(*words, "--help", env={"COLUMNS": "200", "NO_COLOR": "1"}).out
        assert all(option in text for option in ("--url", "--token", "--json")), words


def test_people_and_services_read_well(admin: Terminal) -> None:
    made = admin.run("token", "create", "scripts", "--days", "3").out
    assert "mrg_" in made
    assert "scripts" in admin.run("token", "list").out
    assert "Harbour" in admin.run("account", "rename", "Harbour").out
    assert "192.0.2.0/24" in admin.run("account", "addresses", "192.0.2.0/24").out
    assert "one-time password" in admin.run("administrator", "create", "second@example.com").out
    assert "one-time" in admin.run("administrator", "list").out
    assert "one-time password" in admin.run("administrator", "reset-password", "second@example.com").out
    assert "is disabled" in admin.run("administrator", "disable", "second@example.com").out
    assert "disabled" in admin.run("administrator", "list").out
    assert "is enabled" in admin.run("administrator", "enable", "second@example.com").out
    assert "deleted" in admin.run("administrator", "delete", "second@example.com", "--yes").out
    assert f"{PACKAGE} is activated" in admin.run("service", "activate", PACKAGE).out
    assert "Message Subscription" in admin.run("service", "list").out
    assert f"{PACKAGE} is not activated" in admin.run("service", "deactivate", PACKAGE).out
    audit = admin.run("audit", "--limit", "3").out
    assert "package.deactivate" in audit
    assert "127.0.0.1" in audit
    assert "--before-id" in audit


def test_applications_and_products_read_well(admin: Terminal) -> None:
    created = admin.run("app", "create", "Fleet").out
    assert "access secret" in created
    assert "access secret" not in admin.run("app", "show", "Fleet").out
    assert "disabled" in admin.run("app", "disable", "Fleet").out
    assert "API access:    off" in admin.run("app", "api-access", "Fleet", "off").out
    product = admin.run("product", "create", "Plug", "--access-type", "2", "--gateway-type", "1").out
    assert "2 sub-device" in product
    key = admin.ask("product", "list")["items"][0]["product_key"]
    assert "is authorized to Fleet" in admin.run("app", "authorize-product", "Fleet", key).out
    assert "Plug" in admin.run("app", "products", "Fleet").out
    assert "is free" in admin.run("app", "cancel-product", "Fleet", key).out
    assert "access_secret" in admin.run("app", "secret", "Fleet").out
    assert "deleted" in admin.run("app", "delete", "Fleet", "--yes").out


def test_thing_models_read_well(admin: Terminal, tmp_path: Path) -> None:
    key = admin.ask("product", "create", "Plug")["product_key"]
    assert "the document is valid" in admin.run("thing-model", "validate", key, SAMPLE).out
    assert "properties:" in admin.run("thing-model", "import", key, SAMPLE).out
    assert "relay" in admin.run("thing-model", "diff", key).out
    assert "released 2" in admin.run("thing-model", "release", key).out
    assert "nothing differs" in admin.run("thing-model", "release", key).out
    assert "nothing differs" in admin.run("thing-model", "diff", key).out
    assert "current" in admin.run("thing-model", "releases", key).out
    assert '"tslVersion": "1.2.0"' in admin.run("thing-model", "export", key).out
    assert "Relay" in admin.run("thing-model", "labels", key).out
    labels = tmp_path / "labels.json"
    labels.write_text('{"relay": "Relais"}')
    assert "1 label(s)" in admin.run("thing-model", "set-labels", key, "EN", labels).out
    admin.run("thing-model", "import", key, SAMPLE)
    assert "dropped" in admin.run("thing-model", "discard", key, "--yes").out


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name)
