"""Binding devices to end users, and giving them up (domain-rules.md section 12)."""

from collections.abc import Sequence

import msgspec

from mooring.store import Write
from mooring.store import bindings as statements
from mooring.store import device_list as device_statements

from .binding_book import BindingBook, Held
from .binding_codes import BindingCodes
from .binding_rules import Claim, Plan, bind, expire, holder, unbind
from .devices import Devices
from .end_user_apps import not_of_the_domain
from .end_user_entities import Binding, EndUser, EndUserApp, binding
from .end_users import EndUsers
from .entities import App, Device, Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .ledger import Actor, Ledger
from .products import Products

__all__ = ["MAX_OF_USER", "BindRequest", "Bindings", "BoundDevice", "check_may_use"]

MAX_OF_USER = 1_000  # bindings of one user
_BY_SN, _BY_WIFI, _BY_KEYS, _BY_BLUETOOTH = 1, 2, 3, 4  # binding_type
_BY_CODE_OF_NETWORK = {"1": _BY_WIFI, "5": _BY_BLUETOOTH}
_DUE_AT_ONCE = 100
_SYSTEM = "mooring"


class BindRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which device to bind: `product_key` with `device_key` or `sn`. A `binding_code` that the device shows proves that
    the user has it at hand."""

    product_key: str
    device_key: str | None = None
    sn: str | None = None
    binding_code: str | None = None

    def __repr__(self) -> str:
        return f"BindRequest(product_key={self.product_key!r}, device_key={self.device_key!r}, sn={self.sn!r})"


class BoundDevice(msgspec.Struct, frozen=True):
    """A binding with what it is about."""

    binding: Binding
    device: Device
    product: Product


class Bindings:
    """What is done with bindings. Everything that changes them is audited as a change of the device."""

    def __init__(
        self,
        ledger: Ledger,
        products: Products,
        devices: Devices,
        users: EndUsers,
        book: BindingBook,
        codes: BindingCodes,
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._products = products
        self._devices = devices
        self._users = users
        self._book = book
        self._codes = codes

    # Looking

    async def of_device(self, account_id: int, product_key: str, device_key: str) -> list[Binding]:
        """Every binding of a device, oldest first, void ones too. Raises Missing."""
        device = await self._devices.one(account_id, product_key, device_key)
        now = self._ledger.clock.now_ms()
        return [found for found in (await self._book.held(device.id)).bindings if not found.is_over(now)]

    async def of_user(self, user: EndUser, *, skip: int = 0, rows: int = 100) -> tuple[list[BoundDevice], int]:
        """At most `rows` bindings of a user after the first `skip`, newest first, and how many there are."""
        now = self._ledger.clock.now_ms()
        [total] = await self._store.scan(statements.OF_USER_COUNT, user_id=user.id, now=now)
        found = await self._store.scan(statements.OF_USER, user_id=user.id, now=now, rows=rows, skip=skip)
        shown = [await self._with_device(binding(row)) for row in found]
        return [bound for bound in shown if bound is not None], total.rows

    async def holds(self, user_id: int, device_id: int) -> Binding | None:
        """The binding by which a user has a device now."""
        return holder((await self._book.held(device_id)).bindings, user_id, self._ledger.clock.now_ms())

    async def users(
        self,
        seen_by: App,
        app: EndUserApp | None,
        product: Product | None,
        user: EndUser | None,
        *,
        skip: int,
        rows: int,
    ) -> tuple[list[tuple[EndUser, EndUserApp]], int]:
        """Users with a device whom a SaaS application may see, newest first, and how many there are; only of this App,
        with a device of this product, and this user where given."""
        chosen = {
            "seen_by": seen_by.id,
            "of_app": -1 if app is None else app.id,
            "of_product": -1 if product is None else product.id,
            "user_id": -1 if user is None else user.id,
            "now": self._ledger.clock.now_ms(),
        }
        [total] = await self._store.scan(statements.USERS_COUNT, **chosen)
        ids = await self._store.scan(statements.USERS, **chosen, rows=rows, skip=skip) if total.rows > skip else []
        found = []
        for row in ids:
            one = await self._users.by_id(row.id)
            home = self._ledger.directory.end_user_app(one.end_user_app_id) if one is not None else None
            if one is not None and home is not None:
                found.append((one, home))
        return found, total.rows

    async def _with_device(self, found: Binding) -> BoundDevice | None:
        device = await self._devices.by_id(found.device_id)
        product = self._ledger.directory.product(device.product_id) if device is not None else None
        return BoundDevice(found, device, product) if device is not None and product is not None else None

    # Changing

    async def bind(self, actor: Actor, uid: str, request: BindRequest) -> BoundDevice:
        """Bind a device to a user. Raises Missing, Invalid (5213), LimitReached, and Conflict: 5049 bound already, 5229
        product not of the App, 5412 bound by another, 5460 to 5462 binding code, 5486 disabled."""
        device, product = await self._device(actor.account_id, request)
        proof: Sequence[Write] = ()
        if request.binding_code is not None:
            await self._codes.check(device, request.binding_code)
            proof = (self._codes.drop(device),)
        binding_id = self._ledger.ids.next()

        async def decide(held: Held) -> Plan:
            user, app = await self._users.one(actor.account_id, uid)
            now_product = self._products.one(actor.account_id, product.product_key)
            check_may_use(user, app, now_product)
            await self._check_room(user)
            claim = _claim(request, now_product)
            return bind(held.bindings, user, claim, (binding_id, device.id), self._ledger.clock.now_ms())

        detail = {"uid": uid, "verified": bool(proof)}
        plan = await self._book.commit(actor, "binding.bind", device, product, decide, writes=proof, detail=detail)
        if plan.added is None:
            raise RuntimeError("a plan to bind binds")
        return BoundDevice(plan.added, device, product)

    async def unbind(self, actor: Actor, uid: str, product_key: str, device_key: str) -> None:
        """Give a device up: an own binding with everything that was shared by it, or a share that was accepted. Raises
        Missing, Conflict (5052)."""
        user, _ = await self._users.one(actor.account_id, uid)
        device = await self._devices.one(actor.account_id, product_key, device_key)
        product = self._products.one(actor.account_id, product_key)

        async def decide(held: Held) -> Plan:
            return unbind(held.bindings, user.id, self._ledger.clock.now_ms())

        await self._book.commit(actor, "binding.unbind", device, product, decide, detail={"uid": uid})

    async def expire_due(self) -> None:
        """End the shares whose time has run out. Raises StoreUnavailable."""
        due = await self._store.read(statements.DUE, now=self._ledger.clock.now_ms(), rows=_DUE_AT_ONCE)
        for row in due:
            device = await self._devices.by_id(row.device_id)
            product = self._ledger.directory.product(device.product_id) if device is not None else None
            if device is not None and product is not None:
                actor = Actor(product.account_id, _SYSTEM, "local")
                await self._book.commit(actor, "binding.expire", device, product, self._expired)

    async def _expired(self, held: Held) -> Plan:
        return expire(held.bindings, self._ledger.clock.now_ms())

    async def _device(self, account_id: int, request: BindRequest) -> tuple[Device, Product]:
        product = self._products.one(account_id, request.product_key)
        device_key = request.device_key
        if (device_key is None) == (request.sn is None):
            raise Invalid("device_named_twice", "give either device_key or sn", field="device_key", wire=5067)
        if device_key is None:
            found = await self._store.read(device_statements.SERIAL_NUMBER, of_product=product.id, of_sn=request.sn)
            if not found:
                message = f"product {product.product_key} has no device with SN {request.sn}"
                raise Missing("no_such_device", message, wire=5493)
            device_key = found[0].device_key
        return await self._devices.one(account_id, request.product_key, device_key), product

    async def _check_room(self, user: EndUser) -> None:
        [total] = await self._store.scan(statements.OF_USER_COUNT, user_id=user.id, now=self._ledger.clock.now_ms())
        if total.rows >= MAX_OF_USER:
            raise LimitReached("user_bindings", f"user {user.uid} has {MAX_OF_USER} bindings, the limit")


def check_may_use(user: EndUser, app: EndUserApp, product: Product) -> None:
    """Raises Conflict: 5486 while user or App are disabled, 5229 when the App may not use the product."""
    if not (user.enabled and app.enabled):
        what = f"user {user.uid}" if app.enabled else f"App {app.name}"
        raise Conflict("end_user_disabled", f"{what} is disabled", wire=5486)
    if product.id not in app.products:
        raise not_of_the_domain(app, product)


def _claim(request: BindRequest, product: Product) -> Claim:
    if request.binding_code is not None:
        return Claim(_BY_CODE_OF_NETWORK.get(product.net_way, _BY_KEYS), product.bind_mode, verified=True)
    return Claim(_BY_SN if request.sn is not None else _BY_KEYS, product.bind_mode)
