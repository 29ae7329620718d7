"""Settings: flags before environment before file; what is wrong is named, and a secret is never shown."""

import base64
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from mooring.settings import Settings, SettingsError, load_settings, warn_of_unknown_variables

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty directory to stand in, and no variables of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MOORING_{name.upper()}", raising=False)


def refusal(flags: dict[str, Any] | None = None, file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags or {}, file)
    return str(caught.value)


# Where values come from


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings({})
    assert (settings.store, settings.host, settings.http_port, settings.token_lifetime_s) == (
        "sqlite",
        "127.0.0.1",
        8080,
        7200,
    )


@pytest.mark.parametrize(
    ("flag", "variable", "line", "port"),
    [
        (1001, "1002", "http_port = 1003", 1001),
        (None, "1002", "http_port = 1003", 1002),
        (None, None, "http_port = 1003", 1003),
        (1001, None, "http_port = 1003", 1001),
        (1001, "1002", None, 1001),
        (None, None, None, 8080),
    ],
)
def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file(
    monkeypatch: pytest.MonkeyPatch, flag: int | None, variable: str | None, line: str | None, port: int
) -> None:
    if variable is not None:
        monkeypatch.setenv("MOORING_HTTP_PORT", variable)
    if line is not None:
        Path("mooring.toml").write_text(line)
    assert load_settings({} if flag is None else {"http_port": flag}).http_port == port


def test_each_value_comes_from_where_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_LANGUAGE", "EN")
    Path("mooring.toml").write_text('log_level = "debug"')
    settings = load_settings({"http_port": 0})
    assert (settings.http_port, settings.language, settings.log_level) == (0, "EN", "debug")


def test_a_named_file_is_read_instead_of_the_usual_one(tmp_path: Path) -> None:
    Path("mooring.toml").write_text("http_port = 1001")
    (tmp_path / "other.toml").write_text("http_port = 1002")
    assert load_settings({}, tmp_path / "other.toml").http_port == 1002


def test_a_named_file_must_exist_and_the_usual_one_need_not(tmp_path: Path) -> None:
    assert load_settings({}).http_port == 8080
    assert "nowhere.toml does not exist" in refusal(file=tmp_path / "nowhere.toml")


def test_variables_are_the_names_of_settings_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_TOKEN_RENEW_AFTER_S", "60")
    assert load_settings({}).token_renew_after_s == 60


def test_settings_do_not_change_once_they_are_in_force() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).http_port = 1


# What is wrong is named


def test_an_unknown_key_in_the_file_is_refused_by_name() -> None:
    Path("mooring.toml").write_text("htpp_port = 1\nhttp_port = 2")
    assert "htpp_port" in refusal()


def test_a_table_in_the_file_is_an_unknown_key() -> None:
    Path("mooring.toml").write_text("[server]\nhttp_port = 2")
    assert "server" in refusal()


def test_an_unknown_variable_is_logged_and_does_not_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_HTPP_PORT", "1")
    load_settings({})
    with structlog.testing.capture_logs() as logs:
        warn_of_unknown_variables()
    assert "MOORING_HTPP_PORT" in [entry.get("variable") for entry in logs]


def test_known_variables_are_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"MOORING_{name.upper()}", "x")
    with structlog.testing.capture_logs() as logs:
        warn_of_unknown_variables()
    assert {entry["variable"].removeprefix("MOORING_").lower() for entry in logs} & set(Settings.model_fields) == set()


WRONG: list[tuple[str, object]] = [
    ("http_port", -1),
    ("http_port", 65_536),
    ("http_port", "eighty"),
    ("http_port", 80.5),
    ("store_connections", 1),
    ("language", "DE"),
    ("http_status", "sometimes"),
    ("token_lifetime_s", 59),
    ("token_renew_after_s", -1),
    ("login_window_s", 9),
    ("max_products", 0),
    ("max_features", 8001),
    ("audit_days", 0),
    ("drain_s", 601),
    ("log_level", "loud"),
    ("log_format", "xml"),
    ("demo", "perhaps"),
    ("trusted_proxies", ["nowhere"]),
    ("trusted_proxies", ["10.0.0.1/8"]),
    ("trusted_proxies", [1.5]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(name: str, value: object) -> None:
    assert refusal({name: value}).startswith(f"setting {name}")


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in WRONG if isinstance(value, str | int)])
def test_a_wrong_variable_is_refused_by_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setenv(f"MOORING_{name.upper()}", str(value))
    assert refusal().startswith(f"setting {name}")


def test_every_wrong_value_is_named_at_once() -> None:
    text = refusal({"http_port": -1, "drain_s": -1})
    assert "setting http_port" in text
    assert "setting drain_s" in text


@pytest.mark.parametrize("content", ["http_port 8080", "= 1", 'language = "CN', "http_port = 1\nhttp_port = 2"])
def test_a_file_that_is_no_toml_is_a_wrong_setting(content: str) -> None:
    Path("mooring.toml").write_text(content)
    assert refusal()


# Trusted proxies


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("10.0.0.1", ["10.0.0.1"]),
        ("10.0.0.0/8, 2001:db8::/32 ,192.0.2.1", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]),
        ("", []),
        (" , ", []),
    ],
)
def test_trusted_proxies_in_a_variable_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, proxies: list[str]
) -> None:
    monkeypatch.setenv("MOORING_TRUSTED_PROXIES", text)
    assert load_settings({}).trusted_proxies == proxies


def test_trusted_proxies_in_the_file_are_a_list() -> None:
    Path("mooring.toml").write_text('trusted_proxies = ["10.0.0.0/8", "::1"]')
    assert load_settings({}).trusted_proxies == ["10.0.0.0/8", "::1"]


# Secrets


def test_the_secret_key_is_taken_from_flag_variable_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mooring.toml").write_text(f'secret_key = "{KEY}"')
    from_file = load_settings({}).secret_key
    monkeypatch.setenv("MOORING_SECRET_KEY", KEY[::-1])
    from_variable = load_settings({}).secret_key
    assert from_file is not None
    assert from_variable is not None
    assert (from_file.get_secret_value(), from_variable.get_secret_value()) == (KEY, KEY[::-1])


def test_the_secret_key_shows_in_no_form() -> None:
    settings = load_settings({"secret_key": SecretStr(KEY)})
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert KEY not in shown


def test_the_secret_key_shows_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_SECRET_KEY", KEY)
    assert KEY not in refusal({"http_port": -1})


@pytest.mark.parametrize("content", ["secret_key = [{!r}]", "secret_key = {{ value = {!r} }}", "secret_key = {!r}x"])
def test_a_malformed_secret_key_in_the_file_does_not_show(content: str) -> None:
    Path("mooring.toml").write_text(content.format(KEY))
    assert KEY not in refusal()


# Documentation


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_in_a_sentence(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_durations_carry_their_unit_in_the_name(name: str) -> None:
    description = Settings.model_fields[name].description or ""
    if "econds" in description or description.startswith("Days"):
        assert name.endswith(("_s", "_days"))
