"""Products: creation with every field of domain-rules.md section 2, names, secrets, deletion."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from mooring.store import UniqueViolation, Vault, WriteRefused
from mooring.store import device_list as device_statements
from mooring.store import products as statements
from mooring.store import queues as queue_statements
from mooring.store.bindings import UNBOUND
from mooring.store.queue_messages import MessageRow

from . import message_bodies as bodies
from .device_endings import Released
from .entities import Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .fields import check_choice, check_key, check_range, check_text
from .ledger import Actor, Ledger
from .loading import product_context
from .secret import Secret
from .sources import BASE62, Entropy, random_text

__all__ = ["ALTERNATE", "MULTI", "SINGLE", "NewProduct", "ProductChanges", "Products"]

IN_DEVELOPMENT, PUBLISHED = 0, 3
GATEWAY, SUB_DEVICE = 1, 2  # access_type
NETWORK_ACCESS = 1  # gateway_type
MULTI, SINGLE, ALTERNATE = BIND_MODES = 1, 2, 3
_BLUETOOTH = "5"  # net_way
_BOUND = "devices are bound"
_GONE = "product"
_PRODUCT = "META_EVENT-PRODUCT"
_BASE64 = BASE62 + "+/"
_PROTOCOL_OF = {"1": 1, "2": 1, "3": 2, "5": 3}
_ATTEMPTS = 8
_MAX_INT32 = 2**31 - 1
_MAX_GATEWAYS = 300  # gateway products of one list; an account has no more products by contract


class NewProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product to create. Numbers are the platform's own (domain-rules.md section 2).

    `protocol` follows from `net_way` and `gateway_type` from `access_type` unless given. Key and secret are made
    unless given, as when devices that carry them already move here. With `dynamic_authentication`, a device that
    nobody added is added when it first authenticates; with `require_encryption`, one that does not ask for session
    encryption is refused. A product of sub-devices may name the gateway products that carry them
    (`specified_gateways`, None for any), and forbid them to move to another gateway. `bind_mode` 1 lets
    many users bind a device, 2 one, 3 one after the other; without `device_sharing` they cannot share it.
    """

    name: str
    access_type: int = 0
    net_way: str = "2"
    data_fmt: int = 3
    protocol: int | None = None
    product_type: int = 0
    gateway_type: int | None = None
    item_code: str | None = None
    logo_path: str | None = None
    allowed_limit: int | None = None
    ai_capability: bool = False
    dynamic_authentication: bool = True
    require_encryption: bool = False
    specified_gateways: Sequence[str] | None = None
    may_change_gateway: bool = True
    bind_mode: int = ALTERNATE
    device_sharing: bool = True
    product_key: str | None = None
    product_secret: str | None = None

    def __repr__(self) -> str:
        return f"NewProduct(name={self.name!r})"


class ProductChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a product; a member that is not given stays. Access type, network and format are fixed, and the
    binding mode once somebody has bound a device."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    product_type: int | msgspec.UnsetType = msgspec.UNSET
    item_code: str | msgspec.UnsetType | None = msgspec.UNSET
    logo_path: str | msgspec.UnsetType | None = msgspec.UNSET
    allowed_limit: int | msgspec.UnsetType | None = msgspec.UNSET
    ai_capability: bool | msgspec.UnsetType = msgspec.UNSET
    dynamic_authentication: bool | msgspec.UnsetType = msgspec.UNSET
    require_encryption: bool | msgspec.UnsetType = msgspec.UNSET
    specified_gateways: Sequence[str] | msgspec.UnsetType | None = msgspec.UNSET
    may_change_gateway: bool | msgspec.UnsetType = msgspec.UNSET
    bind_mode: int | msgspec.UnsetType = msgspec.UNSET
    device_sharing: bool | msgspec.UnsetType = msgspec.UNSET


