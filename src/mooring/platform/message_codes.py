"""Message codes of subscriptions, and which may be asked for at which level (contract/messages.md sections 1 and 5)."""

from collections.abc import Collection, Mapping

__all__ = ["DOMAIN_CODES", "RULE_CODE", "SAAS_CODES", "MessageCode", "device_codes"]


class MessageCode:
    """Numbers of the message categories."""

    ONLINE = 1
    STATUS = 2
    RAW_UPLINK = 3
    RAW_DOWNLINK = 4
    REQACK = 5
    MATTR = 6
    EVENT_INFO = 7
    EVENT_WARN = 8
    EVENT_ERROR = 9
    MSERV = 10
    LOCATION_QUERY = 11
    LOCATION_RAW = 12
    LOCATION_KV = 13
    USER_BIND = 14
    DEVICE = 15
    PRODUCT = 101
    SAAS_DEVICE = 102
    THING_MODEL = 103
    GRANT_PRODUCT = 104
    GRANT_DOMAIN = 105
    USER = 201


RULE_CODE = 16
"""Of the rule engine, which this server does not have: accepted, never pushed (README decision 19)."""

EVENT_CODES: Mapping[str, int] = {
    "INFO": MessageCode.EVENT_INFO,
    "WARN": MessageCode.EVENT_WARN,
    "ERROR": MessageCode.EVENT_ERROR,
}

SAAS_CODES: Collection[int] = range(101, 106)
DOMAIN_CODES: Collection[int] = (201,)

_TRANSPARENT = 0
_MODEL_CODES = range(6, 11)


def device_codes(data_fmt: int) -> Collection[int]:
    """What may be asked for about devices of a product; those of the thing model only where there is one."""
    codes = range(1, RULE_CODE + 1)
    return codes if data_fmt != _TRANSPARENT else [code for code in codes if code not in _MODEL_CODES]
