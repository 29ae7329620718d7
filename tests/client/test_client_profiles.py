"""Profiles: the file's form, where secrets come from, and who may read it."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.client.errors import ProfileError
from mooring.client.profiles import (
    FromEnvironment,
    FromFile,
    Profile,
    Profiles,
    load_profiles,
    profiles_path,
    save_profiles,
)
from mooring.client.regions import REGIONS, base_url_of

FLEET = Profile(access_key="AK", access_secret="S3CRET-in-place", region="eu", language="EN")
LAB = Profile(
    access_key="AK2",
    access_secret=FromEnvironment("LAB_SECRET"),
    base_url="http://lab:8080",
    amqp_url="amqp://lab:5672/quec-open",
)
FILED = Profile(access_key="AK3", access_secret=FromFile("~/secret"))


def file_with(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "profiles.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MOORING_PROFILES": "/p/here.toml", "XDG_CONFIG_HOME": "/x"}, "/p/here.toml"),
        ({"XDG_CONFIG_HOME": "/x"}, "/x/mooring/profiles.toml"),
        ({"XDG_CONFIG_HOME": "relative"}, "~/.config/mooring/profiles.toml"),
        ({}, "~/.config/mooring/profiles.toml"),
    ],
)
def test_the_environment_says_where_the_file_is(environ: dict[str, str], expected: str) -> None:
    assert profiles_path(environ) == Path(expected).expanduser()


def test_what_is_saved_is_loaded_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "profiles.toml"
    profiles = Profiles().with_profile("fleet", FLEET).with_profile("lab", LAB).with_profile("filed", FILED)
    save_profiles(profiles, path)
    assert load_profiles(path) == profiles
    assert list(profiles) == ["fleet", "lab", "filed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["profiles.toml"]


@settings(max_examples=50)
@given(text=st.text(min_size=1), name=st.text(min_size=1, alphabet="ab.\"' é"))
def test_any_text_survives_the_file(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    path = tmp_path_factory.mktemp("profiles") / "p.toml"
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    profiles = Profiles({name: Profile(access_key=text, access_secret=text)}, name)
    save_profiles(profiles, path)
    assert load_profiles(path) == profiles


def test_the_path_of_the_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_PROFILES", str(tmp_path / "p.toml"))
    assert load_profiles() == Profiles()
    save_profiles(Profiles().with_profile("fleet", FLEET))
    assert load_profiles().get() == FLEET


def test_default_only_one_and_named() -> None:
    one = Profiles({"lab": LAB})
    both = one.with_profile("fleet", FLEET)
    assert one.get() == LAB
    assert both.get("fleet") == FLEET
    with pytest.raises(ProfileError, match="none is the default"):
        both.get()
    assert both.with_default("fleet").get() == FLEET
    with pytest.raises(ProfileError, match="those there are: fleet, lab"):
        both.get("other")
    with pytest.raises(ProfileError, match="those there are: none"):
        Profiles().get("other")


def test_without_takes_one_away_and_its_being_the_default() -> None:
    profiles = Profiles().with_profile("fleet", FLEET).with_profile("lab", LAB)
    assert profiles.without("lab") == Profiles({"fleet": FLEET}, "fleet")
    assert profiles.without("fleet") == Profiles({"lab": LAB}, None)
    with pytest.raises(ProfileError, match="no profile 'other'"):
        profiles.without("other")


@pytest.mark.parametrize("name", ["", "-a", "a b", "a.b", "ä"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(ProfileError, match="name has letters"):
        Profiles().with_profile(name, FLEET)


def test_where_the_secret_comes_from(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  from a file\n")
    assert FLEET.secret({}) == "S3CRET-in-place"
    assert LAB.secret({"LAB_SECRET": "from there"}) == "from there"
    in_file = Profile(access_key="AK", access_secret=FromFile(str(tmp_path / "secret")))
    assert in_file.secret() == "from a file"


def test_a_secret_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="LAB_SECRET, which is not set"):
        LAB.secret({})
    cases = {"missing": None, "empty": b" \n", "binary": b"\xff\xfe"}
    for name, content in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ProfileError, match=name):
            Profile(access_key="AK", access_secret=FromFile(str(path))).secret()


def test_where_a_profile_leads() -> None:
    assert FLEET.url == REGIONS["eu"]
    assert LAB.url == "http://lab:8080"
    assert FILED.url == REGIONS["local"]
    with pytest.raises(ValueError, match="one of cn, eu, local"):
        base_url_of("mars")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"access_key": ""}, "must not be empty"),
        ({"access_secret": ""}, "must not be empty"),
        ({"base_url": "http://a", "region": "eu"}, "not both"),
        ({"region": "mars"}, "one of cn, eu, local"),
        ({"language": "FR"}, "CN or EN"),
    ],
)
def test_a_profile_that_does_not_fit(members: dict[str, str], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Profile(**{"access_key": "AK", "access_secret": "s", **members})


def test_no_repr_shows_the_secret() -> None:
    assert "S3CRET" not in repr(FLEET) + repr(Profiles({"fleet": FLEET}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default = ", "is not TOML"),
        ("x = 1", "unknown field `x`"),
        ("[profiles.a]\naccess_key = 'k'", "missing required field `access_secret`"),
        ("[profiles.a]\naccess_key = 'k'\naccess_secret = {env = 'E', file = 'f'}", "env or file, one of them"),
        ("[profiles.a]\naccess_key = 'k'\naccess_secret = {}", "env or file, one of them"),
        ("[profiles.a]\naccess_key = 'k'\naccess_secret = {file = 'f'}\nregion = 'x'", "profile 'a': region must be"),
        ("default = 'b'", "which is not there"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        load_profiles(file_with(tmp_path, text))


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    text = "[profiles.a]\naccess_key = 'k'\naccess_secret = 'in place'"
    with pytest.raises(ProfileError, match="chmod 600"):
        load_profiles(file_with(tmp_path, text, 0o640))
    referring = "[profiles.a]\naccess_key = 'k'\naccess_secret = {file = 'f'}"
    assert load_profiles(file_with(tmp_path, referring, 0o644)).get().access_secret == FromFile("f")


def test_a_path_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot read"):
        load_profiles(tmp_path)
    (tmp_path / "taken").mkdir()
    with pytest.raises(ProfileError, match="cannot write"):
        save_profiles(Profiles(), tmp_path / "taken")
    assert os.listdir(tmp_path) == ["taken"]