class Products:
    """What an administrator does with products. `on_delete` listeners hear of each deleted product; `releases` answer
    what else ends in the transaction that deletes one."""

    def __init__(self, ledger: Ledger, vault: Vault, entropy: Entropy, *, limit: int | None = None) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._vault = vault
        self._entropy = entropy
        self._limit = limit
        self.on_delete: list[Callable[[Product], Awaitable[None]]] = []
        self.releases: list[Callable[[Product], Awaitable[Released]]] = []

    def all(self, account_id: int) -> list[Product]:
        """The account's products, newest first."""
        return self._directory.products(account_id)

    def one(self, account_id: int, product_key: str) -> Product:
        """One product. Raises Missing, also for another account's."""
        product = self._directory.product_by_key(product_key)
        if product is None or product.account_id != account_id:
            raise Missing("no_such_product", f"there is no product {product_key!r}", wire=70017)
        return product

    async def create(self, actor: Actor, new: NewProduct) -> Product:
        """A new product in development. Raises Invalid, Conflict (70016 for the name), LimitReached."""
        new = _checked(new)
        self._check_gateways(actor.account_id, new.specified_gateways)
        if self._limit is not None and len(self.all(actor.account_id)) >= self._limit:
            raise LimitReached("product_limit", f"the account has {self._limit} products, its limit")
        for _ in range(_ATTEMPTS):
            row = self._row(actor, new)
            try:
                await self._ledger.commit(
                    actor,
                    "product.create",
                    ("product", row.product_key),
                    statements.ADD.of(row),
                    changed=[("product", row.id)],
                    detail={"id": row.id, "name": row.name},
                    messages=self._added(actor, row),
                )
            except UniqueViolation as error:
                if error.columns == ("account_id", "name"):
                    raise _name_taken(new.name) from None
                if new.product_key is not None:
                    raise Conflict(
                        "product_key_taken",
                        f"ProductKey {new.product_key} exists already",
                        field="product_key",
                    ) from None
                continue
            return self.one(actor.account_id, row.product_key)
        raise Conflict("product_key_taken", "no free ProductKey was found; try again")

    async def update(self, actor: Actor, product_key: str, changes: ProductChanges) -> Product:
        """Apply changes. Raises Missing, Invalid, Conflict (70016 name taken, 70041 published, 70064 no change, 5410
        for the binding mode while devices are bound)."""
        product = self.one(actor.account_id, product_key)
        given = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not msgspec.UNSET}
        wanted = _checked_fields({name: given.get(name, getattr(product, name)) for name in _CHANGEABLE})
        _check_gateway_options(product.access_type, product.gateway_type, wanted)
        detail = {name: value for name, value in wanted.items() if value != getattr(product, name)}
        if "specified_gateways" in detail:
            self._check_gateways(actor.account_id, wanted["specified_gateways"])
        if not detail:
            raise Conflict("nothing_to_change", "nothing differs from what is stored", wire=70064)
        if product.product_status == PUBLISHED and detail.keys() & {"name", "logo_path"}:
            raise Conflict("product_published", "a published product keeps its name and image", wire=70041)
        _check_bind_mode(product.net_way, wanted["bind_mode"])
        remodels = "bind_mode" in detail
        if remodels and product.product_status == PUBLISHED:
            raise Conflict("product_published", "a published product keeps its binding mode", wire=70041)
        unbound = (statements.LOCK(product_id=product.id), UNBOUND(product_id=product.id).must(_BOUND))
        messages: list[MessageRow] = []
        if "name" in detail:
            self._tell(messages, actor, product, "UPDATE", bodies.renamed(product.name, str(wanted["name"])))
        write = statements.UPDATE(
            product_id=product.id,
            seen_updated_at=product.updated_at,
            now=self._ledger.later_than(product.updated_at),
            **{f"new_{name}": value for name, value in {**wanted, **_stored(wanted)}.items()},
        ).must(f"product {product_key}")
        try:
            await self._ledger.commit(
                actor,
                "product.update",
                ("product", product_key),
                *(unbound if remodels else ()),
                write,
                changed=[("product", product.id)],
                detail=detail,
                messages=messages,
            )
        except UniqueViolation:
            raise _name_taken(str(wanted["name"])) from None
        except WriteRefused as error:
            if error.guard != _BOUND:
                raise
            message = "devices of the product are bound, so its binding mode cannot change"
            raise Conflict("bind_mode_in_use", message, field="bind_mode", wire=5410) from None
        return self.one(actor.account_id, product_key)

    async def delete(self, actor: Actor, product_key: str, *, force: bool = False) -> None:
        """Remove a product with its thing model and devices; its subscriptions stop. Not recoverable. Raises Missing,
        and Conflict while it has devices that are not virtual, unless `force` is given, or while what ends with it
        changes all the time."""
        product = self.one(actor.account_id, product_key)
        store = self._ledger.store
        [devices] = await store.scan(device_statements.SUMMARY, of_product=product.id)
        if devices.real and not force:
            message = f"product {product_key} has {devices.real} devices; delete them first, or force it"
            raise Conflict("product_has_devices", message, detail={"devices": devices.real})
        for _ in range(_ATTEMPTS):
            try:
                await self._end(actor, product, devices.real)
            except WriteRefused as error:
                if error.guard == _GONE:
                    raise
                continue
            for listener in self.on_delete:
                await listener(product)
            return
        raise Conflict("busy", f"what ends with product {product_key} changes all the time; try again")

    async def _end(self, actor: Actor, product: Product, devices: int) -> None:
        ending = [await release(product) for release in self.releases]
        messages = [message for released in ending for message in released.messages]
        self._tell(messages, actor, product, "DELETE", bodies.product_snapshot(product))
        await self._ledger.commit(
            actor,
            "product.delete",
            ("product", product.product_key),
            statements.LOCK(product_id=product.id),
            *(write for released in ending for write in released.writes),
            statements.DELETE(product_id=product.id).must(_GONE),
            *queue_statements.stop_product(product.id, self._ledger.clock.now_ms()),
            changed=[
                ("product", product.id),
                ("queue", product.id),
                *(entity for released in ending for entity in released.changed),
            ],
            detail={"id": product.id, "name": product.name, "devices": devices},
            messages=messages,
        )

    async def show_secret(self, actor: Actor, product_key: str) -> Secret:
        """The ProductSecret; that it was shown is audited. Raises Missing."""
        product = self.one(actor.account_id, product_key)
        await self._ledger.commit(actor, "product.show_secret", ("product", product_key))
        return product.product_secret

    def _added(self, actor: Actor, row: statements.ProductRow) -> list[MessageRow]:
        """For every application of the account, because the product is not authorized to any yet (section 4.9)."""
        messages: list[MessageRow] = []
        data, extra = bodies.product_snapshot(row), {"productKey": row.product_key}
        for app in self._directory.apps(actor.account_id):
            self._ledger.announcer.app(
                messages.append, app.id, _PRODUCT, data, operation="ADD", actor=actor, extra=extra
            )
        return messages

    def _tell(
        self, messages: list[MessageRow], actor: Actor, product: Product, operation: str, data: bodies.Json
    ) -> None:
        """For the application that holds the product."""
        if product.app_id is not None:
            extra = {"productKey": product.product_key}
            self._ledger.announcer.app(
                messages.append, product.app_id, _PRODUCT, data, operation=operation, actor=actor, extra=extra
            )

    def _check_gateways(self, account_id: int, product_keys: Sequence[str] | None) -> None:
        for key in product_keys or ():
            found = self._directory.product_by_key(key)
            if found is None or found.account_id != account_id or found.access_type != GATEWAY:
                message = f"there is no gateway product {key!r}"
                raise Invalid("not_a_gateway", message, field="specified_gateways")

    def _row(self, actor: Actor, new: NewProduct) -> statements.ProductRow:
        product_id = self._ledger.ids.next()
        secret = new.product_secret or random_text(self._entropy, _BASE64, 16)
        return statements.ProductRow(
            id=product_id,
            account_id=actor.account_id,
            product_key=new.product_key or "p" + random_text(self._entropy, BASE62, 5),
            product_secret=self._vault.seal(secret, product_context(product_id)),
            name=new.name,
            access_type=new.access_type,
            net_way=new.net_way,
            data_fmt=new.data_fmt,
            protocol=_PROTOCOL_OF[new.net_way] if new.protocol is None else new.protocol,
            connect_platform=0,
            product_status=IN_DEVELOPMENT,
            product_type=new.product_type,
            gateway_type=_gateway_type(new),
            item_code=new.item_code,
            logo_path=new.logo_path,
            allowed_limit=new.allowed_limit,
            ai_capability=new.ai_capability,
            app_id=None,
            released_version=None,
            dynamic_authentication=new.dynamic_authentication,
            require_encryption=new.require_encryption,
            specified_gateways=_stored(msgspec.structs.asdict(new))["specified_gateways"],
            may_change_gateway=new.may_change_gateway,
            bind_mode=new.bind_mode,
            device_sharing=new.device_sharing,
            created_at=self._ledger.clock.now_ms(),
            updated_at=None,
        )


