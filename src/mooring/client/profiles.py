"""Profiles: which cloud, and with which key, under a name, in a TOML file of the user's own.

The file is `$MOORING_PROFILES`, else `$XDG_CONFIG_HOME/mooring/profiles.toml` (`~/.config` unless set), mode 0600:

    default = "fleet"

    [profiles.fleet]
    region = "eu"                                  # or base_url = "https://…"
    access_key = "…"
    access_secret = "…"                            # or { env = "FLEET_SECRET" }, or { file = "~/secrets/fleet" }
    amqp_url = "amqps://…/quec-open"               # optional
    language = "EN"                                # optional, CN or EN

A file with a secret in it that others may read is refused. Nothing here prints a secret.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from mooring.client.errors import ProfileError
from mooring.client.regions import base_url_of

__all__ = [
    "FromEnvironment",
    "FromFile",
    "Profile",
    "Profiles",
    "load_profiles",
    "profile_of_environment",
    "profiles_path",
    "save_profiles",
]

_KEY, _SECRET = "MOORING_ACCESS_KEY", "MOORING_ACCESS_SECRET"
_LEADING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_BARE = frozenset(_LEADING + "_-")


class FromEnvironment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret that stands in the environment variable `env`."""

    env: str


class FromFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret that is the content of `file`, white space around it taken off; `~` is the home directory."""

    file: str


Secret: TypeAlias = str | FromEnvironment | FromFile


class _Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    env: str | None = None
    file: str | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    access_key: str
    access_secret: str | _Reference
    base_url: str | None = None
    region: str | None = None
    amqp_url: str | None = None
    language: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    default: str | None = None
    profiles: dict[str, _Entry] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud and a key for it.

    Give `base_url` or `region`, not both; with neither it is the local Mooring. `amqp_url` is where queues are
    consumed, None for what the platform says of each queue. Raises `ProfileError` when something does not fit.
    """

    access_key: str
    access_secret: Secret
    base_url: str | None = None
    region: str | None = None
    amqp_url: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if not self.access_key or not self.access_secret:
            raise ProfileError("access_key and access_secret must not be empty")
        if self.base_url is not None and self.region is not None:
            raise ProfileError("give base_url or region, not both")
        if self.language not in (None, "CN", "EN"):
            raise ProfileError("language is CN or EN")
        if self.region is not None:
            _address(self.region)

    def __repr__(self) -> str:
        return f"Profile(access_key={self.access_key!r}, url={self.url!r})"

    @property
    def url(self) -> str:
        """The base URL, whichever way it was given."""
        return self.base_url or _address(self.region or "local")

    def secret(self, environ: Mapping[str, str] = os.environ) -> str:
        """Return the AccessSecret itself. Raises `ProfileError` when it is not where the profile says."""
        source = self.access_secret
        if isinstance(source, FromEnvironment):
            if not environ.get(source.env):
                raise ProfileError(
                    f"the AccessSecret should be in the environment variable {source.env}, which is not set"
                )
            return environ[source.env]
        if isinstance(source, FromFile):
            return _content(Path(source.file).expanduser())
        return source


class Profiles(msgspec.Struct, frozen=True):
    """All profiles of a file by name, and the name of the one to use when none is named."""

    named: dict[str, Profile] = {}
    default: str | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.named)

    def get(self, name: str | None = None) -> Profile:
        """Return a profile; without a name the default, or the only one. Raises `ProfileError`."""
        wanted = name or self.default or (next(iter(self.named)) if len(self.named) == 1 else None)
        if wanted is None:
            raise ProfileError("no profile is named, and none is the default")
        if wanted not in self.named:
            known = ", ".join(sorted(self.named)) or "none"
            raise ProfileError(f"there is no profile {wanted!r}; those there are: {known}")
        return self.named[wanted]

    def with_profile(self, name: str, profile: Profile) -> "Profiles":
        """Return these with one added or replaced; the first of all becomes the default. Raises `ProfileError`."""
        if not name or name[0] not in _LEADING or not _BARE.issuperset(name):
            raise ProfileError("a profile's name has letters, digits, _ and -, and begins with a letter or digit")
        default = self.default if self.named else name
        return Profiles({**self.named, name: profile}, default)

    def without(self, name: str) -> "Profiles":
        """Return these without one. Raises `ProfileError` when it is not there."""
        self.get(name)
        named = {other: profile for other, profile in self.named.items() if other != name}
        return Profiles(named, None if self.default == name else self.default)

    def with_default(self, name: str) -> "Profiles":
        """Return these with another default. Raises `ProfileError` when it is not there."""
        self.get(name)
        return Profiles(self.named, name)


