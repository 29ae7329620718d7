"""`python -m bench.message_load FLEET TRIPS`: a consumer with pika, the same for every server, and one device.

Messages are acknowledged one by one, as samples of the platform do. A trip begins when the device's report is handed to
the socket and ends when the consumer has the message. It takes orders as JSON lines (`Order`) and answers each with one
(`Outcome`).
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pika  # type: ignore[import-untyped]

from mooring.protocol.login import build_username, sign

from .devices import Fleet, connect_packet, reports, subscribe_packet
from .errors import BenchFailed
from .round_trip_load import Client

__all__ = ["Order", "Outcome"]

_DEVICE = 0  # of the fleet
_ANSWER_S = 30.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`fill` a durable queue with `count` persistent copies of `body`, `take` and acknowledge `count` messages with a
    `prefetch`, or follow `count` reports of the device at `mqtt_port` into a queue (`trips`).

    `user` with `password` is a user of the server, or an AccessKey with its secret when `signed`.
    """

    do: str
    port: int
    virtual_host: str
    user: str
    password: str
    queue: str
    signed: bool = False
    count: int = 0
    prefetch: int = 1
    body: str = ""
    mqtt_port: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How long all of it took (s), the part of that time that this process used its processor, and each trip (s)."""

    seconds: float = 0.0
    busy: float = 0.0
    trips: list[float] = []
    error: str = ""


class _Load:
    def __init__(self, fleet: Fleet, trips: int) -> None:
        self._fleet = fleet
        self._reports = iter(list(reports(fleet, _DEVICE, trips)))

    def obey(self, order: Order) -> Outcome:
        act = {"fill": self._fill, "take": self._take, "trips": self._trips}[order.do]
        try:
            connection = _connection(order)
            try:
                return act(order, connection)
            finally:
                connection.close()
        except (BenchFailed, OSError, pika.exceptions.AMQPError) as error:
            return Outcome(error=f"{order.do}: {type(error).__name__} {error}")

    def _fill(self, order: Order, connection: Any) -> Outcome:
        channel = connection.channel()
        channel.queue_declare(order.queue, durable=True)
        for number in range(order.count):
            properties = pika.BasicProperties("application/json", delivery_mode=2, message_id=str(number))
            channel.basic_publish("", order.queue, order.body.encode(), properties)
        until = time.monotonic() + _ANSWER_S
        while channel.queue_declare(order.queue, passive=True).method.message_count < order.count:
            if time.monotonic() > until:
                raise BenchFailed(f"not all messages are in {order.queue}")
            time.sleep(0.01)
        return Outcome()

    def _take(self, order: Order, connection: Any) -> Outcome:
        left = order.count

        def on_message(channel: Any, method: Any, _properties: object, _body: bytes) -> None:
            nonlocal left
            if left > 0:
                left -= 1
                channel.basic_ack(method.delivery_tag)

        channel = connection.channel()
        channel.basic_qos(prefetch_count=order.prefetch)
        used, started = time.process_time(), time.perf_counter()
        channel.basic_consume(order.queue, on_message)
        while left > 0:
            _wait(connection, started)
        channel.basic_qos(prefetch_count=1)  # answered after the acknowledgements were taken
        seconds = time.perf_counter() - started
        return Outcome(seconds=seconds, busy=(time.process_time() - used) / seconds)

    def _trips(self, order: Order, connection: Any) -> Outcome:
        arrived: list[float] = []

        def on_message(channel: Any, method: Any, _properties: object, _body: bytes) -> None:
            arrived.append(time.perf_counter())
            channel.basic_ack(method.delivery_tag)

        fleet = self._fleet
        device = Client(order.mqtt_port, connect_packet(fleet, _DEVICE), subscribe_packet(fleet, _DEVICE))
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(order.queue, on_message)
        connection.process_data_events(0)
        found: list[float] = []
        for _ in range(order.count):
            _, packet = next(self._reports)
            started = time.perf_counter()
            device.socket.sendall(packet)
            while len(arrived) == len(found):
                _wait(connection, started)
            found.append(arrived[-1] - started)
            list(device.read(1))
        device.socket.close()
        return Outcome(trips=found)


def _wait(connection: Any, since: float) -> None:
    connection.process_data_events(_ANSWER_S)
    if time.perf_counter() - since > 10 * _ANSWER_S:
        raise BenchFailed("messages do not come")


def _connection(order: Order) -> Any:
    user = build_username(order.user, int(time.time() * 1000)) if order.signed else order.user
    password = sign(user, order.password) if order.signed else order.password
    credentials = pika.PlainCredentials(user, password)
    return pika.BlockingConnection(
        pika.ConnectionParameters("127.0.0.1", order.port, order.virtual_host, credentials, heartbeat=60)
    )


def _orders() -> Iterator[Order]:
    for line in sys.stdin:
        yield msgspec.json.decode(line, type=Order)


def _main() -> None:
    load = _Load(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Fleet), int(sys.argv[2]))
    print("the consumer is ready", flush=True)
    for order in _orders():
        print(msgspec.json.encode(load.obey(order)).decode(), flush=True)


if __name__ == "__main__":
    _main()
