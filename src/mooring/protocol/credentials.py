"""Passwords of the MQTT CONNECT: how a device proves its product secret, and later its own.

Implements sections 2.1, 2.2 and 3.1 of contract/device-protocol.md. The checks of 2.1 that need no look-up are made
here, in the order of that table; the caller makes the others in between:

    parsed = parse(password)                       step 10435, parts 10424, session flag 10433
    Authentication: find the product               unknown: 10423
        open_authentication(parsed, …)             body 10424, device key 10431, RAND 10427, SIGN 10425, client id 10434
        then the policies 10421 and 10422
    Connection: find the device by the client id   unknown: 10438
        verify_connection(parsed, …)               RAND 10427, SIGN 10437

Nothing here makes random text: RAND is 16 letters and digits that the device side passes in, new for every CONNECT.
"""

import base64
import enum
import hashlib
import hmac
import re
from typing import TypeAlias

import msgspec

from mooring.protocol.session_crypto import CipherError, SecretCipher, decrypt_base64

__all__ = [
    "MAX_PASSWORD",
    "RAND_LENGTH",
    "Authentication",
    "Code",
    "Connection",
    "CredentialError",
    "Password",
    "authentication_body",
    "build_authentication",
    "build_connection",
    "client_id",
    "open_authentication",
    "parse",
    "sign_authentication",
    "sign_connection",
    "verify_connection",
]

MAX_PASSWORD = 512  # bytes; the longest that the documented lengths allow has about 220
RAND_LENGTH = 16  # letters and digits, as the SDK sends; reading takes any length but 0

_CLIENT_ID_PREFIX = "qd"
_SESSION_FLAGS = {"0000": False, "0001": True}
_DEVICE_KEY = re.compile(r"[A-Za-z0-9]{4,32}")


class Code(enum.IntEnum):
    """Platform codes (10.1) of a refused password; those of a look-up or a policy are the caller's to use."""

    STATIC_DEVICE = 10421
    ALREADY_AUTHENTICATED = 10422
    PRODUCT_NOT_FOUND = 10423
    NOT_DECODABLE = 10424
    WRONG_SIGNATURE = 10425
    RAND_MISSING = 10427
    DEVICE_KEY_NOT_VALID = 10431
    SESSION_FLAG_NOT_VALID = 10433
    WRONG_CLIENT_ID = 10434
    STEP_NOT_VALID = 10435
    WRONG_SECRET = 10437
    DEVICE_NOT_FOUND = 10438


