"""The apps that are connected to this process: one connection for each client id, and a limit for each user."""

from typing import TYPE_CHECKING

from mooring.platform.directory import Changed

if TYPE_CHECKING:
    from .user_connection import UserConnection

__all__ = ["MAX_OF_USER", "Users"]

MAX_OF_USER = 20  # connections of one user; the oldest gives way


class Users:
    """Who is connected; changes of rights are told to everybody."""

    def __init__(self) -> None:
        self._connections: dict[str, UserConnection] = {}
        self._of_user: dict[str, dict[UserConnection, None]] = {}

    @property
    def count(self) -> int:
        """How many apps are connected."""
        return len(self._connections)

    def enter(self, connection: "UserConnection") -> None:
        """A user was let in; an older connection of the same client id ends."""
        before = self._connections.get(connection.client_id)
        if before is not None:
            before.close("the app connected again")
        self._connections[connection.client_id] = connection
        mine = self._of_user.setdefault(_owner(connection), {})
        mine[connection] = None
        if len(mine) > MAX_OF_USER:
            next(iter(mine)).close(f"the user has more than {MAX_OF_USER} connections")

    def leave(self, connection: "UserConnection") -> None:
        """A connection is gone."""
        if self._connections.get(connection.client_id) is connection:
            del self._connections[connection.client_id]
        mine = self._of_user.get(_owner(connection))
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._of_user[_owner(connection)]

    def on_change(self, changed: Changed | None) -> None:
        """Rights changed."""
        for connection in tuple(self._connections.values()):
            connection.on_change(changed)


def _owner(connection: "UserConnection") -> str:
    """All but the milliseconds of a client id: the user."""
    return connection.client_id.rpartition("_")[0]
