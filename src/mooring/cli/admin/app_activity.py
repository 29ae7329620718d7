"""app statistics, app requests"""

import time
from typing import Annotated

import msgspec
import typer

from mooring.cli.screen import fields, moment, say, table

from .command import Limit, command
from .saas_apps import AppName, app_path
from .session import Session

__all__ = ["register"]

_HOUR_MS = 3_600_000
_Operation = Annotated[str, typer.Option(help="Only this operation, such as deviceList.", show_default=False)]
_Hours = Annotated[int | None, typer.Option(help="Only the last so many hours.", min=1, show_default=False)]


def register(saas_app: typer.Typer) -> None:
    """Add these commands."""
    command(saas_app, "statistics")(_statistics)
    command(saas_app, "requests")(_requests)


def _statistics(session: Session, app: AppName, operation: _Operation = "", hours: _Hours = None) -> None:
    """Show how often an application calls what, how often that fails, and how long it takes."""
    path = app_path(session, app, "statistics")
    answer = session.get(path, operation=operation or None, since=_since(hours))

    def readable() -> None:
        table(
            ("Operation", "Calls", "Failures", "Mean ms", "p50 ms", "p95 ms", "p99 ms", "Longest ms"),
            (
                (
                    entry["operation"],
                    entry["calls"],
                    entry["failures"],
                    *(f"{entry[name]:g}" for name in ("mean_ms", "p50_ms", "p95_ms", "p99_ms", "longest_ms")),
                )
                for entry in answer.value["operations"]
            ),
        )
        fields({"calls": answer.value["calls"], "failures": answer.value["failures"]})

    session.show(answer, readable)


def _requests(
    session: Session,
    app: AppName,
    operation: _Operation = "",
    code: Annotated[int | None, typer.Option(help="Only answers with this code.", show_default=False)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only failures.", show_default=False)] = False,
    hours: _Hours = None,
    request_id: Annotated[str, typer.Option(help="The call with this X-Request-Id.", show_default=False)] = "",
    ticket: Annotated[int | None, typer.Option(help="The call that led to this command.", show_default=False)] = None,
    limit: Limit = 100,
    before_id: Annotated[int | None, typer.Option(help="Only calls older than this one.", min=1)] = None,
) -> None:
    """Show the newest calls of an application, without secrets."""
    answer = session.get(
        app_path(session, app, "requests"),
        operation=operation or None,
        code=code,
        failed="true" if failed else None,
        since=_since(hours),
        request_id=request_id or None,
        ticket=ticket,
        limit=limit,
        before_id=before_id,
    )

    def readable() -> None:
        table(
            ("Time", "Request", "Operation", "Code", "ms", "Address", "Tickets", "Message", "What was sent"),
            (
                (
                    moment(entry["at"]),
                    entry["request_id"],
                    entry["operation"],
                    entry["code"],
                    f"{entry['took_ms']:g}",
                    entry["address"],
                    " ".join(entry["tickets"]),
                    entry["message"],
                    msgspec.json.encode(entry["request"]).decode(),
                )
                for entry in answer.value["items"]
            ),
        )
        if answer.value["next_before_id"] is not None:
            say(f"older calls: --before-id {answer.value['next_before_id']}")

    session.show(answer, readable)


def _since(hours: int | None) -> int | None:
    return None if hours is None else time.time_ns() // 1_000_000 - hours * _HOUR_MS
