"""Message codes of subscriptions, and which may be asked for at which level (contract/messages.md sections 1 and 5)."""

from collections.abc import Collection, Mapping

__all__ = ["CODE_OF", "DOMAIN_CODES", "RULE_CODE", "SAAS_CODES", "SAAS_DEVICE", "device_codes"]

RULE_CODE = 16
"""Of the rule engine, which this server does not have: accepted, never pushed (README decision 19)."""

CODE_OF: Mapping[str, int] = {
    "ONLINE": 1,
    "STATUS": 2,
    "RAW-UPLINK": 3,
    "RAW-DOWNLINK": 4,
    "REQACK": 5,
    "MATTR-READ": 6,
    "MATTR-READRESP": 6,
    "MATTR-WRITE": 6,
    "MATTR-REPORT": 6,
    "MEVENT-INFO": 7,
    "MEVENT-WARN": 8,
    "MEVENT-ERROR": 9,
    "MSERV-INPUT": 10,
    "MSERV-OUTPUT": 10,
    "LOCATION-QUERY": 11,
    "LOCATION-INFO-RAW": 12,
    "LOCATION-INFO-KV": 13,
    "ENDUSER-USER-BIND": 14,
    "META_EVENT-DEVICE": 15,
    "CEP_RULE-NOTICE": RULE_CODE,
    "META_EVENT-PRODUCT": 101,
    "META_EVENT-THING_MODEL": 103,
    "META_EVENT-GRANT_AUTHORIZED": 104,
    "META_EVENT-GRANT_USER_DOMAIN": 105,
    "ENDUSER-USER-ADD": 201,
    "ENDUSER-USER-UPDATE": 201,
    "ENDUSER-USER-DELETE": 201,
}
"""By `TYPE` or `TYPE-SUBTYPE`."""

SAAS_DEVICE = 102
"""META_EVENT/DEVICE at the level of an application."""

SAAS_CODES: Collection[int] = range(101, 106)
DOMAIN_CODES: Collection[int] = (201,)

_TRANSPARENT = 0
_MODEL_CODES = range(6, 11)


def device_codes(data_fmt: int) -> Collection[int]:
    """What may be asked for about devices of a product; those of the thing model only where there is one."""
    codes = range(1, RULE_CODE + 1)
    return codes if data_fmt != _TRANSPARENT else [code for code in codes if code not in _MODEL_CODES]
