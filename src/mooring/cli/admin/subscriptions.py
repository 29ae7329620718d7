"""subscription …"""

from typing import Annotated, Any

import typer

from mooring.cli.message_types import CODES_HELP, numbers_of
from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .queues import queue_id
from .saas_apps import app_id
from .session import Answer, Session, path_of

__all__ = ["subscription"]

subscription = group("Subscriptions: which messages go into which queue.")

_Id = Annotated[int, typer.Argument(help="Id of the subscription.", metavar="ID")]


@command(subscription, "list")
def _list_subscriptions(
    session: Session,
    app: Annotated[str | None, typer.Option(help="Only those of this SaaS application.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only those of this queue.")] = None,
    running: Annotated[bool | None, typer.Option("--running/--stopped", help="Only these.", show_default=False)] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List the subscriptions."""
    answer = session.get(
        "/subscriptions",
        app_id=None if app is None else app_id(session, app),
        queue_id=None if queue is None else queue_id(session, queue),
        running=running,
        limit=limit,
        offset=offset,
    )

    def readable() -> None:
        table(
            ("Id", "Name", "About", "Codes", "Queue", "State"),
            (
                (
                    found["id"],
                    found["name"],
                    _about(found),
                    ",".join(map(str, found["codes"])),
                    found["queue_name"],
                    _state(found),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(subscription, "show")
def _show_subscription(session: Session, subscription: _Id) -> None:
    """Show one subscription."""
    _show(session, session.get(path_of("subscriptions", subscription)))


@command(subscription, "create")
def _create_subscription(
    session: Session,
    name: Annotated[str, typer.Argument(help="1 to 128 Chinese characters, letters, digits, _ and -.")],
    queue: Annotated[str, typer.Argument(help="Short or full name of the queue; its application subscribes.")],
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
    body = {
        "name": name,
        "queue": queue,
        "codes": numbers_of(codes),
        "product_key": product,
        "device_key": device,
        "user_domain": user_domain,
    }
    answer = session.post("/subscriptions", body)
    if start:
        answer = session.post(path_of("subscriptions", answer.value["id"], "start"))
    _show(session, answer)


@command(subscription, "update")
def _update_subscription(
    session: Session,
    subscription: _Id,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    queue: Annotated[str | None, typer.Option(help="Another queue of the application.")] = None,
    codes: Annotated[str | None, typer.Option(help="Other kinds of messages, such as 1,6-9.")] = None,
) -> None:
    """Change a stopped subscription."""
    body = {"name": name, "queue": queue, "codes": None if codes is None else numbers_of(codes)}
    _show(session, session.patch(path_of("subscriptions", subscription), body))


@command(subscription, "start")
def _start_subscription(session: Session, subscription: _Id) -> None:
    """Start a subscription; a suspended queue revives."""
    _show(session, session.post(path_of("subscriptions", subscription, "start")))


@command(subscription, "stop")
def _stop_subscription(session: Session, subscription: _Id) -> None:
    """Stop a subscription; what is queued stays."""
    _show(session, session.post(path_of("subscriptions", subscription, "stop")))


@command(subscription, "delete")
def _delete_subscription(session: Session, subscription: _Id, yes: Yes = False) -> None:
    """Delete a stopped subscription."""
    confirm(f"Delete subscription {subscription}?", yes)
    answer = session.delete(path_of("subscriptions", subscription))
    session.show(answer, lambda: say(f"subscription {subscription} was deleted"))


def _about(found: dict[str, Any]) -> str:
    if found["product_key"] is None:
        return str(found["user_domain"] or "the application")
    return f"{found['product_key']}/{found['device_key'] or '*'}"


def _state(found: dict[str, Any]) -> str:
    return "running" if found["running"] else "stopped"


def _show(session: Session, answer: Answer) -> None:
    found: dict[str, Any] = answer.value
    shown = {
        "id": found["id"],
        "name": found["name"],
        "about": _about(found),
        "codes": ", ".join(map(str, found["codes"])),
        "queue": found["queue_name"],
        "app": found["app_id"],
        "state": _state(found),
        "created": moment(found["created_at"]),
        "updated": moment(found["updated_at"]),
    }
    session.show(answer, lambda: fields(shown))
