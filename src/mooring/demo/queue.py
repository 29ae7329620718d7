"""The demo's queue: a copy of everything that the demo application may be told."""

from collections.abc import Iterable

from mooring.platform import Actor, Platform
from mooring.platform.entities import App, Product
from mooring.platform.message_codes import SAAS_CODES, device_codes
from mooring.platform.routes import Queue
from mooring.platform.subscriptions import NewSubscription

__all__ = ["make_queue"]

_QUEUE = "demo"
_APPLICATION = "demo-application"


async def make_queue(platform: Platform, actor: Actor, app: App, products: Iterable[Product]) -> Queue:
    """Make what is missing of the queue and its subscriptions, and see that they run."""
    found = [queue for queue in platform.queues.all(actor.account_id, app.id) if queue.name == _QUEUE]
    queue = found[0] if found else await platform.queues.create(actor, app, _QUEUE, "Made by mooring up --demo")
    wanted = [NewSubscription(name=_APPLICATION, queue=_QUEUE, codes=tuple(SAAS_CODES))]
    wanted += [
        NewSubscription(
            name=f"demo-{product.product_key}",
            queue=_QUEUE,
            codes=tuple(device_codes(product.data_fmt)),
            product_key=product.product_key,
        )
        for product in products
    ]
    existing = {one.name: one for one in platform.subscriptions.all(actor.account_id, app.id)}
    for new in wanted:
        one = existing.get(new.name) or await platform.subscriptions.create(actor, app, new)
        if not one.running:
            await platform.subscriptions.start(actor, one.id, app.id)
    return queue
