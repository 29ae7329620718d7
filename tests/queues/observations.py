"""What a consumer sees of a queue, library by library: one script for any address, so that two servers can be compared.

A `Place` is a server with an empty queue. Each observer gives what it saw, by name; `EXPECTED` is what it must be.
What differs by design is not in here: a refused message comes back after a minute from Mooring and at once from
RabbitMQ.
"""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

import aio_pika
import amqp  # type: ignore[import-untyped]
import msgspec
import pika  # type: ignore[import-untyped]
from aiormq.exceptions import AMQPError, ChannelClosed

__all__ = ["EXPECTED", "OBSERVERS", "Place"]

CODES = {"ACCESS_REFUSED": 403, "NOT_FOUND": 404, "PRECONDITION_FAILED": 406}
QUIET_S = 0.5  # nothing came for so long: nothing will


class Place(Protocol):
    """Where to look. Its methods are called from threads beside the event loop."""

    host: str
    port: int
    queue: str
    foreign: str  # a queue of somebody else
    virtual_host: str

    def credentials(self) -> tuple[str, str]:
        """Fresh user name and password."""

    def push(self, count: int) -> None:
        """Messages with bodies that have a `number`, one higher than the last; committed when it returns."""

    def drained(self) -> bool:
        """Whether nothing waits and nothing is unacknowledged, once that is so or cannot become so soon."""


def number(body: bytes | memoryview | str) -> int:
    """What a message says of itself."""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    found: int = msgspec.json.decode(raw)["number"]
    return found


EXPECTED: dict[str, Any] = {
    "in order": [0, 1, 2, 3, 4, 5],
    "acknowledged is gone": True,
    "prefetch 2 gives": [(6, False), (7, False)],
    "after the channel's end": [(6, True), (7, True), (8, False)],
    "after the connection's end": [(6, True), (7, True), (8, True)],
    "multiple acknowledgement is gone": True,
    "got one by one": [(9, 1), (10, 0), None],
    "dropped for good is gone": True,
    "publish": 403,
    "purge": 403,
    "delete": 403,
    "bind": 403,
    "declare another": 403,
    "declare an exchange": 403,
    "declare one's own, passive": "ok",
    "declare one's own": "ok",
    "consume a foreign one": 403,
    "acknowledge what was not delivered": 406,
    "connection goes on": "ok",
    "wrong password": "refused",
    "wrong virtual host": "refused",
}


# pika


def _pika_connection(place: Place, **changes: Any) -> pika.BlockingConnection:
    user, password = place.credentials()
    values = {"virtual_host": place.virtual_host, "credentials": pika.PlainCredentials(user, password)} | changes
    return pika.BlockingConnection(pika.ConnectionParameters(place.host, place.port, **values))


def _pika_take(connection: pika.BlockingConnection, channel: Any, queue: str, most: int) -> list[tuple[Any, bytes]]:
    found: list[tuple[Any, bytes]] = []
    # Not by `consume`, whose generator refuses what it has not handed out yet.
    channel.basic_consume(queue, lambda _channel, method, _properties, body: found.append((method, body)))
    while len(found) < most:
        before = len(found)
        connection.sleep(QUIET_S)
        connection.process_data_events(time_limit=0)
        if len(found) == before:
            break
    return found


def _pika_flags(found: list[tuple[Any, bytes]]) -> list[tuple[int, bool]]:
    return [(number(body), method.redelivered) for method, body in found]


def _code(error: Exception) -> Any:
    return getattr(error, "reply_code", None) or (error.args[0] if error.args else error)


def _pika_refusal(connection: pika.BlockingConnection, call: Callable[[Any], Any]) -> Any:
    channel = connection.channel()
    try:
        call(channel)
        connection.process_data_events(time_limit=QUIET_S)
        if channel.is_open:
            channel.close()
            return "ok"
    except pika.exceptions.ChannelClosedByBroker as error:
        return error.reply_code
    # Some calls are not answered: then the channel is found closed by the next one.
    try:
        channel.basic_qos(prefetch_count=1)
    except pika.exceptions.AMQPChannelError as error:
        return _code(error)
    return "closed"


