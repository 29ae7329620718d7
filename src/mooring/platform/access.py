"""Who may call: login by AccessKey, renewal, and the permission asked before every operation.

openapi-notes.md sections 1, 2 and 4. Nothing here waits or reads the database: all of it comes from the directory.
Doors turn a `Reason` into the number their part of the wire has for it.
"""

from enum import Enum

from mooring.protocol.login import LoginFieldError, in_window, parse_username
from mooring.protocol.login import verify as signature_fits

from .buckets import Buckets
from .directory import Directory
from .entities import PACKAGE_PREFIXES, Account, App
from .sources import Clock
from .tokens import IssuedToken, Tokens

__all__ = ["Access", "Reason", "Refused"]

_PACKAGE_OF = {service: package for package, services in PACKAGE_PREFIXES.items() for service in services}


class Reason(Enum):
    """Why a caller is turned away."""

    NO_TOKEN = "no token was sent"
    BAD_TOKEN = "the token is wrong, expired or revoked"
    ADDRESS = "the caller's address is not on the IP white list"
    NOT_ACTIVATED = "the service package is not activated"
    NOT_ENABLED = "API access of the application is off"
    NOT_AUTHORIZED = "the service package is not authorized to the application"
    UNKNOWN_KEY = "there is no such AccessKey"
    WRONG_PASSWORD = "the signature does not fit"
    KEY_DISABLED = "the AccessKey is disabled"
    BAD_LOGIN = "the login fields are wrong"
    UNAVAILABLE = "the directory cannot be confirmed as fresh"
    TOO_MANY = "the application calls more often than it may"


class Refused(Exception):
    """A caller is turned away. `field` and `detail` say which part of the request was wrong, `app_id` which application
    it was about, when that is known."""

    def __init__(self, reason: Reason, field: str = "", detail: str = "", *, app_id: int | None = None) -> None:
        self.reason = reason
        self.field = field
        self.detail = detail
        self.app_id = app_id
        super().__init__(reason.value)


class Access:
    """Decides. `window_ms` is how far a login's timestamp may be from the server's clock, both ways; `calls_per_s` how
    often an application may call, on this process (domain-rules.md section 8)."""

    def __init__(
        self, directory: Directory, tokens: Tokens, clock: Clock, *, window_ms: int, calls_per_s: float | None = None
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._window_ms = window_ms
        self._calls_per_s = calls_per_s
        self._calls = None if calls_per_s is None else Buckets(calls_per_s, clock)

    def log_in(self, username: str, password: str, address: str | None) -> IssuedToken:
        """A token for a signed login. Raises Refused."""
        app = self.identify(username, password, address)
        self._need_rate(app)
        return self._tokens.issue(app, self._account_of(app))

    def identify(self, username: str, password: str, address: str | None) -> App:
        """The application that signed a login, when it is welcome. Raises Refused."""
        app = self.signer(username, password)
        self.need_welcome(app, address)
        return app

    def signer(self, username: str, password: str) -> App:
        """The application that signed a login, whatever it may do. Raises Refused."""
        self._need_fresh()
        try:
            request = parse_username(username)
        except LoginFieldError as error:
            raise Refused(Reason.BAD_LOGIN, f"username.{error.field}", error.reason) from None
        now_ms = self._clock.now_ms()
        if not in_window(request.timestamp_ms, now_ms, self._window_ms):
            raise Refused(
                Reason.BAD_LOGIN,
                "username.timestamp",
                f"{request.timestamp_ms} is more than {self._window_ms // 60_000} min from server time {now_ms}",
            )
        app = self._directory.app_by_key(request.access_key)
        if app is None:
            raise Refused(Reason.UNKNOWN_KEY)
        if not signature_fits(username, app.access_secret.reveal(), password):
            raise Refused(Reason.WRONG_PASSWORD, app_id=app.id)
        return app

    def need_enabled(self, app: App) -> None:
        """See that the key is enabled. Raises Refused."""
        if not app.enabled:
            raise Refused(Reason.KEY_DISABLED, app_id=app.id)

    def need_welcome(self, app: App, address: str | None) -> None:
        """See that the key is enabled and the caller's address allowed. Raises Refused."""
        self.need_enabled(app)
        _need_address(self._account_of(app), app, address)

    def need_service(self, app: App, service: str) -> None:
        """See that the application may use the package of a service (steps 5 and 6). Raises Refused."""
        package = _PACKAGE_OF[service]
        if package not in self._account_of(app).packages:
            raise Refused(Reason.NOT_ACTIVATED, app_id=app.id)
        if not app.api_access:
            raise Refused(Reason.NOT_ENABLED, app_id=app.id)
        if package not in app.packages:
            raise Refused(Reason.NOT_AUTHORIZED, app_id=app.id)

    def renew(self, text: str, address: str | None) -> IssuedToken:
        """A token for a token. Raises Refused: BAD_TOKEN, or UNKNOWN_KEY when the application was deleted."""
        self._need_fresh()
        claims = self._tokens.read(text)
        if claims is None:
            raise Refused(Reason.BAD_TOKEN)
        if self._directory.app(claims.app_id) is None:
            raise Refused(Reason.UNKNOWN_KEY)
        app = self._tokens.verify(text)
        account = self._directory.account(app.account_id) if app is not None else None
        if app is None or account is None:
            raise Refused(Reason.BAD_TOKEN)
        _need_address(account, app, address)
        self._need_rate(app)
        return self._tokens.renew(text, claims, app, account)

    def admit(self, token: str | None, address: str | None, service: str) -> App:
        """The calling application, when it may use `service` (steps 2 to 6 of the order of checks). Raises Refused."""
        self._need_fresh()
        if not token:
            raise Refused(Reason.NO_TOKEN)
        app = self._tokens.verify(token)
        account = self._directory.account(app.account_id) if app is not None else None
        if app is None or account is None:
            raise Refused(Reason.BAD_TOKEN)
        _need_address(account, app, address)
        self._need_rate(app)
        self.need_service(app, service)
        return app

    def _need_rate(self, app: App) -> None:
        if self._calls is not None and self._calls.take(app.id):
            detail = f"{self._calls_per_s:g} calls a second are the limit of an application"
            raise Refused(Reason.TOO_MANY, detail=detail, app_id=app.id)

    def _account_of(self, app: App) -> Account:
        account = self._directory.account(app.account_id)
        if account is None:
            raise Refused(Reason.UNKNOWN_KEY)
        return account

    def _need_fresh(self) -> None:
        if not self._directory.fresh:
            raise Refused(Reason.UNAVAILABLE)


def _need_address(account: Account, app: App, address: str | None) -> None:
    for entries in (account.address_list, app.address_list):
        if entries is not None and not entries.allows(address):
            raise Refused(Reason.ADDRESS, app_id=app.id)
