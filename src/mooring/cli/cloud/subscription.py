"""`mooring subscription …`: which messages go into which queue."""

from typing import TYPE_CHECKING, Annotated

import typer

from mooring.cli.message_types import CODES_HELP, numbers_of
from mooring.cli.screen import fields, moment, say, table
from mooring.cli.shared import confirm, group

from .command import command
from .limits import Limit, cut, told
from .queue import found_queue
from .session import Cloud

if TYPE_CHECKING:
    from mooring.client import SubscriptionDetail

__all__ = ["subscription"]

subscription = group("Subscriptions: which messages go into which queue.")

_LEVELS = {1: "product", 3: "device", 6: "application"}  # of lists; other numbers than those of the detail
_Id = Annotated[int, typer.Argument(help="Id of the subscription.", metavar="ID")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]


@command(subscription, "ls")
def _ls(
    cloud: Cloud,
    running: Annotated[bool | None, typer.Option("--running/--stopped", help="Only these.", show_default=False)] = None,
    limit: Limit = 100,
) -> None:
    """List the subscriptions."""
    status = None if running is None else int(running)
    rows, more = cut(cloud.client.subscriptions.list(status=status), limit)

    def readable() -> None:
        table(
            ("Id", "Name", "About", "Queue", "State", "Created"),
            (
                (
                    row.subscribe_id,
                    row.subscribe_name,
                    _LEVELS.get(row.subscribe_level or 0, row.subscribe_level),
                    row.queue_name,
                    _state(row.status),
                    moment(row.create_time_ms),
                )
                for row in rows
            ),
            optional=("Queue", "About", "Created"),
        )
        told(len(rows), more)

    cloud.show([row.raw for row in rows], readable)


@command(subscription, "show")
def _show(cloud: Cloud, subscription_id: _Id) -> None:
    """Show a subscription."""
    _shown(cloud, subscription_id)


@command(subscription, "create")
def _create(
    cloud: Cloud,
    name: Annotated[str, typer.Argument(help="1 to 128 letters, digits, _ and -.")],
    queue: Annotated[str, typer.Argument(help="Id, short name or full name of the queue.")],
    codes: Annotated[str, typer.Option(help=CODES_HELP)],
    product: Annotated[str | None, typer.Option(help="About this product.", metavar="PRODUCT-KEY")] = None,
    device: Annotated[str | None, typer.Option(help="About this device of the product.", metavar="DEVICE-KEY")] = None,
    user_domain: Annotated[str | None, typer.Option(help="About the end users of this domain.")] = None,
    start: Annotated[bool, typer.Option("--start", help="Start it at once.", show_default=False)] = False,
) -> None:
    """Make a subscription, which is stopped at first: about a product, a device, end users, or the application."""
    if device is not None and product is None:
        raise typer.BadParameter("a device needs its product too", param_hint="--device")
    if user_domain is not None and product is not None:
        raise typer.BadParameter("give a product or a domain", param_hint="--user-domain")
    numbers = numbers_of(codes)
    full_name = found_queue(cloud, queue).queue_name
    calls = cloud.client.subscriptions
    if user_domain is not None:
        made = calls.create_for_domain(name, full_name, user_domain, numbers)
    elif product is None:
        made = calls.create_for_app(name, full_name, numbers)
    elif device is None:
        made = calls.create_for_product(name, full_name, product, numbers)
    else:
        made = calls.create_for_device(name, full_name, product, device, numbers)
    if start:
        calls.start(made)
    _shown(cloud, made)


@command(subscription, "start")
def _start(cloud: Cloud, subscription_id: _Id) -> None:
    """Start a subscription."""
    cloud.client.subscriptions.start(subscription_id)
    _shown(cloud, subscription_id)


@command(subscription, "stop")
def _stop(cloud: Cloud, subscription_id: _Id) -> None:
    """Stop a subscription."""
    cloud.client.subscriptions.stop(subscription_id)
    _shown(cloud, subscription_id)


@command(subscription, "delete")
def _delete(cloud: Cloud, subscription_id: _Id, yes: _Yes = False) -> None:
    """Delete a stopped subscription."""
    confirm(f"Delete subscription {subscription_id}?", yes)
    cloud.client.subscriptions.delete(subscription_id)
    cloud.show({"deleted": subscription_id}, lambda: say(f"subscription {subscription_id} was deleted"))


def _shown(cloud: Cloud, subscription_id: int) -> None:
    found = cloud.client.subscriptions.detail(subscription_id)

    def readable() -> None:
        fields(
            {
                "id": found.subscribe_id,
                "name": found.subscribe_name,
                "about": _about(found),
                "codes": found.msg_type,
                "queue": found.queue_name,
                "state": _state(found.status),
                "created": moment(found.create_time_ms),
            }
        )

    cloud.show(found.raw, readable)


def _about(found: "SubscriptionDetail") -> str:
    if found.device_key:
        return f"device {found.product_key}/{found.device_key}"
    if found.product_key:
        return f"product {found.product_key}"
    return f"users of {found.end_user_domain}" if found.end_user_domain else "the application"


def _state(status: int | None) -> str:
    return {0: "stopped", 1: "running"}.get(status if status is not None else -1, str(status))
