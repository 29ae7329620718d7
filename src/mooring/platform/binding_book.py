"""Bindings of devices in the database: read with their version, changed only while nobody else changed them.

A decision is made on what was read, and committed with a guard on its version. When somebody was faster, it is made
again on what is there now; so every rule holds for the bindings as they are, whoever else is at work.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from mooring.store import Write, WriteRefused
from mooring.store import bindings as statements
from mooring.store import devices as device_statements
from mooring.store import shares as share_statements
from mooring.store.queue_messages import MessageRow

from . import loading
from .binding_rules import Plan
from .end_user_entities import VALID, Binding, binding
from .end_user_news import ADDED, NO_LONGER_VALID, REMOVED, BindingNews, Cause, EndUserNews, News
from .entities import Device, Product
from .errors import Conflict, Missing
from .ledger import Actor, Ledger

__all__ = ["CHANGED", "BindingBook", "Held", "Release"]

CHANGED = "bindings of the device"
"""The guard that fails when somebody else was faster."""
_ADDED = "product, App and user of the binding"
_ATTEMPTS = 5
_NEWEST = 2**63 - 1  # above every id


class Held(msgspec.Struct, frozen=True):
    """All bindings of a device, oldest first, and how often they were changed."""

    bindings: tuple[Binding, ...]
    version: int


class Release(msgspec.Struct, frozen=True):
    """Writes that end the bindings of a device or a product, guarded by `CHANGED`, the messages that tell of it, and
    who changed."""

    writes: Sequence[Write]
    messages: Sequence[MessageRow]
    changed: Sequence[tuple[str, int]]


class BindingBook:
    """What is written about bindings, with the news of it."""

    def __init__(self, ledger: Ledger, news: EndUserNews) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._news = news

    async def held(self, device_id: int) -> Held:
        """The bindings of a device, void and run out ones too. Raises StoreUnavailable."""
        # The version first: what changes between the two reads makes the guard fail.
        versions = await self._store.read(statements.VERSION, of_device=device_id)
        rows = await self._store.read(statements.OF_DEVICE, of_device=device_id)
        return Held(tuple(binding(row) for row in rows), versions[0].version if versions else 0)

    def writes(self, device: Device, held: Held, plan: Plan) -> tuple[list[Write], list[News]]:
        """A plan as writes, and the news of it."""
        device_id = device.id
        now = self._ledger.clock.now_ms()
        news: list[News] = []
        found = [self._bump(device_id, held)]
        for gone, cause in plan.removed:
            found.append(statements.DELETE(binding_id=gone.id).must(CHANGED))
            if gone.share_code is not None:
                found.append(share_statements.DELETE(of_code=gone.share_code))
            else:
                found.append(share_statements.DELETE_OF(of_device=device_id, user_id=gone.end_user_id))
            if cause is not None:
                news.append(BindingNews(gone, device, REMOVED, cause, now))
        if plan.added is not None:
            members = msgspec.structs.asdict(plan.added)
            del members["uid"]
            found.append(statements.ADD(**members).must(_ADDED))
            news.append(BindingNews(plan.added, device, ADDED, plan.cause, now))
        return found, news

    async def release(self, device: Device, *, reset: bool) -> Release:
        """What joins the transaction in which a device is reset, which voids its bindings, or deleted."""
        held = await self.held(device.id)
        now = self._ledger.clock.now_ms()
        valid = [found for found in held.bindings if found.status == VALID]
        ends = (
            statements.VOID(of_device=device.id, now=now).must(CHANGED, rows=len(valid))
            if reset
            else statements.DELETE_OF_DEVICE(of_device=device.id).must(CHANGED, rows=len(held.bindings))
        )
        value, cause = (NO_LONGER_VALID, Cause.RESET) if reset else (REMOVED, Cause.UNBOUND)
        writes = (
            self._bump(device.id, held),
            ends,
            share_statements.DELETE_OF_DEVICE(of_device=device.id),
            statements.DROP_CODE(of_device=device.id),
        )
        messages = self._news.messages([BindingNews(found, device, value, cause, now) for found in valid])
        return Release(writes, messages, [("bindings", device.id)])

    async def release_product(self, product: Product) -> Release:
        """What joins the transaction in which a product is deleted with its devices; give it with a lock of the
        product."""
        bindings = [binding(row) for row in await self._store.scan(statements.OF_PRODUCT, of_product=product.id)]
        rows = await self._store.scan(statements.DEVICES_OF_PRODUCT, of_product=product.id)
        devices = {row.id: loading.device(row) for row in rows}
        now = self._ledger.clock.now_ms()
        news = [
            BindingNews(found, devices[found.device_id], REMOVED, Cause.UNBOUND, now)
            for found in bindings
            if found.status == VALID and found.device_id in devices
        ]
        newest = bindings[-1].id if bindings else 0
        writes = (
            statements.DELETE_OF_PRODUCT(of_product=product.id, up_to=newest).must(CHANGED, rows=len(bindings)),
            # Nothing may be left that the messages do not name.
            statements.DELETE_OF_PRODUCT(of_product=product.id, up_to=_NEWEST).must(CHANGED, rows=0),
        )
        return Release(writes, self._news.messages(news), [("bindings", device_id) for device_id in devices])

    async def commit(
        self,
        actor: Actor,
        action: str,
        device: Device,
        product: Product,
        decide: Callable[[Held], Awaitable[Plan]],
        *,
        writes: Sequence[Write] = (),
        detail: Mapping[str, object] | None = None,
    ) -> Plan:
        """Decide on the bindings as they are, and write that with `writes`. Raises what `decide` raises, WriteRefused
        for a guard among `writes`, and Conflict when others were faster again and again."""
        for _ in range(_ATTEMPTS):
            held = await self.held(device.id)
            plan = await decide(held)
            changes, news = self.writes(device, held, plan)
            try:
                await self._ledger.commit(
                    actor,
                    action,
                    ("device", f"{product.product_key}/{device.device_key}"),
                    *changes,
                    *writes,
                    changed=[("bindings", device.id)],
                    detail=detail or {},
                    messages=self._news.messages(news),
                )
            except WriteRefused as error:
                if error.guard == _ADDED:
                    await self._check_again(device, product)
                elif error.guard != CHANGED:
                    raise
                continue
            return plan
        raise Conflict("busy", f"the bindings of {device.device_key} change all the time; try again")

    async def _check_again(self, device: Device, product: Product) -> None:
        """Something was not as it was decided on: the next decision says what, if it is not the device itself."""
        await self._ledger.directory.catch_up()
        if not await self._store.read(device_statements.BY_ID, device_id=device.id):
            message = f"device {device.device_key} of product {product.product_key} was deleted meanwhile"
            raise Missing("no_such_device", message, wire=5493)

    def _bump(self, device_id: int, held: Held) -> Write:
        return statements.BUMP(of_device=device_id, seen_version=held.version).must(CHANGED)
