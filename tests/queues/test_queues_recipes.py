"""The recipes of docs/messages.md, and what py-amqp's own integration tests ask of a server.

The package `amqp` tests itself against RabbitMQ (t/integration/test_rmq.py). Of that, connecting, consuming with a tag
of one's own, getting until nothing is left, and an untrusted certificate are asked here in our words. These do not
apply:

- publishing, with and without confirms, `mandatory` and `immediate` (eight cases): customers may not publish, which is
  403 and tested with the observations;
- declaring a queue that is exclusive and not durable: customers make queues by the OpenAPI, another declaration is 403;
- client certificates: the endpoint asks for none, a customer is known by the signature.

t/integration/test_integration.py and test_async.py need no server, they have mocks for one.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import amqp  # type: ignore[import-untyped]
import msgspec
import pytest

from authority import Authority
from fakes import FakeClock
from mooring.store import Vault
from queues.observations import number
from queues.queue_door import VIRTUAL_HOST, QueueDoor

PAGE = (Path(__file__).parents[2] / "docs/messages.md").read_text()
RECIPES = dict(
    re.findall(r"^### (pika|aio-pika|Java|Node)[^\n]*\n.*?^```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)


@pytest.fixture
def clock() -> FakeClock:
    """Recipes sign with the machine's time."""
    return FakeClock(int(time.time() * 1000))


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


class Enough(BaseException):
    """Ends a recipe, which else goes on for ever."""


def names_of(door: QueueDoor, handle: Callable[[Any], None]) -> dict[str, Any]:
    """The names a recipe runs with."""
    app = door.cloud.app
    return {"AK": app.access_key, "AS": app.access_secret.reveal(), "QUEUE": door.name, "handle": handle}


def code(name: str, door: QueueDoor) -> str:
    changed, count = re.subn(r"\b5672\b", str(door.port), RECIPES[name])
    assert count == 1
    return changed


async def test_the_recipe_for_pika_takes_and_acknowledges(door: QueueDoor) -> None:
    seen: list[int] = []

    def handle(message: dict[str, Any]) -> None:
        if len(seen) == 3:
            raise Enough
        seen.append(message["number"])

    await door.push(4)
    with pytest.raises(Enough):
        await asyncio.to_thread(exec, code("pika", door), names_of(door, handle))
    assert seen == [0, 1, 2]
    assert await door.stored() == 1


async def test_the_recipe_for_aio_pika_takes_and_acknowledges(door: QueueDoor) -> None:
    seen: list[int] = []
    all_seen = asyncio.Event()

    def handle(message: dict[str, Any]) -> None:
        seen.append(message["number"])
        if len(seen) == 3:
            all_seen.set()

    await door.push(3)
    names = names_of(door, handle)
    exec(code("aio-pika", door), names)
    running = asyncio.create_task(names["main"]())
    async with asyncio.timeout(30):
        await all_seen.wait()
        while await door.stored():  # noqa: ASYNC110 - nothing tells of an acknowledgement
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("name", ["Java", "Node"])
def test_the_other_recipes_have_the_right_address_and_user_name(name: str) -> None:
    text = RECIPES[name]
    assert all(part in text for part in ("127.0.0.1", "5672", f'"{VIRTUAL_HOST}"'))
    assert "ver=1&auth_mode=accessKey&sign_method=sha256&access_key=" in text
    assert "&timestamp=" in text


# py-amqp


def py_amqp(door: QueueDoor, port: int = 0, **options: Any) -> Any:
    user, password = door.credentials()
    host = f"127.0.0.1:{port or door.port}"
    values = {"virtual_host": VIRTUAL_HOST, "login_method": "PLAIN", "connect_timeout": 10, **options}
    return amqp.Connection(host=host, userid=user, password=password, **values)


async def test_py_amqp_connects_and_closes(door: QueueDoor, tmp_path: Path) -> None:
    def connect(port: int = 0, **options: Any) -> bool:
        connection = py_amqp(door, port, **options)
        connection.connect()
        connected: bool = connection.connected
        connection.close()
        return connected

    authority = Authority("CA")
    certificate, key = authority.sign("127.0.0.1").write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = await door.listen(context)
    trusted = {"ca_certs": None, "cert_reqs": ssl.CERT_NONE}
    assert await asyncio.to_thread(connect)
    assert await asyncio.to_thread(connect, port, ssl=trusted)
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(connect, port, ssl={"cert_reqs": ssl.CERT_REQUIRED})


async def test_py_amqp_consumes_with_a_tag_of_its_own(door: QueueDoor) -> None:
    def consume() -> Any:
        with py_amqp(door) as connection:
            channel = connection.channel()
            assert channel.queue_declare(door.name, passive=True).message_count == 1
            found: list[Any] = []
            channel.basic_consume(door.name, callback=found.append, consumer_tag="amq.ctag-of-our-own")
            connection.drain_events(timeout=10)
            [message] = found
            channel.basic_ack(message.delivery_tag)
            channel.close()
            return message

    [pushed] = await door.push()
    message = await asyncio.to_thread(consume)
    assert (message.frame_method, message.delivery_tag, message.ready) == (amqp.spec.Basic.Deliver, 1, True)
    assert message.body_size == len(message.body)
    assert number(message.body) == 0
    expected = {"consumer_tag": "amq.ctag-of-our-own", "delivery_tag": 1, "redelivered": False}
    assert message.delivery_info == {**expected, "exchange": "", "routing_key": door.name}
    properties = message.properties
    assert (properties["content_type"], properties["delivery_mode"]) == ("application/json", 2)
    assert (properties["message_id"], properties["type"]) == (str(pushed), "ONLINE")
    assert await door.stored() == 0


async def test_py_amqp_gets_until_nothing_is_left(door: QueueDoor) -> None:
    def get() -> list[Any]:
        with py_amqp(door) as connection:
            channel = connection.channel()
            first = channel.basic_get(door.name)
            channel.basic_ack(first.delivery_tag)
            second = channel.basic_get(door.name)
            channel.close()
            return [first, second]

    await door.push()
    message, nothing = await asyncio.to_thread(get)
    assert nothing is None
    assert message.frame_method == amqp.spec.Basic.GetOk
    assert msgspec.json.decode(message.body)["number"] == 0
    expected = {"delivery_tag": 1, "redelivered": False, "message_count": 0}
    assert message.delivery_info == {**expected, "exchange": "", "routing_key": door.name}