def observe_with_pika(place: Place) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    place.push(6)
    with _pika_connection(place) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        got = []
        for method, _, body in channel.consume(place.queue):
            got.append(number(body))
            channel.basic_ack(method.delivery_tag)
            if len(got) == 6:
                break
        seen["in order"] = got
        channel.close()
    seen["acknowledged is gone"] = place.drained()
    place.push(3)
    connection = _pika_connection(place)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=2)
    seen["prefetch 2 gives"] = _pika_flags(_pika_take(connection, channel, place.queue, 99))
    channel.close()
    channel = connection.channel()
    seen["after the channel's end"] = _pika_flags(_pika_take(connection, channel, place.queue, 3))
    _cut(connection)
    with _pika_connection(place) as connection:
        channel = connection.channel()
        found = _pika_take(connection, channel, place.queue, 3)
        seen["after the connection's end"] = _pika_flags(found)
        channel.basic_ack(found[-1][0].delivery_tag, multiple=True)
        channel.close()
        seen["multiple acknowledgement is gone"] = place.drained()
        place.push(2)
        channel = connection.channel()
        ones: list[Any] = []
        for _ in range(3):
            method, _, body = channel.basic_get(place.queue)
            ones.append(None if method is None else (number(body), method.message_count))
            if method is not None:
                channel.basic_reject(method.delivery_tag, requeue=False)
        seen["got one by one"] = ones
        channel.close()
        seen["dropped for good is gone"] = place.drained()
        refusals: dict[str, Callable[[Any], Any]] = {
            "publish": lambda channel: channel.basic_publish("", place.queue, b"x"),
            "bind": lambda channel: channel.queue_bind(place.queue, "amq.direct", "k"),
            "declare another": lambda channel: channel.queue_declare("a.1.mine", durable=True),
            "declare an exchange": lambda channel: channel.exchange_declare("mine"),
            "declare one's own, passive": lambda channel: channel.queue_declare(place.queue, passive=True),
            "declare one's own": lambda channel: channel.queue_declare(place.queue, durable=True),
            "consume a foreign one": lambda channel: channel.basic_consume(place.foreign, lambda *_: None),
            "acknowledge what was not delivered": lambda channel: channel.basic_ack(7),
            "purge": lambda channel: channel.queue_purge(place.queue),
            "delete": lambda channel: channel.queue_delete(place.queue),
        }
        for name, call in refusals.items():
            seen[name] = _pika_refusal(connection, call)
        seen["connection goes on"] = "ok" if connection.is_open else "closed"
    user, _ = place.credentials()
    for name, changes in (
        ("wrong password", {"credentials": pika.PlainCredentials(user, "0" * 64)}),
        ("wrong virtual host", {"virtual_host": "other"}),
    ):
        try:
            _pika_connection(place, **changes).close()
            seen[name] = "let in"
        except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ConnectionClosedByBroker):
            seen[name] = "refused"
        except pika.exceptions.ProbableAccessDeniedError:
            seen[name] = "refused"
    return seen


def _cut(connection: pika.BlockingConnection) -> None:
    """End it as a crash would: without a word."""
    connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(pika.exceptions.AMQPError):
        connection.process_data_events(time_limit=QUIET_S)


# aio-pika


def observe_with_aio_pika(place: Place) -> dict[str, Any]:
    return asyncio.run(_observe_with_aio_pika(place))


async def _aio_connection(place: Place, **changes: Any) -> Any:
    user, password = place.credentials()
    values = {"login": user, "password": password, "virtualhost": place.virtual_host} | changes
    return await aio_pika.connect(host=place.host, port=place.port, **values)


async def _aio_take(channel: Any, queue: str, most: int) -> list[Any]:
    found: list[Any] = []
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    await (await channel.get_queue(queue, ensure=False)).consume(arrived.put)
    with contextlib.suppress(TimeoutError):
        while len(found) < most:
            found.append(await asyncio.wait_for(arrived.get(), QUIET_S * 3))
    return found


def _aio_flags(found: list[Any]) -> list[tuple[int, bool]]:
    return [(number(message.body), bool(message.redelivered)) for message in found]


