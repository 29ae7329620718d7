"""Things that people name by id or by name."""

from .session import Session

__all__ = ["find_id"]

_PAGE = 1000


def find_id(session: Session, path: str, name: str, *members: str) -> int | None:
    """The id of the entry in a list whose id is `name`, else of the last whose `members` have it. Raises Failure."""
    found: int | None = None
    offset, total = 0, 1
    while offset < total:
        answer = session.get(path, limit=_PAGE, offset=offset).value
        for entry in answer["items"]:
            if str(entry["id"]) == name:
                return int(entry["id"])
            if name in (entry[member] for member in members):
                found = int(entry["id"])
        offset, total = offset + _PAGE, answer["total"]
    return found
