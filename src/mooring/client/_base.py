"""What the blocking and the awaiting client have in common: where they connect, as whom, and how. No I/O."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from mooring.client import _http
from mooring.client._core import Core
from mooring.client._observing import Hook, Observer
from mooring.client._retries import Retries
from mooring.client.profiles import Profile, load_profiles
from mooring.client.regions import base_url_of


class Options(TypedDict, total=False):
    """What `from_profile` and `from_environment` pass on to the client; see there."""

    timeout: float | None
    retries: Retries
    hooks: Sequence[Hook]
    clock: Callable[[], float]


class BaseClient:
    """The part of a client that does no I/O."""

    def __init__(
        self,
        access_key: str,
        access_secret: str,
        base_url: str | None,
        region: str | None,
        amqp_url: str | None,
        timeout: float | None,
        language: str | None,
        retries: Retries,
        hooks: Sequence[Hook],
        clock: Callable[[], float],
    ) -> None:
        if base_url is not None and region is not None:
            raise ValueError("give base_url or region, not both")
        self._core = Core(access_key, access_secret, clock)
        self._url = _http.checked_base_url(base_url_of(region or "local") if base_url is None else base_url)
        self._amqp_url = amqp_url
        self._timeout = timeout
        self._language = language
        self._retries = retries
        self._observer = Observer(hooks)
        _http.keep_secrets_out_of_the_log()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._core.access_key!r}, base_url={self._url!r})"


def named_profile(name: str | None, path: Path | None) -> Profile:
    """Return a profile of the file. Raises `ProfileError`."""
    return load_profiles(path).get(name)
