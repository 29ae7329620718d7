"""`python -m bench.round_trip_load FLEET`: one device and whoever commands it, in one process, one after the other.

A command round trip begins when the request of `readData` or `writeData` is handed to the socket. The device answers
what comes (PUBACK, and the 0012 or the 0014 with the new value) in one piece. It ends when the PUBACK for that answer
has come, which means that it is stored, and the call is answered as well.

A bare round trip: one client publishes with QoS 1, another one gets it, confirms it and publishes it back with QoS 1;
it ends when the first client has it back.

It takes orders as JSON lines (`Order`) and answers each with one (`Outcome`).
"""

import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mooring.protocol import ttlv
from mooring.protocol.frame import Frame, decode, encode
from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import encode as encode_packet
from mooring.protocol.mqtt.encode import publish

from .devices import RELAY_ID, Fleet, connect_packet, subscribe_packet, uplink_topic
from .errors import BenchFailed

__all__ = ["KINDS", "Client", "Order", "Outcome"]

KINDS = ("writeData", "readData")

_ANSWER_S = 10.0
_READ = 65_536
_PUBLISH, _PUBACK = 3, 4
_READ_REQUEST, _READ_RESPONSE, _WRITE, _REPORT = 0x0011, 0x0012, 0x0013, 0x0014
_PATH = "/v2/deviceshadow/r3/openapi/dm/"
_DEVICE = 0  # of the fleet
_THERE, _BACK = "bench/there", "bench/back"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`open` both ends: the device at `mqtt_port`, the API at `http_port` with its token, the two bare clients at
    `bare_port`; or `run` so many round trips of a kind, `bare` or one of `KINDS`."""

    do: str
    kind: str = ""
    count: int = 0
    mqtt_port: int = 0
    http_port: int = 0
    bare_port: int = 0
    token: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """Of each round trip: from its beginning to its end, and to when the call was answered, the device had the command
    and its answer was stored; seconds."""

    whole: list[float] = []
    answered: list[float] = []
    reached: list[float] = []
    stored: list[float] = []
    error: str = ""


class Client:
    """One MQTT connection, read packet by packet; packets are short."""

    def __init__(self, port: int, connect: bytes, subscribe: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""
        for packet, answer in ((connect, 2), (subscribe, 9)):
            self.socket.sendall(packet)
            if [first >> 4 for first, _ in self.read(1)] != [answer]:
                raise BenchFailed("a client was refused")

    def read(self, least: int = 0) -> Iterator[tuple[int, bytes]]:
        """First byte and body of the packets that have come, after one read; `least` of them are waited for."""
        self._data += self.socket.recv(_READ)
        while least > 0 or self._data:
            if len(self._data) < 2 or len(self._data) < 2 + self._data[1]:
                self._data += self.socket.recv(_READ)
                continue
            end = 2 + self._data[1]
            packet, self._data = self._data[:end], self._data[end:]
            least -= 1
            yield packet[0], packet[2:]


class _Bench:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._packet_id = 0
        self._value = False

    def obey(self, order: Order) -> Outcome:
        try:
            if order.do == "open":
                self._open(order)
                return Outcome()
            return self._run(order)
        except (BenchFailed, OSError) as error:
            return Outcome(error=f"{order.kind}: {error}")

    def _open(self, order: Order) -> None:
        fleet = self._fleet
        self._device = Client(order.mqtt_port, connect_packet(fleet, _DEVICE), subscribe_packet(fleet, _DEVICE))
        self._one = _bare(order.bare_port, "one", _BACK)
        self._other = _bare(order.bare_port, "other", _THERE)
        self._api = socket.create_connection(("127.0.0.1", order.http_port), _ANSWER_S)
        self._api.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"127.0.0.1:{order.http_port}"
        self._token = order.token
        self._poll = select.poll()
        self._poll.register(self._api, select.POLLIN)
        self._poll.register(self._device.socket, select.POLLIN)

    def _run(self, order: Order) -> Outcome:
        found = Outcome([], [], [], [])
        trip: Callable[[Outcome], None] = self._bare_trip
        if order.kind != "bare":
            trip = lambda outcome: self._command(order.kind, outcome)  # noqa: E731
        for _ in range(order.count):
            trip(found)
        return found

    def _bare_trip(self, found: Outcome) -> None:
        packet = publish(_THERE, b"x" * 16, 1, self._next_id())
        started = time.perf_counter()
        self._one.socket.sendall(packet)
        reply = _published(self._other)
        back = publish(_BACK, reply[1], 1, self._next_id())
        self._other.socket.sendall(encode_packet(packets.Puback(reply[0])) + back)
        packet_id, _ = _published(self._one)
        found.whole.append(time.perf_counter() - started)
        self._one.socket.sendall(encode_packet(packets.Puback(packet_id)))

    def _command(self, kind: str, found: Outcome) -> None:
        request = self._request(kind)
        clock = time.perf_counter
        answer_id, answer = 0, b""
        answered = reached = stored = 0.0
        started = clock()
        self._api.sendall(request)
        while not (answered and stored):
            for file, _ in self._ready():
                if file == self._api.fileno():
                    answer += self._api.recv(_READ)
                    if _whole(answer):
                        answered = clock()
                        if b'"ticket":"' not in answer:
                            raise BenchFailed(f"the call was not accepted: {answer[-300:]!r}")
                    continue
                for first, body in self._device.read():
                    if first >> 4 == _PUBLISH and not reached:
                        reached = clock()
                        answer_id = self._reply(body)
                    elif first >> 4 == _PUBACK and int.from_bytes(body, "big") == answer_id:
                        stored = clock()
        found.whole.append(max(answered, stored) - started)
        found.answered.append(answered - started)
        found.reached.append(reached - started)
        found.stored.append(stored - started)

    def _ready(self) -> list[tuple[int, int]]:
        ready = self._poll.poll(_ANSWER_S * 1000)
        if not ready:
            raise BenchFailed(f"no answer within {_ANSWER_S:.0f} s")
        return ready

    def _request(self, kind: str) -> bytes:
        self._value = not self._value
        data = [{"relay": self._value}] if kind == "writeData" else ["relay"]
        body = msgspec.json.encode(
            {
                "productKey": self._fleet.product_key,
                "devices": [self._fleet.device_keys[_DEVICE]],
                "data": msgspec.json.encode(data).decode(),
            }
        )
        head = (
            f"POST {_PATH}{kind} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _reply(self, body: bytes) -> int:
        """Confirm the command and answer it; the packet id of the answer."""
        packet_id, payload = _parts(body)
        frame = decode(payload)
        value = ttlv.encode([ttlv.Field(RELAY_ID, self._value)])
        own = self._next_id()
        if frame.command == _WRITE:
            answer = Frame(own, _REPORT, frame.payload)
        elif frame.command == _READ_REQUEST:
            answer = Frame(frame.packet_id, _READ_RESPONSE, value)
        else:
            raise BenchFailed(f"the device got {frame.command:04X}")
        topic = uplink_topic(self._fleet, _DEVICE)
        said = publish(topic, encode(answer), 1, own)
        self._device.socket.sendall(encode_packet(packets.Puback(packet_id)) + said)
        return own

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % 65_000 + 1
        return self._packet_id


def _bare(port: int, name: str, topic: str) -> Client:
    connect = encode_packet(packets.Connect(f"bench-{name}"))
    return Client(port, connect, encode_packet(packets.Subscribe(1, ((topic, 1),))))


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    return bool(end) and len(body) == int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def _published(client: Client) -> tuple[int, bytes]:
    """Packet id and payload of the next message; a PUBACK may come before it."""
    while True:
        for first, body in client.read():
            if first >> 4 == _PUBLISH:
                return _parts(body)


def _parts(body: bytes) -> tuple[int, bytes]:
    at = 2 + int.from_bytes(body[:2], "big")
    return int.from_bytes(body[at : at + 2], "big"), body[at + 2 :]


def _main() -> None:
    bench = _Bench(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Fleet))
    print("both ends are ready", flush=True)
    for line in sys.stdin:
        print(msgspec.json.encode(bench.obey(msgspec.json.decode(line, type=Order))).decode(), flush=True)


if __name__ == "__main__":
    _main()
