"""The composition root: settings in, a running platform out. The only place that knows every room."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector
from starlette.types import ASGIApp

from mooring import __version__
from mooring.console import create_console
from mooring.demo import running_demo
from mooring.gateway import (
    Gateway,
    GatewayLimits,
    GatewayMetrics,
    Listener,
    WebSocketDoor,
    make_self_signed,
    server_context,
    trust,
)
from mooring.http import Doors, client_address
from mooring.manage import create_manage
from mooring.openapi import OpenApi, OpenApiMetrics
from mooring.platform import Actor, Limits, Platform, Role
from mooring.platform.platform import is_initialized
from mooring.platform.sources import Clock
from mooring.protocol.amqp import Limits as AmqpLimits
from mooring.queues import Endpoint, EndpointLimits, EndpointMetrics, QueueConnection
from mooring.queues.rabbitmq import AuthDoor, ForwarderMetrics, RabbitMq
from mooring.settings import Settings
from mooring.store import DataDirectory, DataDirectoryError, SecretKeyError, Store, Vault
from mooring.store.migrate import migrate_postgres, migrate_sqlite
from mooring.store.postgres import PostgresStore, printable_url
from mooring.store.sqlite import SqliteStore
from mooring.store.vault import create_key_file, parse_key, read_key_file

__all__ = ["Embedding", "PortTaken", "Serving", "recover", "serve"]

_BACKLOG = 2048
_COLLECT_EVERY = 100_000  # new objects that may hold others; full batches have half as many
_MAX_WEBSOCKET_MESSAGE = 256 * 1024

_log = structlog.get_logger()


class Announce(Protocol):
    """Takes a line for the person who started this, and what it says as facts by name."""

    def __call__(self, line: str, /, **facts: str) -> None: ...


class PortTaken(Exception):
    """A port cannot be listened on. `mooring up` ends with exit code 10."""

    exit_code = 10


@dataclass(frozen=True)
class _Ports:
    """Sockets that listen, each taken before anything else starts."""

    http: socket.socket
    mqtt: socket.socket
    mqtts: socket.socket | None
    amqp: socket.socket | None
    amqps: socket.socket | None


@dataclass(frozen=True)
class Serving:
    """A server that listens: where, and what it runs. `mqtt` is host and port of devices."""

    platform: Platform
    base_url: str
    mqtt: tuple[str, int]
    amqp_url: str


@dataclass(frozen=True)
class Embedding:
    """A server inside another program, which has the signals and the garbage collector for itself.

    `run` is called when it listens, and the server drains when it returns; `wrap` may put something before the HTTP
    doors; `clock` is the time of the platform.
    """

    run: Callable[[Serving], Awaitable[None]]
    wrap: Callable[[ASGIApp], ASGIApp] = lambda doors: doors
    clock: Clock | None = None


async def serve(settings: Settings, announce: Announce, embedding: Embedding | None = None) -> None:
    """Run until SIGTERM or SIGINT, then drain. `announce` gets the lines for the person who started it.

    Raises StartError (store), PortTaken, TlsError; each carries the exit code of `mooring up`.
    """
    if embedding is None:
        _raise_file_limit()
    clock = None if embedding is None else embedding.clock
    directory = DataDirectory(settings.data)
    directory.open()
    if settings.store == "sqlite":
        directory.lock()
    try:
        needs_tls = settings.mqtts_port is not None or settings.amqps_port is not None
        tls = None if not needs_tls else await asyncio.to_thread(_tls, settings, directory)
        with contextlib.ExitStack() as sockets:
            ports = _take_ports(settings, sockets)
            async with _open_store(settings, directory) as store:
                vault = Vault(await _secret_key(settings, directory, store))
                async with _broker(settings) as broker:
                    platform = await Platform.open(store, vault, clock=clock, limits=_limits(settings), broker=broker)
                    await _run(settings, directory, platform, ports, tls, announce, embedding)
    finally:
        directory.unlock()


async def recover(settings: Settings, announce: Announce) -> None:
    """A new one-time password for the first enabled owner; SQLite: with the server stopped. Raises StartError."""
    directory = DataDirectory(settings.data)
    if settings.store == "sqlite":
        if not directory.database.is_file():
            raise DataDirectoryError(f"there is no database in {directory.path}")
        directory.lock()
    try:
        async with _open_store(settings, directory) as store:
            vault = Vault(await _secret_key(settings, directory, store))
            platform = await Platform.open(store, vault, limits=_limits(settings))
            account = next(iter(platform.directory.accounts()), None)
            if account is None:
                raise DataDirectoryError("there is no account yet; mooring up makes it and shows its password")
            members = platform.accounts.administrators(account.id)
            administrator = next(member for member in members if member.enabled and member.role is Role.OWNER)
            actor = Actor(account.id, "mooring recover", "local")
            password = await platform.accounts.reset_password(actor, administrator.id)
            email, once = administrator.email, password.reveal()
            announce(f"Administrator {email}, one-time password {once}", administrator=email, one_time_password=once)
    finally:
        directory.unlock()


async def _run(
    settings: Settings,
    directory: DataDirectory,
    platform: Platform,
    ports: _Ports,
    tls: ssl.SSLContext | None,
    announce: Announce,
    embedding: Embedding | None,
) -> None:
    base_url = f"http://{_address(settings.host, ports.http)}"
    if not settings.demo:
        await _first_start(settings, platform, announce)
    await platform.recover()
    registry = CollectorRegistry()
    limits = GatewayLimits(max_connections=settings.max_connections, uplinks_per_s=settings.device_uplinks_per_s)
    gateway = Gateway(platform, limits, GatewayMetrics(platform, registry))
    listener = Listener(gateway)
    queue_limits = _endpoint_limits(settings)
    endpoint = Endpoint(platform, queue_limits, EndpointMetrics(registry, platform.announcer.invalid), QueueConnection)
    server = _Server(settings, platform, gateway, registry, embedding)
    background = asyncio.create_task(platform.background())
    serving = asyncio.create_task(server.serve(sockets=[ports.http]))
    try:
        await listener.serve(ports.mqtt)
        mqtt = f"mqtt://{_address(settings.host, ports.mqtt)}"
        if ports.mqtts is not None and tls is not None:
            await _follow_authorities(platform, tls)
            await listener.serve(ports.mqtts, tls)
            mqtt += f", mqtts://{_address(settings.host, ports.mqtts)}"
        amqp = "" if settings.rabbitmq is None else settings.rabbitmq.customers_url
        if ports.amqp is not None:
            await endpoint.serve(ports.amqp)
            amqp = f"amqp://{_address(settings.host, ports.amqp)}/quec-open"
        if ports.amqps is not None and tls is not None:
            await endpoint.serve(ports.amqps, server_context(*_tls_files(settings, directory)))
            amqp += f", amqps://{_address(settings.host, ports.amqps)}/quec-open"
        platform.amqp_url = settings.amqp_url or amqp.rpartition(" ")[2]
        if platform.remote_queues is not None:
            ForwarderMetrics(platform.remote_queues.forwarder, registry)
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.002)
        async with contextlib.AsyncExitStack() as demo:
            if settings.demo:
                address = _host_and_port(settings.host, ports.mqtt)
                running = running_demo(platform, directory.demo, base_url, address, settings.admin_email)
                await demo.enter_async_context(running)
                announce(f"Demo data is in {directory.demo}", demo_file=str(directory.demo))
            doors = f"OpenAPI {base_url}/v2, management API {base_url}/manage/v1, "
            doors += f"console {base_url}/console, devices {mqtt}, queues {amqp}"
            announce(
                f"Mooring {__version__} is ready: {doors}",
                base_url=base_url,
                manage_url=f"{base_url}/manage/v1",
                console_url=f"{base_url}/console",
                mqtt=mqtt,
                amqp=amqp,
            )
            _log.info("ready", base_url=base_url, mqtt=mqtt, amqp=amqp, store=_store_name(settings))
            lasting = {serving, background}
            if embedding is None:
                _spare_collections()
            else:
                address = _host_and_port(settings.host, ports.mqtt)
                run = embedding.run(Serving(platform, base_url, address, platform.amqp_url))
                lasting.add(asyncio.ensure_future(run))
            await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
        if background.done():
            background.result()
    finally:
        server.drain()
        listener.close()
        await gateway.close()
        await endpoint.close()
        await serving
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)
        await platform.close()
        _log.info("stopped")


class _Server(uvicorn.Server):
    """Uvicorn inside our event loop. Signals are ours: the first drains, a second one cuts what still runs."""

    def __init__(
        self,
        settings: Settings,
        platform: Platform,
        gateway: Gateway,
        registry: CollectorRegistry,
        embedding: Embedding | None = None,
    ) -> None:
        self._takes_signals = embedding is None
        self._platform = platform
        self._gateway = gateway
        self._registry = registry
        super().__init__(
            uvicorn.Config(
                self._doors(settings) if embedding is None else embedding.wrap(self._doors(settings)),
                interface="asgi3",
                http="httptools",
                # X-Forwarded-For is ours to judge (mooring.http), by the setting trusted_proxies and nothing else.
                proxy_headers=False,
                ws="websockets-sansio",
                ws_max_size=_MAX_WEBSOCKET_MESSAGE,
                ws_ping_interval=None,  # MQTT has its own keep alive
                ws_per_message_deflate=False,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=settings.drain_s,
            )
        )

    def drain(self) -> None:
        """Take no new requests and end when the running ones are answered."""
        self.force_exit = self.should_exit and self.force_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Traces go on for as long as somebody watches; draining must not wait for them."""
        self._platform.trace.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn's own handlers would end the process by the signal after draining; ours end it with exit code 0."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT) if self._takes_signals else ()
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    def _ready(self) -> str | None:
        if self.should_exit:
            return "draining"
        return None if self._platform.directory.fresh else "the database does not answer"

    def _doors(self, settings: Settings) -> Doors:
        registry = self._registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        version = Gauge("mooring_directory_version", "Newest change that this process shows", registry=registry)
        version.set_function(lambda: self._platform.directory.version)
        caller = client_address(settings.trusted_proxies)
        openapi = OpenApi(
            self._platform,
            metrics=OpenApiMetrics(registry),
            client_address=caller,
            language=settings.language,
            mapped_status=settings.http_status == "mapped",
        )
        manage = create_manage(self._platform, client_address=caller)
        console = create_console(self._platform, openapi=openapi, client_address=caller)
        mqtt = WebSocketDoor(self._gateway, caller)
        rabbitmq = None
        if settings.rabbitmq is not None:
            secret = settings.rabbitmq_auth_secret
            rabbitmq = AuthDoor(self._platform.broker_access, None if secret is None else secret.get_secret_value())
        return Doors(
            openapi=openapi,
            manage=manage,
            console=console,
            mqtt=mqtt,
            registry=registry,
            ready=self._ready,
            rabbitmq=rabbitmq,
        )