def _check_bind_mode(net_way: str, bind_mode: object) -> None:
    """The mode is one that devices of this network can have. Raises Invalid (5413)."""
    allowed = BIND_MODES if net_way != _BLUETOOTH else (SINGLE, ALTERNATE)
    if bind_mode not in allowed:
        message = f"bind_mode is {bind_mode}; allowed: {', '.join(map(str, allowed))}"
        raise Invalid("choice", message, field="bind_mode", wire=5413)


_CHANGEABLE = ProductChanges.__struct_fields__


def _checked(new: NewProduct) -> NewProduct:
    check_choice("access_type", new.access_type, (0, 1, 2))
    check_choice("net_way", new.net_way, tuple(_PROTOCOL_OF))
    check_choice("data_fmt", new.data_fmt, (0, 3))
    _check_bind_mode(new.net_way, new.bind_mode)
    if new.access_type == GATEWAY:
        check_choice("net_way of a gateway", new.net_way, ("1", "2"))
    if new.protocol is not None:
        check_choice("protocol", new.protocol, (0, _PROTOCOL_OF[new.net_way]))
    if new.gateway_type is not None:
        check_choice("gateway_type", new.gateway_type, (1, 2) if new.access_type == SUB_DEVICE else (0,))
    if (new.product_key is None) != (new.product_secret is None):
        raise Invalid("key_pair", "give product_key and product_secret together, or neither", field="product_key")
    if new.product_key is not None:
        check_key("product_key", new.product_key, "[A-Za-z0-9]{4,32}", "4 to 32 letters and digits")
        check_key("product_secret", new.product_secret or "", "[A-Za-z0-9+/]{16}", "16 characters of base64")
    checked = msgspec.structs.replace(new, **_checked_fields({name: getattr(new, name) for name in _CHANGEABLE}))
    _check_gateway_options(new.access_type, _gateway_type(new), msgspec.structs.asdict(checked))
    return checked


