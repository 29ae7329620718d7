"""The open commands of one device: those that have not left, oldest first, and those given to its connection."""

import asyncio

from .command_flight import Flight
from .command_input import Kind
from .command_steps import Command

__all__ = ["MAX_AWAITED", "WINDOW", "Lane"]

WINDOW = 16  # unconfirmed commands of a device on its connection; as many as its MQTT session has in flight
MAX_AWAITED = 64  # commands of a device that may still be answered; above that the oldest is not looked for any more


class Lane:
    """`queue` has not left; `flights`, by ticket, were given to a connection and may still bring evidence."""

    __slots__ = ("draining", "flights", "loading", "queue", "reserved", "unsettled")

    def __init__(self) -> None:
        self.queue: list[Command] = []
        self.flights: dict[int, Flight] = {}
        self.unsettled = 0  # flights of which the connection has said neither delivered nor lost
        self.reserved = 0  # commands that are being committed
        self.loading: asyncio.Task[None] | None = None
        self.draining = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open."""
        return not (self.queue or self.flights or self.reserved or self.loading)

    @property
    def has_window(self) -> bool:
        """Whether the connection may be given one more."""
        return self.unsettled < WINDOW

    def unconfirmed(self, but: Kind | None = None) -> int:
        """How many commands are open, not counting waiting ones of the kind `but`."""
        waiting = sum(1 for command in self.queue if command.kind is not but)
        return waiting + self.unsettled + self.reserved

    def waiting(self, ticket: int) -> Command | None:
        """The command of this ticket, if it has not left."""
        return next((command for command in self.queue if command.id == ticket), None)

    def put_back(self, command: Command) -> None:
        """Queue a command at the place its age gives it."""
        self.queue.append(command)
        self.queue.sort(key=lambda waiting: waiting.id)

    def settle(self, flight: Flight) -> None:
        """The connection has said what becomes of it, or nobody waits for that any more."""
        if not flight.settled:
            flight.settled = True
            self.unsettled -= 1

    def oldest_to_forget(self) -> Flight | None:
        """The flight to look for no more when there are too many."""
        if len(self.flights) <= MAX_AWAITED:
            return None
        return next((flight for flight in self.flights.values() if flight.settled), None)
