"""queue and subscription: making, looking, starting, clearing, deleting."""

import pytest

from cli.terminal import Terminal


@pytest.fixture
def orders(admin: Terminal) -> str:
    """The name of a queue of the application Fleet."""
    admin.run("app", "create", "Fleet")
    admin.run("queue", "create", "Fleet", "orders", "--description", "all of it")
    return "orders"


def test_a_queue_is_made_shown_cleared_and_deleted(admin: Terminal, orders: str) -> None:
    [found] = admin.ask("queue", "list", "--app", "Fleet")["items"]
    assert found["full_name"] in admin.run("queue", "list").out
    for name in (orders, found["full_name"], found["id"]):
        shown = admin.run("queue", "show", name).out
        assert "waiting:" in shown
        assert "0 messages, 0 bytes" in shown
        assert "not started" in shown
    assert "0 too old, 0 over the size, 0 rejected, 0 cleared" in admin.run("queue", "show", orders).out
    assert admin.ask("queue", "peek", orders, "--limit", 5) == {"items": []}
    assert "Body" in admin.run("queue", "peek", orders).out
    assert "[y/N]" in admin.run("queue", "clear", orders, text="n\n", code=1).err
    assert "0 messages were dropped" in admin.run("queue", "clear", orders, "--yes").out
    assert "[y/N]" in admin.run("queue", "delete", orders, text="n\n", code=1).err
    assert "queue orders was deleted" in admin.run("queue", "delete", orders, "-y").out
    assert "there is no queue 'orders'" in admin.run("queue", "show", orders, code=1).err


def test_a_subscription_is_made_started_changed_and_deleted(admin: Terminal, orders: str) -> None:
    key = admin.ask("product", "create", "Lamp")["product_key"]
    admin.run("app", "authorize-product", "Fleet", key)
    made = admin.ask("subscription", "create", "lamps", orders, "--codes", "1,6-9", "--product", key, "--start")
    assert (made["codes"], made["running"], made["level"]) == ([1, 6, 7, 8, 9], True, "product")
    assert f"{key}/*" in admin.run("subscription", "list", "--running", "--queue", orders).out
    assert admin.ask("subscription", "list", "--stopped", "--app", "Fleet")["total"] == 0
    number = made["id"]
    assert "runs" in admin.run("subscription", "update", number, "--name", "new", code=1).err
    assert "stopped" in admin.run("subscription", "stop", number).out
    assert admin.ask("subscription", "update", number, "--name", "new", "--codes", "2")["codes"] == [2]
    assert admin.ask("subscription", "start", number)["name"] == "new"
    admin.run("subscription", "stop", number)
    shown = admin.run("subscription", "show", number).out
    assert f"a.{made['queue_name'].split('.')[1]}.orders" in shown
    assert "[y/N]" in admin.run("subscription", "delete", number, text="n\n", code=1).err
    assert "was deleted" in admin.run("subscription", "delete", number, "--yes").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--codes", "x"),
        ("--codes", "9-6"),
        ("--codes", "1-99999999"),
        ("--codes", "101", "--device", "D"),
        ("--codes", "201", "--product", "p", "--user-domain", "C.DM.1.1"),
    ],
)
def test_what_cannot_be_asked_for_is_wrong_usage(admin: Terminal, arguments: tuple[str, ...]) -> None:
    admin.run("subscription", "create", "all", "orders", *arguments, code=2)
