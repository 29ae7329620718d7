"""What a broker may let customers do, which asks us for each of them (contract/messages.md section 6).

A broker asks about the user with the password first; afterwards it names the user only, which is then known to be
genuine. Of a connection that is open the timestamp in its name does not matter any more.
"""

from mooring.protocol.login import LoginFieldError, parse_username
from mooring.store import StoreUnavailable

from .access import Refused
from .directory import Directory
from .entities import App
from .queue_access import QueueAccess, QueueRefused

__all__ = ["VIRTUAL_HOST", "BrokerAccess"]

VIRTUAL_HOST = "quec-open"


class BrokerAccess:
    """Decides. Whatever it is not asked about by the contract is refused."""

    def __init__(self, queue_access: QueueAccess, directory: Directory, *, may_declare: bool) -> None:
        self._permissions = ("read", "configure") if may_declare else ("read",)
        self._queue_access = queue_access
        self._directory = directory

    def user(self, username: str, password: str) -> str | None:
        """Why a login is refused; None when it is not."""
        try:
            self._queue_access.authenticate(username, password)
        except Refused as refusal:
            return " ".join(part for part in (refusal.reason.value, refusal.field, refusal.detail) if part)
        return None

    def virtual_host(self, username: str, virtual_host: str, address: str | None) -> bool:
        """Whether a user who is known may connect from an address."""
        return virtual_host == VIRTUAL_HOST and self.of_connection(username, address)[1] is None

    async def queue(self, username: str, name: str, permission: str) -> bool:
        """Whether a user who is known may `read` a queue, which is to consume and get, and alas to purge; or, where
        customers may declare, `configure` it, which is to declare and alas to delete.

        A name that nobody has may be read by its account: the broker then says that there is no such queue.
        """
        app = self._app(username)
        if app is None or permission not in self._permissions:
            return False
        if self.may_consume(username, name):
            return True
        if permission != "read" or not name.startswith(f"a.{app.account_id:012d}."):
            return False
        try:
            await self._directory.catch_up()
        except StoreUnavailable:
            return False
        queue = self._directory.queue_by_name(name)
        return queue is None or queue.app_id == app.id

    def may_consume(self, username: str, name: str) -> bool:
        """Whether the queue is the user's and there to be consumed."""
        app = self._app(username)
        try:
            return app is not None and self._queue_access.queue(app.id, name) > 0
        except QueueRefused:
            return False

    def of_connection(self, username: str, address: str | None) -> tuple[int, str | None]:
        """The application of a connection, 0 when there is none, and why it must end; None while it may go on."""
        app = self._app(username)
        if app is None:
            return 0, "the application was deleted"
        return app.id, self._queue_access.why_not(app.id, address)

    def _app(self, username: str) -> App | None:
        try:
            return self._directory.app_by_key(parse_username(username).access_key)
        except LoginFieldError:
            return None
