"""Access tokens of the OpenAPI: `QJWT ` + JWT, HS256 (openapi-notes.md section 2).

A token names its application and the token generation of it. Disabling, resetting or deleting the key moves the
generation on, so every token that is out dies at once without a deny list. Verified tokens are remembered by their
text, bounded; whether they are still alive is asked of the directory each time.
"""

import base64
import hmac
import uuid
from collections import OrderedDict

import jwt
import msgspec

from .directory import Directory
from .entities import Account, App
from .sources import Clock, Entropy

__all__ = ["PREFIX", "IssuedToken", "TokenClaims", "Tokens", "bare"]

PREFIX = "QJWT "
_ALGORITHM = "HS256"
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=") + b"."
_encode = msgspec.json.Encoder().encode
_REMEMBERED = 10_000
_MAX_TOKEN_CHARACTERS = 4_096


class TokenClaims(msgspec.Struct, frozen=True, gc=False, rename={"app_id": "aid", "generation": "gen"}):
    """What a token says. Times are seconds since 1970; the first seven members are the platform's own."""

    sub: str
    uty: str
    am: str
    sp: str
    jti: str
    iat: int
    exp: int
    app_id: int
    generation: int


class IssuedToken(msgspec.Struct, frozen=True):
    """A token to hand out; `text` carries the prefix, `expires_in` is its whole lifetime in seconds."""

    text: str
    expires_in: int
    app_id: int

    def __repr__(self) -> str:
        return f"IssuedToken(expires_in={self.expires_in})"


def bare(text: str) -> str:
    """A token as clients send it, without `Bearer `, without `QJWT ` and without blanks around (section 3)."""
    text = text.strip()
    for prefix in ("bearer ", "qjwt "):
        if text[: len(prefix)].lower() == prefix:
            text = text[len(prefix) :].lstrip()
    return text


class Tokens:
    """Issues, verifies and renews. `key` signs, `lifetime_s` and `renew_after_s` are seconds."""

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        entropy: Entropy,
        key: bytes,
        *,
        lifetime_s: int,
        renew_after_s: int,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._entropy = entropy
        self._key = key
        self._lifetime_s = lifetime_s
        self._renew_after_s = renew_after_s
        self._mac = hmac.new(key, None, "sha256")
        self._remembered: OrderedDict[str, TokenClaims] = OrderedDict()

    def issue(self, app: App, account: Account) -> IssuedToken:
        """A new token for an application."""
        now_s = self._clock.now_ms() // 1000
        claims = TokenClaims(
            sub=str(account.id),
            uty=account.kind,
            am="AccessKey",
            sp="",
            jti=str(uuid.UUID(bytes=self._entropy.random_bytes(16), version=4)),
            iat=now_s,
            exp=now_s + self._lifetime_s,
            app_id=app.id,
            generation=app.token_generation,
        )
        text = self._sign(claims)
        self._remember(text, claims)
        return IssuedToken(PREFIX + text, claims.exp - claims.iat, app.id)

    def verify(self, text: str) -> App | None:
        """The application a living token speaks for; None when it is wrong, expired or revoked."""
        claims = self.read(text)
        if claims is None:
            return None
        app = self._directory.app(claims.app_id)
        if app is None or not app.enabled or app.token_generation != claims.generation:
            return None
        return app

    def read(self, text: str) -> TokenClaims | None:
        """What a token says, when its signature and time are right; it may be revoked all the same."""
        text = bare(text)
        claims = self._remembered.get(text)
        if claims is None:
            claims = self._decode(text)
            if claims is None:
                return None
            self._remember(text, claims)
        if self._clock.now_ms() >= claims.exp * 1000:
            self._remembered.pop(text, None)
            return None
        return claims

    def renew(self, text: str, claims: TokenClaims, app: App, account: Account) -> IssuedToken:
        """The same token while it is younger than the renewal age, otherwise a new one; the old one lives on."""
        if self._clock.now_ms() < (claims.iat + self._renew_after_s) * 1000:
            return IssuedToken(PREFIX + bare(text), claims.exp - claims.iat, app.id)
        return self.issue(app, account)

    def _sign(self, claims: TokenClaims) -> str:
        # By hand: PyJWT examines the key on each call, which costs more than everything else a login does.
        signed = _HEADER + _base64url(_encode(claims))
        mac = self._mac.copy()
        mac.update(signed)
        return (signed + b"." + _base64url(mac.digest())).decode()

    def _decode(self, text: str) -> TokenClaims | None:
        if len(text) > _MAX_TOKEN_CHARACTERS:
            return None
        try:
            payload = jwt.decode(
                text,
                self._key,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
            return msgspec.convert(payload, TokenClaims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
            return None

    def _remember(self, text: str, claims: TokenClaims) -> None:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.popitem(last=False)
        self._remembered[text] = claims


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
