"""Subscriptions of the SDK against the built-in endpoint, with connections that break and servers that restart."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from databases import open_store
from fakes import FakeClock
from mooring.client import (
    AsyncClient,
    AsyncSubscription,
    AuthenticationError,
    BadMessage,
    Client,
    Message,
    NotFound,
    Online,
    PermissionDenied,
    TimedOut,
    _amqp,
)
from mooring.platform import passwords
from mooring.store import Vault
from queues.queue_door import QueueDoor, opened, until

MINUTE_MS = 60_000
BAD = b"[not json"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))
    monkeypatch.setattr(_amqp, "_FIRST_PAUSE_S", 0.02)


@pytest.fixture
async def door(tmp_path: Path, vault: Vault) -> AsyncIterator[QueueDoor]:
    store = await open_store(tmp_path / "mooring.sqlite3")
    async with opened(store, vault, FakeClock()) as made:
        made.platform.amqp_url = url(made)
        yield made
    await store.close()


@pytest.fixture
async def client(door: QueueDoor) -> AsyncIterator[AsyncClient]:
    async with connected(door) as made:
        yield made


def url(door: QueueDoor) -> str:
    return f"amqp://127.0.0.1:{door.port}/quec-open"


def connected(door: QueueDoor, *, secret: str | None = None) -> AsyncClient:
    app = door.cloud.app
    return AsyncClient(
        app.access_key,
        secret or app.access_secret.reveal(),
        base_url="http://mooring.test",
        transport=httpx.ASGITransport(app=door.cloud.door()),
        clock=lambda: door.cloud.clock.now_ms() / 1000,
    )


def numbers(messages: list[Message]) -> list[int]:
    return [message.raw["number"] for message in messages]


async def take(messages: AsyncIterator[Any], count: int = 1) -> list[Any]:
    async with asyncio.timeout(30):
        return [await anext(messages) for _ in range(count)]


async def test_messages_arrive_typed_and_in_order_and_are_acknowledged(door: QueueDoor, client: AsyncClient) -> None:
    await door.push(5)
    async with client.subscribe(door.name, prefetch=2) as messages:
        got = []
        async for delivery in messages:
            got.append(delivery.message)
            assert delivery.body == delivery._incoming.body
            await delivery.ack()
            if len(got) == 5:
                break
        assert numbers(got) == list(range(5))
        assert all(isinstance(message, Online) and message.is_online for message in got)
        await until(lambda: door.unacked == 0)
    assert await door.stored() == 0


async def test_address_is_asked_of_the_platform(door: QueueDoor, client: AsyncClient) -> None:
    assert await client._queue_address(door.name) == url(door)
    assert await client._queue_address("a.1.unknown") == "amqp://mooring.test:5672/quec-open"


async def test_platform_that_does_not_say_means_the_usual_port() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("accessKeyLogin"):
            return httpx.Response(200, json={"code": 200, "access_token": "QJWT aaaa.bbbb.cccc", "expires_in": 7200})
        return httpx.Response(404, json={"code": 404, "msg": "no such route"})

    transport = httpx.MockTransport(handle)
    async with AsyncClient("key", "secret", base_url="https://cloud.example/x", transport=transport) as client:
        assert await client._queue_address("q") == "amqps://cloud.example:5671/quec-open"


async def test_prefetch_is_what_may_be_out(door: QueueDoor, client: AsyncClient) -> None:
    await door.push(5)
    async with client.subscribe(door.name, amqp_url=url(door), prefetch=2) as messages:
        (first,) = await take(aiter(messages))
        await until(lambda: door.unacked == 2)
        await first.ack()
        await until(lambda: (door.unacked, door.waiting) == (2, 2))


async def test_lost_connection_is_made_again_and_unacknowledged_messages_come_again(
    door: QueueDoor, client: AsyncClient
) -> None:
    await door.push(3)
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        deliveries = aiter(messages)
        first, second, _ = await take(deliveries, 3)
        await first.ack()
        await until(lambda: door.unacked == 2)
        door.cut()
        await until(lambda: door.consumers == 0)
        again = await take(deliveries, 2)
        await second.ack()  # of a connection that is gone
        assert numbers([delivery.message for delivery in again]) == [1, 2]
        assert all(delivery.redelivered for delivery in again)
        assert await door.stored() == 2


async def test_each_connection_has_a_signature_of_its_own(door: QueueDoor, client: AsyncClient) -> None:
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        deliveries = aiter(messages)
        for number in range(3):
            await door.push()
            (delivery,) = await take(deliveries)
            assert numbers([delivery.message]) == [number]
            await delivery.ack()
            await until(lambda: door.unacked == 0)
            door.cloud.clock.advance(11 * MINUTE_MS)
            door.cut()
    assert door.metrics.accepted >= 3


async def test_restarted_server_is_found_again(door: QueueDoor, client: AsyncClient) -> None:
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        deliveries = aiter(messages)
        await door.push()
        await (await take(deliveries))[0].ack()
        await until(lambda: door.unacked == 0)
        await door.restart()
        await door.push()
        (delivery,) = await take(deliveries)
        assert numbers([delivery.message]) == [1]


async def test_bad_body_goes_to_the_dead_letters_and_the_rest_goes_on(door: QueueDoor, client: AsyncClient) -> None:
    dead: list[bytes] = []

    async def bury(error: BadMessage) -> None:
        dead.append(error.body)

    await door.push_bodies(BAD)
    await door.push()
    async with client.subscribe(door.name, amqp_url=url(door), dead_letter=bury) as messages:
        (delivery,) = await take(aiter(messages))
        await delivery.ack()
        await until(lambda: door.unacked == 0)
    assert (dead, await door.stored()) == ([BAD], 0)


async def test_bad_body_is_dropped_without_a_hook(door: QueueDoor, client: AsyncClient) -> None:
    await door.push_bodies(BAD)
    await door.push()
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        await take(aiter(messages))
        await until(lambda: door.unacked == 1)
    assert await door.stored() == 1


async def test_bad_body_comes_again_when_the_hook_fails(door: QueueDoor, client: AsyncClient) -> None:
    seen: list[bytes] = []

    async def bury(error: BadMessage) -> None:
        seen.append(error.body)
        if len(seen) == 1:
            raise OSError("the disk is full")

    await door.push_bodies(BAD)
    async with client.subscribe(door.name, amqp_url=url(door), dead_letter=bury) as messages:
        waiting = asyncio.ensure_future(anext(aiter(messages)))
        await until(lambda: len(seen) == 1 and door.waiting == 1)
        await door.tick(MINUTE_MS)
        await until(lambda: len(seen) == 2 and door.unacked + door.waiting == 0)
        await messages.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting
    assert await door.stored() == 0


async def test_rejected_message_comes_again_after_a_minute_or_never(door: QueueDoor, client: AsyncClient) -> None:
    await door.push(2)
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        deliveries = aiter(messages)
        first, second = await take(deliveries, 2)
        await first.reject()
        await second.reject(requeue=False)
        await until(lambda: (door.unacked, door.waiting) == (0, 1))
        await door.tick(MINUTE_MS)
        (again,) = await take(deliveries)
        assert (again.message.raw["number"], again.redelivered) == (0, True)


async def test_handler_acknowledges_by_returning(door: QueueDoor, client: AsyncClient) -> None:
    seen: list[int] = []

    async def handle(message: Message) -> None:
        seen.append(message.raw["number"])
        if seen == [0]:
            raise ValueError("not today")

    await door.push(2)
    consuming = asyncio.create_task(client.consume(door.name, handle))
    await until(lambda: seen == [0, 1] and (door.unacked, door.waiting) == (0, 1))
    await door.tick(MINUTE_MS)
    await until(lambda: seen == [0, 1, 0] and door.unacked + door.waiting == 0)
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    await until(lambda: door.consumers == 0)


async def test_wrong_secret_ends_the_iteration(door: QueueDoor) -> None:
    async with connected(door, secret="x" * 40) as client, client.subscribe(door.name, amqp_url=url(door)) as messages:
        with pytest.raises(AuthenticationError):
            await take(aiter(messages))


async def test_wrong_secret_ends_the_search_for_the_address_too(door: QueueDoor) -> None:
    async with connected(door, secret="x" * 40) as client, client.subscribe(door.name) as messages:
        with pytest.raises(AuthenticationError):
            await take(aiter(messages))


async def test_foreign_and_unknown_queues_end_the_iteration(door: QueueDoor, client: AsyncClient) -> None:
    foreign = await door.another_queue("theirs", door.cloud.other_app)
    for name, kind in ((foreign.full_name, PermissionDenied), ("a.1.unknown", NotFound)):
        async with client.subscribe(name, amqp_url=url(door)) as messages:
            with pytest.raises(kind, match="queue a"):
                await take(aiter(messages))


async def test_wrong_virtual_host_ends_the_iteration(door: QueueDoor, client: AsyncClient) -> None:
    async with client.subscribe(door.name, amqp_url=f"amqp://127.0.0.1:{door.port}/other") as messages:
        with pytest.raises(PermissionDenied, match="virtual host other"):
            await take(aiter(messages))


async def test_deleted_queue_ends_the_iteration(door: QueueDoor, client: AsyncClient) -> None:
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        waiting = asyncio.ensure_future(anext(aiter(messages)))
        await until(lambda: door.consumers == 1)
        await door.platform.queues.delete(door.cloud.actor, door.queue.id)
        with pytest.raises(NotFound):
            await waiting


async def test_disabled_key_ends_the_iteration(door: QueueDoor, client: AsyncClient) -> None:
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        waiting = asyncio.ensure_future(anext(aiter(messages)))
        await until(lambda: door.consumers == 1)
        await door.platform.saas_apps.cancel_package(door.cloud.actor, door.cloud.app.id, "message-subscription")
        with pytest.raises(AuthenticationError):
            await waiting


async def test_close_ends_the_iteration_of_another_task(door: QueueDoor, client: AsyncClient) -> None:
    messages = client.subscribe(door.name, amqp_url=url(door))
    waiting = asyncio.ensure_future(anext(aiter(messages)))
    await until(lambda: door.consumers == 1)
    await messages.aclose()
    with pytest.raises(StopAsyncIteration):
        await waiting
    await until(lambda: door.consumers == 0)


async def test_close_ends_the_pause_before_another_try(
    door: QueueDoor, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_amqp, "_FIRST_PAUSE_S", 3_600.0)
    messages = client.subscribe(door.name, amqp_url="amqp://127.0.0.1:1/quec-open")
    waiting = asyncio.ensure_future(anext(aiter(messages)))
    await asyncio.sleep(0.2)
    await messages.aclose()
    with pytest.raises(StopAsyncIteration):
        async with asyncio.timeout(30):
            await waiting


def test_prefetch_is_at_least_one() -> None:
    client = AsyncClient("key", "secret")
    with pytest.raises(ValueError, match="prefetch"):
        client.subscribe("q", prefetch=0)


def test_secret_shows_in_no_representation() -> None:
    client = AsyncClient("key", "hidden-hidden")
    assert "hidden" not in repr(client.subscribe("q", amqp_url="amqp://user:hidden-hidden@host"))


# Without an event loop


def blocking(door: QueueDoor) -> Client:
    app = door.cloud.app
    clock: Callable[[], float] = lambda: door.cloud.clock.now_ms() / 1000  # noqa: E731
    return Client(app.access_key, app.access_secret.reveal(), base_url="http://mooring.test", clock=clock)


async def test_blocking_client_iterates(door: QueueDoor) -> None:
    def work() -> list[int]:
        got = []
        with blocking(door) as client, client.subscribe(door.name, amqp_url=url(door), prefetch=1) as messages:
            for delivery in messages:
                got.append(delivery.message.raw["number"])
                delivery.ack()
                if len(got) == 4:
                    break
        return got

    await door.push(4)
    assert await asyncio.to_thread(work) == [0, 1, 2, 3]
    await until(lambda: door.consumers == 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "mooring-subscription"]


async def test_blocking_client_reconnects(door: QueueDoor) -> None:
    got: list[tuple[int, bool]] = []

    def work() -> None:
        with blocking(door) as client, client.subscribe(door.name, amqp_url=url(door), prefetch=1) as messages:
            for delivery in messages:
                got.append((delivery.message.raw["number"], delivery.redelivered))
                if len(got) > 1:
                    delivery.ack()
                if len(got) == 3:
                    return

    await door.push(2)
    working = asyncio.ensure_future(asyncio.to_thread(work))
    await until(lambda: len(got) == 1)
    door.cut()
    await working
    assert got == [(0, False), (0, True), (1, False)]


async def test_blocking_handler_and_close_from_another_thread(door: QueueDoor) -> None:
    seen: list[int] = []
    with blocking(door) as client:
        messages = client.subscribe(door.name, amqp_url=url(door))
        working = asyncio.ensure_future(
            asyncio.to_thread(messages.consume, lambda message: seen.append(message.raw["number"]))
        )
        await door.push(3)
        await until(lambda: seen == [0, 1, 2] and door.unacked == 0)
        await asyncio.to_thread(messages.close)
        await working
    assert await door.stored() == 0


async def test_blocking_client_raises_what_ends_the_iteration(door: QueueDoor) -> None:
    def work() -> None:
        with blocking(door) as client, client.subscribe("a.1.unknown", amqp_url=url(door)) as messages:
            next(iter(messages))

    with pytest.raises(NotFound):
        await asyncio.to_thread(work)


async def test_blocking_dead_letters(door: QueueDoor) -> None:
    dead: list[bytes] = []

    def work() -> None:
        hook: Callable[[BadMessage], None] = lambda error: dead.append(error.body)  # noqa: E731
        with (
            blocking(door) as client,
            client.subscribe(door.name, amqp_url=url(door), dead_letter=hook) as messages,
        ):
            next(iter(messages)).ack()

    await door.push_bodies(BAD)
    await door.push()
    await asyncio.to_thread(work)
    assert dead == [BAD]


async def test_address_that_cannot_be_had_is_asked_for_again(door: QueueDoor, client: AsyncClient) -> None:
    asked: list[int] = []

    async def address() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise TimedOut("late", "queueList")
        return url(door)

    await door.push()
    async with AsyncSubscription(client._core.credentials, door.name, address) as messages:
        (delivery,) = await take(aiter(messages))
        assert door.name in repr(messages)
        assert "Online" in repr(delivery)
    assert len(asked) == 2


async def test_close_while_connecting_ends_the_iteration(door: QueueDoor, client: AsyncClient) -> None:
    async def address() -> str:
        await messages.aclose()
        return url(door)

    messages = AsyncSubscription(client._core.credentials, door.name, address)
    with pytest.raises(StopAsyncIteration):
        await take(aiter(messages))
    await until(lambda: door.consumers == 0)


async def test_iteration_that_was_broken_off_goes_on(door: QueueDoor, client: AsyncClient) -> None:
    await door.push(3)
    got = []
    async with client.subscribe(door.name, amqp_url=url(door)) as messages:
        for _ in range(3):
            async for delivery in messages:
                got.append(delivery.message)
                await delivery.ack()
                break
    assert numbers(got) == [0, 1, 2]


async def test_blocking_client_consumes_until_its_handler_stops_it(door: QueueDoor) -> None:
    class Stop(BaseException):
        pass

    seen: list[int] = []

    def handle(message: Message) -> None:
        seen.append(message.raw["number"])
        if len(seen) == 1:
            raise ValueError("not today")
        if len(seen) == 3:
            raise Stop

    def work() -> None:
        app = door.cloud.app
        clock: Callable[[], float] = lambda: door.cloud.clock.now_ms() / 1000  # noqa: E731
        with Client(app.access_key, app.access_secret.reveal(), amqp_url=url(door), clock=clock) as client:
            client.consume(door.name, handle)

    await door.push(3)
    with pytest.raises(Stop):
        await asyncio.to_thread(work)
    assert seen == [0, 1, 2]
    await until(lambda: door.consumers == 0)


async def test_blocking_subscription_that_is_closed_does_nothing_any_more(door: QueueDoor) -> None:
    def work() -> None:
        with blocking(door) as client:
            messages = client.subscribe(door.name, amqp_url=url(door))
            assert door.name in repr(messages)
            delivery = next(messages)
            assert "Online" in repr(delivery)
            messages.close()
            messages.close()
            delivery.ack()
            delivery.reject()
            assert list(messages) == []

    await door.push()
    await asyncio.to_thread(work)


async def test_what_waits_when_a_blocking_subscription_is_closed_is_ended(door: QueueDoor) -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def for_ever() -> None:
        loop.call_soon_threadsafe(started.set)
        await asyncio.Event().wait()

    with blocking(door) as client:
        messages = client.subscribe(door.name, amqp_url=url(door))
        waiting = asyncio.ensure_future(asyncio.to_thread(messages._settle, for_ever()))
        await started.wait()
        await asyncio.to_thread(messages.close)
        await waiting


@pytest.mark.parametrize(
    ("connect_url", "expected"),
    [("amqps://q.example:5671/quec-open", "amqps://q.example:5671/quec-open"), ("see the console", None), (None, None)],
)
def test_blocking_client_asks_for_the_address(connect_url: str | None, expected: str | None) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("accessKeyLogin"):
            return httpx.Response(200, json={"code": 200, "access_token": "QJWT aaaa.bbbb.cccc", "expires_in": 7200})
        if request.url.path.endswith("queue/list"):
            return httpx.Response(200, json={"code": 200, "data": [{"id": 1, "queueName": "q"}], "total": 1})
        data = {"queueId": 1, "queueName": "q", "connectUrl": connect_url}
        return httpx.Response(200, json={"code": 200, "data": data})

    with Client("key", "secret", base_url="http://[::1]:8080", transport=httpx.MockTransport(handle)) as client:
        assert client._queue_address("q") == (expected or "amqp://[::1]:5672/quec-open")
        assert client._queue_address("other") == "amqp://[::1]:5672/quec-open"


def test_blocking_client_that_is_told_nothing_takes_the_usual_port() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("accessKeyLogin"):
            return httpx.Response(200, json={"code": 200, "access_token": "QJWT aaaa.bbbb.cccc", "expires_in": 7200})
        return httpx.Response(404, json={"code": 404, "msg": "no such route"})

    with Client("key", "secret", base_url="http://h:1", transport=httpx.MockTransport(handle)) as client:
        assert client._queue_address("q") == "amqp://h:5672/quec-open"
