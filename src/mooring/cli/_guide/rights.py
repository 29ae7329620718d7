"""What a token is worth: renewing it, and losing rights while it is out."""

from .account import PACKAGE, Made
from .openapi import TSL
from .talk import GuideFailed, Talk

__all__ = ["renew_and_lose"]

_REFRESH = "/v2/quecauth/accessKeyAuthrize/refreshToken"


def renew_and_lose(talk: Talk, made: Made) -> None:
    """Walk the chapter. Raises GuideFailed."""
    _renew(talk)
    model = {"productKey": made.product_key}
    talk.step("Cancel the package: a token that is out loses the right")
    path = f"/saas-apps/{made.app_id}/packages/{PACKAGE}"
    talk.ask("DELETE", path)
    talk.get(TSL, {**model, "language": "EN"}, code=91005)
    talk.ask("PUT", path, quiet=True)
    talk.get(TSL, model, quiet=True)
    talk.say("Authorized again: the same token works again.")
    talk.step("Deactivate the package for the whole account, and back")
    talk.ask("POST", f"/services/{PACKAGE}/deactivate")
    talk.get(TSL, {**model, "language": "EN"}, code=91007)
    talk.ask("POST", f"/services/{PACKAGE}/activate")
    talk.get(TSL, model, quiet=True)
    talk.say("Activated again: the same token works again.")


def _renew(talk: Talk) -> None:
    talk.step("Renew the token: a young one comes back as it is")
    token = talk.token
    if token is None:
        raise GuideFailed("there is no token to renew")
    if talk.get(_REFRESH, {"grant_type": "refresh_token", "refresh_token": token})["access_token"] != token:
        raise GuideFailed("refreshToken gave another token before 30 minutes were over")
