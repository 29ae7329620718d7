"""Devices that are turned away: what they are told, and what is noted of it (device-protocol.md section 2.3)."""

import structlog

from mooring.platform.connecting import How, Turned
from mooring.protocol.commands import DeviceConfiguration, Downlink, ExceptionNotice

from .gateway import Gateway

__all__ = ["HEAL_S", "NOTICE_S", "SUBSCRIBE_WITHIN_S", "note_refusal", "words_for"]

SUBSCRIBE_WITHIN_S = 20.0  # a device that is turned away gets its reason after SUBSCRIBE
NOTICE_S = 2.0  # for the PUBACK of a notice, then the connection is closed
HEAL_S = 5.0  # for a device told to forget its secret: it closes by itself

_log = structlog.get_logger()


def words_for(turned: Turned) -> tuple[Downlink, float]:
    """What a device is told, and for how many seconds it may stay afterwards."""
    if turned.how is How.HEAL:
        return DeviceConfiguration(authenticate_again=True), HEAL_S
    return ExceptionNotice(int(turned.code)), NOTICE_S


def note_refusal(gateway: Gateway, turned: Turned, client_id: str, address: str) -> None:
    """Count a refusal, log it, and show it to those who watch the device."""
    gateway.metrics.refused[str(int(turned.code))] += 1
    # Whoever is turned away unheard has been logged often enough.
    level = _log.debug if turned.how is How.CLOSE else _log.info
    level(
        "device refused",
        client_id=client_id[:80],
        code=int(turned.code),
        how=turned.how.value,
        reason=turned.reason,
        address=address,
    )
    if turned.device_id is not None:
        note = f"{int(turned.code)}: {turned.reason}"
        gateway.platform.trace.tell(turned.device_id, "refuse", direction="up", note=note)
