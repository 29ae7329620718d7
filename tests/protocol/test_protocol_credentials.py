"""CONNECT passwords, sections 2.1 and 2.2 of contract/device-protocol.md."""

import base64
import contextlib
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.credentials import (
    MAX_PASSWORD,
    RAND_LENGTH,
    Authentication,
    Code,
    Connection,
    CredentialError,
    authentication_body,
    build_authentication,
    build_connection,
    client_id,
    open_authentication,
    parse,
    sign_authentication,
    sign_connection,
    verify_connection,
)
from mooring.protocol.session_crypto import SecretCipher, secret_key_and_iv, unwrap_secret, wrap_secret
from strategies_protocol import mutated, title, vectors

KINDS = ("auth_password", "connect_password", "secret_wrapped", "coap", "verify")
LETTERS = string.ascii_letters + string.digits
PK, PS, DK, DS, RAND = "p11TestPK", "cDBlWGRTRkdEN0wy", "861234567890123", "0123456789abcdef" * 2, "ABCDEF0123456789"

keys = st.text(LETTERS, min_size=1, max_size=32)
device_keys = st.text(LETTERS, min_size=4, max_size=32)
secrets = st.text(LETTERS + "=+/.-_", min_size=1, max_size=32)
rands = st.text(LETTERS, min_size=RAND_LENGTH, max_size=RAND_LENGTH)


def test_every_vector_has_a_kind_that_is_tested_here() -> None:
    assert sum(len(vectors("auth", kind)) for kind in KINDS) == len(vectors("auth")) == 46


@pytest.mark.parametrize("vector", vectors("auth", "auth_password"), ids=title)
def test_password_of_the_authentication_step(vector: dict[str, Any]) -> None:
    secret, device, rand = vector["product_secret"], vector["device_key"], vector["rand"]
    key, iv = secret_key_and_iv(secret)
    assert (key.hex(), iv.hex()) == (vector["aes_key_hex"], vector["aes_iv_hex"])
    assert sign_authentication(device, secret, rand) == vector["signature_base64"]
    assert SecretCipher(secret).decrypt(base64.b64decode(vector["ciphertext_base64"])).decode() == vector["plaintext"]
    assert authentication_body(secret, device, rand) == vector["ciphertext_base64"]
    asked = vector["session_flag"] == "0001"
    password = build_authentication(vector["product_key"], secret, device, rand, session_encryption=asked)
    assert password == vector["password"]
    parsed = parse(password.encode())
    assert parsed == Authentication(asked, vector["product_key"], vector["ciphertext_base64"])
    assert client_id(vector["product_key"], device) == vector["client_id"]
    assert open_authentication(parsed, secret, vector["client_id"]) == device


@pytest.mark.parametrize("vector", vectors("auth", "connect_password"), ids=title)
def test_password_of_the_connection_step(vector: dict[str, Any]) -> None:
    product, device, rand = vector["product_secret"], vector["device_secret"], vector["rand"]
    assert sign_connection(device, product, rand) == vector["signature_base64"]
    asked = vector["session_flag"] == "0001"
    assert build_connection(product, device, rand, session_encryption=asked) == vector["password"]
    parsed = parse(vector["password"].encode())
    assert parsed == Connection(asked, rand, vector["signature_base64"])
    verify_connection(parsed, product, device)
    assert client_id(vector["product_key"], vector["device_key"]) == vector["client_id"]


@pytest.mark.parametrize("vector", vectors("auth", "secret_wrapped"), ids=title)
def test_wrapped_secret_of_the_coap_path(vector: dict[str, Any]) -> None:
    assert wrap_secret(vector["product_secret"], vector["device_secret"]) == vector["wrapped_base64"]
    assert unwrap_secret(vector["product_secret"], vector["wrapped_base64"]) == vector["device_secret"]


@pytest.mark.parametrize("vector", vectors("auth", "coap"), ids=title)
def test_coap_forms_are_made_of_the_same_parts(vector: dict[str, Any]) -> None:
    product, secret, device = vector["product_key"], vector["product_secret"], vector["device_key"]
    body = authentication_body(secret, device, vector["rand_auth"])
    assert f"{product};{body};2" == vector["auth_payload"]
    signature = sign_connection(vector["device_secret"], secret, vector["rand_connect"])
    assert f"{product};{device};{vector['rand_connect']};{signature};2" == vector["endpoint"]


def decide(client: str, password: bytes, known: dict[str, Any]) -> str:
    """What a server does with the checks of the table that need a look-up, in its order."""
    request = parse(password)
    devices: dict[str, str | None] = known["devices"]
    if isinstance(request, Authentication):
        if request.product_key != known["product_key"]:
            raise CredentialError(Code.PRODUCT_NOT_FOUND, "product is not known")
        device = open_authentication(request, known["product_secret"], client)
        if devices.get(device):
            raise CredentialError(Code.ALREADY_AUTHENTICATED, "device has a secret")
        return "accept_authentication"
    secrets_by_client = {client_id(known["product_key"], device): secret for device, secret in devices.items()}
    if client not in secrets_by_client:
        raise CredentialError(Code.DEVICE_NOT_FOUND, "client id is not known")
    verify_connection(request, known["product_secret"], secrets_by_client[client])
    return "accept_connection"


