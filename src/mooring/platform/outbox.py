"""Messages for customers' queues on their way: written with what they tell of, handed on once that is committed.

Who makes a message puts it into the `Entry` or the `Ledger.commit` of what happened, so that both are in one
transaction. What delivers messages (the engine of the queues) listens here.
"""

from collections.abc import Callable, Sequence

import structlog

from mooring.store.queue_messages import MessageRow

__all__ = ["Outbox"]

_log = structlog.get_logger()

Listener = Callable[[Sequence[MessageRow]], None]


class Outbox:
    """Tells its listeners of messages that are committed, in the order of the commits."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    def committed(self, messages: Sequence[MessageRow]) -> None:
        """Hand messages on; a listener that fails loses nothing, for the messages are on disk."""
        for listener in self.listeners:
            try:
                listener(messages)
            except Exception:
                _log.exception("listener of the outbox failed", messages=len(messages))
