"""The platform as one object: its services, its directory and the work that goes on in the background."""

import asyncio

import msgspec
import structlog

from mooring.store import SecretKeyError, Store, StoreError, StoreUnavailable, UniqueViolation, Vault
from mooring.store import accounts as account_statements

from .access import Access
from .accounts import Accounts
from .api_statistics import ApiStatistics
from .binding_book import BindingBook
from .binding_codes import BindingCodes
from .bindings import Bindings
from .broker_access import BrokerAccess
from .certificates import Certificates
from .commands import Commands
from .connecting import Connecting
from .device_limits import DeviceLimits
from .devices import Devices
from .directory import Directory
from .end_user_apps import EndUserApps
from .end_user_messages import EndUserMessages
from .end_user_news import EndUserNews
from .end_users import EndUsers
from .errors import Conflict
from .history import History
from .journal import Journal
from .latest import Latest
from .ledger import Ledger
from .live import Live
from .message_queues import MessageQueues
from .outbox import Outbox
from .overview import SAMPLE_S, Overview
from .passwords import Passwords
from .products import Products
from .push_quota import PushQuota
from .queue_access import QueueAccess
from .queue_broker import Broker
from .queue_engine import QueueEngine, QueueLimits
from .queues import Queues
from .remote_queues import RemoteQueues
from .request_log import RequestLog
from .retention import forget_old
from .saas_apps import SaasApps
from .serial_numbers import SerialNumbers
from .service_market import ServiceMarket
from .session import Session
from .sessions import Sessions
from .sharing import Sharing
from .sources import Clock, Entropy, Ids, SystemClock, SystemEntropy
from .sub_devices import SubDevices
from .subscriptions import Subscriptions
from .thing_models import ThingModels
from .tokens import Tokens
from .topology import Topology
from .trace import Trace
from .uplink import Uplinks
from .user_access import UserAccess
from .user_tokens import UserTokens
from .virtual_devices import VirtualDevices

__all__ = ["Limits", "Platform", "check_secret_key", "is_initialized"]

_log = structlog.get_logger()

