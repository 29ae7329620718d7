"""What an uplink shows about open commands."""

import msgspec

from mooring.thingmodel import DecodedService

__all__ = ["Evidence"]


class Evidence(msgspec.Struct):
    """`read` is the ticket of the read that a 0012 answers, `answers` those of the calls that services answer.

    `done` is set when a service's answer was the last that its call waited for: the ticket of the call.
    """

    read: int | None = None
    answers: list[tuple[DecodedService, int]] = []
    done: int | None = None

    @property
    def ticket(self) -> int | None:
        """What the log row of the uplink belongs to."""
        return self.read or self.done

    def ticket_of(self, answer: DecodedService) -> int | None:
        """The ticket of the call that this answers."""
        return next((ticket for known, ticket in self.answers if known is answer), None)
