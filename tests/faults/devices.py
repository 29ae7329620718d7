"""What fault tests do with a `Peer`: messages that are sent again and again, and what of them is in the log."""

import asyncio
import json

from gateway.peer import Peer, report
from served import DATA, Served

__all__ = ["confirmed", "enter", "power", "report_power", "reported"]


def power(number: int) -> bytes:
    """A frame that reports so many watts, with the number as its packet id."""
    return report(number, b"\x00\x12\x01" + number.to_bytes(2, "big"))


def report_power(peer: Peer, number: int, qos: int = 1) -> tuple[int, bytes]:
    """Send a report: its MQTT packet id and all of the packet, to be sent again."""
    packet_id = peer.mqtt.publish(f"q/2/d/{peer.client_id}/bus", power(number), qos, 0.0)
    packet = peer.mqtt.data_to_send()
    peer.raw(packet)
    return packet_id, packet


async def confirmed(peer: Peer, packet_id: int, seconds: float) -> bool:
    """Whether the message is confirmed within this time."""
    try:
        async with asyncio.timeout(seconds):
            await peer.acked(packet_id)
    except TimeoutError:
        return False
    return True


async def enter(peer: Peer, cloud: Served, device_secret: str, keep_alive_s: int = 120) -> None:
    """Connect by step `1;` and subscribe."""
    await peer.connect(cloud.password(device_secret), keep_alive_s=keep_alive_s)
    assert await peer.subscribe() == (1,)


def reported(cloud: Served, key: str) -> list[str]:
    """The watts in the log, oldest first."""
    return [json.loads(row["dmData"])[0]["value"] for row in reversed(cloud.rows(DATA, key, direction=1))]
