"""Sharing devices: a code with a deadline to accept it, and perhaps one to use the device (domain-rules.md section 12).

A code is for one user, who accepts it once. What was accepted is a binding like any other, but for its owner.
"""

from typing import Annotated

import msgspec

from mooring.store import WriteRefused
from mooring.store import bindings as binding_statements
from mooring.store import shares as statements

from .binding_book import BindingBook, Held
from .binding_rules import COVERS, REPLACE, Grant, Plan, accept, cancel_share, holder
from .bindings import BoundDevice, check_may_use
from .devices import Devices
from .end_user_entities import EndUser
from .end_users import EndUsers
from .entities import Device, Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .fields import check_choice
from .ledger import Actor, Ledger
from .products import Products
from .sources import BASE62, Entropy, random_text

__all__ = ["MAX_OPEN", "NewShare", "Share", "Sharing"]

MAX_OPEN = 1_000  # shares of one user that are kept
_CODE_CHARACTERS = 16
_DAY_MS = 86_400_000
_ACCEPTED = "share that nobody accepted yet"
_Time = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class NewShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share to make; times are epoch ms, `use_until` None means without end. `cover` says what becomes of a share
    that the receiver has already: 1 it is replaced, 2 the times are added, 3 it is replaced by a longer one only."""

    product_key: str
    device_key: str
    accept_until: _Time
    use_until: _Time | None = None
    cover: int = REPLACE


class Share(msgspec.Struct, frozen=True):
    """One share; `accepted_by` is the uid of who accepted it."""

    code: str
    product_key: str
    device_key: str
    owner_uid: str
    cover: int
    accept_until: int
    use_until: int | None
    accepted_by: str | None
    accepted_at: int | None
    created_at: int


class Sharing:
    """What is done with shares."""

    def __init__(
        self,
        ledger: Ledger,
        products: Products,
        devices: Devices,
        users: EndUsers,
        book: BindingBook,
        entropy: Entropy,
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._products = products
        self._devices = devices
        self._users = users
        self._book = book
        self._entropy = entropy

    async def given(self, account_id: int, uid: str, *, skip: int = 0, rows: int = 100) -> tuple[list[Share], int]:
        """What a user shares, newest first, accepted or not, and how many there are. Raises Missing."""
        user, _ = await self._users.one(account_id, uid)
        [total] = await self._store.scan(statements.OF_OWNER_COUNT, user_id=user.id)
        found = await self._store.scan(statements.OF_OWNER, user_id=user.id, rows=rows, skip=skip)
        shown = [await self._shown(row, user) for row in found]
        return [share for share in shown if share is not None], total.rows

    async def share(self, actor: Actor, uid: str, new: NewShare) -> Share:
        """Make a share of an own device. Raises Missing, Invalid, LimitReached, and Conflict: 5052 not bound, 5135 only
        shared to the user, 5411 the product forbids it, 5486 disabled."""
        user, app = await self._users.one(actor.account_id, uid)
        product = self._products.one(actor.account_id, new.product_key)
        device = await self._devices.one(actor.account_id, new.product_key, new.device_key)
        self._check_new(new)
        check_may_use(user, app, product)
        if not product.device_sharing:
            raise Conflict("sharing_off", f"devices of product {product.product_key} cannot be shared", wire=5411)
        [total] = await self._store.scan(statements.OF_OWNER_COUNT, user_id=user.id)
        if total.rows >= MAX_OPEN:
            raise LimitReached("user_shares", f"user {uid} has {MAX_OPEN} shares, the limit")
        row = statements.ShareRow(
            id=self._ledger.ids.next(),
            code=random_text(self._entropy, BASE62, _CODE_CHARACTERS),
            device_id=device.id,
            owner_id=user.id,
            cover=new.cover,
            accept_until=new.accept_until,
            use_until=new.use_until,
            accepted_by=None,
            accepted_at=None,
            created_at=self._ledger.clock.now_ms(),
        )

        async def decide(held: Held) -> Plan:
            mine = holder(held.bindings, user.id, self._ledger.clock.now_ms())
            if mine is None:
                raise Conflict("not_bound", f"user {uid} has not bound this device", wire=5052)
            if not mine.is_own:
                raise Conflict("shared_to_user", "what was shared cannot be shared further", wire=5135)
            return Plan()

        detail = {"uid": uid, "accept_until": new.accept_until, "use_until": new.use_until, "cover": new.cover}
        add = statements.ADD.of(row)
        await self._book.commit(actor, "share.create", device, product, decide, writes=[add], detail=detail)
        return _share(row, product, device, user, None)

    async def accept(self, actor: Actor, uid: str, code: str) -> BoundDevice:
        """Accept a share. Raises Missing, LimitReached, and Conflict: 5049 bound already, 5137 unknown, accepted or
        without ground, 5139 an own one, 5142 too late, 5151 shorter than the one in use, 5229, 5486."""
        row, device, product = await self._find(actor.account_id, code)
        binding_id = self._ledger.ids.next()
        user, _ = await self._users.one(actor.account_id, uid)

        async def decide(held: Held) -> Plan:
            now = self._ledger.clock.now_ms()
            user, app = await self._users.one(actor.account_id, uid)
            check_may_use(user, app, product)
            if row.accept_until <= now or (row.use_until is not None and row.use_until <= now):
                raise Conflict("share_expired", "the time of the share is over", wire=5142)
            grant = Grant(row.code, row.owner_id, row.cover, row.use_until)
            return accept(held.bindings, user, grant, (binding_id, device.id), now)

        taken = statements.ACCEPT(share_id=row.id, user_id=user.id, now=self._ledger.clock.now_ms()).must(_ACCEPTED)
        try:
            plan = await self._book.commit(
                actor, "share.accept", device, product, decide, writes=[taken], detail={"uid": uid}
            )
        except WriteRefused:
            raise _invalid() from None
        if plan.added is None:
            raise RuntimeError("a plan to accept binds")
        return BoundDevice(plan.added, device, product)

    async def cancel(self, actor: Actor, uid: str, code: str) -> None:
        """Take a share back, accepted or not: the receiver loses the device at once. Raises Missing."""
        user, _ = await self._users.one(actor.account_id, uid)
        found = await self._store.read(statements.BY_CODE, of_code=code)
        if not found or found[0].owner_id != user.id:
            raise Missing("no_such_share", f"user {uid} has no such share", wire=5137)
        _, device, product = await self._find(actor.account_id, code)

        async def decide(held: Held) -> Plan:
            return cancel_share(held.bindings, code, self._ledger.clock.now_ms())

        delete = statements.DELETE(of_code=code)
        await self._book.commit(actor, "share.cancel", device, product, decide, writes=[delete], detail={"uid": uid})

    async def forget_old(self) -> None:
        """Drop shares that nobody accepted in time, and binding codes, a day after their time is over."""
        before = self._ledger.clock.now_ms() - _DAY_MS
        await self._store.write(statements.FORGET(before=before), binding_statements.FORGET_CODES(before=before))

    def _check_new(self, new: NewShare) -> None:
        check_choice("cover", new.cover, COVERS)
        now = self._ledger.clock.now_ms()
        for name, at in (("accept_until", new.accept_until), ("use_until", new.use_until)):
            if at is not None and at <= now:
                raise Invalid("past", f"{name} is {at}, which is over", field=name, wire=5142)

    async def _find(self, account_id: int, code: str) -> tuple[statements.ShareRow, Device, Product]:
        for row in await self._store.read(statements.BY_CODE, of_code=code):
            device = await self._devices.by_id(row.device_id)
            product = self._ledger.directory.product(device.product_id) if device is not None else None
            if device is not None and product is not None and product.account_id == account_id:
                return row, device, product
        raise _invalid()

    async def _shown(self, row: statements.ShareRow, owner: EndUser) -> Share | None:
        device = await self._devices.by_id(row.device_id)
        product = self._ledger.directory.product(device.product_id) if device is not None else None
        if device is None or product is None:
            return None
        receiver = await self._users.by_id(row.accepted_by) if row.accepted_by is not None else None
        return _share(row, product, device, owner, receiver)


def _invalid() -> Conflict:
    return Conflict("share_invalid", "there is no such share, or somebody has accepted it", wire=5137)


def _share(
    row: statements.ShareRow, product: Product, device: Device, owner: EndUser, receiver: EndUser | None
) -> Share:
    return Share(
        code=row.code,
        product_key=product.product_key,
        device_key=device.device_key,
        owner_uid=owner.uid,
        cover=row.cover,
        accept_until=row.accept_until,
        use_until=row.use_until,
        accepted_by=receiver.uid if receiver is not None else None,
        accepted_at=row.accepted_at,
        created_at=row.created_at,
    )