@pytest.mark.parametrize("vector", vectors("auth", "verify"), ids=title)
def test_server_decides_as_the_vector_says(vector: dict[str, Any]) -> None:
    password = vector["password"].encode()
    if "code" not in vector:
        assert decide(vector["client_id"], password, vector["server_knows"]) == vector["expect"]
        return
    with pytest.raises(CredentialError) as caught:
        decide(vector["client_id"], password, vector["server_knows"])
    assert caught.value.code == vector["code"]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        (b"", Code.NOT_DECODABLE),
        (b"0", Code.NOT_DECODABLE),
        (b";", Code.STEP_NOT_VALID),
        (b"2;0002;x", Code.STEP_NOT_VALID),
        (b"00;0000;p;b", Code.STEP_NOT_VALID),
        (b"0;0002;p", Code.NOT_DECODABLE),
        (b"0;0000;p;b;", Code.NOT_DECODABLE),
        (b"1;0000;r;s;t", Code.NOT_DECODABLE),
        (b"0;0002;p;b", Code.SESSION_FLAG_NOT_VALID),
        (b"1;1;r;s", Code.SESSION_FLAG_NOT_VALID),
        (b"1;0000;r;\xff", Code.NOT_DECODABLE),
        (b"1;0000;r;" + b"s" * MAX_PASSWORD, Code.NOT_DECODABLE),
    ],
)
def test_checks_before_the_look_up_come_in_the_order_of_the_table(password: bytes, code: Code) -> None:
    with pytest.raises(CredentialError) as caught:
        parse(password)
    assert caught.value.code is code
    assert str(caught.value).startswith(f"{code.value}: ")


def body_of(text: str) -> Authentication:
    return Authentication(False, PK, base64.b64encode(SecretCipher(PS).encrypt(text.encode())).decode())


@pytest.mark.parametrize(
    ("text", "client", "code"),
    [
        ("", "", Code.NOT_DECODABLE),
        ("ab;", "", Code.NOT_DECODABLE),
        ("ab;;;", "", Code.NOT_DECODABLE),
        ("\u00e9;r;s", "", Code.NOT_DECODABLE),
        ("ab;;", "", Code.DEVICE_KEY_NOT_VALID),
        ("abc-;;", "", Code.DEVICE_KEY_NOT_VALID),
        ("x" * 33 + ";;", "", Code.DEVICE_KEY_NOT_VALID),
        ("abcd\n;;", "", Code.DEVICE_KEY_NOT_VALID),
        (f"{DK};;wrong", "", Code.RAND_MISSING),
        (f"{DK};{RAND};wrong", "", Code.WRONG_SIGNATURE),
        (f"{DK};{RAND};{sign_authentication(DK, PS, RAND)}", "", Code.WRONG_CLIENT_ID),
        (f"{DK};{RAND};{sign_authentication(DK, PS, RAND)}", client_id(PK, DK) + "x", Code.WRONG_CLIENT_ID),
    ],
)
def test_checks_of_the_body_come_in_the_order_of_the_table(text: str, client: str, code: Code) -> None:
    with pytest.raises(CredentialError) as caught:
        open_authentication(body_of(text), PS, client)
    assert caught.value.code is code


@pytest.mark.parametrize("body", ["AAAA\nAAAA", " AAAA", "A", "AAAA====", "MDEyMzQ1Njc4OQ", "=", "\u00e9"])
def test_base64_is_read_strictly(body: str) -> None:
    with pytest.raises(CredentialError) as caught:
        open_authentication(Authentication(False, PK, body), PS, client_id(PK, DK))
    assert caught.value.code is Code.NOT_DECODABLE


def test_a_connection_needs_a_rand_a_secret_and_the_right_signature() -> None:
    for request, secret, code in (
        (Connection(False, "", sign_connection(DS, PS, "")), DS, Code.RAND_MISSING),
        (Connection(False, RAND, sign_connection(DS, PS, RAND)), None, Code.WRONG_SECRET),
        (Connection(False, RAND, sign_connection("None", PS, RAND)), None, Code.WRONG_SECRET),
        (Connection(False, RAND, sign_connection(DS, PS, RAND)[:-1]), DS, Code.WRONG_SECRET),
        (Connection(False, RAND, ""), DS, Code.WRONG_SECRET),
    ):
        with pytest.raises(CredentialError) as caught:
            verify_connection(request, PS, secret)
        assert caught.value.code is code


def test_a_rand_of_another_length_is_taken() -> None:
    request = parse(build_authentication(PK, PS, DK, "r").encode())
    assert isinstance(request, Authentication)
    assert open_authentication(request, PS, client_id(PK, DK)) == DK


@given(keys, secrets, device_keys, rands, st.booleans())
def test_what_a_device_builds_a_server_accepts(
    product: str, secret: str, device: str, rand: str, session_encryption: bool
) -> None:
    password = build_authentication(product, secret, device, rand, session_encryption=session_encryption)
    request = parse(password.encode())
    assert isinstance(request, Authentication)
    assert request.session_encryption is session_encryption
    assert open_authentication(request, secret, client_id(product, device)) == device


@given(secrets, secrets, rands, st.booleans())
def test_a_built_connection_is_verified_by_its_own_secret_alone(
    product: str, device: str, rand: str, session_encryption: bool
) -> None:
    request = parse(build_connection(product, device, rand, session_encryption=session_encryption).encode())
    assert isinstance(request, Connection)
    verify_connection(request, product, device)
    with pytest.raises(CredentialError):
        verify_connection(request, product, device + "x")


passwords = st.builds(build_authentication, keys, secrets, device_keys, rands) | st.builds(
    build_connection, secrets, secrets, rands
)


@given(st.binary(max_size=80) | mutated(passwords.map(str.encode)), secrets)
def test_any_password_is_accepted_or_refused_with_a_credential_error(password: bytes, secret: str) -> None:
    with contextlib.suppress(CredentialError):
        request = parse(password)
        if isinstance(request, Authentication):
            open_authentication(request, secret, "qd")
        else:
            verify_connection(request, secret, secret)


def test_an_error_does_not_repeat_the_password() -> None:
    with pytest.raises(CredentialError) as caught:
        parse(b"7;secret-password")
    assert "secret" not in str(caught.value)
