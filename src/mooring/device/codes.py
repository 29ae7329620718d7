"""What the numbers of the device link mean, and what to do about them (device-protocol.md sections 2.3 and 10)."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ADVICE", "ALREADY_ONLINE", "MEANINGS", "OK", "EventNumber", "advice_for", "meaning_of"]

OK = 10200
ALREADY_ONLINE = 10441  # of a sub-device


class EventNumber(enum.IntEnum):
    """The events a device raises to its application (section 10.2)."""

    AUTHENTICATION = 1
    LOGIN = 2
    SUBSCRIPTION = 3
    SENDING = 4
    RECEIVING = 5
    LOGOUT = 6
    UPGRADE = 7
    NOTICE = 8


MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        10200: "success",
        10210: "properties written",
        10211: "properties read",
        10212: "service called",
        10300: "failed",
        10404: "the platform could not call an inner service",
        10420: "bad request",
        10421: "a device with a burnt-in secret may not register again",
        10422: "the device is authenticated already",
        10423: "the product is not known",
        10424: "the password cannot be decoded",
        10425: "the signature is wrong",
        10426: "not published",
        10427: "the random part of the password is not valid",
        10428: "too many messages",
        10429: "activations or requests are used up",
        10430: "product, device and secret do not fit, or the device is disabled",
        10431: "the device key is not valid, or the device is disabled",
        10432: "not published",
        10433: "the session flag is not valid",
        10434: "the client id does not fit the password",
        10435: "the step of the password is not known",
        10436: "not published",
        10437: "the device secret is wrong",
        10438: "the device is not known",
        10440: "the sub-device does not belong to this gateway",
        10441: "the sub-device is online already",
        10442: "the sub-device is not logged in",
        10450: "no connection to the server",
        10471: "the server refuses this version of the protocol",
        10473: "the server does not answer",
        10474: "the connection is lost",
        10475: "the device has to connect anew",
        10500: "unknown error",
        10700: "a firmware upgrade is offered",
    }
)
"""Code to what it means, as one clause without a point."""

_KEYS = "Check product key and product secret, and that this is the cloud they were made in"
_RESET = (
    "The cloud holds a secret of this device that this program does not have: give its secret file, "
    "or reset the device's secret in the cloud"
)

ADVICE: Mapping[int, str] = MappingProxyType(
    {
        10404: "Look into the log of the cloud",
        10421: "Give the secret that was burnt in, as the device secret",
        10422: _RESET,
        10423: _KEYS,
        10424: _KEYS,
        10425: _KEYS,
        10428: "Report less often",
        10429: "Raise the quota of the product or the account",
        10430: "Check that the device is enabled, and its keys; else reset the device's secret in the cloud",
        10431: "A device key has 4 to 32 letters and digits; check that the device is enabled",
        10433: "Switch session encryption on or off as the product asks for it",
        10437: _RESET,
        10440: "Check which gateways its product names, and whether it hangs on another one that it may not leave",
        10441: "Log it out at its other gateway, or unbind it in the cloud",
        10438: "Create the device in the cloud, or delete the secret file to authenticate anew",
        10450: "Check host and port, whether the server runs, and with TLS its certificate",
        10473: "Check the network between device and server",
        10474: "Check the network; the log of the server says why it closed",
    }
)
"""Code to what to do about it, in a sentence without its point; only where something can be done."""

_SUBJECTS = {0: "raw data", 10: "data", 20: "location", 30: "status", 40: "module information", 50: "time"}
_SENDING = {102: "sent", 103: "not confirmed", 104: "refused"}


def meaning_of(event: int, code: int) -> str:
    """Return what a code means in an event, as one clause."""
    if event == EventNumber.SENDING:
        return f"{_SUBJECTS.get(code % 100, 'message')} {_SENDING.get(code // 100, 'code ' + str(code))}"
    if event == EventNumber.SUBSCRIPTION and code != OK:
        return "the subscription was not answered, or refused"
    if event == EventNumber.RECEIVING and code == OK:
        return "raw data received"
    return MEANINGS.get(code, f"code {code}")


def advice_for(code: int) -> str | None:
    """Return what to do about a code, None when there is nothing to do."""
    return ADVICE.get(code)
