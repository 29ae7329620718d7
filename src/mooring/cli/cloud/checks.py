"""Checks of `mooring doctor` that speak HTTP. Each returns what it found and how to mend it; none raises."""

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mooring.cli.failure import Failure

from .session import Cloud

if TYPE_CHECKING:
    from mooring.client import ApiError

__all__ = ["Finding", "State", "address", "clock", "packages", "products", "profile", "signature"]

WINDOW_S = 600  # how far the clock of a login may be off (contract/openapi-notes.md section 1)
_NOTICEABLE_S = 30
_TIMEOUT_S = 10.0
_PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
_PROBES = (
    # package, method, path: the package is checked before the parameters, so an incomplete call shows it
    ("product-and-device-management", "GET", _PRODUCTS),
    ("message-subscription", "POST", "/v2/quecrule/r1/openapi/queue/list"),
    ("end-user-management", "GET", "/v2/enduser/enterpriseapi/entUserDomainList"),
    ("binding-management", "GET", "/v2/binding/enterpriseapi/userDeviceList"),
)
_NOT_ACTIVATED, _NOT_AUTHORIZED, _FOREIGN_ADDRESS, _NO_SERVICE = 91007, 91005, 91006, 16024
_NO_PERMISSION = 5041  # what the end-user services say for either

_MENDS_OF_LOGIN = {
    401: "the AccessSecret is not the one of this AccessKey; mooring login saves another",
    403: "the key is disabled, or this machine's address is not in a white list of account or application",
    90047: "there is no such AccessKey in this cloud; is it the right region? mooring login saves another",
    _FOREIGN_ADDRESS: "the address of this machine is not in the white list of account or application",
}
_TRY_AGAIN = "try again; the platform may have failed"


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """One check: what was found, and what to do about it."""

    check: str
    state: State
    found: str
    mend: str = ""

    def plain(self) -> dict[str, str]:
        """For JSON."""
        return {"check": self.check, "state": self.state.value, "found": self.found, "mend": self.mend}


def profile(cloud: Cloud) -> Finding:
    """Whether it is known where the cloud is and with which key."""
    from mooring.client import MooringError

    try:
        found = cloud.profile
        found.secret()
    except Failure as failure:
        return Finding("profile", State.FAILED, failure.text)
    except MooringError as error:
        return Finding(
            "profile", State.FAILED, str(error), "mooring profile list shows what is saved, mooring login saves"
        )
    return Finding("profile", State.OK, f"{found.url} with AccessKey {found.access_key}")


def address(url: str) -> Finding:
    """Whether a cloud of this kind answers there."""
    import httpx

    begun = time.perf_counter()
    try:
        answer = httpx.get(url.rstrip("/") + _PRODUCTS, timeout=_TIMEOUT_S)
    except httpx.TimeoutException:
        mend = "a firewall may drop what is sent there; check the address, and that it is reached from this machine"
        return Finding("address", State.FAILED, f"{url} does not answer within {_TIMEOUT_S:g} s", mend)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return Finding("address", State.FAILED, f"{url}: {error}", _mend_of_connection(str(error)))
    took = (time.perf_counter() - begun) * 1000
    try:
        speaks = isinstance(answer.json()["code"], int | str)
    except (ValueError, KeyError, TypeError):
        speaks = False
    if not speaks:
        found = f"{url} answers HTTP {answer.status_code}, but not as this OpenAPI does"
        return Finding(
            "address", State.FAILED, found, "the address must be what stands before /v2/…; a proxy may answer"
        )
    return Finding("address", State.OK, f"answers within {took:.0f} ms")


def clock(url: str) -> Finding:
    """How far this machine's clock is from the cloud's; a login is refused beyond ten minutes."""
    from email.utils import parsedate_to_datetime

    import httpx

    begun = time.time()
    try:
        stated = httpx.get(url.rstrip("/") + _PRODUCTS, timeout=_TIMEOUT_S).headers["Date"]
        theirs = parsedate_to_datetime(stated).timestamp() + 0.5  # it has whole seconds
    except (httpx.HTTPError, KeyError, ValueError):
        return Finding("clock", State.SKIPPED, "the answer has no readable Date to compare with")
    off = (begun + time.time()) / 2 - theirs
    side = "ahead of" if off > 0 else "behind"
    found = f"this machine is {abs(off):.0f} s {side} the cloud"
    mend = "set the clock of this machine, best by NTP: timedatectl set-ntp true"
    if abs(off) >= WINDOW_S:
        return Finding("clock", State.FAILED, f"{found}; logins are refused beyond {WINDOW_S} s", mend)
    if abs(off) >= _NOTICEABLE_S:
        return Finding("clock", State.WARNING, f"{found}; logins are refused beyond {WINDOW_S} s", mend)
    return Finding("clock", State.OK, f"{abs(off):.0f} s apart")


