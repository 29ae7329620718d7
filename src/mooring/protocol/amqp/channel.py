"""One channel: its consumers, what they may still be given, and what they have not acknowledged."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Generic, TypeVar

from mooring.protocol.amqp.errors import ChannelError, ReplyCode
from mooring.protocol.amqp.wire import Template, ack_head

__all__ = ["Channel", "Consumer"]

M = TypeVar("M")

_UNBOUNDED = 1 << 30


class Consumer:
    """One consumer. `prefetch` 0 means as much as there is; `out` counts what it has not acknowledged."""

    __slots__ = ("no_ack", "out", "prefetch", "queue", "tag", "template")

    def __init__(self, channel: int, tag: str, queue: str, *, no_ack: bool, prefetch: int) -> None:
        self.tag = tag
        self.queue = queue
        self.no_ack = no_ack
        self.prefetch = prefetch
        self.out = 0
        self.template = Template(channel, tag, queue)


class Channel(Generic[M]):
    """`prefetch` is for consumers to come, `shared_prefetch` for all of the channel together."""

    __slots__ = (
        "_unacked",
        "ack_head",
        "closing",
        "consumers",
        "declared",
        "number",
        "out",
        "prefetch",
        "shared_prefetch",
        "tag",
        "tags_made",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.ack_head = ack_head(number)
        self.closing = False
        self.declared = ""  # the queue that an empty queue name means
        self.consumers: dict[str, Consumer] = {}
        self.prefetch = 0
        self.shared_prefetch = 0
        self.tag = 0  # the newest delivery tag
        self.tags_made = 0  # consumer tags
        self.out = 0  # with consumers
        self._unacked: dict[int, tuple[Consumer | None, M]] = {}  # by delivery tag, in its order

    def __len__(self) -> int:
        return len(self._unacked)

    def room(self, consumer: Consumer) -> int:
        """How many more messages a consumer takes now."""
        if consumer.no_ack:
            return _UNBOUNDED
        room = consumer.prefetch - consumer.out if consumer.prefetch else _UNBOUNDED
        if self.shared_prefetch:
            room = min(room, self.shared_prefetch - self.out)
        return room if room > 0 else 0  # noqa: FURB136 - on the hot path

    def give(self, consumer: Consumer | None, messages: Sequence[M], *, tracked: bool) -> int:
        """Messages leave with the next delivery tags; returns the last one. `tracked` ones must be acknowledged."""
        if tracked:
            for tag, message in enumerate(messages, self.tag + 1):
                self._unacked[tag] = consumer, message
            if consumer is not None:
                consumer.out += len(messages)
                self.out += len(messages)
        self.tag += len(messages)
        return self.tag

    def take_each(self, acks: Iterable[tuple[int, int]], taken: list[M]) -> None:
        """Add to `taken` what acknowledgements are about: delivery tags, each with `multiple` as its lowest bit. Raises
        ChannelError 406 at the first that is about nothing."""
        unacked = self._unacked
        for tag, bits in acks:
            found = None if bits & 1 else unacked.pop(tag, None)
            if found is None:
                taken += self.take(tag, multiple=bits & 1 == 1)
                continue
            consumer, message = found
            if consumer is not None:
                consumer.out -= 1
                self.out -= 1
            taken.append(message)

    def take(self, tag: int, *, multiple: bool) -> tuple[M, ...]:
        """What an acknowledgement or a refusal is about, oldest first. Raises ChannelError 406."""
        unacked = self._unacked
        if not multiple:
            found = unacked.pop(tag, None)
            if found is None:
                raise ChannelError(ReplyCode.PRECONDITION_FAILED, f"unknown delivery tag {tag}")
            self._let_go(found[0])
            return (found[1],)
        if tag and tag not in unacked:
            raise ChannelError(ReplyCode.PRECONDITION_FAILED, f"unknown delivery tag {tag}")
        tags = list(takewhile(lambda known: known <= tag, unacked) if tag else unacked)
        return tuple(self._pop(known) for known in tags)

    def take_all(self) -> tuple[M, ...]:
        """Everything that is out, oldest first."""
        return tuple(self._pop(tag) for tag in list(self._unacked))

    def new_tag(self) -> str:
        """A consumer tag for a client that left the choice to the server."""
        names = (f"ctag{self.number}.{number}" for number in self._numbers())
        return next(name for name in names if name not in self.consumers)

    def _numbers(self) -> Iterator[int]:
        while True:
            self.tags_made += 1
            yield self.tags_made

    def _pop(self, tag: int) -> M:
        consumer, message = self._unacked.pop(tag)
        self._let_go(consumer)
        return message

    def _let_go(self, consumer: Consumer | None) -> None:
        if consumer is not None:
            consumer.out -= 1
            self.out -= 1