async def _observe_with_aio_pika(place: Place) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def push(count: int) -> None:
        await asyncio.to_thread(place.push, count)

    async def drained() -> bool:
        return await asyncio.to_thread(place.drained)

    await push(6)
    connection = await _aio_connection(place)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)
    got = []
    async with (await channel.get_queue(place.queue, ensure=False)).iterator() as messages:
        async for message in messages:
            got.append(number(message.body))
            await message.ack()
            if len(got) == 6:
                break
    seen["in order"] = got
    await channel.close()
    seen["acknowledged is gone"] = await drained()
    await push(3)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=2)
    seen["prefetch 2 gives"] = _aio_flags(await _aio_take(channel, place.queue, 99))
    await channel.close()
    channel = await connection.channel()
    seen["after the channel's end"] = _aio_flags(await _aio_take(channel, place.queue, 3))
    await connection.close()
    connection = await _aio_connection(place)
    channel = await connection.channel()
    found = await _aio_take(channel, place.queue, 3)
    seen["after the connection's end"] = _aio_flags(found)
    await found[-1].ack(multiple=True)
    await channel.close()
    seen["multiple acknowledgement is gone"] = await drained()
    await push(2)
    channel = await connection.channel()
    queue = await channel.get_queue(place.queue, ensure=False)
    ones: list[Any] = []
    for _ in range(3):
        message = await queue.get(no_ack=False, fail=False)
        ones.append(None if message is None else (number(message.body), message.message_count))
        if message is not None:
            await message.reject(requeue=False)
    seen["got one by one"] = ones
    await channel.close()
    seen["dropped for good is gone"] = await drained()

    async def publish(channel: Any) -> None:
        await channel.default_exchange.publish(aio_pika.Message(b"x"), place.queue)

    async def bind(channel: Any) -> None:
        queue = await channel.get_queue(place.queue, ensure=False)
        await queue.bind("amq.direct", "k")

    async def consume(channel: Any) -> None:
        queue = await channel.get_queue(place.foreign, ensure=False)
        await queue.consume(asyncio.Queue().put)

    async def acknowledge(channel: Any) -> None:
        underlay = await channel.get_underlay_channel()
        await underlay.basic_ack(7)
        await channel.set_qos(1)

    refusals: dict[str, Callable[[Any], Any]] = {
        "publish": publish,
        "bind": bind,
        "declare another": lambda channel: channel.declare_queue("a.1.mine", durable=True),
        "declare an exchange": lambda channel: channel.declare_exchange("mine"),
        "declare one's own, passive": lambda channel: channel.declare_queue(place.queue, passive=True),
        "declare one's own": lambda channel: channel.declare_queue(place.queue, durable=True),
        "consume a foreign one": consume,
        "acknowledge what was not delivered": acknowledge,
        "purge": lambda channel: _of(channel, place.queue, "purge"),
        "delete": lambda channel: _of(channel, place.queue, "delete"),
    }
    for name, call in refusals.items():
        channel = await connection.channel()
        try:
            await asyncio.wait_for(call(channel), 10)
            seen[name] = "ok"
            await channel.close()
        except ChannelClosed as error:
            seen[name] = CODES.get(str(error).partition(" - ")[0], str(error))
    seen["connection goes on"] = "closed" if connection.is_closed else "ok"
    await connection.close()
    for name, changes in (("wrong password", {"password": "0" * 64}), ("wrong virtual host", {"virtualhost": "other"})):
        try:
            connection = await _aio_connection(place, **changes)
            await connection.close()
            seen[name] = "let in"
        except (AMQPError, ConnectionError):
            seen[name] = "refused"
    return seen


async def _of(channel: Any, queue: str, what: str) -> None:
    found = await channel.get_queue(queue, ensure=False)
    await getattr(found, what)()


# py-amqp


def _py_connection(place: Place, **changes: Any) -> amqp.Connection:
    user, password = place.credentials()
    values = {"userid": user, "password": password, "virtual_host": place.virtual_host} | changes
    connection = amqp.Connection(host=f"{place.host}:{place.port}", login_method="PLAIN", connect_timeout=10, **values)
    connection.connect()
    return connection


def _py_take(connection: amqp.Connection, channel: Any, queue: str, most: int) -> list[Any]:
    found: list[Any] = []
    channel.basic_consume(queue, callback=found.append)
    with contextlib.suppress(TimeoutError):
        while len(found) < most:
            connection.drain_events(timeout=QUIET_S * 3)
    return found


def _py_flags(found: list[Any]) -> list[tuple[int, bool]]:
    return [(number(message.body), message.delivery_info["redelivered"]) for message in found]


