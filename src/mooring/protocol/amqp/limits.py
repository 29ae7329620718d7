"""What a peer of the AMQP endpoint may make grow, and how long it may be silent (contract/messages.md section 6)."""

from typing import Final

import msgspec

__all__ = ["FRAME_MIN", "VIRTUAL_HOSTS", "Limits"]

FRAME_MIN: Final = 4096
"""Bytes that every frame may have, whatever was negotiated (AMQP 0-9-1, section 4.2.3)."""

VIRTUAL_HOSTS: Final = frozenset({"quec-open", "/quec-open"})
"""Names of the one virtual host (contract/README.md decision 9)."""


class Limits(msgspec.Struct, frozen=True):
    """Guards of one connection. Times are seconds, sizes bytes.

    `login_s` is from the first byte to the login, `consumer_s` from the login to the first consumer. A client may ask
    for any heartbeat up to `heartbeat_s`; 0 and more count as that. `shortest_heartbeat_s` above 1 is the strict mode:
    clients that ask for less are refused.
    """

    frame_max: int = 131_072
    channel_max: int = 256
    max_consumers: int = 256  # of one connection
    max_unacked: int = 20_000  # deliveries of one connection that wait for their acknowledgement
    max_acks_waiting: int = 5_000  # acknowledgements that are not settled before nothing more is read
    login_s: float = 15.0
    consumer_s: float = 15.0
    close_s: float = 5.0
    heartbeat_s: int = 60
    shortest_heartbeat_s: int = 1