def profiles_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the profiles are kept."""
    if environ.get("MOORING_PROFILES"):
        return Path(environ["MOORING_PROFILES"]).expanduser()
    given = environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path.home() / ".config"
    return base / "mooring" / "profiles.toml"


def load_profiles(path: Path | None = None) -> Profiles:
    """Return the profiles of a file, none when there is no file. Raises `ProfileError` when it is not one of ours."""
    path = path or profiles_path()
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            document = msgspec.convert(tomllib.load(file), _File)
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise ProfileError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path} is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ProfileError(f"{path}: {error}") from None
    named = {name: _profile(path, name, entry) for name, entry in document.profiles.items()}
    if mode & 0o077 and any(isinstance(profile.access_secret, str) for profile in named.values()):
        raise ProfileError(f"{path} holds a secret and others may read it; run: chmod 600 {path}")
    if document.default is not None and document.default not in named:
        raise ProfileError(f"{path}: default names the profile {document.default!r}, which is not there")
    return Profiles(named, document.default)


def save_profiles(profiles: Profiles, path: Path | None = None) -> None:
    """Write all profiles, mode 0600, whole or not at all; comments of an older file are lost. Raises `ProfileError`."""
    path = path or profiles_path()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_as_toml(profiles))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}") from None


def profile_of_environment(environ: Mapping[str, str] = os.environ) -> Profile:
    """Return what the environment says: a key, or the name of a profile, or nothing, which is the default profile.

    Raises `ProfileError`.
    """
    key, secret = environ.get(_KEY), environ.get(_SECRET)
    if not key and not secret:
        return load_profiles().get(environ.get("MOORING_PROFILE") or None)
    if not key or not secret:
        raise ProfileError(f"{_KEY} and {_SECRET} belong together; one of them is not set")
    return Profile(
        access_key=key,
        access_secret=secret,
        base_url=environ.get("MOORING_BASE_URL") or None,
        region=environ.get("MOORING_REGION") or None,
        amqp_url=environ.get("MOORING_QUEUE_URL") or None,
    )


def _profile(path: Path, name: str, entry: _Entry) -> Profile:
    try:
        return Profile(
            access_key=entry.access_key,
            access_secret=_source(entry.access_secret),
            base_url=entry.base_url,
            region=entry.region,
            amqp_url=entry.amqp_url,
            language=entry.language,
        )
    except ProfileError as error:
        raise ProfileError(f"{path}: profile {name!r}: {error}") from None


def _source(given: str | _Reference) -> Secret:
    if isinstance(given, str):
        return given
    if given.env and not given.file:
        return FromEnvironment(given.env)
    if given.file and not given.env:
        return FromFile(given.file)
    raise ProfileError("access_secret names env or file, one of them")


def _address(region: str) -> str:
    try:
        return base_url_of(region)
    except ValueError as error:
        raise ProfileError(str(error)) from None


def _content(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ProfileError(f"cannot read the AccessSecret from {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ProfileError(f"cannot read the AccessSecret from {path}: it is not text") from None
    if not text:
        raise ProfileError(f"{path} should hold the AccessSecret and is empty")
    return text


def _as_toml(profiles: Profiles) -> str:
    lines = [] if profiles.default is None else [f"default = {_quoted(profiles.default)}"]
    for name, profile in profiles.named.items():
        lines += ["", f"[profiles.{name if _BARE.issuperset(name) else _quoted(name)}]"]
        members = {field: getattr(profile, field) for field in profile.__struct_fields__}
        lines += [f"{field} = {_value(value)}" for field, value in members.items() if value is not None]
    return "\n".join(lines).lstrip("\n") + "\n"


def _value(value: Secret) -> str:
    if isinstance(value, FromEnvironment):
        return f"{{ env = {_quoted(value.env)} }}"
    if isinstance(value, FromFile):
        return f"{{ file = {_quoted(value.file)} }}"
    return _quoted(value)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for the one control character that JSON leaves as it is.
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
