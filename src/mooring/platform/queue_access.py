"""Who may consume which queue (contract/messages.md section 6). All of it comes from the directory."""

from .access import Access, Refused
from .directory import Directory
from .entities import App

__all__ = ["QueueAccess", "QueueRefused"]

ACCESS_REFUSED, NOT_FOUND = 403, 404  # reply codes of AMQP
_SERVICE = "subscription"


class QueueRefused(Exception):
    """A queue may not be used: `code` is a reply code of AMQP, 403 or 404."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class QueueAccess:
    """Decides on logins and on queues."""

    def __init__(self, access: Access, directory: Directory) -> None:
        self._access = access
        self._directory = directory

    def log_in(self, username: str, password: str, address: str | None) -> App:
        """The application that signs in: the login of the OpenAPI, and the package of message subscription on top.

        Raises Refused.
        """
        app = self._access.identify(username, password, address)
        self._access.need_service(app, _SERVICE)
        return app

    def authenticate(self, username: str, password: str) -> App:
        """The same where the caller's address is told later; `why_not` looks at it then. Raises Refused."""
        app = self._access.signer(username, password)
        self._access.need_enabled(app)
        self._access.need_service(app, _SERVICE)
        return app

    def why_not(self, app_id: int, address: str | None) -> str | None:
        """Why a connection that is open must end; None while it may go on."""
        app = self._directory.app(app_id)
        if app is None:
            return "the application was deleted"
        try:
            self._access.need_welcome(app, address)
            self._access.need_service(app, _SERVICE)
        except Refused as refusal:
            return refusal.reason.value
        return None

    def declare(self, app_id: int, name: str, *, passive: bool) -> int:
        """The id of a queue that is declared: one that exists (contract/README.md decision 9). Raises QueueRefused,
        with 403 for a new one."""
        if not passive and self._directory.queue_by_name(name) is None:
            raise QueueRefused(ACCESS_REFUSED, f"queue {name[:100]!r} is not there; queues are made by the OpenAPI")
        return self.queue(app_id, name)

    def queue(self, app_id: int, name: str) -> int:
        """The id of a queue, by its full name, that this application may consume. Raises QueueRefused."""
        queue = self._directory.queue_by_name(name)
        if queue is None:
            raise QueueRefused(NOT_FOUND, f"there is no queue {name[:100]!r}")
        if queue.app_id != app_id:
            raise QueueRefused(ACCESS_REFUSED, f"queue {name} is that of another application")
        if queue.is_suspended:
            raise QueueRefused(NOT_FOUND, f"queue {name} is suspended; start one of its subscriptions")
        return queue.id
