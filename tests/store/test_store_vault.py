"""Secrets at rest: what is sealed opens with its key and context only; key files are private and never replaced."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.store import SecretKeyError, Vault
from mooring.store.vault import KEY_BYTES, create_key_file, parse_key, read_key_file

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
TEXTS = st.text()
KEY = bytes(range(KEY_BYTES))
ENCODED = base64.b64encode(KEY).decode()


@given(KEYS, TEXTS, TEXTS)
def test_what_is_sealed_opens_again(key: bytes, text: str, context: str) -> None:
    assert Vault(key).open(Vault(key).seal(text, context), context) == text


@given(TEXTS, TEXTS, TEXTS)
def test_a_sealed_value_opens_in_no_other_context(text: str, context: str, other: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(text, context)
    if other != context:
        with pytest.raises(SecretKeyError):
            vault.open(sealed, other)


@given(KEYS, TEXTS)
def test_a_sealed_value_opens_with_no_other_key(other: bytes, text: str) -> None:
    sealed = Vault(KEY).seal(text, "context")
    if other != KEY:
        with pytest.raises(SecretKeyError):
            Vault(other).open(sealed, "context")


@given(TEXTS, st.data())
def test_a_sealed_value_with_any_bit_changed_does_not_open(text: str, data: st.DataObject) -> None:
    vault = Vault(KEY)
    sealed = bytearray(vault.seal(text, "context"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(SecretKeyError):
        vault.open(bytes(sealed), "context")


@given(TEXTS, st.data())
def test_a_sealed_value_cut_short_or_made_longer_does_not_open(text: str, data: st.DataObject) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(text, "context")
    end = data.draw(st.integers(0, len(sealed) - 1))
    for wrong in (sealed[:end], sealed + sealed[: end + 1]):
        with pytest.raises(SecretKeyError):
            vault.open(wrong, "context")


@given(st.binary())
def test_any_bytes_open_or_are_refused(sealed: bytes) -> None:
    with pytest.raises(SecretKeyError):
        Vault(KEY).open(sealed, "context")


def test_a_refusal_names_the_context_and_nothing_of_the_secret() -> None:
    sealed = Vault(KEY).seal("s3cr3t", "saas_apps/access_secret/7")
    with pytest.raises(SecretKeyError, match="saas_apps/access_secret/8") as caught:
        Vault(KEY).open(sealed, "saas_apps/access_secret/8")
    assert "s3cr3t" not in str(caught.value)


def test_sealing_twice_gives_two_values() -> None:
    vault = Vault(KEY)
    assert vault.seal("same", "context") != vault.seal("same", "context")


@given(TEXTS.filter(lambda text: len(text) > 3))
def test_the_text_does_not_show_in_the_sealed_value(text: str) -> None:
    assert text.encode() not in Vault(KEY).seal(text, "context")


def test_each_purpose_has_a_key_of_its_own() -> None:
    vault = Vault(KEY)
    derived = {vault.derive("at-rest"), vault.derive("openapi-tokens"), KEY}
    assert len(derived) == 3
    assert {len(key) for key in derived} == {KEY_BYTES}


def test_every_process_with_the_key_derives_the_same_keys() -> None:
    assert Vault(KEY).derive("openapi-tokens") == Vault(bytes(KEY)).derive("openapi-tokens")


def test_a_vault_does_not_show_its_key() -> None:
    assert repr(KEY)[2:-1] not in repr(Vault(KEY))


# Keys as text


@pytest.mark.parametrize("text", [ENCODED, f"  {ENCODED}\n"])
def test_a_key_is_base64_of_32_bytes(text: str) -> None:
    assert parse_key(text, "MOORING_SECRET_KEY") == KEY


MALFORMED = {
    "empty": "",
    "no base64": "s3cr3t-s3cr3t-s3cr3t",
    "not ascii": "s3cr3t\u00e9",
    "too short": base64.b64encode(b"s3cr3t").decode(),
    "too long": base64.b64encode(KEY + b"s3cr3t").decode(),
    "padding missing": ENCODED.rstrip("="),
    "blank inside": ENCODED[:4] + " " + ENCODED[4:],
    "hex": KEY.hex(),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_key_is_refused_by_the_name_of_its_source(text: str) -> None:
    with pytest.raises(SecretKeyError, match=r"^MOORING_SECRET_KEY "):
        parse_key(text, "MOORING_SECRET_KEY")


@given(st.text(min_size=20).map(str.strip).filter(lambda text: len(text) >= 20))
def test_a_malformed_key_is_never_repeated(text: str) -> None:
    with pytest.raises(SecretKeyError) as caught:
        parse_key(text, "MOORING_SECRET_KEY")
    assert text not in str(caught.value)


# Key files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


def test_no_file_is_no_key(path: Path) -> None:
    assert read_key_file(path) is None


def test_a_created_key_is_read_again(path: Path) -> None:
    created = create_key_file(path)
    assert read_key_file(path) == created


def test_two_created_keys_differ(tmp_path: Path) -> None:
    assert create_key_file(tmp_path / "one") != create_key_file(tmp_path / "two")


def test_a_created_key_file_is_private(path: Path) -> None:
    old = os.umask(0)
    try:
        create_key_file(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    path.write_text("kept")
    with pytest.raises(SecretKeyError, match=r"secret\.key: File exists"):
        create_key_file(path)
    assert path.read_text() == "kept"


def test_a_dangling_link_is_never_written_through(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretKeyError):
        create_key_file(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_file_in_a_missing_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyError, match=r"nowhere/secret\.key: No such file"):
        create_key_file(tmp_path / "nowhere/secret.key")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_key_file_is_read(path: Path, mode: int) -> None:
    create_key_file(path)
    path.chmod(mode)
    assert read_key_file(path) is not None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o602])
def test_a_key_file_others_can_get_at_is_refused_with_the_way_out(path: Path, mode: int) -> None:
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(SecretKeyError, match=f"{mode:04o}.*chmod 600"):
        read_key_file(path)


def test_a_directory_is_no_key_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SecretKeyError, match=r"secret\.key"):
        read_key_file(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"s3cr3t"], ids=["empty", "not text", "not base64"])
def test_a_malformed_key_file_is_refused_by_name(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretKeyError, match=r"secret\.key") as caught:
        read_key_file(path)
    assert "s3cr3t" not in str(caught.value)


def test_a_key_that_could_not_be_written_whole_leaves_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SecretKeyError, match="No space left"):
        create_key_file(path)
    assert not path.exists()
