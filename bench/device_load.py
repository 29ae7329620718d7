"""`python -m bench.device_load FLEET DEVICES MESSAGES`: plays devices, in one process with one thread.

Everything that devices say is made before anything is measured, one stream of packets a device. The loop below only
waits for sockets, compares what came with the PUBACKs that must come, and sends the next piece of the stream; so it
keeps up with brokers written in C. It takes orders as JSON lines (`Order`) and answers each with one (`Outcome`).
"""

import contextlib
import resource
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import encode

from .devices import Fleet, connect_packet, reports, subscribe_packet

__all__ = ["MAX_WINDOW", "Order", "Outcome", "percentile"]

MAX_WINDOW = 10

_AT_ONCE = 100  # connections that wait for an answer
_ANSWER_S = 30.0
_DRAIN_S = 30.0
_READ = 65_536
_POLL_S = 0.05
_PER_ADDRESS = 20_000  # connections from one source address
_ACCEPTED = b"\x20\x02\x00\x00"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`connect` to a port under a name, `run` some seconds with a `window` of messages of each device, or `close`."""

    do: str
    server: str
    port: int = 0
    password: bool = True
    devices: int = 0
    seconds: float = 0.0
    window: int = 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` were acknowledged within `seconds`, `late` ones after that; times are those of one device.

    `busy` is the part of the time that this process used its processor.
    """

    messages: int = 0
    late: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    error: str = ""


class _Stream:
    """What one device says, over and over, and the acknowledgements that belong to it."""

    __slots__ = ("acks", "count", "ends", "packets")

    def __init__(self, fleet: Fleet, number: int, count: int) -> None:
        said = list(reports(fleet, number, count))
        said += said[:MAX_WINDOW]  # so that no piece has to be put together
        self.count = count
        self.packets = memoryview(b"".join(packet for _, packet in said))
        self.acks = b"".join(encode(packets.Puback(packet_id)) for packet_id, _ in said)
        self.ends = [0]
        for _, packet in said:
            self.ends.append(self.ends[-1] + len(packet))


class _Device:
    """One connection. `sent` and `acked` are places in the stream."""

    __slots__ = ("acked", "rest", "sent", "socket", "stream")

    def __init__(self, connection: socket.socket, stream: _Stream) -> None:
        self.socket = connection
        self.stream = stream
        self.sent = 0
        self.acked = 0
        self.rest = b""

    def send(self, count: int) -> None:
        stream, first = self.stream, self.sent
        piece = stream.packets[stream.ends[first] : stream.ends[first + count]]
        if self.socket.send(piece) != len(piece):
            raise BenchBroken("a server does not read what devices send")
        first += count
        self.sent = first - stream.count if first >= stream.count else first

    def take(self) -> int:
        """Read what came; how many messages it acknowledges."""
        data = self.rest + self.socket.recv(_READ)
        count, rest = divmod(len(data), 4)
        stream, first = self.stream, 4 * self.acked
        if not data.startswith(stream.acks[first : first + 4 * count]):
            raise BenchBroken(f"not the PUBACKs that are due: {data[:40].hex()}")
        if not data:
            raise BenchBroken("a server closed a connection")
        self.rest = data[4 * count :] if rest else b""
        place = self.acked + count
        self.acked = place - stream.count if place >= stream.count else place
        return count


class BenchBroken(Exception):
    """A server did what no server may do."""


