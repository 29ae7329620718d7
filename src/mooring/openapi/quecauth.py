"""/v2/quecauth: login by AccessKey and renewal of tokens (openapi-notes.md sections 1 and 2)."""

from . import answers
from .answers import Failure
from .operation import Call, Operation

__all__ = ["OPERATIONS"]

_LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
_REFRESH = "/v2/quecauth/accessKeyAuthrize/refreshToken"


async def _log_in(call: Call) -> bytes:
    _need(call, "grant_type", "username", "password")
    _need_value(call, "grant_type", "password")
    issued = call.platform.access.log_in(call.params["username"], call.params["password"], call.address)
    call.app_id = issued.app_id
    return answers.token(issued.text, issued.expires_in, "OK")


async def _refresh(call: Call) -> bytes:
    _need(call, "grant_type", "refresh_token")
    _need_value(call, "grant_type", "refresh_token")
    issued = call.platform.access.renew(call.params["refresh_token"], call.address)
    call.app_id = issued.app_id
    return answers.token(issued.text, issued.expires_in, "")


def _need(call: Call, *names: str) -> None:
    missing = [name for name in names if name not in call.params]
    if missing:
        raise Failure(50005, f"{', '.join(missing)} missing")


def _need_value(call: Call, name: str, value: str) -> None:
    if call.params[name] != value:
        raise Failure(50005, f"{name} must be {value}")


OPERATIONS = (
    Operation("authLogin", "GET", _LOGIN, None, _log_in),
    Operation("authLoginPost", "POST", _LOGIN, None, _log_in),
    Operation("authRefresh", "GET", _REFRESH, None, _refresh),
    Operation("authRefreshPost", "POST", _REFRESH, None, _refresh),
)
