"""The cloud's end of a device in memory, and the two joined by one clock. Small and independent of the gateway."""

import random
from collections.abc import Sequence
from typing import Any

from mooring.device import memory
from mooring.device.core import DeviceCore, State
from mooring.device.events import DeviceEvent, MemoryChanged, Told
from mooring.device.settings import Identity, Settings
from mooring.protocol import commands, credentials, frame, mqtt
from mooring.protocol.commands import Direction, Downlink, Uplink
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import ServerSession
from mooring.protocol.session_crypto import SessionCipher

__all__ = ["DK", "DS", "IDENTITY", "KEY", "PK", "PS", "RAND", "CloudPeer", "FixedRand", "Pair", "numbers"]

PK, PS, DK = "p11TestPK", "UHJvZHVjdFNlY3Jl", "861234567890123"
DS = "0123456789abcdef0123456789abcdef"
KEY = b"sixteen bytes ok"
RAND = "0123456789abcdef"
IDENTITY = Identity(PK, PS, DK)


class FixedRand(random.Random):
    """Chance that gives the RAND of the vectors."""

    def choices(self, population: Any, *args: Any, **options: Any) -> list[Any]:
        return list(RAND)

    def random(self) -> float:
        return 0.5


class CloudPeer:
    """Serves one connection. `refusal` is sent as 00A3 after SUBSCRIBE, `connack` refuses at once."""

    def __init__(
        self,
        now: float = 0.0,
        *,
        device_secret: str | None = None,
        delivers: bool = True,
        connack: int = 0,
        refusal: int | None = None,
        answers: bool = True,
        acknowledges: bool = True,
        session_key: bytes | None = None,
        product_secret: str = PS,
    ) -> None:
        self.session = ServerSession(now)
        self.device_secret = device_secret
        self.delivers = delivers
        self.connack = connack
        self.refusal = refusal
        self.answers = answers
        self.acknowledges = acknowledges
        self.session_key = session_key
        self.product_secret = product_secret
        self.cipher: SessionCipher | None = None
        self.client_id = ""
        self.step: int | None = None
        self.connects = 0
        self.subscribes = 0
        self.uplinks: list[Uplink] = []
        self.frames: list[Frame] = []
        self.messages: list[mqtt.PublishReceived] = []
        self.acked: list[int] = []
        self._packet_id = 0

    def receive(self, data: bytes, now: float) -> None:
        self._handle(self.session.receive_data(data, now), now)

    def on_time(self, now: float) -> None:
        self._handle(self.session.on_time(now), now)

    def send(self, value: Downlink, now: float, *, qos: int = 1, packet_id: int | None = None) -> int:
        """Send a command; returns its packet id."""
        if packet_id is None:
            packet_id = self._packet_id = frame.next_packet_id(self._packet_id)
        self.send_bytes(frame.encode(commands.encode(value, packet_id)), now, qos=qos)
        return packet_id

    def send_bytes(self, payload: bytes, now: float, *, qos: int = 1) -> None:
        if self.cipher is not None:
            payload = self.cipher.encrypt(payload)
        self.session.publish(f"q/1/d/{self.client_id}/sys", payload, qos, now)

    def _handle(self, events: Sequence[mqtt.Event], now: float) -> None:
        for event in events:
            match event:
                case mqtt.ConnectRequested():
                    self.connects += 1
                    if not event.repeated:
                        self._connected(event)
                    if self.answers and not event.repeated:
                        self._let_in(now)
                case mqtt.Subscribe(packet_id=packet_id):
                    self.subscribes += 1
                    if self.answers:
                        self.session.grant(packet_id, [1])
                        self._welcome(now)
                case mqtt.PublishReceived():
                    self._received(event)
                case mqtt.PublishAcked(packet_id=packet_id):
                    self.acked.append(packet_id)
                case _:
                    pass

    def _let_in(self, now: float) -> None:
        if self.connack:
            self.session.refuse(self.connack)
        else:
            self._handle(self.session.accept(now), now)

    def _connected(self, event: mqtt.ConnectRequested) -> None:
        self.client_id = event.client_id
        assert event.password is not None
        parsed = credentials.parse(event.password)
        if isinstance(parsed, credentials.Authentication):
            self.step = 0
            credentials.open_authentication(parsed, self.product_secret, event.client_id)
        else:
            self.step = 1
            if self.device_secret is not None:
                credentials.verify_connection(parsed, self.product_secret, self.device_secret)
        assert parsed.session_encryption == (self.session_key is not None)

    def _welcome(self, now: float) -> None:
        if self.refusal is not None:
            self.send(commands.ExceptionNotice(self.refusal), now)
        elif self.step == 0 and self.delivers:
            self.send(commands.DeviceConfiguration(device_secret=DS, session_key=self.session_key), now)
            self._encrypt()
        elif self.session_key is not None:
            self.send(commands.DeviceConfiguration(session_key=self.session_key), now)
            self._encrypt()

    def _encrypt(self) -> None:
        if self.session_key is not None:
            self.cipher = SessionCipher(self.session_key)

    def _received(self, event: mqtt.PublishReceived) -> None:
        payload = event.payload
        if self.cipher is not None and not payload.startswith(b"\xaa\xaa"):
            payload = self.cipher.decrypt(payload)
        content = frame.decode(payload)
        self.messages.append(event)
        self.frames.append(content)
        self.uplinks.append(commands.decode(content, Direction.UP))
        if event.qos and self.acknowledges:
            self.session.acknowledge(event.packet_id)


