"""Access tokens of end users: JWT, HS256, signed with a key of their own.

A token names its user and the token generation of the user, which moves on when the user is disabled. Whether it is
still alive is asked of the database, because users are too many for the directory.
"""

import jwt
import msgspec

from .end_user_entities import EndUser
from .sources import Clock, Entropy

__all__ = ["IssuedUserToken", "UserClaims", "UserTokens"]

_ALGORITHM = "HS256"
_MAX_TOKEN_CHARACTERS = 4_096


class UserClaims(msgspec.Struct, frozen=True, rename={"user_id": "eid", "generation": "gen"}):
    """What a token says: `sub` is the uid; times are seconds since 1970."""

    sub: str
    jti: str
    iat: int
    exp: int
    user_id: int
    generation: int


class IssuedUserToken(msgspec.Struct, frozen=True):
    """A token to hand out; `expires_in` is its whole lifetime in seconds."""

    text: str
    expires_in: int

    def __repr__(self) -> str:
        return f"IssuedUserToken(expires_in={self.expires_in})"


class UserTokens:
    """Issues and reads tokens. `key` signs, `lifetime_s` is seconds."""

    def __init__(self, clock: Clock, entropy: Entropy, key: bytes, *, lifetime_s: int) -> None:
        self._clock = clock
        self._entropy = entropy
        self._key = key
        self._lifetime_s = lifetime_s

    def issue(self, user: EndUser) -> IssuedUserToken:
        """A new token for a user."""
        now_s = self._clock.now_ms() // 1000
        claims = UserClaims(
            sub=user.uid,
            jti=self._entropy.random_bytes(16).hex(),
            iat=now_s,
            exp=now_s + self._lifetime_s,
            user_id=user.id,
            generation=user.token_generation,
        )
        return IssuedUserToken(jwt.encode(msgspec.to_builtins(claims), self._key, _ALGORITHM), self._lifetime_s)

    def read(self, text: str) -> UserClaims | None:
        """What a token says, None unless it is ours and has not run out."""
        if len(text) > _MAX_TOKEN_CHARACTERS:
            return None
        try:
            payload = jwt.decode(
                text,
                self._key,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
            claims = msgspec.convert(payload, UserClaims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
            return None
        return claims if self._clock.now_ms() < claims.exp * 1000 else None
