"""Where a client connects and as whom: arguments, profiles, the environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mooring.client import AsyncClient, Client, ProfileError
from mooring.client.profiles import Profile, Profiles, save_profiles
from mooring.client.regions import REGIONS

FLEET = Profile(access_key="FLEET", access_secret="fleet-secret", region="eu", language="EN", amqp_url="amqp://q/v")
LAB = Profile(access_key="LAB", access_secret="lab-secret", base_url="http://lab:8080")
KINDS = pytest.mark.parametrize("kind", [Client, AsyncClient])


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ACCESS_KEY", "ACCESS_SECRET", "BASE_URL", "REGION", "QUEUE_URL", "PROFILE"):
        monkeypatch.delenv(f"MOORING_{name}", raising=False)
    monkeypatch.setenv("MOORING_PROFILES", str(tmp_path / "profiles.toml"))


def saved(default: str | None = "fleet") -> None:
    save_profiles(Profiles({"fleet": FLEET, "lab": LAB}, default))


def url(client: Any) -> str:
    return str(client._url)


@KINDS
def test_region_or_address_or_neither(kind: Callable[..., Any]) -> None:
    assert url(kind("k", "s", region="cn")) == REGIONS["cn"]
    assert url(kind("k", "s", base_url="http://h:1/x")) == "http://h:1/x"
    assert url(kind("k", "s")) == REGIONS["local"]
    with pytest.raises(ValueError, match="not both"):
        kind("k", "s", base_url="http://h", region="eu")
    with pytest.raises(ValueError, match="one of cn, eu, local"):
        kind("k", "s", region="mars")


@KINDS
def test_profile_by_name_or_default(kind: Any, tmp_path: Path) -> None:
    saved()
    client = kind.from_profile()
    assert (url(client), client._language, client._amqp_url) == (REGIONS["eu"], "EN", "amqp://q/v")
    assert url(kind.from_profile("lab", timeout=3.0)) == "http://lab:8080"
    with pytest.raises(ProfileError, match="no profile 'other'"):
        kind.from_profile("other")
    with pytest.raises(ProfileError):
        kind.from_profile("fleet", path=tmp_path / "elsewhere.toml")


@KINDS
def test_environment_names_a_key_a_profile_or_nothing(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProfileError, match="none is the default"):
        kind.from_environment()
    saved()
    assert url(kind.from_environment()) == REGIONS["eu"]
    monkeypatch.setenv("MOORING_PROFILE", "lab")
    assert url(kind.from_environment()) == "http://lab:8080"
    monkeypatch.setenv("MOORING_ACCESS_KEY", "K")
    with pytest.raises(ProfileError, match="belong together"):
        kind.from_environment()
    monkeypatch.setenv("MOORING_ACCESS_SECRET", "S")
    monkeypatch.setenv("MOORING_REGION", "cn")
    monkeypatch.setenv("MOORING_QUEUE_URL", "amqp://q/v")
    client = kind.from_environment(timeout=None)
    assert (url(client), client._amqp_url, client._timeout) == (REGIONS["cn"], "amqp://q/v", None)
