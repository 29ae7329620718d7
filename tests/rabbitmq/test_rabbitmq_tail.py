"""`mooring tail` where the queues are in RabbitMQ, which lets customers consume and declare nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from cli.person import Demo, Person
from rabbitmq.rabbit_cloud import Node
from rabbitmq.test_rabbitmq_up import connect, environment
from up import mooring_up


@pytest.fixture
def demo(node: Node, tmp_path: Path) -> Iterator[Demo]:
    data = tmp_path / "data"
    with mooring_up(data, "--demo", "--http-port", str(node.http_port), env=environment(node)) as running:
        file = data / "demo.json"
        yield Demo(running, file, json.loads(file.read_text()))


def test_messages_are_shown_kept_and_taken(demo: Demo, node: Node, tmp_path: Path) -> None:
    person = Person(tmp_path / "config", demo)
    person.run("login", "--demo-file", demo.file, "--no-check")
    with connect(node, demo.document) as connection:
        name = demo.document["amqp"]["queue"]
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            connection.channel().queue_declare(name, durable=True)

    kept = person.lines("tail", "--queue", "demo", "--keep", "--limit", "2")
    taken = person.lines("tail", "--queue", name, "--limit", "2")
    assert taken == kept
    assert all({"type", "productKey", "deviceKey"} <= message.keys() for message in taken)
    assert all(message not in taken for message in person.lines("tail", "--queue", "demo", "--limit", "2"))
    [report] = person.lines("tail", "--queue", "demo", "--type", "MATTR*", "--limit", "1")
    assert report["type"] == "MATTR"
