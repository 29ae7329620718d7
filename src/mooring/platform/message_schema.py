"""What every message body is held against before it is queued: contract/messages.schema.json, one branch a kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

__all__ = ["BRANCHES", "fault_of", "schema_file"]

BRANCHES: Mapping[str, str] = {
    "ONLINE": "online",
    "STATUS": "status",
    "REQACK": "reqack",
    "META_EVENT-DEVICE": "metaDevice",
    "ENDUSER-USER-BIND": "userBind",
    "RAW-UPLINK": "rawUplink",
    "RAW-DOWNLINK": "rawDownlink",
    "MATTR-READ": "mattrRead",
    "MATTR-READRESP": "mattrReadresp",
    "MATTR-WRITE": "mattrWrite",
    "MATTR-REPORT": "mattrReport",
    "MEVENT-INFO": "meventInfo",
    "MEVENT-WARN": "meventWarn",
    "MEVENT-ERROR": "meventError",
    "MSERV-INPUT": "mservInput",
    "MSERV-OUTPUT": "mservOutput",
    "LOCATION-QUERY": "locationQuery",
    "LOCATION-INFO-RAW": "locationRaw",
    "LOCATION-INFO-KV": "locationKv",
    "META_EVENT-PRODUCT": "metaProduct",
    "META_EVENT-GRANT_AUTHORIZED": "metaGrantProduct",
    "META_EVENT-GRANT_USER_DOMAIN": "metaGrantDomain",
    "META_EVENT-THING_MODEL": "metaThingModel",
    "ENDUSER-USER-ADD": "userAdd",
    "ENDUSER-USER-UPDATE": "userUpdate",
    "ENDUSER-USER-DELETE": "userDelete",
    "CEP_RULE-NOTICE": "ruleNotice",
}
"""By `TYPE` or `TYPE-SUBTYPE` the definition in the schema."""

_NAME = "messages.schema.json"


def schema_file() -> Path:
    """The schema in the installed package, or in the checkout it runs in. Raises FileNotFoundError."""
    package = Path(__file__).parents[1]
    for path in (package / _NAME, package.parents[1] / "contract" / _NAME):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{_NAME} is missing from this installation")


class _Validators:
    def __init__(self) -> None:
        self._found: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._document: Any = None

    def of(self, kind: str) -> jsonschema_rs.Draft202012Validator:
        validator = self._found.get(kind)
        if validator is None:
            if self._document is None:
                self._document = msgspec.json.decode(schema_file().read_bytes())
            branch = {"$defs": self._document["$defs"], "$ref": f"#/$defs/{BRANCHES[kind]}"}
            validator = self._found[kind] = jsonschema_rs.Draft202012Validator(branch)
        return validator


_validators = _Validators()


def fault_of(kind: str, body: Mapping[str, object]) -> str | None:
    """What is wrong with a body of this kind, None when nothing is. It names places, not values."""
    validator = _validators.of(kind)
    if validator.is_valid(body):
        return None
    for error in validator.iter_errors(body):
        return f"{'/'.join(map(str, error.instance_path)) or 'body'} breaks {'/'.join(map(str, error.schema_path))}"
    return "body breaks the schema"