async def _first_start(settings: Settings, platform: Platform, announce: Announce) -> None:
    made = await platform.accounts.bootstrap(settings.admin_email)
    if made is not None:
        email, once = made.email, made.password.reveal()
        announce(
            f"First start: administrator {email}, one-time password {once}", administrator=email, one_time_password=once
        )
        announce("It is shown this once. Change it with: mooring admin login")


@contextlib.asynccontextmanager
async def _open_store(settings: Settings, directory: DataDirectory) -> AsyncIterator[Store]:
    if settings.store == "sqlite":
        await asyncio.to_thread(migrate_sqlite, directory.database)
        store: Store = SqliteStore(directory.database)
    else:
        await migrate_postgres(settings.store)
        store = await PostgresStore.open(settings.store, connections=settings.store_connections)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def _broker(settings: Settings) -> AsyncIterator[RabbitMq | None]:
    if settings.rabbitmq is None:
        yield None
        return
    broker = RabbitMq(settings.rabbitmq, _limits(settings).queues)
    try:
        yield broker
    finally:
        await broker.close()


async def _secret_key(settings: Settings, directory: DataDirectory, store: Store) -> bytes:
    if settings.secret_key is not None:
        return parse_key(settings.secret_key.get_secret_value(), "MOORING_SECRET_KEY")
    key = read_key_file(directory.secret_key)
    if key is not None:
        return key
    if await is_initialized(store):
        raise SecretKeyError(
            f"the secret key {directory.secret_key} is missing; the database is sealed with it. "
            "Restore the file or set MOORING_SECRET_KEY"
        )
    return create_key_file(directory.secret_key)


