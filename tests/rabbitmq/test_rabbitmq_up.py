"""`mooring up` with a RabbitMQ, as an operator starts it: one process on SQLite, two on PostgreSQL."""

import base64
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pika  # type: ignore[import-untyped]
import pytest

from databases import new_database
from mooring.client import Client
from mooring.protocol.login import build_username, sign
from rabbitmq.rabbit_cloud import Node
from served import eventually
from up import mooring_up, start_and_fail

CREATE = "/v2/quecrule/r1/openapi/queue/create"
DETAIL = "/v2/quecrule/r1/openapi/queue/detail"


def environment(node: Node) -> dict[str, str]:
    return {"MOORING_QUEUE_ENGINE": node.url, "MOORING_RABBITMQ_MANAGEMENT_URL": node.management}


def connect(node: Node, demo: Mapping[str, Any]) -> Any:
    username = build_username(demo["access_key"], int(time.time() * 1000))
    credentials = pika.PlainCredentials(username, sign(username, demo["access_secret"]))
    return pika.BlockingConnection(
        pika.ConnectionParameters(node.address.host, node.address.port, "quec-open", credentials)
    )


class Caller:
    """The demo's application at one process."""

    def __init__(self, base_url: str, demo: Mapping[str, Any]) -> None:
        with Client(demo["access_key"], demo["access_secret"], base_url=base_url) as client:
            token = client.login().value
        self._base_url = base_url
        self._headers = {"Authorization": token}

    def __call__(self, method: str, path: str, **arguments: Any) -> Any:
        answer: dict[str, Any] = httpx.request(
            method, f"{self._base_url}{path}", headers=self._headers, timeout=30, **arguments
        ).json()
        assert answer["code"] == 200, answer
        return answer["data"]


def test_one_process_on_sqlite(node: Node, tmp_path: Path) -> None:
    data = tmp_path / "data"
    port = str(node.http_port)
    with mooring_up(data, "--demo", "--http-port", port, env=environment(node)) as running:
        assert "amqp://127.0.0.1" in running.lines[-1]
        assert node.address.password not in "".join(running.lines) + running.logs()
        demo = json.loads((data / "demo.json").read_text())
        call = Caller(running.base_url, demo)
        queue_id = call("POST", CREATE, json={"queueName": "live", "queueDesc": ""})["id"]
        detail = call("GET", DETAIL, params={"queueId": queue_id})
        assert detail["connectUrl"] == f"amqp://127.0.0.1:{node.address.port}/quec-open"
        connection = connect(node, demo)
        channel = connection.channel()
        [name] = [one["name"] for one in node.api("GET", "/queues/quec-open") if one["name"].endswith(".live")]
        channel.basic_consume(name, lambda *_: None)
        assert httpx.get(f"{running.base_url}/metrics").text.count("mooring_queue_link 1.0") == 1
        eventually(lambda: node.queue(name).get("consumers") == 1)
        connection.close()
    assert "Traceback" not in running.logs()


def test_it_starts_and_works_without_the_rabbitmq_that_it_needs(tmp_path: Path) -> None:
    url = "amqp://mooring:nothing@127.0.0.1:1/"
    with mooring_up(tmp_path / "data", "--demo", env={"MOORING_QUEUE_ENGINE": url}) as running:
        assert httpx.get(f"{running.base_url}/readyz").status_code == 200
        eventually(lambda: "messages wait in the database" in running.logs())
        assert "nothing" not in running.logs()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MOORING_QUEUE_ENGINE", "rabbitmq", "queue_engine: use amqp://"),
        ("MOORING_QUEUE_ENGINE", "amqp://host", "queue_engine: use amqp://"),
        ("MOORING_QUEUE_ENGINE", "amqp://user:pass@host/other", "only /quec-open"),
        ("MOORING_RABBITMQ_AUTH_SECRET", "0123456789abcdef", "need a RabbitMQ as queue_engine"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    code, error = start_and_fail(tmp_path / "data", env={name: value})
    assert code == 16
    assert says in error
    assert "pass" not in error.replace("password", "")


def test_two_processes_on_postgresql(node: Node, postgres_server_url: str, tmp_path: Path) -> None:
    key = base64.b64encode(os.urandom(32)).decode()
    with new_database(postgres_server_url) as url:
        env = {**environment(node), "MOORING_SECRET_KEY": key, "MOORING_STORE": url}
        first_port = ("--http-port", str(node.http_port))
        with mooring_up(tmp_path / "first", "--demo", *first_port, env=env) as first:
            demo = json.loads((tmp_path / "first/demo.json").read_text())
            with mooring_up(tmp_path / "second", env=env) as second:
                links = [f"{one.base_url}/metrics" for one in (first, second)]

                def connected() -> list[bool]:
                    return ["mooring_queue_link 1.0" in httpx.get(link).text for link in links]

                eventually(lambda: connected() == [True, False])
                Caller(second.base_url, demo)("POST", CREATE, json={"queueName": "live", "queueDesc": ""})
                [name] = [one["name"] for one in node.api("GET", "/queues/quec-open") if one["name"].endswith(".live")]
                connection = connect(node, demo)  # the first process is asked, which did not make it
                connection.channel().basic_consume(name, lambda *_: None)
                connection.close()
                first.process.kill()
                first.stopped = first.process.wait()
                eventually(lambda: "mooring_queue_link 1.0" in httpx.get(links[1]).text)