class _Load:
    def __init__(self, fleet: Fleet, devices: int, messages: int) -> None:
        self._fleet = fleet
        self._streams = [_Stream(fleet, number, messages) for number in range(devices)]
        self._connected: dict[str, list[_Device]] = {}
        self._idle: dict[str, list[socket.socket]] = {}

    def obey(self, order: Order) -> Outcome:
        act: Callable[[Order], Outcome] = {"connect": self._connect, "run": self._run, "close": self._close}[order.do]
        try:
            return act(order)
        except (BenchBroken, OSError) as error:
            return Outcome(error=f"{order.server}: {error}")

    def _connect(self, order: Order) -> Outcome:
        """Connect and subscribe; devices without a stream stay idle."""
        opened: list[socket.socket] = []
        self._idle[order.server] = opened
        for start in range(0, order.devices, _AT_ONCE):
            some = range(start, min(order.devices, start + _AT_ONCE))
            new = [_open(order.port, number) for number in some]
            opened += new
            pairs = list(zip(some, new, strict=True))
            for number, connection in pairs:
                connection.sendall(connect_packet(self._fleet, number, password=order.password))
            for _, connection in pairs:
                if _exactly(connection, 4) != _ACCEPTED:
                    raise BenchBroken("a device was refused")
            for number, connection in pairs:
                connection.sendall(subscribe_packet(self._fleet, number))
            for _, connection in pairs:
                if _exactly(connection, 5)[:2] != b"\x90\x03":
                    raise BenchBroken("a device could not subscribe")
        for connection in opened:
            connection.setblocking(False)
        self._connected[order.server] = [
            _Device(connection, stream) for connection, stream in zip(opened, self._streams, strict=False)
        ]
        return Outcome(messages=len(opened))

    def _close(self, order: Order) -> Outcome:
        for connection in self._idle.pop(order.server, []):
            connection.close()
        self._connected.pop(order.server, None)
        return Outcome()

    def _run(self, order: Order) -> Outcome:
        devices = self._connected[order.server]
        watched = _Watched(devices[0])
        poll = select.epoll(len(devices))
        by_file = {device.socket.fileno(): device for device in devices}
        for file in by_file:
            poll.register(file, select.EPOLLIN)
        clock = time.perf_counter
        messages = late = 0
        used, started = time.process_time(), clock()
        end = started + order.seconds
        with contextlib.closing(poll):
            for device in devices:
                device.send(order.window)
            watched.sent(order.window, started)
            now = started
            while now < end:
                for file, _ in poll.poll(_POLL_S):
                    device = by_file[file]
                    count = device.take()
                    messages += count
                    device.send(count)
                    if device is watched.device:
                        watched.acked(count, clock())
                now = clock()
            seconds, busy = now - started, (time.process_time() - used) / (now - started)
            open_ones = len(devices) * order.window
            while late < open_ones and now < end + _DRAIN_S:
                for file, _ in poll.poll(_POLL_S):
                    late += by_file[file].take()
                now = clock()
        if late != open_ones:
            raise BenchBroken(f"{open_ones - late} messages were not acknowledged in {_DRAIN_S:.0f} s")
        p50, p99 = percentile(watched.times, 0.5), percentile(watched.times, 0.99)
        return Outcome(messages=messages, late=late, seconds=seconds, busy=busy, p50_ms=p50 * 1000, p99_ms=p99 * 1000)


class _Watched:
    """The time from sending to PUBACK of one device's messages, in seconds."""

    def __init__(self, device: _Device) -> None:
        self.device = device
        self.times: list[float] = []
        self._open: list[float] = []

    def sent(self, count: int, now: float) -> None:
        self._open += [now] * count

    def acked(self, count: int, now: float) -> None:
        self.times += [now - sent for sent in self._open[:count]]
        self._open = self._open[count:]
        self.sent(count, now)


def percentile(times: Sequence[float], part: float) -> float:
    """The time that so great a part of them does not exceed; 0 when there are none."""
    return sorted(times)[min(len(times) - 1, int(part * len(times)))] if times else 0.0


def _open(port: int, number: int) -> socket.socket:
    source = f"127.0.0.{2 + number // _PER_ADDRESS}"
    connection = socket.create_connection(("127.0.0.1", port), _ANSWER_S, (source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise BenchBroken("a server closed a connection")
        data += more
    return data


def _orders() -> Iterator[Order]:
    for line in sys.stdin:
        yield msgspec.json.decode(line, type=Order)


def _main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    fleet = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Fleet)
    load = _Load(fleet, int(sys.argv[2]), int(sys.argv[3]))
    print("devices are ready", flush=True)
    for order in _orders():
        print(msgspec.json.encode(load.obey(order)).decode(), flush=True)


if __name__ == "__main__":
    _main()