class Pair:
    """A device and a cloud, joined until one of them leaves."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        secret: str | None = None,
        chance: random.Random | None = None,
        stores: bool = True,
        piece: int = 0,
    ) -> None:
        self.now = 100.0
        self.device = DeviceCore(
            IDENTITY, settings or Settings(), memory.Memory(secret), chance=chance or random.Random(1)
        )
        self.stores = stores
        self.piece = piece
        self.told: list[Told] = []
        self.peer: CloudPeer | None = None
        self.up = b""

    def start(self, peer: CloudPeer) -> "Pair":
        self.device.start()
        return self.connect(peer)

    def connect(self, peer: CloudPeer) -> "Pair":
        assert self.device.state is State.OPENING
        self.peer = peer
        peer.session = ServerSession(self.now)
        self.device.opened(self.now)
        self.carry()
        return self

    def tell(self, told: Sequence[Told]) -> None:
        self.told += told
        for item in told:
            if isinstance(item, MemoryChanged) and self.stores:
                self.tell(self.device.memory_stored(self.now))

    def carry(self) -> None:
        """Move bytes until nothing moves."""
        while True:
            up = self.device.data_to_send()
            self.up += up
            peer = self.peer
            if peer is None:
                return
            peer.receive(up, self.now)
            down = peer.session.data_to_send()
            if not self.device.is_connected:
                self.peer = None
                return
            for at in range(0, len(down), self.piece or len(down) or 1):
                self.tell(self.device.receive_data(down[at : at + (self.piece or len(down))], self.now))
            if peer.session.is_over and not down:
                self.break_off()
            if not up and not down:
                return

    def break_off(self) -> None:
        self.peer = None
        self.tell(self.device.lost(self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        until = self.now + seconds
        while True:
            due = [self.device.next_deadline(), self.peer.session.next_deadline() if self.peer else None]
            times = [time for time in due if time is not None]
            self.now = max(self.now, min([until, *times]))
            self.tell(self.device.on_time(self.now))
            if self.peer is not None:
                self.peer.on_time(self.now)
            self.carry()
            if self.now >= until and not any(time <= self.now for time in times):
                return

    def take(self) -> list[tuple[int, int]]:
        """The events since the last call."""
        found = numbers(self.told)
        self.told = []
        return found


def numbers(told: Sequence[Told]) -> list[tuple[int, int]]:
    return [(item.event, item.code) for item in told if isinstance(item, DeviceEvent)]
