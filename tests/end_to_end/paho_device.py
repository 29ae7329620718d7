"""A device made of paho-mqtt, which knows nothing of frames: it gets and sends bytes."""

import queue
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import paho.mqtt.client as paho

from mooring.protocol import commands
from mooring.protocol.commands import DeviceConfiguration, Direction, Downlink
from mooring.protocol.frame import decode

__all__ = ["PahoDevice", "connected"]

_WITHIN_S = 30.0


class PahoDevice:
    """One connection; make it with `connected`."""

    def __init__(self, client: paho.Client, client_id: str) -> None:
        self._client = client
        self._client_id = client_id
        self._messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self._granted: queue.Queue[list[int]] = queue.Queue()
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def subscribe(self) -> list[int]:
        """The QoS that was granted."""
        self._client.subscribe(f"q/1/d/{self._client_id}/+", qos=1)
        return self._granted.get(timeout=_WITHIN_S)

    def publish(self, payload: bytes, qos: int, level: str = "bus") -> None:
        """Publish, and wait until the server has confirmed it, or with QoS 0 until it is sent."""
        self._client.publish(f"q/2/d/{self._client_id}/{level}", payload, qos).wait_for_publish(_WITHIN_S)

    def message(self) -> paho.MQTTMessage:
        """The next message from the server; paho has confirmed it."""
        return self._messages.get(timeout=_WITHIN_S)

    def downlink(self) -> Downlink:
        """The command of the next message."""
        return commands.decode(decode(bytes(self.message().payload)), Direction.DOWN)

    def secret(self) -> str:
        """The device secret of the 00B4 that comes next."""
        words = self.downlink()
        assert isinstance(words, DeviceConfiguration)
        assert words.device_secret is not None
        return words.device_secret

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._messages.put(message)

    def _on_subscribe(self, _client: paho.Client, _data: object, _mid: int, codes: list[Any], _more: object) -> None:
        self._granted.put([code.value for code in codes])


@contextmanager
def connected(
    port: int,
    client_id: str,
    password: str,
    *,
    transport: Literal["tcp", "websockets"] = "tcp",
    tls: ssl.SSLContext | None = None,
) -> Iterator[PahoDevice]:
    """A device that the server has let in, by an empty user name: paho cannot leave it away."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, transport=transport)  # type: ignore[attr-defined]
    client.username_pw_set("", password)
    if tls is not None:
        client.tls_set_context(tls)
    if transport == "websockets":
        client.ws_set_options(path="/ws/v2")
    answers: queue.Queue[str] = queue.Queue()
    client.on_connect = lambda _client, _data, _flags, reason, _more: answers.put(str(reason))
    device = PahoDevice(client, client_id)
    client.connect("localhost" if tls is not None else "127.0.0.1", port, keepalive=30)
    client.loop_start()
    try:
        assert answers.get(timeout=_WITHIN_S) == "Success"
        yield device
    finally:
        client.disconnect()
        client.loop_stop()