def _limits(settings: Settings) -> Limits:
    return Limits(
        token_lifetime_s=settings.token_lifetime_s,
        token_renew_after_s=settings.token_renew_after_s,
        login_window_s=settings.login_window_s,
        user_token_lifetime_s=settings.user_token_lifetime_s,
        max_products=settings.max_products,
        max_apps=settings.max_apps,
        max_features=settings.max_features,
        audit_days=settings.audit_days,
        data_days=settings.data_days,
        event_days=settings.event_days,
        location_days=settings.location_days,
        exception_days=settings.exception_days,
        command_days=settings.command_days,
        max_queues=settings.max_queues,
        max_subscriptions=settings.max_subscriptions,
        queue_bytes=settings.queue_bytes,
        queue_age_s=settings.queue_age_s,
        reconnect_as_online=settings.reconnect_as_online,
        network_positions=settings.network_positions,
        customers_declare=settings.rabbitmq_customers_declare,
        statistics_days=settings.statistics_days,
        request_log_rows=settings.request_log_rows,
        request_log_days=settings.request_log_days,
        request_log_answer_bytes=settings.request_log_answer_bytes,
        app_calls_per_s=settings.app_calls_per_s,
        device_commands_per_s=settings.device_commands_per_s,
        device_messages_per_day=settings.device_messages_per_day,
        paid_pushes_per_month=settings.paid_pushes_per_month,
    )