def observe_with_py_amqp(place: Place) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    place.push(6)
    with _py_connection(place) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 1, False)
        got: list[int] = []

        def take(message: Any) -> None:
            got.append(number(message.body))
            channel.basic_ack(message.delivery_tag)

        channel.basic_consume(place.queue, callback=take)
        while len(got) < 6:
            connection.drain_events(timeout=10)
        seen["in order"] = got
        channel.close()
        seen["acknowledged is gone"] = place.drained()
        place.push(3)
        channel = connection.channel()
        channel.basic_qos(0, 2, False)
        seen["prefetch 2 gives"] = _py_flags(_py_take(connection, channel, place.queue, 99))
        channel.close()
        channel = connection.channel()
        seen["after the channel's end"] = _py_flags(_py_take(connection, channel, place.queue, 3))
    with _py_connection(place) as connection:
        channel = connection.channel()
        found = _py_take(connection, channel, place.queue, 3)
        seen["after the connection's end"] = _py_flags(found)
        channel.basic_ack(found[-1].delivery_tag, multiple=True)
        channel.close()
        seen["multiple acknowledgement is gone"] = place.drained()
        place.push(2)
        channel = connection.channel()
        ones: list[Any] = []
        for _ in range(3):
            message = channel.basic_get(place.queue)
            ones.append(None if message is None else (number(message.body), message.delivery_info["message_count"]))
            if message is not None:
                channel.basic_reject(message.delivery_tag, requeue=False)
        seen["got one by one"] = ones
        channel.close()
        seen["dropped for good is gone"] = place.drained()
        refusals: dict[str, Callable[[Any], Any]] = {
            "publish": lambda channel: channel.basic_publish(amqp.Message("x"), routing_key=place.queue),
            "bind": lambda channel: channel.queue_bind(place.queue, "amq.direct", "k"),
            "declare another": lambda channel: channel.queue_declare("a.1.mine", durable=True, auto_delete=False),
            "declare an exchange": lambda channel: channel.exchange_declare("mine", "direct"),
            "declare one's own, passive": lambda channel: channel.queue_declare(place.queue, passive=True),
            "declare one's own": lambda channel: channel.queue_declare(place.queue, durable=True, auto_delete=False),
            "consume a foreign one": lambda channel: channel.basic_consume(place.foreign),
            "acknowledge what was not delivered": lambda channel: channel.basic_ack(7),
            "purge": lambda channel: channel.queue_purge(place.queue),
            "delete": lambda channel: channel.queue_delete(place.queue),
        }
        for name, call in refusals.items():
            channel = connection.channel()
            try:
                call(channel)
                channel.basic_qos(0, 1, False)
                seen[name] = "ok"
                channel.close()
            except amqp.exceptions.ChannelError as error:
                seen[name] = error.reply_code
        seen["connection goes on"] = "ok" if connection.connected else "closed"
    for name, changes in (
        ("wrong password", {"password": "0" * 64}),
        ("wrong virtual host", {"virtual_host": "other"}),
    ):
        try:
            _py_connection(place, **changes).close()
            seen[name] = "let in"
        except (amqp.exceptions.AMQPError, OSError):
            seen[name] = "refused"
    return seen


# amqp-tools


def _tool(place: Place, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    user, password = place.credentials()
    found = shutil.which(program)
    assert found is not None
    address = [f"--server={place.host}", f"--port={place.port}", f"--vhost={place.virtual_host}"]
    command = [found, *address, f"--username={user}", f"--password={password}", f"--queue={place.queue}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def observe_with_amqp_tools(place: Place) -> dict[str, Any]:
    """They only take and acknowledge."""
    seen: dict[str, Any] = {}
    place.push(6)
    done = _tool(place, "amqp-consume", "--count=6", "--prefetch-count=1", "--", "sh", "-c", "cat; echo")
    assert done.returncode == 0, done.stderr
    seen["in order"] = [number(line) for line in done.stdout.split()]
    seen["acknowledged is gone"] = place.drained()
    place.push(1)
    first, second = _tool(place, "amqp-get"), _tool(place, "amqp-get")
    seen["got"] = (number(first.stdout), first.returncode, second.stdout, second.returncode)
    return seen


OBSERVERS: dict[str, Callable[[Place], dict[str, Any]]] = {
    "pika": observe_with_pika,
    "aio-pika": observe_with_aio_pika,
    "py-amqp": observe_with_py_amqp,
}
