"""audit"""

from typing import Annotated

import msgspec
import typer

from mooring.cli.screen import moment, say, table

from .command import Limit, runnable
from .session import Session

__all__ = ["audit"]


def _audit(
    session: Session,
    limit: Limit = 100,
    before_id: Annotated[int | None, typer.Option(help="Only entries older than this one.", min=1)] = None,
    actor: Annotated[str, typer.Option(help="Part of who did it.")] = "",
    action: Annotated[str, typer.Option(help="Part of the action, such as app.")] = "",
    kind: Annotated[str, typer.Option(help="What it was done to, such as product.")] = "",
    target: Annotated[str, typer.Option(help="Part of the target's name.")] = "",
) -> None:
    """Show what was done, newest first."""
    chosen = {"actor": actor, "action": action, "target_kind": kind, "target": target}
    wanted = {name: text for name, text in chosen.items() if text}
    answer = session.get("/audit", limit=limit, before_id=before_id, **wanted)

    def readable() -> None:
        table(
            ("Time", "Who", "Address", "Action", "Target", "Detail"),
            (
                (
                    moment(found["happened_at"]),
                    found["actor"],
                    found["address"],
                    found["action"],
                    f"{found['target_kind']} {found['target']}",
                    msgspec.json.encode(found["detail"]).decode() if found["detail"] else "",
                )
                for found in answer.value["items"]
            ),
        )
        if answer.value["next_before_id"] is not None:
            say(f"older entries: --before-id {answer.value['next_before_id']}")

    session.show(answer, readable)


audit = runnable(_audit)
