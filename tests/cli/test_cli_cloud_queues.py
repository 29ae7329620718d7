"""queue, subscription, tail: messages from their making to a screen."""

import json
import signal
from collections.abc import Iterator

import pytest

from cli.person import Demo, Person


@pytest.fixture
def filled(person: Person, demo: Demo, request: pytest.FixtureRequest) -> Iterator[str]:
    """The short name of a queue that gets what the virtual device of a product reports and raises."""
    name = f"q-{request.node.name.replace('_', '-')[:40]}"
    product = demo.product("Portable power station")
    person.run("queue", "create", name, "--description", "of a test")
    made = person.ask("subscription", "create", name, name, "--codes", "1,6-9", "--product", product, "--start")
    yield name
    person.run("subscription", "stop", made["subscribeId"])
    person.run("subscription", "delete", made["subscribeId"], "--yes")
    person.run("queue", "delete", name, "--yes")


@pytest.fixture
def station(demo: Demo) -> str:
    return demo.product("Portable power station")


def test_a_queue_lives_through_every_command(person: Person) -> None:
    made = person.ask("queue", "create", "lives", "--description", "for a while")
    assert "lives" in person.run("queue", "ls").out
    for name in ("lives", made["queueName"], made["id"]):
        assert person.ask("queue", "show", name)["queueName"] == made["queueName"]
    assert "amqp://" in person.run("queue", "show", "lives").out
    assert "nothing was done" in person.run("queue", "clear", "lives", text="n\n", code=1).err
    assert "is empty" in person.run("queue", "clear", "lives", text="y\n").out
    assert "deleted" in person.run("queue", "delete", "lives", "--yes").out
    assert "mooring queue ls" in person.run("queue", "show", "lives", code=6).err
    assert person.run("queue", "create", "no such name", code=1).err


def test_a_subscription_lives_through_every_command(person: Person, demo: Demo) -> None:
    product = demo.product("Smart plug")
    person.run("queue", "create", "subscribed")
    made = person.ask(
        "subscription",
        "create",
        "one-device",
        "subscribed",
        "--codes",
        "1",
        "--product",
        product,
        "--device",
        "PLUG0001",
    )
    number = made["subscribeId"]
    assert (made["status"], made["msgType"]) == (0, "1")
    assert "one-device" in person.run("subscription", "ls", "--stopped").out
    assert "running" in person.run("subscription", "start", number).out
    person.run("subscription", "delete", number, "--yes", code=7)
    assert f"device {product}/PLUG0001" in person.run("subscription", "show", number).out
    person.run("subscription", "stop", number)
    person.run("subscription", "delete", number, "--yes")
    about_all = person.run("subscription", "create", "all", "subscribed", "--codes", "101-103").out
    assert "the application" in about_all
    [row] = [row for row in person.ask("subscription", "ls") if row["subscribeName"] == "all"]
    person.run("subscription", "delete", row["subscribeId"], "--yes")
    person.run("queue", "delete", "subscribed", "--yes")


@pytest.mark.parametrize(
    "words",
    [
        ("--codes", "x"),
        ("--codes", "9-1"),
        ("--codes", "1", "--device", "D"),
        ("--codes", "1", "--product", "p", "--user-domain", "u"),
    ],
)
def test_wrong_subscriptions_are_wrong_usage(person: Person, words: tuple[str, ...]) -> None:
    person.run("subscription", "create", "name", "demo", *words, code=2)


def test_messages_are_shown_and_taken(person: Person, filled: str, station: str) -> None:
    person.run("trigger", "report", station, "soc=41")
    run = person.run("tail", "--queue", filled, "--type", "mattr*", "--limit", "1")
    assert "taken from the queue" in run.err
    assert "MATTR/REPORT" in run.out
    assert station in run.out


def test_with_json_a_line_is_the_body(person: Person, filled: str, station: str) -> None:
    person.run("trigger", "report", station, "soc=42")
    [body] = person.lines("tail", "--queue", filled, "--type", "MATTR/REPORT", "--limit", "1")
    assert body["type"] == "MATTR"
    assert body["productKey"] == station


def test_kept_messages_come_again(person: Person, filled: str, station: str) -> None:
    person.run("trigger", "report", station, "soc=43")
    words = ("tail", "--queue", filled, "--type", "MATTR/REPORT", "--limit", "1")
    [kept] = person.lines(*words, "--keep")
    [again] = person.lines(*words, "--keep")
    assert again == kept
    assert "(again)" in person.run(*words, "--keep").out


def test_ctrl_c_ends_a_tail_well(person: Person, filled: str, station: str) -> None:
    with person.start("tail", "--queue", filled, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        person.run("trigger", "report", station, "soc=44")
        assert json.loads(process.stdout.readline())["productKey"] == station
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (0, 1)


def test_a_queue_has_to_be_said_when_there_are_several(person: Person, filled: str) -> None:
    assert filled in person.run("tail", code=6).err
    assert "there is no queue" in person.run("tail", "--queue", "nothing", code=6).err