def signature(cloud: Cloud) -> Finding:
    """Whether the signed login is accepted."""
    from mooring.client import ApiError, MooringError

    try:
        token = cloud.client.login()
    except ApiError as error:
        mend = _MENDS_OF_LOGIN.get(error.code, "see that the key is of this cloud and enabled")
        return Finding("signature", State.FAILED, f"the login is refused: {_said(error)}", mend)
    except MooringError as error:
        return Finding("signature", State.FAILED, str(error), "the address answers, but not the login: try again")
    return Finding("signature", State.OK, f"logged in; the token is good for {token.expires_in} s")


def packages(cloud: Cloud) -> Iterator[Finding]:
    """Which service packages are activated for the account and authorized to the application."""
    from mooring.client import ApiError, MooringError

    for package, method, path in _PROBES:
        try:
            if method == "GET":
                cloud.client.raw.get(path, {"pageSize": 1})
            else:
                cloud.client.raw.post(path, json={"pageSize": 1})
        except ApiError as error:
            yield _package(package, error)
        except MooringError as error:
            yield Finding("package", State.FAILED, f"{package}: {error}", _TRY_AGAIN)
        else:
            yield Finding("package", State.OK, package)


def products(cloud: Cloud, product: str | None) -> Finding:
    """Whether a product, or any, is authorized to the application."""
    from mooring.client import ApiError, MooringError

    mend = "in the console of the cloud, or: mooring admin app authorize-product APP PRODUCT"
    try:
        if product is not None:
            return Finding("product", State.OK, f"{product} {cloud.client.products.detail(product).product_name}")
        total = cloud.client.raw.get(_PRODUCTS, {"pageSize": 1}).get("total")
    except ApiError as error:
        about = "products" if product is None else product
        return Finding("product", State.FAILED, f"{about}: {_said(error)}", mend)
    except MooringError as error:
        return Finding("product", State.FAILED, str(error), _TRY_AGAIN)
    if total in (0, "0"):
        return Finding("product", State.WARNING, "no product is authorized to the application", mend)
    return Finding("product", State.OK, f"{total} authorized; --product KEY checks one")


def _package(package: str, error: "ApiError") -> Finding:
    if error.code in (_NOT_ACTIVATED, _NO_SERVICE):
        mend = (
            f"in the console of the cloud, or: mooring admin service activate {package}; "
            "the same is said when API access of the application is off: mooring admin app api-access APP on"
        )
        return Finding("package", State.WARNING, f"{package} is not activated ({error.code})", mend)
    if error.code in (_NOT_AUTHORIZED, _NO_PERMISSION):
        mend = f"in the console of the cloud, or: mooring admin app authorize-package APP {package}"
        return Finding("package", State.WARNING, f"{package} is not authorized to the application ({error.code})", mend)
    if error.code == _FOREIGN_ADDRESS:
        mend = "the address of this machine is not in the white list of account or application"
        return Finding("package", State.FAILED, f"{package}: {_said(error)}", mend)
    if error.http_status >= 500 or error.code in (70000, 50000):
        return Finding("package", State.FAILED, f"{package}: {_said(error)}", "try again; the platform has failed")
    return Finding("package", State.OK, package)  # it was the parameters that were refused


def _said(error: "ApiError") -> str:
    return f"{error.message or 'no reason given'} ({error.code})"


def _mend_of_connection(text: str) -> str:
    if "CERTIFICATE" in text.upper():
        return "the certificate is not trusted here: SSL_CERT_FILE=ca.pem trusts another, and the name must fit"
    if "Name or service" in text or "resolve" in text or "getaddrinfo" in text:
        return "the name is not known here: check it for misspelling, and the DNS of this machine"
    return "nothing listens there: check address and port, and that the server runs (mooring up)"
