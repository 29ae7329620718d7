"""Session encryption and wrapped secrets, sections 3.1 and 3.2 of contract/device-protocol.md."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.frame import Frame, FrameError
from mooring.protocol.frame import decode as decode_frame
from mooring.protocol.frame import encode as encode_frame
from mooring.protocol.session_crypto import CipherError, SessionCipher, unwrap_secret, wrap_secret
from strategies_protocol import frames, mutated

KEY = b"SESSIONKEY012345"


@given(st.binary(max_size=100), st.binary(min_size=16, max_size=40))
def test_what_is_encrypted_is_decrypted(clear: bytes, key: bytes) -> None:
    cipher = SessionCipher(key)
    encrypted = cipher.encrypt(clear)
    assert len(encrypted) % 16 == 0
    assert len(clear) < len(encrypted) <= len(clear) + 16
    assert cipher.decrypt(encrypted) == clear


@given(frames)
def test_only_the_first_16_bytes_of_the_key_count(frame: Frame) -> None:
    message = encode_frame(frame)
    assert SessionCipher(KEY + b"more").encrypt(message) == SessionCipher(KEY).encrypt(message)


def test_a_shorter_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        SessionCipher(KEY[:-1])


@pytest.mark.parametrize("ciphertext", [b"", bytes(15), bytes(17)])
def test_a_ciphertext_is_a_multiple_of_16_bytes(ciphertext: bytes) -> None:
    with pytest.raises(CipherError, match="multiple of 16"):
        SessionCipher(KEY).decrypt(ciphertext)


@pytest.mark.parametrize("last", [0, 17, 32, 255])
def test_padding_is_1_to_16_bytes(last: int) -> None:
    iv = hashlib.sha256(KEY).digest()[:16]
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(iv)).encryptor()
    with pytest.raises(CipherError, match="padding"):
        SessionCipher(KEY).decrypt(encryptor.update(bytes((last,)) * 32))


@given(frames)
def test_a_clear_frame_is_not_taken_for_an_encrypted_one(frame: Frame) -> None:
    try:
        clear = SessionCipher(KEY).decrypt(encode_frame(frame))
        decode_frame(clear)
    except (CipherError, FrameError):
        return
    pytest.fail("a clear frame decrypted to a frame")


@given(st.binary(max_size=64) | mutated(frames.map(encode_frame).map(SessionCipher(KEY).encrypt)))
def test_any_bytes_are_decrypted_or_refused(ciphertext: bytes) -> None:
    try:
        clear = SessionCipher(KEY).decrypt(ciphertext)
    except CipherError:
        return
    assert SessionCipher(KEY).encrypt(clear) == ciphertext


@given(st.text(st.characters(max_codepoint=126), max_size=32), st.text(max_size=32))
def test_a_wrapped_secret_is_unwrapped(device_secret: str, product_secret: str) -> None:
    assert unwrap_secret(product_secret, wrap_secret(product_secret, device_secret)) == device_secret


@given(st.text(max_size=80))
def test_any_text_is_unwrapped_or_refused(text: str) -> None:
    with pytest.raises(CipherError):
        unwrap_secret("cDBlWGRTRkdEN0wy", text)


def test_a_wrapped_text_has_a_limit() -> None:
    with pytest.raises(CipherError, match="longer than 256"):
        unwrap_secret("cDBlWGRTRkdEN0wy", "A" * 260)