_KEY_CHECK = "secret_key_check"
_KEY_CHECK_TEXT = "mooring"
_HOUSEKEEPING_S = 3_600.0
_TICK_S = 0.25
_FLUSH_S = 5.0
_SHARES_S = 1.0
_DAY_MS = 86_400_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit and duration of the platform, where None means without limit, and its switches."""

    token_lifetime_s: int = 7_200
    token_renew_after_s: int = 1_800
    login_window_s: int = 600
    user_token_lifetime_s: int = 7_200
    max_products: int | None = None
    max_apps: int | None = None
    max_features: int = 500
    audit_days: int = 180
    data_days: int = 7
    event_days: int = 90
    location_days: int = 90
    exception_days: int = 7
    command_days: int = 90
    max_queues: int = 50
    max_subscriptions: int = 100
    queue_bytes: int = 500 * 1024 * 1024
    queue_age_s: int = 21_600
    statistics_days: int = 90
    request_log_rows: int = 1_000
    request_log_days: int = 7
    request_log_answer_bytes: int = 2_048
    app_calls_per_s: float | None = None
    device_commands_per_s: float | None = None
    device_messages_per_day: int | None = None
    paid_pushes_per_month: int | None = None
    reconnect_as_online: bool = False
    network_positions: bool = True
    customers_declare: bool = False

    @property
    def queues(self) -> QueueLimits:
        """What a queue may hold."""
        return QueueLimits(max_bytes=self.queue_bytes, max_age_ms=self.queue_age_s * 1000)


async def is_initialized(store: Store) -> bool:
    """Whether the database holds sealed secrets already, so that only the key it knows will do."""
    return bool(await store.read(account_statements.PLATFORM_STATE, named=_KEY_CHECK))


async def check_secret_key(store: Store, vault: Vault) -> None:
    """See that this key is the one the database was sealed with; a fresh one remembers it. Raises SecretKeyError."""
    rows = await store.read(account_statements.PLATFORM_STATE, named=_KEY_CHECK)
    if not rows:
        sealed = vault.seal(_KEY_CHECK_TEXT, _KEY_CHECK)
        try:
            await store.write(account_statements.SET_PLATFORM_STATE(name=_KEY_CHECK, value=sealed))
        except UniqueViolation:
            rows = await store.read(account_statements.PLATFORM_STATE, named=_KEY_CHECK)
    try:
        for row in rows:
            vault.open(row.value, _KEY_CHECK)
    except SecretKeyError:
        raise SecretKeyError("the secret key is not the one this database was sealed with") from None


class Platform:
    """Every service over one store. Make it with `open`, run `background` beside the doors."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        clock: Clock,
        entropy: Entropy,
        limits: Limits,
        broker: Broker | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.limits = limits
        self.amqp_url = "amqp://127.0.0.1:5672/quec-open"  # as customers reach it; whoever listens sets it
        self.directory = Directory(store, vault, clock)
        ids = Ids(clock, entropy)
        self.outbox = Outbox()
        self.ledger = Ledger(store, self.directory, clock, ids, self.outbox)
        self.tokens = Tokens(
            self.directory,
            clock,
            entropy,
            vault.derive("openapi-tokens"),
            lifetime_s=limits.token_lifetime_s,
            renew_after_s=limits.token_renew_after_s,
        )
        self.access = Access(
            self.directory,
            self.tokens,
            clock,
            window_ms=limits.login_window_s * 1000,
            calls_per_s=limits.app_calls_per_s,
        )
        self.api_statistics = ApiStatistics(store, clock)
        self.request_log = RequestLog(
            store, clock, ids, kept=limits.request_log_rows, answer_bytes=limits.request_log_answer_bytes
        )
        self.accounts = Accounts(self.ledger, vault, entropy, Passwords())
        self.service_market = ServiceMarket(self.ledger)
        self.products = Products(self.ledger, vault, entropy, limit=limits.max_products)
        self.saas_apps = SaasApps(self.ledger, vault, entropy, self.products, limit=limits.max_apps)
        self.thing_models = ThingModels(self.ledger, self.products, feature_limit=limits.max_features)
        self.end_user_news = EndUserNews()
        self.end_user_news.listeners.append(EndUserMessages(self.ledger.announcer, self.directory).of)
        self.end_user_apps = EndUserApps(self.ledger, vault, entropy, self.products, self.saas_apps, self.end_user_news)
        self.journal = Journal(store, self.outbox)
        self.queue_access = QueueAccess(self.access, self.directory)
        self.message_queues = MessageQueues(store, self.journal, self.outbox, clock, limits.queues)
        self.broker_access = BrokerAccess(self.queue_access, self.directory, may_declare=limits.customers_declare)
        self.remote_queues: RemoteQueues | None = None
        if broker is not None:
            self.remote_queues = RemoteQueues(
                store,
                self.journal,
                self.directory,
                self.outbox,
                clock,
                entropy,
                self.broker_access,
                broker,
                limits.queues,
            )
        self.queue_engine: QueueEngine = self.remote_queues or self.message_queues
        self.trace = Trace(clock)
        self.announcer = self.ledger.announcer
        self.sessions = Sessions(
            store,
            self.journal,
            self.trace,
            clock,
            ids,
            self.announcer,
            reconnect_as_online=limits.reconnect_as_online,
        )
        self.devices = Devices(self.ledger, vault, entropy, self.products, self.sessions, self.journal)
        self.push_quota = PushQuota(
            store, self.directory, clock, self.announcer, paid_per_month=limits.paid_pushes_per_month
        )
        self.queues = Queues(self.ledger, self.queue_engine, self.push_quota, limit=limits.max_queues)
        self.saas_apps.on_delete.append(self.queues.forget)
        self.subscriptions = Subscriptions(self.ledger, self.queues, self.devices, limit=limits.max_subscriptions)
        book = BindingBook(self.ledger, self.end_user_news)
        self.devices.releases.append(book.release)
        self.products.releases.append(book.release_product)
        user_tokens = UserTokens(
            clock, entropy, vault.derive("end-user-tokens"), lifetime_s=limits.user_token_lifetime_s
        )
        self.end_users = EndUsers(self.ledger, self.end_user_apps, book, user_tokens, self.end_user_news)
        self.binding_codes = BindingCodes(store, self.sessions, clock)
        self.bindings = Bindings(self.ledger, self.products, self.devices, self.end_users, book, self.binding_codes)
        self.sharing = Sharing(self.ledger, self.products, self.devices, self.end_users, book, entropy)
        self.certificates = Certificates(self.ledger, entropy)
        self.connecting = Connecting(
            self.directory,
            vault,
            self.devices,
            self.certificates,
            self.journal,
            entropy,
            clock,
            self.announcer,
        )
        self.device_limits = DeviceLimits(
            store,
            clock,
            commands_per_s=limits.device_commands_per_s,
            messages_per_day=limits.device_messages_per_day,
        )
        self.commands = Commands(
            store,
            self.directory,
            self.journal,
            self.sessions,
            self.trace,
            clock,
            ids,
            self.announcer,
            self.device_limits,
        )
        self.sessions.on_open.append(self.commands.on_open)
        self.sessions.on_close.append(self.commands.on_close)
        self.devices.on_delete.append(lambda device: self.commands.abandon(device.id, "the device was deleted"))
        self.topology = Topology(self.ledger, self.devices, self.sessions, self.journal)
        self.sub_devices = SubDevices(
            self.connecting,
            self.directory,
            self.devices,
            self.topology,
            self.sessions,
            self.journal,
            self.trace,
            clock,
            ids,
        )
        self.user_access = UserAccess(self.directory, self.end_users, self.bindings, self.devices, self.commands, clock)
        self.live = Live()
        self.sessions.on_open.append(self.live.opened)
        self.sessions.on_close.append(self._closed)
        self.uplinks = Uplinks(
            self.directory,
            self.journal,
            self.sessions,
            self.commands,
            self.sub_devices,
            self.trace,
            clock,
            ids,
            self.device_limits,
            self.announcer,
            self.live,
            network_positions=limits.network_positions,
        )
        self.overview = Overview(
            self.products,
            self.devices,
            self.saas_apps,
            self.queues,
            self.uplinks,
            self.api_statistics,
            clock,
            queue_bytes=limits.queue_bytes,
        )
        self.history = History(store)
        self.latest = Latest(store)
        self.serial_numbers = SerialNumbers(self.ledger, self.products, entropy)
        self.virtual_devices = VirtualDevices(
            self.ledger,
            self.products,
            self.devices,
            self.sessions,
            self.topology,
            self.uplinks,
            self.latest,
            self.journal,
            self.trace,
            entropy,
        )

    @classmethod
    async def open(
        cls,
        store: Store,
        vault: Vault,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        limits: Limits | None = None,
        broker: Broker | None = None,
    ) -> "Platform":
        """Check the key and read the directory. With a broker, that one keeps the queues of customers. Devices may
        connect after `recover`, which only the process that serves them calls. Raises SecretKeyError,
        StoreUnavailable."""
        await check_secret_key(store, vault)
        platform = cls(store, vault, clock or SystemClock(), entropy or SystemEntropy(), limits or Limits(), broker)
        await platform.directory.load()
        return platform

    def _closed(self, session: Session) -> None:
        if self.sessions.of(session.device.id) is None:  # else another connection of the device has taken over
            self.live.closed(session)

    async def recover(self) -> None:
        """Set right what an ended process left of sessions, commands and queues. Raises StoreError."""
        await self.queue_engine.recover()
        await self.push_quota.load()
        self.outbox.listeners.append(self.push_quota.on_committed)
        await self.sessions.recover()
        await self.commands.recover()
        await self.device_limits.load()

    async def close(self) -> None:
        """Commit what happened to devices and what was counted; after it nothing may happen to them any more."""
        await self.sub_devices.settle()
        await self.journal.settle()
        self.sessions.stop()
        await self.queue_engine.close()
        await self._flush()

    async def background(self) -> None:
        """Follow the database where it is shared, time commands out, keep house each hour, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self.store.shared:
                tasks.create_task(self.directory.follow())
            tasks.create_task(self._tick())
            tasks.create_task(self.queue_engine.run())
            tasks.create_task(self._keep_counts())
            tasks.create_task(self._end_shares())
            tasks.create_task(self._sample())
            tasks.create_task(self._keep_house())

    async def _tick(self) -> None:
        while True:
            self.commands.tick()
            await asyncio.sleep(_TICK_S)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            self.overview.sample()

    async def _keep_counts(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            await self._flush()

    async def _flush(self) -> None:
        try:
            await self.device_limits.flush()
            await self.push_quota.flush()
            await self.api_statistics.flush()
            await self.request_log.flush()
        except StoreUnavailable as error:
            _log.warning("counts of calls and messages not written", error=str(error))

    async def _end_shares(self) -> None:
        while True:
            try:
                await self.bindings.expire_due()
            except (StoreError, Conflict) as error:
                _log.warning("shares that have run out are ended later", error=str(error))
            await asyncio.sleep(_SHARES_S)

    async def _keep_house(self) -> None:
        while True:
            try:
                await self.accounts.forget_expired_tokens()
                await self.directory.forget_old_changes()
                await self.ledger.forget_before(self.clock.now_ms() - self.limits.audit_days * _DAY_MS)
                await self.virtual_devices.close_idle()
                await self.queues.suspend_idle()
                await self.api_statistics.forget_before(self.clock.now_ms() - self.limits.statistics_days * _DAY_MS)
                await self.request_log.forget_before(self.clock.now_ms() - self.limits.request_log_days * _DAY_MS)
                await self.sharing.forget_old()
                await forget_old(self.store, self.limits, self.clock)
            except StoreUnavailable as error:
                _log.warning("housekeeping put off", error=str(error))
            await asyncio.sleep(_HOUSEKEEPING_S)
