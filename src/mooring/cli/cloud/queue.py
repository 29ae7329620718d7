"""`mooring queue …`: message queues of the account."""

from typing import TYPE_CHECKING, Annotated

import typer

from mooring.cli.failure import NOT_FOUND, Failure
from mooring.cli.message_types import QUEUE_STATES
from mooring.cli.screen import fields, moment, say, table
from mooring.cli.shared import confirm, group

from .command import command
from .limits import Limit, cut, told
from .session import Cloud

if TYPE_CHECKING:
    from mooring.client import Queue

__all__ = ["found_queue", "queue"]

queue = group("Message queues, which subscriptions fill.")

_Name = Annotated[str, typer.Argument(help="Id, short name or full name of the queue.", metavar="QUEUE")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]


def found_queue(cloud: Cloud, name: str | None) -> "Queue":
    """The queue that is given by id or name; without either the only one. Raises Failure."""
    rows = list(cloud.client.queues.list())
    if name is None:
        if len(rows) == 1:
            return rows[0]
        names = ", ".join(row.queue_name for row in rows) or "none; mooring queue create makes one"
        raise Failure(f"say which queue: {names}", NOT_FOUND)
    for row in rows:
        if name in (str(row.id), row.queue_name, row.queue_name.split(".")[-1]):
            return row
    raise Failure(f"there is no queue {name!r}; mooring queue ls shows those there are", NOT_FOUND)


@command(queue, "ls")
def _ls(cloud: Cloud, limit: Limit = 100) -> None:
    """List the queues."""
    rows, more = cut(cloud.client.queues.list(), limit)

    def readable() -> None:
        table(
            ("Id", "Queue", "State", "Description", "Created"),
            ((row.id, row.queue_name, _state(row.status), row.queue_desc, moment(row.create_time_ms)) for row in rows),
            optional=("Id", "Description", "Created"),
        )
        told(len(rows), more)

    cloud.show([row.raw for row in rows], readable)


@command(queue, "show")
def _show(cloud: Cloud, name: _Name) -> None:
    """Show a queue, what waits in it, and where to consume it."""
    found = cloud.client.queues.detail(found_queue(cloud, name).id)

    def readable() -> None:
        fields(
            {
                "queue": found.queue_name,
                "id": found.queue_id,
                "description": found.queue_desc,
                "state": _state(found.status),
                "waiting": found.msg_num,
                "size": found.msg_size,
                "consumed": found.consume_rate,
                "address": found.connect_url,
                "created": moment(found.create_time_ms),
            }
        )

    cloud.show(found.raw, readable)


@command(queue, "create")
def _create(
    cloud: Cloud,
    name: Annotated[str, typer.Argument(help="1 to 64 letters, digits, _ and -.")],
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Make a queue."""
    made = cloud.client.queues.create(name, description=description)
    cloud.show(made.raw, lambda: say(f"queue {made.queue_name} was made, id {made.id}"))


@command(queue, "clear")
def _clear(cloud: Cloud, name: _Name, yes: _Yes = False) -> None:
    """Drop what waits in a queue."""
    found = found_queue(cloud, name)
    confirm(f"Drop everything that waits in {found.queue_name}?", yes)
    cloud.client.queues.clear(found.id)
    cloud.show({"cleared": found.queue_name}, lambda: say(f"queue {found.queue_name} is empty"))


@command(queue, "delete")
def _delete(cloud: Cloud, name: _Name, yes: _Yes = False) -> None:
    """Delete a queue that no subscription fills."""
    found = found_queue(cloud, name)
    confirm(f"Delete {found.queue_name} with everything in it?", yes)
    cloud.client.queues.delete(found.id)
    cloud.show({"deleted": found.queue_name}, lambda: say(f"queue {found.queue_name} was deleted"))


def _state(status: int | None) -> str:
    return QUEUE_STATES.get(status if status is not None else -1, str(status))