def _check_gateway_options(access_type: int, gateway_type: int, values: Mapping[str, Any]) -> None:
    if values["specified_gateways"] is not None and access_type != SUB_DEVICE:
        message = "only a product of sub-devices has specified_gateways"
        raise Invalid("not_a_sub_device", message, field="specified_gateways")
    if not values["may_change_gateway"] and gateway_type != NETWORK_ACCESS:
        message = "may_change_gateway is false; only sub-devices with network access only can be kept at their gateway"
        raise Invalid("gateway_type", message, field="may_change_gateway")


def _checked_fields(values: dict[str, Any]) -> dict[str, Any]:
    checked = dict(values)
    checked["name"] = check_text("name", str(values["name"]), low=1, high=50)
    check_choice("product_type", values["product_type"], (0, 1))
    for name, high in (("item_code", 64), ("logo_path", 1024)):
        value = values[name]
        checked[name] = check_text(name, str(value), low=1, high=high) if value is not None else None
    limit = values["allowed_limit"]
    if isinstance(limit, int):
        check_range("allowed_limit", limit, 0, _MAX_INT32)
    gateways = values["specified_gateways"]
    if gateways is not None:
        check_range("number of specified_gateways", len(gateways), 1, _MAX_GATEWAYS)
        checked["specified_gateways"] = tuple(dict.fromkeys(gateways))
    return checked


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Members that the database holds in another form."""
    gateways = values["specified_gateways"]
    return {"specified_gateways": None if gateways is None else msgspec.json.encode(gateways).decode()}


def _gateway_type(new: NewProduct) -> int:
    if new.gateway_type is not None:
        return new.gateway_type
    return NETWORK_ACCESS if new.access_type == SUB_DEVICE else 0


def _name_taken(name: str) -> Conflict:
    return Conflict("name_taken", f"there is a product {name!r} already", field="name", wire=70016)
