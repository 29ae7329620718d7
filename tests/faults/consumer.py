"""A consumer that writes down what it gets, for fault tests: `python -m faults.consumer URL QUEUE HISTORY BATCH`,
AccessKey and AccessSecret on standard input. It acknowledges once it has BATCH messages, or none has come for a moment;
with 0 it acknowledges nothing.

Lines of the history, with times of the machine's monotonic clock in ns: `R time ticket redelivered key number` for a
report that came (key and number are - for other messages), `S time ticket …` for acknowledgements that are settled:
the server answers a method only after what was acknowledged before it is. The process ends with its connection.
"""

import os
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pika  # type: ignore[import-untyped]

from mooring.protocol.login import build_username, sign

PREFETCH, QUIET_S = 50, 0.2


def report(body: bytes) -> str:
    """Device and number of a report."""
    message = msgspec.json.decode(body)
    number = message["data"]["kv"].get("energy_total") if message.get("subtype") == "REPORT" else None
    return "- -" if number is None else f"{message['deviceKey']} {number}"


def consume(connection: Any, queue: str, history: int, batch: int) -> None:
    """Until the connection ends."""
    channel = connection.channel()
    channel.basic_qos(prefetch_count=PREFETCH)
    unsettled: list[str] = []
    tag = 0
    for method, properties, body in channel.consume(queue, inactivity_timeout=QUIET_S):
        if method is not None:
            tag = method.delivery_tag
            unsettled.append(properties.message_id)
            line = f"R {time.monotonic_ns()} {unsettled[-1]} {int(method.redelivered)} {report(body)}\n"
            os.write(history, line.encode())
        if batch and (len(unsettled) >= batch or (method is None and unsettled)):
            channel.basic_ack(tag, multiple=True)
            channel.queue_declare(queue, passive=True)
            os.write(history, f"S {time.monotonic_ns()} {' '.join(unsettled)}\n".encode())
            unsettled.clear()


def main(url: str, queue: str, path: str, batch: str) -> None:
    key, secret = sys.stdin.read().split()
    place = urlsplit(url)
    user = build_username(key, int(time.time() * 1000))
    credentials = pika.PlainCredentials(user, sign(user, secret))
    parameters = pika.ConnectionParameters(place.hostname, place.port, place.path[1:], credentials)
    history = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with suppress(pika.exceptions.AMQPConnectionError):
        consume(pika.BlockingConnection(parameters), queue, history, int(batch))


if __name__ == "__main__":
    main(*sys.argv[1:])