class CredentialError(ValueError):
    """The password is refused; `code` is the platform code to answer with, `reason` never repeats the password."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code.value}: {self.reason}"


class Authentication(msgspec.Struct, frozen=True):
    """Step `0;`: who holds the product secret asks for a device secret. The body is still encrypted."""

    session_encryption: bool
    product_key: str
    body: str


class Connection(msgspec.Struct, frozen=True):
    """Step `1;`: a device that has its secret connects. It names neither product nor device: the client id does."""

    session_encryption: bool
    rand: str
    signature: str


Password: TypeAlias = Authentication | Connection


def client_id(product_key: str, device_key: str) -> str:
    """Return the MQTT client id of a device. It cannot be split again: keys have no fixed length."""
    return f"{_CLIENT_ID_PREFIX}{product_key}{device_key}"


def parse(password: bytes) -> Password:
    """Read a CONNECT password as far as it can be read without knowing the product.

    Raises `CredentialError`: 10424 for bytes that are no password at all, 10435 for another step, 10424 for a wrong
    number of parts, 10433 for another session flag.
    """
    if len(password) > MAX_PASSWORD or not password.isascii() or b";" not in password:
        raise CredentialError(Code.NOT_DECODABLE, f"is not parts of ASCII text of at most {MAX_PASSWORD} bytes")
    parts = password.decode("ascii").split(";")
    if parts[0] not in ("0", "1"):
        raise CredentialError(Code.STEP_NOT_VALID, "step is not 0 or 1")
    if len(parts) != 4:
        raise CredentialError(Code.NOT_DECODABLE, "does not have four parts")
    step, flag, third, fourth = parts
    if flag not in _SESSION_FLAGS:
        raise CredentialError(Code.SESSION_FLAG_NOT_VALID, "session flag is not 0000 or 0001")
    kind = Authentication if step == "0" else Connection
    return kind(_SESSION_FLAGS[flag], third, fourth)


def open_authentication(request: Authentication, product_secret: str, connected_as: str) -> str:
    """Check step `0;` against the secret of its product and the client id of its CONNECT; return the device key.

    Raises `CredentialError`, in this order: 10424 body, 10431 device key, 10427 RAND, 10425 SIGN, 10434 client id.
    """
    try:
        text = decrypt_base64(SecretCipher(product_secret), request.body, MAX_PASSWORD)
    except CipherError as error:
        raise CredentialError(Code.NOT_DECODABLE, f"body: {error}") from error
    parts = text.split(";")
    if len(parts) != 3:
        raise CredentialError(Code.NOT_DECODABLE, "body does not have three parts")
    device_key, rand, signature = parts
    if not _DEVICE_KEY.fullmatch(device_key):
        raise CredentialError(Code.DEVICE_KEY_NOT_VALID, "device key is not 4 to 32 letters and digits")
    if not rand:
        raise CredentialError(Code.RAND_MISSING, "RAND is empty")
    if not _same(sign_authentication(device_key, product_secret, rand), signature):
        raise CredentialError(Code.WRONG_SIGNATURE, "SIGN does not fit")
    if connected_as != client_id(request.product_key, device_key):
        raise CredentialError(Code.WRONG_CLIENT_ID, "client id is not qd, product key and device key")
    return device_key


def verify_connection(request: Connection, product_secret: str, device_secret: str | None) -> None:
    """Check step `1;` against the secrets of the device its client id names; None is a device without a secret.

    Raises `CredentialError`: 10427 RAND is empty, 10437 SIGN does not fit or there is no secret to check it with.
    """
    if not request.rand:
        raise CredentialError(Code.RAND_MISSING, "RAND is empty")
    if device_secret is None:
        raise CredentialError(Code.WRONG_SECRET, "the device has no secret yet")
    if not _same(sign_connection(device_secret, product_secret, request.rand), request.signature):
        raise CredentialError(Code.WRONG_SECRET, "SIGN does not fit")


def build_authentication(
    product_key: str, product_secret: str, device_key: str, rand: str, *, session_encryption: bool = False
) -> str:
    """Return the password of step `0;`. RAND is `RAND_LENGTH` letters and digits, new for every CONNECT."""
    body = authentication_body(product_secret, device_key, rand)
    return f"0;{_flag(session_encryption)};{product_key};{body}"


def build_connection(product_secret: str, device_secret: str, rand: str, *, session_encryption: bool = False) -> str:
    """Return the password of step `1;`. RAND as in `build_authentication`."""
    return f"1;{_flag(session_encryption)};{rand};{sign_connection(device_secret, product_secret, rand)}"


def authentication_body(product_secret: str, device_key: str, rand: str) -> str:
    """Return Base64 of the encrypted text `DK;RAND;SIGN`: the last part of step `0;`, and the CoAP form (3.1)."""
    text = f"{device_key};{rand};{sign_authentication(device_key, product_secret, rand)}"
    return base64.b64encode(SecretCipher(product_secret).encrypt(text.encode())).decode()


def sign_authentication(device_key: str, product_secret: str, rand: str) -> str:
    """Return SIGN of step `0;`: Base64 of SHA-256 over `DK;PS;RAND`."""
    return _digest(f"{device_key};{product_secret};{rand}")


def sign_connection(device_secret: str, product_secret: str, rand: str) -> str:
    """Return SIGN of step `1;`: Base64 of SHA-256 over `DS;PS;RAND`."""
    return _digest(f"{device_secret};{product_secret};{rand}")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


def _flag(session_encryption: bool) -> str:
    return "0001" if session_encryption else "0000"
