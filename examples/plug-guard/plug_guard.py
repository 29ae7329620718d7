"""Keeps what plugs report, and switches one off that draws more power than it may."""

import argparse
import logging
import sqlite3
from pathlib import Path

from mooring.client import Client, CommandFailed, Message, MooringError, PropertyReport, TimedOut

log = logging.getLogger("plug_guard")


class Store:
    """Readings of power by device, newest last."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS readings (device TEXT, at_ms INTEGER, watts REAL, ticket TEXT UNIQUE)"
        )

    def add(self, device: str, at_ms: int | None, watts: float, ticket: str | None) -> None:
        """Keep a reading. A message that comes twice is kept once: its ticket is the same."""
        row = (device, at_ms, watts, ticket)
        with self._database:
            self._database.execute("INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?)", row)

    def watts(self, device: str) -> list[float]:
        """Return what a device has drawn, oldest first."""
        rows = self._database.execute("SELECT watts FROM readings WHERE device = ? ORDER BY rowid", (device,))
        return [watts for (watts,) in rows]

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Guard:
    """Watches the messages of one queue. `switched_off` has the plugs that it switched off, oldest first."""

    def __init__(self, client: Client, store: Store, limit_watts: float, confirm_within_s: float = 30.0) -> None:
        self._client = client
        self._store = store
        self._limit_watts = limit_watts
        self._confirm_within_s = confirm_within_s
        self.switched_off: list[str] = []

    def take(self, message: Message) -> None:
        """Act on one message."""
        if not isinstance(message, PropertyReport) or "power" not in message.values:
            return
        product_key, device_key = message.product_key, message.device_key
        if product_key is None or device_key is None:
            return
        watts = float(message.values["power"])
        self._store.add(device_key, message.created_at_ms, watts, message.ticket)
        if watts > self._limit_watts:
            self._switch_off(product_key, device_key, watts)

    def _switch_off(self, product_key: str, device_key: str, watts: float) -> None:
        try:
            self._client.device(product_key, device_key).write(relay=False).result(self._confirm_within_s)
        except (CommandFailed, TimedOut):
            log.warning("%s draws %s W and does not confirm that it was switched off", device_key, watts)
        except MooringError as error:
            log.warning("%s draws %s W and cannot be switched off: %s", device_key, watts, error)
        else:
            self.switched_off.append(device_key)

    def watch(self, queue: str) -> None:
        """Act on the messages of a queue, for ever. One that cannot be acted on comes again after a minute."""
        self._client.consume(queue, self.take)


def main() -> None:
    """Watch a queue; the cloud and the key come from the environment or a profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue", help="full name of the queue")
    parser.add_argument("--limit", type=float, default=2000, help="watts that a plug may draw")
    parser.add_argument("--database", type=Path, default=Path("plugs.sqlite3"))
    options = parser.parse_args()
    with Client.from_environment() as client:
        store = Store(options.database)
        try:
            Guard(client, store, options.limit).watch(options.queue)
        finally:
            store.close()


if __name__ == "__main__":
    main()
