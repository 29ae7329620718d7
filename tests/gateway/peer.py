"""A device made of a socket and `protocol.mqtt.ClientSession`; it does what a test says and nothing by itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from mooring.protocol import commands, credentials, frame
from mooring.protocol.commands import DeviceConfiguration, Direction, Downlink, ExceptionNotice
from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    ConnectAccepted,
    Event,
    Limits,
    PublishAcked,
    PublishReceived,
    Resends,
    Subscribed,
)
from mooring.protocol.session_crypto import SessionCipher

__all__ = ["RAND", "WITHIN_S", "Peer", "report"]

WITHIN_S = 20.0
RAND = "0123456789abcdef"
_SILENT = Limits(resends=Resends(after_s=1e6))

E = TypeVar("E")


def report(number: int, payload: bytes = b"\x00\x12\x00\x07") -> bytes:
    """A 0014 frame: property 2 (power) is 7 unless said otherwise."""
    return frame.encode(frame.Frame(number, 0x0014, payload))


class Peer:
    """One connection. `events` are those that no call has taken yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client_id: str) -> None:
        self.client_id = client_id
        self.mqtt = ClientSession(0.0, _SILENT)
        self.events: list[Event] = []
        self.cipher: SessionCipher | None = None
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, client_id: str, tls: ssl.SSLContext | None = None) -> AsyncIterator["Peer"]:
        name = "localhost" if tls is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
        try:
            yield cls(reader, writer, client_id)
        finally:
            writer.transport.abort()

    # Bytes

    def flush(self) -> None:
        self._writer.write(self.mqtt.data_to_send())

    def raw(self, data: bytes) -> None:
        """Send bytes behind the back of the MQTT session."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the server has taken most of what was sent."""
        await self._writer.drain()

    async def stop_reading(self) -> None:
        """Leave what comes in the buffers of this machine."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def abort(self) -> None:
        """End without a word."""
        self._writer.transport.abort()

    async def raw_answer(self, count: int) -> bytes:
        """The next bytes, as they are."""
        async with asyncio.timeout(WITHIN_S):
            return await self._reader.readexactly(count)

    async def read(self) -> bool:
        """Take what comes; False at the end of the connection."""
        try:
            async with asyncio.timeout(WITHIN_S):
                data = await self._reader.read(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            return False
        self.events += self.mqtt.receive_data(data, 0.0)
        self.flush()
        return True

    async def wait(self, kind: type[E]) -> E:
        """The next event of a kind."""
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            if not await self.read():
                raise ConnectionError(f"closed while waiting for {kind.__name__}; held {self.events}")

    async def closed(self) -> None:
        """The server has closed; what it sent before is in `events`."""
        while await self.read():
            pass

    # MQTT

    def connect_packet(self, password: str | None, *, username: str | None = None, keep_alive_s: int = 120) -> Connect:
        return Connect(self.client_id, username, None if password is None else password.encode(), keep_alive_s)

    async def connect(self, password: str | None, *, username: str | None = None, keep_alive_s: int = 120) -> None:
        packet = self.connect_packet(password, username=username, keep_alive_s=keep_alive_s)
        self.mqtt.connect(packet, 0.0)
        self.flush()
        await self.connected()

    async def connected(self) -> None:
        """CONNACK 0 has come."""
        await self.wait(ConnectAccepted)

    async def subscribe(self, *filters: str, qos: int = 1) -> tuple[int, ...]:
        chosen = filters or (f"q/1/d/{self.client_id}/+",)
        self.mqtt.subscribe([(text, qos) for text in chosen], 0.0)
        self.flush()
        return (await self.wait(Subscribed)).codes

    def publish(self, payload: bytes, *, level: str = "bus", qos: int = 1, topic: str | None = None) -> int:
        sealed = payload if self.cipher is None else self.cipher.encrypt(payload)
        number = self.mqtt.publish(topic or f"q/2/d/{self.client_id}/{level}", sealed, qos, 0.0)
        self.flush()
        return number

    async def acked(self, number: int) -> None:
        """PUBACK, or the end of the exchange of QoS 2, for this message has come."""
        while (await self.wait(PublishAcked)).packet_id != number:
            pass

    async def message(self) -> PublishReceived:
        """The next message from the server; it is confirmed."""
        event = await self.wait(PublishReceived)
        if event.qos:
            self.mqtt.acknowledge(event.packet_id)
            self.flush()
        return event

    def decoded(self, event: PublishReceived) -> Downlink:
        """The command in a message."""
        payload = event.payload if self.cipher is None else self.cipher.decrypt(event.payload)
        return commands.decode(frame.decode(payload), Direction.DOWN)

    async def downlink(self) -> Downlink:
        """The command of the next message."""
        return self.decoded(await self.message())

    def events_of(self, kind: type[E]) -> list[E]:
        """Events of a kind that no call has taken yet."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def answers(self) -> list[PublishAcked]:
        """Confirmations that no call has taken yet."""
        return self.events_of(PublishAcked)

    # Devices

    async def configuration(self) -> DeviceConfiguration:
        words = await self.downlink()
        assert isinstance(words, DeviceConfiguration)
        return words

    async def refusal(self) -> int:
        """The code of the exception notice that comes next."""
        words = await self.downlink()
        assert isinstance(words, ExceptionNotice)
        return words.code

    async def authenticate(
        self, product_key: str, product_secret: str, device_key: str, *, encrypted: bool = False
    ) -> DeviceConfiguration:
        """Step `0;` up to the delivery of the secret."""
        password = credentials.build_authentication(
            product_key, product_secret, device_key, RAND, session_encryption=encrypted
        )
        await self.connect(password)
        assert await self.subscribe() == (1,)
        return await self.configuration()