def _spare_collections() -> None:
    """Messages in a batch are thousands of small objects that live until its commit and are in no cycle. Looking for
    cycles among them, and among what is here to stay, took a tenth of the time of an uplink."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 20)


def _raise_file_limit() -> None:
    """Each connection is an open file; the system's usual soft limit is far below what it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tls(settings: Settings, directory: DataDirectory) -> ssl.SSLContext:
    certificate, key = _tls_files(settings, directory)
    if certificate == directory.tls_certificate:
        make_self_signed(certificate, key, settings.host, datetime.now(UTC))
    return server_context(certificate, key)


def _tls_files(settings: Settings, directory: DataDirectory) -> tuple[Path, Path]:
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return settings.tls_certificate, settings.tls_key
    return directory.tls_certificate, directory.tls_key


async def _follow_authorities(platform: Platform, tls: ssl.SSLContext) -> None:
    """Devices may show certificates of every CA that is proved, now or later."""
    trust(tls, await platform.certificates.verified())
    platform.certificates.on_prove.append(lambda authority: trust(tls, [authority]))


def _take_ports(settings: Settings, sockets: contextlib.ExitStack) -> _Ports:
    def listen(port: int) -> socket.socket:
        return sockets.enter_context(contextlib.closing(_listen(settings.host, port)))

    def perhaps(port: int | None) -> socket.socket | None:
        return None if port is None else listen(port)

    customers_come_here = settings.rabbitmq is None

    return _Ports(
        http=listen(settings.http_port),
        mqtt=listen(settings.mqtt_port),
        mqtts=perhaps(settings.mqtts_port),
        amqp=perhaps(settings.amqp_port if customers_come_here else None),
        amqps=perhaps(settings.amqps_port if customers_come_here else None),
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Listening now, not later: of two processes that start together only one can have the port.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    return listener


def _address(host: str, listening: socket.socket) -> str:
    """Host and port that this machine reaches the socket by."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - nothing is bound here
    shown = reached.get(host, f"[{host}]" if ":" in host else host)
    return f"{shown}:{listening.getsockname()[1]}"


def _host_and_port(host: str, listening: socket.socket) -> tuple[str, int]:
    return _address(host, listening).rpartition(":")[0].strip("[]"), listening.getsockname()[1]


def _endpoint_limits(settings: Settings) -> EndpointLimits:
    shortest = 30 if settings.amqp_strict_heartbeat else 1
    return EndpointLimits(
        max_connections=settings.max_consumers,
        connections_per_key=settings.max_consumers_per_key,
        amqp=AmqpLimits(shortest_heartbeat_s=shortest),
    )


def _store_name(settings: Settings) -> str:
    return "sqlite" if settings.store == "sqlite" else printable_url(settings.store)
