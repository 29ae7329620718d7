"""Channels of one connection against a model that is plain lists: what a client and its application may do, in any
order."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pamqp.commands import Basic, Channel

from mooring.protocol.amqp import Acked, Cancelled, ChannelClosed, Limits, ReplyCode, Returned
from protocol.amqp.amqp_link import MESSAGE, Link

LIMITS = Limits(max_unacked=12)
NUMBERS = st.integers(1, 3)


@dataclass
class Consumer:
    prefetch: int
    no_ack: bool


@dataclass
class Modelled:
    """`unacked` holds delivery tag, message and consumer in the order of delivery."""

    prefetch: int = 0
    shared: int = 0
    tag: int = 0
    closing: bool = False
    consumers: dict[str, Consumer] = field(default_factory=dict)
    unacked: list[tuple[int, int, str]] = field(default_factory=list)


class Channels(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.link = Link(LIMITS).open()
        self.model = {1: Modelled()}
        self.messages = 0

    # The model

    def _room(self, modelled: Modelled, tag: str) -> int:
        consumer = modelled.consumers[tag]
        room = LIMITS.max_unacked - sum(len(one.unacked) for one in self.model.values())
        if consumer.prefetch:
            room = min(room, consumer.prefetch - sum(1 for _, _, on in modelled.unacked if on == tag))
        if modelled.shared:
            room = min(room, modelled.shared - len(modelled.unacked))
        return max(room, 0)

    def _gone(self, number: int, modelled: Modelled) -> list[object]:
        messages = tuple(message for _, message, _ in modelled.unacked)
        modelled.unacked.clear()
        modelled.consumers.clear()
        events: list[object] = [Returned(number, messages, True, False)] if messages else []
        return [*events, ChannelClosed(number)]

    def _open(self, number: int) -> Modelled | None:
        modelled = self.model.get(number)
        return None if modelled is None or modelled.closing else modelled

    # What happens

    @rule(number=NUMBERS)
    def open_channel(self, number: int) -> None:
        if number not in self.model:
            self.link.open_channel(number)
            self.model[number] = Modelled()

    @rule(number=NUMBERS)
    def close_channel(self, number: int) -> None:
        modelled = self.model.get(number)
        if modelled is None:
            return
        events = self.link.send(Channel.Close(200, "", 0, 0), number)
        self.link.got(Channel.CloseOk, number)
        if modelled.closing:
            assert events == []  # its close-ok is still to come
            return
        assert events == self._gone(number, modelled)
        del self.model[number]

    @rule(number=NUMBERS)
    def server_closes_channel(self, number: int) -> None:
        modelled = self._open(number)
        if modelled is None:
            return
        events = self.link.server.close_channel(number, ReplyCode.PRECONDITION_FAILED, "x")
        self.link.got(Channel.Close, number)
        assert events == self._gone(number, modelled)
        modelled.closing = True

    @rule(number=NUMBERS)
    def close_ok(self, number: int) -> None:
        modelled = self.model.get(number)
        if modelled is not None and modelled.closing:
            assert self.link.send(Channel.CloseOk(), number) == []
            del self.model[number]

    @rule(number=NUMBERS, count=st.integers(0, 4), shared=st.booleans())
    def qos(self, number: int, count: int, shared: bool) -> None:
        modelled = self._open(number)
        if modelled is None:
            return
        self.link.call(Basic.Qos(0, count, shared), Basic.QosOk, number)
        if shared:
            modelled.shared = count
        else:
            modelled.prefetch = count

    @rule(number=NUMBERS, tag=st.sampled_from("abc"), no_ack=st.booleans())
    def consume(self, number: int, tag: str, no_ack: bool) -> None:
        modelled = self._open(number)
        if modelled is not None and tag not in modelled.consumers:
            self.link.consume(tag, number, no_ack=no_ack)
            modelled.consumers[tag] = Consumer(modelled.prefetch, no_ack)

    @rule(number=NUMBERS, tag=st.sampled_from("abc"))
    def cancel(self, number: int, tag: str) -> None:
        modelled = self._open(number)
        if modelled is None:
            return
        events = self.link.send(Basic.Cancel(tag), number)
        self.link.got(Basic.CancelOk, number)
        assert events == ([Cancelled(number, tag)] if tag in modelled.consumers else [])
        modelled.consumers.pop(tag, None)
        # What it has not acknowledged stays out, and counts for nobody.
        modelled.unacked = [(at, message, "" if on == tag else on) for at, message, on in modelled.unacked]

    @rule(number=NUMBERS, tag=st.sampled_from("abc"), count=st.integers(1, 5))
    def deliver(self, number: int, tag: str, count: int) -> None:
        modelled = self._open(number)
        if modelled is None or tag not in modelled.consumers:
            return
        no_ack = modelled.consumers[tag].no_ack
        for _ in range(count if no_ack else min(count, self._room(modelled, tag))):
            self.messages += 1
            modelled.tag += 1
            tracked = self.link.server.deliver(number, tag, [(self.messages, MESSAGE, False)])
            assert tracked is not no_ack
            (_, method), _, _ = self.link.read()
            assert (method.delivery_tag, method.consumer_tag) == (modelled.tag, tag)
            if tracked:
                modelled.unacked.append((modelled.tag, self.messages, tag))

    @rule(
        number=NUMBERS,
        back=st.integers(0, 6),
        multiple=st.booleans(),
        kind=st.sampled_from(["ack", "nack", "drop"]),
    )
    def settle(self, number: int, back: int, multiple: bool, kind: str) -> None:
        modelled = self._open(number)
        if modelled is None:
            return
        tag = max(modelled.tag - back, 0)
        known = [at for at, _, _ in modelled.unacked]
        method = Basic.Ack(tag, multiple) if kind == "ack" else Basic.Nack(tag, multiple, kind == "nack")
        events = self.link.send(method, number)
        if tag not in known and not (multiple and tag == 0):
            assert events == self._gone(number, modelled)
            assert self.link.got(Channel.Close, number).reply_code == 406
            modelled.closing = True
            return
        done = [one for one in modelled.unacked if one[0] == tag or (multiple and (tag == 0 or one[0] < tag))]
        modelled.unacked = [one for one in modelled.unacked if one not in done]
        messages = tuple(message for _, message, _ in done)
        if not messages:
            assert events == []
        elif kind == "ack":
            assert events == [Acked(number, messages)]
        else:
            assert events == [Returned(number, messages, kind == "nack", True)]
        self.link.server.settled(len(messages))

    @rule(number=NUMBERS)
    def recover(self, number: int) -> None:
        modelled = self._open(number)
        if modelled is None:
            return
        events = self.link.send(Basic.Recover(requeue=True), number)
        self.link.got(Basic.RecoverOk, number)
        messages = tuple(message for _, message, _ in modelled.unacked)
        assert events == ([Returned(number, messages, True, False)] if messages else [])
        modelled.unacked.clear()

    @precondition(lambda self: any(one.closing for one in self.model.values()))
    @rule(tag=st.integers(0, 3))
    def anything_on_a_closing_channel_is_thrown_away(self, tag: int) -> None:
        for number, modelled in self.model.items():
            if modelled.closing:
                assert self.link.send(Basic.Ack(tag), number) == []
                assert self.link.send(Basic.Qos(0, 1), number) == []

    @invariant()
    def room_is_that_of_the_model(self) -> None:
        for number in (1, 2, 3):
            modelled = self._open(number)
            for tag in "abc":
                room = self.link.server.room(number, tag)
                if modelled is None or tag not in modelled.consumers:
                    assert room == 0
                elif not modelled.consumers[tag].no_ack:
                    assert room == self._room(modelled, tag)

    @invariant()
    def nothing_is_said_unasked(self) -> None:
        assert self.link.server.data_to_send() == b""


TestChannels = Channels.TestCase
TestChannels.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
