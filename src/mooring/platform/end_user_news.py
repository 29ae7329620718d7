"""What happens to end users and bindings, for those who are told (messages.md 4.5, 4.9 and 4.10).

Services ask for `messages` of each change. What listeners answer is committed with the change, so that nothing is told
that did not happen, and nothing that happened is left out. A listener must do nothing else: the transaction may still
fail, and is then asked for again.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum

import msgspec

from mooring.store.queue_messages import MessageRow

from .end_user_entities import Binding, EndUser, EndUserApp
from .entities import App, Device
from .ledger import Actor

__all__ = ["BindingNews", "Cause", "EndUserNews", "GrantNews", "News", "UserNews"]

REMOVED, ADDED, NO_LONGER_VALID = 0, 1, 2
"""`value` of a binding's news."""


class Cause(IntEnum):
    """Why a binding changed (`invalidCause`); those of families, device groups and gateways are left out."""

    UNBOUND = 1
    RESET = 2
    SHARE_EXPIRED = 3
    SHARE_CANCELLED = 4
    SHARE_REPLACED = 5
    PROVED = 9


class BindingNews(msgspec.Struct, frozen=True):
    """ENDUSER/USER-BIND: `value` 0 removed, 1 added, 2 no longer valid."""

    binding: Binding
    device: Device
    value: int
    cause: Cause | None
    at_ms: int


class UserNews(msgspec.Struct, frozen=True):
    """ENDUSER/USER-ADD, USER-UPDATE, USER-DELETE; `kind` is add, update or delete."""

    app: EndUserApp
    user: EndUser
    kind: str
    at_ms: int


class GrantNews(msgspec.Struct, frozen=True):
    """META_EVENT/GRANT_USER_DOMAIN: an App was given to, or taken from, a SaaS application."""

    app: EndUserApp
    saas_app: App
    authorized: bool
    actor: Actor
    at_ms: int


News = BindingNews | UserNews | GrantNews


class EndUserNews:
    """Where subscriptions hang in: `listeners` answer each piece of news with the messages that tell of it."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[News], Iterable[MessageRow]]] = []

    def messages(self, news: Sequence[News]) -> list[MessageRow]:
        """What goes to queues, in the transaction of the change."""
        return [message for piece in news for listener in self.listeners for message in listener(piece)]
