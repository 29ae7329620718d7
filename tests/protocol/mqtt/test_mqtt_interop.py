"""Clients that are not ours: mosquitto_pub and mosquitto_sub against a server session behind a socket."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mooring.protocol.mqtt import (
    ConnectRequested,
    Disconnected,
    Event,
    ProtocolViolated,
    PublishAcked,
    PublishReceived,
    ServerSession,
    Subscribe,
    UnacceptableProtocol,
    Unsubscribe,
    Will,
)

PATIENCE_S = 20.0  # for a process to end or an event to come; only a failure waits so long


class Shell(asyncio.Protocol):
    """The thinnest shell around a server session: lets everybody in, grants what is asked, commits at once."""

    def __init__(self, answer: Callable[[ServerSession, Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.session = ServerSession(self._loop.time())
        self._drive([])

    def data_received(self, data: bytes) -> None:
        self._drive(self.session.receive_data(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._drive(self.session.receive_eof())

    def _drive(self, events: list[Event]) -> None:
        while events:
            event = events.pop(0)
            self.events.append(event)
            events += self._take(event)
        self.transport.write(self.session.data_to_send())
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.session.next_deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._on_time)
        if self.session.is_over:
            self.transport.close()
        self.news.set()

    def _on_time(self) -> None:
        self._drive(self.session.on_time(self._loop.time()))

    def _take(self, event: Event) -> list[Event]:
        if self._answer is not None:
            self._answer(self.session, event)
        elif isinstance(event, ConnectRequested):
            return self.session.accept(self._loop.time())
        elif isinstance(event, Subscribe):
            self.session.grant(event.packet_id, [qos for _, qos in event.filters])
        elif isinstance(event, PublishReceived) and event.qos:
            self.session.acknowledge(event.packet_id)
        return []

    def publish(self, topic: str, payload: bytes, qos: int) -> int:
        packet_id = self.session.publish(topic, payload, qos, self._loop.time())
        self._drive([])
        return packet_id

    def seen(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[Event], count: int = 1) -> list[Event]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.seen(kind)) < count:
                self.news.clear()
                await self.news.wait()
        return self.seen(kind)


@asynccontextmanager
async def serving(
    answer: Callable[[ServerSession, Event], None] | None = None,
) -> AsyncIterator[tuple[int, Shell]]:
    """A server for one connection: its port, which is free, and its shell."""
    shell = Shell(answer)
    server = await asyncio.get_running_loop().create_server(lambda: shell, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], shell


@asynccontextmanager
async def running(program: str, port: int, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing; Debian package mosquitto-clients")
        pytest.skip(f"{program} is not installed (Debian package mosquitto-clients)")
    process = await asyncio.create_subprocess_exec(
        path, "-h", "127.0.0.1", "-p", str(port), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(program: str, port: int, *arguments: str, text: bytes = b"") -> tuple[int | None, bytes, bytes]:
    """Return exit code, output and error output."""
    async with running(program, port, *arguments) as process, asyncio.timeout(PATIENCE_S):
        output, errors = await process.communicate(text)
    return process.returncode, output, errors


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 200, 100_000])
async def test_mosquitto_pub_publishes_and_leaves(qos: int, size: int) -> None:
    payload = b"x" * size
    async with serving() as (port, shell):
        code, _, errors = await run("mosquitto_pub", port, "-t", "a/b", "-q", str(qos), "-s", text=payload)
        assert (code, errors) == (0, b"")
        assert await shell.wait_for(Disconnected) == [Disconnected(clean=True)]
        (message,) = shell.seen(PublishReceived)
        assert isinstance(message, PublishReceived)
        assert (message.topic, message.payload, message.qos) == ("a/b", payload, qos)


async def test_mosquitto_pub_publishes_nothing() -> None:
    async with serving() as (port, shell):
        code, _, _ = await run("mosquitto_pub", port, "-t", "a", "-n", "-r")
        assert code == 0
        await shell.wait_for(Disconnected)
        assert shell.seen(PublishReceived) == [PublishReceived("a", b"", 0, 0, dup=False, retain=True)]


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_mosquitto_pub_sends_many_in_order(qos: int) -> None:
    lines = [b"line %d" % number for number in range(300)]
    async with serving() as (port, shell):
        code, _, errors = await run("mosquitto_pub", port, "-t", "a", "-q", str(qos), "-l", text=b"\n".join(lines))
        assert (code, errors) == (0, b"")
        await shell.wait_for(Disconnected)
        messages = shell.seen(PublishReceived)
        assert [message.payload for message in messages if isinstance(message, PublishReceived)] == lines


async def test_mosquitto_pub_says_who_it_is() -> None:
    async with serving() as (port, shell):
        arguments = (
            "-i me -u user -P secret -k 77 -t a -m x --will-topic gone --will-payload w --will-qos 1 --will-retain"
        )
        code, _, _ = await run("mosquitto_pub", port, *arguments.split())
        assert code == 0
        assert shell.events[0] == ConnectRequested(
            "me", "user", b"secret", 77, True, Will("gone", b"w", 1, retain=True), 0xEE, repeated=False
        )


@pytest.mark.parametrize("qos", [0, 1])
async def test_mosquitto_sub_receives_and_confirms(qos: int) -> None:
    async with serving() as (port, shell):
        arguments = ("-t", "down/#", "-t", "more", "-q", "1", "-C", "20", "-F", "%t %q %p")
        async with running("mosquitto_sub", port, *arguments) as process, asyncio.timeout(PATIENCE_S):
            await shell.wait_for(Subscribe)
            sent = [shell.publish("down/x", b"%d" % number, qos) for number in range(20)]
            output, _ = await process.communicate()
        assert output.decode().splitlines() == [f"down/x {qos} {number}" for number in range(20)]
        await shell.wait_for(Disconnected)
        if qos:
            assert {event.packet_id for event in shell.seen(PublishAcked) if isinstance(event, PublishAcked)} == {*sent}


async def test_mosquitto_sub_unsubscribes() -> None:
    async with serving() as (port, shell):
        await run("mosquitto_sub", port, "-t", "a", "-U", "b/+", "-E")
        assert Unsubscribe(packet_id=2, filters=("b/+",)) in shell.events


async def test_killed_client_did_not_leave_cleanly() -> None:
    async with serving() as (port, shell):
        async with running("mosquitto_sub", port, "-t", "a") as process:
            await shell.wait_for(Subscribe)
            process.kill()
        assert await shell.wait_for(Disconnected) == [Disconnected(clean=False)]


@pytest.mark.parametrize("version", ["mqttv31", "mqttv5"])
async def test_other_versions_are_refused_with_code_1(version: str) -> None:
    async with serving() as (port, shell):
        code, _, errors = await run("mosquitto_pub", port, "-V", version, "-t", "a", "-m", "x")
        assert code != 0
        assert b"version" in errors.lower()
        (last,) = shell.events
        assert isinstance(last, ProtocolViolated)
        assert last.error is UnacceptableProtocol


@pytest.mark.parametrize("code", [2, 3, 4, 5])
async def test_refused_client_gives_up_with_the_code(code: int) -> None:
    def refuse(session: ServerSession, event: Event) -> None:
        if isinstance(event, ConnectRequested):
            session.refuse(code)

    async with serving(refuse) as (port, _):
        exit_code, _, errors = await run("mosquitto_pub", port, "-t", "a", "-m", "x")
        assert exit_code == code
        assert b"refused" in errors
