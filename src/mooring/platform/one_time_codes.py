"""Time-based one-time codes (RFC 6238): SHA-1, six digits, 30 seconds, as authenticator apps expect them."""

import base64
import binascii
import hmac
from urllib.parse import quote

from .errors import Invalid
from .secret import Secret
from .sources import Entropy

__all__ = ["STEP_S", "code_at", "matching_step", "new_code_secret", "setup_uri"]

STEP_S = 30
_SECRET_BYTES = 20
_DRIFT = 1  # steps that the two clocks may be apart
_DIGITS = 6


def new_code_secret(entropy: Entropy) -> Secret:
    """A fresh secret in base32, to be shown to its owner."""
    return Secret(base64.b32encode(entropy.random_bytes(_SECRET_BYTES)).decode())


def setup_uri(secret: Secret, email: str) -> Secret:
    """What authenticator apps read from a QR code."""
    label = quote(f"Mooring:{email}", safe=":@")
    return Secret(f"otpauth://totp/{label}?secret={secret.reveal()}&issuer=Mooring&digits={_DIGITS}&period={STEP_S}")


def code_at(secret: Secret, step: int) -> str:
    """The code of a step: the number of half minutes since 1970. Raises Invalid for what is no base32."""
    try:
        key = base64.b32decode(secret.reveal(), casefold=True)
    except binascii.Error:
        raise Invalid("key_form", "secret must be base32", field="secret") from None
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    place = digest[-1] & 0xF
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def matching_step(secret: Secret, code: str, now_ms: int, after: int | None) -> int | None:
    """The step whose code this is, now or next to it and later than `after`; None when there is none."""
    given, current = code.replace(" ", "").encode(), now_ms // (STEP_S * 1000)
    steps = [
        step
        for step in range(current - _DRIFT, current + _DRIFT + 1)
        if hmac.compare_digest(code_at(secret, step).encode(), given)
    ]
    return next((step for step in steps if after is None or step > after), None)
