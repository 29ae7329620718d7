"""The client without I/O: calls and answers as values, and the flows that turn one into the other.

A flow is a generator that yields what is to be sent and is given the answer, or the error that came instead
(`_sync.py` and `_async.py` only drive it). There are two:

- `Core.call_flow`: one call, once more with another token when the first token was refused, and again after a `Pause`
  when it failed in passing (`_retries.py`);
- `Core.token_flow`: renew or log in. It runs under the lock of the client, so of many waiting calls one does
  the work and the others share its outcome, the failure included.

A token is renewed after an hour, or at half of its life when that is sooner; when renewal fails, a fresh
login follows. Contract: openapi-notes.md sections 1 to 5.
"""

import copy
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mooring.client._answers import Answer, Body, decode
from mooring.client._calls import Call
from mooring.client._reading import UnreadableError, scalar
from mooring.client._retries import Retries
from mooring.client.errors import ApiError, BadAnswer, MooringError
from mooring.client.types import Token
from mooring.protocol.login import build_username, sign

RENEW_AFTER = 3600.0  # seconds; the platform advises to renew each hour
DEFAULT_LIFETIME = 7200  # seconds; for an answer that does not say, as the contract's text has it

_LOGIN_PATH = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
_REFRESH_PATH = "/v2/quecauth/accessKeyAuthrize/refreshToken"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """A step of `call_flow`: send `call` with a valid token, which `rejected` is known not to be."""

    call: Call[T]
    rejected: Token | None


@dataclass(frozen=True, slots=True)
class Pause:
    """A step of `call_flow`: wait for `seconds`."""

    seconds: float


class Core:
    """Credentials, the token that is held, and the flows. Knows no socket and no lock."""

    def __init__(
        self,
        access_key: str,
        access_secret: str,
        clock: Callable[[], float],
        random: Callable[[], float] = random.random,
    ) -> None:
        if not access_key or not access_secret:
            raise ValueError("access_key and access_secret must not be empty")
        self.access_key = access_key
        self.failures = 0
        self.token: Token | None = None
        self._access_secret = access_secret
        self.clock = clock
        self._random = random
        self._failure: MooringError | None = None

    def ready(self, rejected: Token | None) -> Token | None:
        """Return the held token when it can be used without asking the platform."""
        held = self.token
        if held is None or held is rejected or self._is_due(held):
            return None
        return held

    def call_flow(self, call: Call[T], retries: Retries) -> Generator[Attempt[T] | Pause, Any, T]:
        """Carry out one call; replay it once, after a fresh login, when its token was refused."""
        rejected: Token | None = None
        retried = 0
        while True:
            sent: Token | None = None
            try:
                answer = yield Attempt(call, rejected)
                sent = answer.token
                return self._result(call, answer)
            except MooringError as error:
                if rejected is None and sent is not None and isinstance(error, ApiError) and error.refuses_token:
                    rejected = sent
                    continue
                pause = retries.pause(call, error, retried, self._random)
                if pause is None:
                    raise
            retried += 1
            yield Pause(pause)

    def token_flow(self, rejected: Token | None, failures: int) -> Generator[Call[Token], Answer, Token]:
        """Return a token other than `rejected`.

        `failures` is what `Core.failures` was before the caller waited for the lock: when it has grown, the
        platform has just refused somebody who asked for the same, and its answer is repeated.
        """
        held = self.ready(rejected)
        if held is not None:
            return held
        if self._failure is not None and self.failures != failures:
            raise copy.copy(self._failure)
        try:
            self.token = yield from self._new_token(rejected)
        except MooringError as error:
            self._failure = error
            self.failures += 1
            raise
        self._failure = None
        return self.token

    def _new_token(self, rejected: Token | None) -> Generator[Call[Token], Answer, Token]:
        held = self.token
        now = self.clock()
        if held is not None and held is not rejected and now < held.issued_at + held.expires_in:
            renewed = yield from self._renewal(held, now)
            if renewed is not None:
                return renewed
        login = self._login_call(now)
        answer = yield login
        return self._result(login, answer)

    def _renewal(self, held: Token, now: float) -> Generator[Call[Token], Answer, Token | None]:
        refresh = _refresh_call(held, now)
        answer = yield refresh
        try:
            token = self._result(refresh, answer)
        except (ApiError, BadAnswer):
            return None
        # The same token back means "too young to renew": its life has not become longer.
        return None if token.value == held.value else token

    def _is_due(self, token: Token) -> bool:
        return self.clock() - token.issued_at >= min(RENEW_AFTER, token.expires_in / 2)

    def credentials(self) -> tuple[str, str]:
        """Return user name and password as they are signed now; the login of AMQP takes the same."""
        return self._signed(self.clock())

    def _signed(self, now: float) -> tuple[str, str]:
        username = build_username(self.access_key, int(now * 1000))
        return username, sign(username, self._access_secret)

    def _login_call(self, now: float) -> Call[Token]:
        username, password = self._signed(now)
        return Call(
            operation="authLogin",
            method="GET",
            path=_LOGIN_PATH,
            params=(("grant_type", "password"), ("username", username), ("password", password)),
            read=lambda body: _read_token(body, now),
            safe=True,
            secrets=(password,),
        )

    def _result(self, call: Call[T], answer: Answer) -> T:
        secrets = (self._access_secret, *call.secrets, *_spellings(answer.token))
        body = decode(answer, call.operation, secrets)
        try:
            return call.read(body)
        except UnreadableError as error:
            raise BadAnswer(str(error), call.operation, answer.http_status) from None


def _refresh_call(held: Token, now: float) -> Call[Token]:
    return Call(
        operation="authRefresh",
        method="GET",
        path=_REFRESH_PATH,
        params=(("grant_type", "refresh_token"), ("refresh_token", held.value)),
        read=lambda body: _read_token(body, now),
        safe=True,
        secrets=_spellings(held),
    )


def _read_token(body: Body, now: float) -> Token:
    value: Any = body.get("access_token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise UnreadableError("the answer has no usable access_token")
    lifetime = scalar(int | None, body.get("expires_in"))
    scope = scalar(str | None, body.get("scope"))
    if lifetime is None or lifetime <= 0:
        lifetime = DEFAULT_LIFETIME
    return Token(value, now, lifetime, scope or "")


def _spellings(token: Token | None) -> tuple[str, ...]:
    """Return the texts under which a token may come back: whole, and without its prefix."""
    return () if token is None else (token.value, token.value.rpartition(" ")[2])
