"""queue …"""

from typing import Annotated, Any

import msgspec
import typer

from mooring.cli.failure import Failure
from mooring.cli.message_types import QUEUE_STATES
from mooring.cli.screen import fields, footer, instant, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .finding import find_id
from .saas_apps import AppName, app_id
from .session import Answer, Session, path_of

__all__ = ["QueueName", "queue", "queue_id"]

queue = group("Message queues of SaaS applications.")


QueueName = Annotated[str, typer.Argument(help="Id, short name or full name of the queue.", metavar="QUEUE")]
_DEPTH = ("waiting", "bytes_waiting", "consumers")
_UNKNOWN = "unknown"  # the broker does not answer
_InApp = Annotated[str | None, typer.Option("--app", help="Only those of this SaaS application.", metavar="APP")]


def queue_id(session: Session, name: str) -> int:
    """The id of a queue that is given by id or name. Raises Failure."""
    found = find_id(session, "/queues", name, "name", "full_name")
    if found is None:
        raise Failure(f"there is no queue {name!r}")
    return found


@command(queue, "list")
def _list_queues(session: Session, app: _InApp = None, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the queues, with what waits in them and how many consumers they have."""
    of_app = None if app is None else app_id(session, app)
    answer = session.get("/queues", app_id=of_app, limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "Full name", "App", "State", "Waiting", "Bytes", "Consumers", "Free", "Created"),
            (
                (
                    found["id"],
                    found["full_name"],
                    found["app_id"],
                    QUEUE_STATES[found["status"]],
                    *(_UNKNOWN if found[name] is None else found[name] for name in _DEPTH),
                    "yes" if found["is_free"] else "no",
                    moment(found["created_at"]),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(queue, "show")
def _show_queue(session: Session, queue: QueueName) -> None:
    """Show one queue: what waits in it, who consumes, what became of its messages."""
    answer = session.get(path_of("queues", queue_id(session, queue)))
    session.show(answer, lambda: _content(answer.value))


@command(queue, "create")
def _create_queue(
    session: Session,
    app: AppName,
    name: Annotated[str, typer.Argument(help="1 to 64 letters, digits, _ and -.")],
    description: Annotated[str, typer.Option(help="Up to 200 characters.")] = "",
) -> None:
    """Make a queue for a SaaS application."""
    body = {"app_id": app_id(session, app), "name": name, "description": description}
    _show(session, session.post("/queues", body))


@command(queue, "peek")
def _peek_queue(
    session: Session,
    queue: QueueName,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 10,
) -> None:
    """Show the next messages of a queue without taking them."""
    answer = session.get(path_of("queues", queue_id(session, queue), "messages"), limit=limit)

    def readable() -> None:
        table(
            ("Made", "Type", "Ticket", "Body"),
            (
                (
                    instant(found["created_at"]),
                    found["type"],
                    found["ticket"],
                    msgspec.json.encode(found["body"]).decode(),
                )
                for found in answer.value["items"]
            ),
        )

    session.show(answer, readable)


@command(queue, "clear")
def _clear_queue(session: Session, queue: QueueName, yes: Yes = False) -> None:
    """Drop the messages that wait in a queue; what consumers have stays."""
    found = queue_id(session, queue)
    confirm(f"Drop every message that waits in queue {queue}?", yes)
    answer = session.post(path_of("queues", found, "clear"))
    session.show(answer, lambda: say(f"{answer.value['dropped']} messages were dropped"))


@command(queue, "delete")
def _delete_queue(session: Session, queue: QueueName, yes: Yes = False) -> None:
    """Delete a queue that no subscription points to, with what waits in it; its consumers end."""
    found = queue_id(session, queue)
    confirm(f"Delete queue {queue} with what waits in it?", yes)
    answer = session.delete(path_of("queues", found))
    session.show(answer, lambda: say(f"queue {queue} was deleted"))


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: fields(_fields(answer.value)))


def _fields(found: dict[str, Any]) -> dict[str, object]:
    return {
        "id": found["id"],
        "full name": found["full_name"],
        "description": found["description"],
        "app": found["app_id"],
        "state": QUEUE_STATES[found["status"]],
        "free": "yes" if found["is_free"] else "no",
        "created": moment(found["created_at"]),
        "updated": moment(found["updated_at"]),
    }


def _content(found: dict[str, Any]) -> None:
    dropped = (found["expired"], found["overflowed"], found["rejected"], found["cleared"])
    shown = {
        **_fields(found),
        "address": found["url"],
        "waiting": f"{found['waiting']} messages, {found['bytes_waiting']} bytes",
        "oldest": moment(found["oldest_at"]),
        "with consumers": f"{found['unacked']} messages",
        "consumers": found["consumers"],
        "rate": f"{found['rate']:.2f} acknowledged a second",
        "pushed": f"{found['pushed']}, {found['pushed_this_month']} of them this month",
        "acknowledged": found["acked"],
        "dropped": "{} too old, {} over the size, {} rejected, {} cleared".format(*dropped),
        "last used": moment(found["used_at"]),
    }
    if found["suspended_at"] is not None:
        shown["suspended"] = moment(found["suspended_at"])
    if found["suspends_at"] is not None:
        shown["to be suspended"] = f"{moment(found['suspends_at'])}, unless somebody consumes"
    fields(shown)
