"""Checks of `mooring doctor` that speak AMQP and MQTT. Each returns what it found and how to mend it; none raises."""

import asyncio
import socket
import time
from urllib.parse import urlsplit

from .checks import Finding, State
from .session import Cloud

__all__ = ["amqp", "mqtt"]

_TIMEOUT_S = 10.0
_MQTT_PORT = 1883


def amqp(cloud: Cloud, queue: str | None) -> Finding:
    """Whether a queue can be consumed: its address, the signed login, the queue itself. Nothing is taken from it."""
    from mooring.client import MooringError

    try:
        found = cloud.client.queues.list()
        chosen = next((row for row in found if queue in (None, row.queue_name, row.queue_name.split(".")[-1])), None)
        if chosen is None and queue is None:
            return Finding("AMQP", State.SKIPPED, "there is no queue", "mooring queue create NAME makes one")
        if chosen is None:
            mend = "mooring queue list shows those there are"
            return Finding("AMQP", State.FAILED, f"there is no queue {queue}", mend)
        said = cloud.client.queues.detail(chosen.id).connect_url
    except MooringError as error:
        return Finding("AMQP", State.SKIPPED, f"queues cannot be listed: {error}", "see package message-subscription")
    url = cloud.profile.amqp_url or said or ""
    if not urlsplit(url).hostname:
        return Finding("AMQP", State.SKIPPED, "nothing says where queues are", "mooring login --amqp-url says it")
    return asyncio.run(_consumable(cloud, url, chosen.queue_name))


async def _consumable(cloud: Cloud, url: str, queue: str) -> Finding:
    import aio_pika
    from aiormq.exceptions import AMQPError, ChannelClosed

    from mooring.protocol.login import build_username, sign

    username = build_username(cloud.profile.access_key, time.time_ns() // 1_000_000)
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            connection = await aio_pika.connect(
                host=parts.hostname or "",
                port=parts.port or (5671 if parts.scheme == "amqps" else 5672),
                login=username,
                password=sign(username, cloud.profile.secret()),
                virtualhost=parts.path.lstrip("/") or "quec-open",
                ssl=parts.scheme == "amqps",
            )
            async with connection:
                channel = await connection.channel(publisher_confirms=False)
                await channel.declare_queue(queue, passive=True)
    except ChannelClosed as error:
        return Finding(
            "AMQP", State.FAILED, f"{queue} at {place}: {error}", "see that the queue is the application's own"
        )
    except AMQPError as error:
        mend = "the login is refused: see signature and clock above, and package message-subscription"
        return Finding("AMQP", State.FAILED, f"{place}: {error or type(error).__name__}", mend)
    except (OSError, TimeoutError, RuntimeError) as error:
        mend = "nothing answers there: check the port and firewalls, or give another with mooring login --amqp-url"
        return Finding("AMQP", State.FAILED, f"{place}: {error or 'no answer'}", mend)
    return Finding("AMQP", State.OK, f"{queue} at {place} can be consumed")


def mqtt(base_url: str, given: str | None) -> Finding:
    """Whether something speaks MQTT where devices connect. No device is used: a refused CONNECT proves as much."""
    parts = urlsplit(base_url)
    if given is None and parts.scheme == "https":
        return Finding(
            "MQTT", State.SKIPPED, "the OpenAPI does not say where devices connect", "--mqtt HOST:PORT checks it"
        )
    asked = urlsplit(f"//{given or parts.hostname}")
    try:
        host, port = asked.hostname or "", asked.port or _MQTT_PORT
    except ValueError:
        return Finding("MQTT", State.FAILED, f"{given} is no HOST:PORT")
    try:
        answered = _answers_connect(host, port)
    except OSError as error:
        mend = "check address and port of the MQTT server (--mqtt HOST:PORT), and firewalls"
        state = State.WARNING if given is None else State.FAILED  # a guess that is wrong is no fault
        return Finding("MQTT", state, f"{host}:{port}: {error.strerror or error or 'no answer'}", mend)
    if not answered:
        found = f"something listens at {host}:{port}, but it does not answer a CONNECT"
        return Finding("MQTT", State.FAILED, found, "is it a port for TLS, or another service?")
    return Finding("MQTT", State.OK, f"{host}:{port} speaks MQTT")


def _answers_connect(host: str, port: int) -> bool:
    from mooring.protocol.mqtt import ClientSession, Connect, ConnectAccepted, ConnectRefused, MqttError

    session = ClientSession(time.monotonic())
    session.connect(Connect(client_id="mooring-doctor", keep_alive_s=60), time.monotonic())
    with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
        connection.sendall(session.data_to_send())
        try:
            while received := connection.recv(4096):
                events = session.receive_data(received, time.monotonic())
                if any(isinstance(event, ConnectAccepted | ConnectRefused) for event in events):
                    return True
        except (MqttError, TimeoutError, ConnectionResetError):
            pass
    return False
