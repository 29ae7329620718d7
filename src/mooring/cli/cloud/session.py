"""One command's conversation with a cloud."""

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from mooring.cli.failure import NOT_LOGGED_IN, Failure

if TYPE_CHECKING:
    from mooring.client import Client
    from mooring.client.profiles import Profile

__all__ = ["Cloud", "json_line", "spoken_here"]

_KEY = ("MOORING_ACCESS_KEY", "MOORING_ACCESS_SECRET")
_TIMEOUT_S = 30.0
_LANGUAGE = "EN"  # of texts, unless somebody wants Chinese; commands speak English themselves
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def json_line(value: object) -> str:
    """A value as JSON on one line."""
    import msgspec

    return msgspec.json.encode(value).decode()


def spoken_here() -> str:
    """The language of texts for who says nothing else: that of the shell, as far as platforms have it."""
    locale = next((value for name in _LOCALE if (value := os.environ.get(name))), "")
    return "CN" if locale.lower().startswith("zh") else _LANGUAGE


class Cloud:
    """A cloud as a profile or the environment names it; connected on the first call, to be closed."""

    def __init__(self, profile: str | None, *, language: str | None = None, as_json: bool) -> None:
        self._named = profile
        self._language = language
        self.as_json = as_json

    def close(self) -> None:
        """Close the connections, when there are any."""
        if "client" in self.__dict__:
            self.client.close()

    @cached_property
    def profile(self) -> "Profile":
        """Where the cloud is and with which key. Raises Failure when nothing says so, ProfileError for a wrong one."""
        from mooring.client.profiles import load_profiles, profile_of_environment

        if self._named:
            return load_profiles().get(self._named)
        if not any(map(os.environ.get, _KEY)) and not load_profiles().named:
            raise Failure("no cloud is known; run: mooring login", NOT_LOGGED_IN)
        return profile_of_environment()

    @cached_property
    def client(self) -> "Client":
        """The client. Raises as `profile` does."""
        from mooring.client import Client

        from .asking_transport import AskingTransport

        profile = self.profile
        # Reading the trusted certificates takes longer than most calls, and nothing asks for them without TLS.
        language = self._language or profile.language or spoken_here()
        transport = AskingTransport(language, verify=not profile.url.startswith("http://"))
        secret = profile.secret()
        return Client(
            profile.access_key,
            secret,
            base_url=profile.url,
            timeout=_TIMEOUT_S,
            language=language,
            transport=transport,
        )

    def show(self, value: Any, readable: Callable[[], None]) -> None:
        """Print a result: as one line of JSON with --json, otherwise by `readable`."""
        if self.as_json:
            typer.echo(json_line(value))
        else:
            readable()
