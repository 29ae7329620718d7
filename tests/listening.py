"""Subscribes to everything and shows what was queued, held against the contract's schema by another validator."""

from collections.abc import Sequence
from typing import Any

import jsonschema
import msgspec

from cloud import CONTRACT
from mooring.platform import Actor, Platform
from mooring.platform.entities import App, Product
from mooring.platform.message_codes import SAAS_CODES, device_codes
from mooring.platform.subscriptions import NewSubscription
from mooring.store import Query
from mooring.store.queue_messages import MessageRow
from mooring.store.tables import queue_messages

__all__ = ["Listener", "listen"]

_ALL = Query(queue_messages.select().order_by(queue_messages.c.id), MessageRow)
_SCHEMA = jsonschema.Draft202012Validator(msgspec.json.decode((CONTRACT / "messages.schema.json").read_bytes()))

Body = dict[str, Any]


class Listener:
    """A queue, and what is in it."""

    def __init__(self, platform: Platform, actor: Actor, app: App, queue: str) -> None:
        self.platform = platform
        self.actor = actor
        self.app = app
        self.queue = queue
        self._heard = 0

    async def subscribe(
        self,
        product: Product | None = None,
        device_key: str | None = None,
        *,
        codes: Sequence[int] | None = None,
        user_domain: str | None = None,
    ) -> None:
        """Have every message of a product, a device, a domain, or else of the application."""
        wanted: Sequence[int] = [*SAAS_CODES] if product is None else [*device_codes(product.data_fmt)]
        new = NewSubscription(
            name="all",
            queue=self.queue,
            codes=codes or wanted,
            product_key=product.product_key if product is not None else None,
            device_key=device_key,
            user_domain=user_domain,
        )
        made = await self.platform.subscriptions.create(self.actor, self.app, new)
        await self.platform.subscriptions.start(self.actor, made.id)

    async def rows(self) -> list[MessageRow]:
        """Everything that was queued, oldest first; each body is as the contract says and as its row says."""
        await self.platform.journal.settle()
        found = await self.platform.store.scan(_ALL)
        for row in found:
            body = msgspec.json.decode(row.body)
            _SCHEMA.validate(body)
            assert row.type == "-".join(filter(None, (body["type"], body.get("subtype"))))
            assert row.ticket == body["ticket"]
        return found

    async def new(self, *kinds: str) -> list[Body]:
        """Bodies since the last call of it, of these kinds or of all."""
        rows = await self.rows()
        found, self._heard = rows[self._heard :], len(rows)
        return [msgspec.json.decode(row.body) for row in found if not kinds or row.type in kinds]


async def listen(platform: Platform, actor: Actor, app: App, *products: Product, queue: str = "all") -> Listener:
    """A queue of an application that has every message of these products; nothing of the application itself."""
    await platform.queues.create(actor, app, queue)
    listener = Listener(platform, actor, app, queue)
    for product in products:
        await listener.subscribe(product)
    return listener
