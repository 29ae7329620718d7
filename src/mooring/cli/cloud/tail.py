"""`mooring tail`: the messages of a queue, live."""

import contextlib
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from mooring.cli.feature_names import pairs
from mooring.cli.screen import instant

from .command import runnable
from .queue import found_queue
from .session import Cloud

if TYPE_CHECKING:
    from mooring.client import Delivery, Message

__all__ = ["tail"]

_PREFETCH, _KEPT = 100, 1000


def _tail(
    cloud: Cloud,
    queue: Annotated[
        str | None, typer.Option(help="Id, short name or full name; otherwise the only queue there is.")
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only these, such as DEVICE/ONLINE, MATTR* or ONLINE; may be given several times."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the messages in the queue; shows at most 1000.", show_default=False),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="End after so many.", min=1)] = None,
) -> None:
    """Show the messages of a queue as they come, until Ctrl-C.

    What is shown is taken from the queue, unless --keep is given; messages of other types go back to it. With --json
    each line is the body of a message as it came.
    """
    found = found_queue(cloud, queue)
    wanted = [kind.upper() for kind in kinds or ()]
    typer.echo(f"messages of {found.queue_name}, {'kept' if keep else 'taken from the queue'}; Ctrl-C ends", err=True)
    shown = 0
    with (
        contextlib.suppress(KeyboardInterrupt),
        cloud.client.subscribe(
            found.queue_name, amqp_url=cloud.profile.amqp_url, prefetch=_KEPT if keep else _PREFETCH
        ) as deliveries,
    ):
        for delivery in deliveries:
            if _fits(delivery.message, wanted):
                _show(cloud, delivery)
                shown += 1
                if not keep:
                    delivery.ack()
            elif not keep:
                delivery.reject()
            if shown == limit:
                return


def _fits(message: "Message", wanted: list[str]) -> bool:
    names = (message.kind.upper(), message.type.upper(), (message.subtype or "").upper())
    return not wanted or any(name and fnmatchcase(name, pattern) for name in names for pattern in wanted)


def _show(cloud: Cloud, delivery: "Delivery") -> None:
    message = delivery.message
    if cloud.as_json:
        typer.echo(delivery.body.decode("utf-8", "replace"))
    else:
        where = "/".join(key for key in (message.product_key, message.device_key) if key) or "-"
        again = "  (again)" if delivery.redelivered else ""
        typer.echo(f"{instant(message.created_at_ms)}  {message.kind:<16} {where}  {pairs(dict(message.data))}{again}")
    sys.stdout.flush()


tail = runnable(_tail)
