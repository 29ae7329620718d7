"""AES-128-CBC as the device link uses it: session encryption, and the secret of the CoAP path.

Implements sections 3.1 and 3.2 of contract/device-protocol.md. Key and IV are both fixed by one secret, so equal
texts give equal ciphertexts and nothing proves who wrote them: this hides a frame from a casual reader, and TLS is
what protects it. A ciphertext may begin with AA AA by chance; try to decrypt before taking bytes for a clear frame.
"""

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = [
    "CipherError",
    "SecretCipher",
    "SessionCipher",
    "decrypt_base64",
    "secret_key_and_iv",
    "unwrap_secret",
    "wrap_secret",
]

BLOCK = 16  # bytes of an AES block, of a key and of an IV
MAX_WRAPPED = 256  # characters; a secret of 32 takes 64


class CipherError(ValueError):
    """The bytes are no ciphertext of this key; the reason never repeats them."""


class _Aes:
    """AES-128-CBC with PKCS#7 padding, one key and one IV."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(iv))

    def encrypt(self, clear: bytes) -> bytes:
        """Return the ciphertext: 1 to 16 bytes longer, a multiple of 16."""
        fill = BLOCK - len(clear) % BLOCK
        encryptor = self._cipher.encryptor()
        return encryptor.update(clear + bytes((fill,)) * fill) + encryptor.finalize()

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the clear bytes. Raises `CipherError` for a wrong length or padding."""
        if not ciphertext or len(ciphertext) % BLOCK:
            raise CipherError("the length is not a multiple of 16 above 0")
        decryptor = self._cipher.decryptor()
        clear = decryptor.update(ciphertext) + decryptor.finalize()
        fill = clear[-1]
        if not 1 <= fill <= BLOCK or clear[-fill:] != bytes((fill,)) * fill:
            raise CipherError("the padding is wrong")
        return clear[:-fill]


class SessionCipher(_Aes):
    """Encrypts and decrypts whole frames, after escaping, with the key of 00B4 id 6.

    The first 16 bytes of the key count. Raises `ValueError` for a shorter one.
    """

    __slots__ = ()

    def __init__(self, session_key: bytes) -> None:
        key = session_key[:BLOCK]
        if len(key) < BLOCK:
            raise ValueError(f"a session key has at least {BLOCK} bytes")
        super().__init__(key, _iv(key))


class SecretCipher(_Aes):
    """Encrypts and decrypts with a product secret: the body of a password (2.1), a device secret (3.1)."""

    __slots__ = ()

    def __init__(self, product_secret: str) -> None:
        super().__init__(*secret_key_and_iv(product_secret))


def secret_key_and_iv(product_secret: str) -> tuple[bytes, bytes]:
    """Return the key (first 16 bytes, filled with zero bytes) and the IV (from the whole secret)."""
    secret = product_secret.encode()
    return secret[:BLOCK].ljust(BLOCK, b"\0"), _iv(secret)


def wrap_secret(product_secret: str, device_secret: str) -> str:
    """Return a device secret as it travels on the CoAP path: Base64 of its ciphertext."""
    return base64.b64encode(SecretCipher(product_secret).encrypt(device_secret.encode())).decode()


def unwrap_secret(product_secret: str, wrapped: str) -> str:
    """Return the device secret of `wrap_secret`. Raises `CipherError` when it is not one."""
    return decrypt_base64(SecretCipher(product_secret), wrapped, MAX_WRAPPED)


def decrypt_base64(cipher: SecretCipher, text: str, limit: int) -> str:
    """Return the ASCII text inside Base64 of a ciphertext; at most `limit` characters are looked at.

    Raises `CipherError` for anything that is not strict Base64, a ciphertext of this key, or ASCII.
    """
    if len(text) > limit:
        raise CipherError(f"is longer than {limit} characters")
    try:
        return cipher.decrypt(base64.b64decode(text.encode("ascii"), validate=True)).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise CipherError("is not Base64 of an ASCII text") from error


def _iv(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()[:BLOCK]
