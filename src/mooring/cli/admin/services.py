"""service …"""

from typing import Annotated, Any

import typer

from mooring.cli.screen import footer, moment, say, table

from .command import Limit, Offset, command, group
from .session import Session, path_of

__all__ = ["service"]

service = group("Service packages of the account.")

_Package = Annotated[str, typer.Argument(help="Name of the package, as `service list` shows it.")]


@command(service, "list")
def _list_services(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the packages on offer."""
    answer = session.get("/services", limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Package", "Name", "Services", "Activated"),
            (
                (found["package"], found["name"], ", ".join(found["services"]), moment(found["activated_at"], "no"))
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(service, "activate")
def _activate(session: Session, package: _Package) -> None:
    """Switch a package on."""
    answer = session.post(path_of("services", package, "activate"))
    session.show(answer, lambda: _state(answer.value))


@command(service, "deactivate")
def _deactivate(session: Session, package: _Package) -> None:
    """Switch a package off; calls to it answer 91007 from now on."""
    answer = session.post(path_of("services", package, "deactivate"))
    session.show(answer, lambda: _state(answer.value))


def _state(found: dict[str, Any]) -> None:
    say(f"{found['package']} is {'not activated' if found['activated_at'] is None else 'activated'}")
