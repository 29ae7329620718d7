"""One command's conversation with the management API."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import typer

from mooring.cli.failure import NOT_LOGGED_IN, UNREACHABLE, Failure

from .failure import of_answer
from .saved_login import SavedLogin, load_login

if TYPE_CHECKING:
    import httpx

__all__ = ["DEFAULT_URL", "Answer", "Session", "path_of"]

_PATH = "/manage/v1"
DEFAULT_URL = f"http://127.0.0.1:8080{_PATH}"

_SERVER = re.compile("https?://[^/?#]+")  # without a path
_TIMEOUT_S = 30.0
_KEPT_S = 2.0  # a connection that rests longer may be closed by the server just when it is used again
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as text, exactly as it came, and as a value; an answer without a body is `{}`."""

    text: str
    value: Any


def path_of(*parts: object) -> str:
    """A path of the API from its parts, each quoted."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


class Session:
    """Calls the API as the given token, or as the saved login when that is for the same server; to be closed.

    `url` is that of the API, or of its server alone.
    """

    def __init__(self, url: str | None, token: str | None, *, as_json: bool) -> None:
        self._url = f"{url}{_PATH}" if url is not None and _SERVER.fullmatch(url) else url
        self._token = token
        self._as_json = as_json

    def close(self) -> None:
        """Close the connection, when there is one."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> "httpx.Client":
        import httpx

        # Reading the trusted certificates takes longer than most calls, and nothing asks for them without TLS.
        verify = not self.url.startswith("http://")
        return httpx.Client(verify=verify, timeout=_TIMEOUT_S, limits=httpx.Limits(keepalive_expiry=_KEPT_S))

    @cached_property
    def saved(self) -> SavedLogin | None:
        """The saved login, when it is for this session's server."""
        login = load_login()
        return login if login is not None and self._url in (None, login.url) else None

    @property
    def as_json(self) -> bool:
        """Whether programs read the answer."""
        return self._as_json

    @property
    def url(self) -> str:
        """Where the API is."""
        if self._url is not None:
            return self._url
        return self.saved.url if self.saved is not None else DEFAULT_URL

    @property
    def token(self) -> str:
        """The bearer token. Raises Failure when there is none."""
        token = self._token or (self.saved.token if self.saved is not None else "")
        if not token:
            raise Failure(f"not logged in at {self.url}; run: mooring admin login", NOT_LOGGED_IN)
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise Failure("the token holds characters that no token has", NOT_LOGGED_IN)
        return token

    @property
    def uses_saved_login(self) -> bool:
        """Whether the token is the saved one."""
        return not self._token and self.saved is not None

    def get(self, path: str, **query: object) -> Answer:
        """GET; members of the query that are None are left out."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: object = None, *, media_type: str = _JSON) -> Answer:
        """POST, with a JSON body unless it is None."""
        return self.call("POST", path, body=body, media_type=media_type)

    def patch(self, path: str, body: object) -> Answer:
        """PATCH with a JSON body."""
        return self.call("PATCH", path, body=body)

    def put(self, path: str, body: object = None) -> Answer:
        """PUT, with a JSON body unless it is None."""
        return self.call("PUT", path, body=body)

    def delete(self, path: str, **query: object) -> Answer:
        """DELETE; members of the query that are None are left out."""
        return self.call("DELETE", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        media_type: str = _JSON,
        token: str | None = None,
        at_login: bool = False,
    ) -> Answer:
        """One request; `body` is sent as it is when it is bytes. Raises Failure."""
        import httpx

        headers = {} if at_login else {"Authorization": f"Bearer {token or self.token}"}
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = media_type
        try:
            response = self._client.request(
                method, self.url + path, params=_params(query), content=content, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Failure(f"cannot reach {self.url}: {error or type(error).__name__}", UNREACHABLE) from None
        if response.status_code == 204:
            return Answer("{}", {})
        return self._read(response.status_code, response.content, at_login=at_login)

    def lines(self, path: str, *, silent_s: float, query: Mapping[str, object]) -> Iterator[str]:
        """Lines of an answer that goes on, as they come, until the server ends it. Raises Failure, also when the
        connection breaks or brings nothing for `silent_s` seconds."""
        import httpx

        headers = {"Authorization": f"Bearer {self.token}"}
        timeout = httpx.Timeout(_TIMEOUT_S, read=silent_s)
        try:
            with self._client.stream(
                "GET", self.url + path, params=_params(query), headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    self._read(response.status_code, response.read(), at_login=False)
                yield from response.iter_lines()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Failure(f"no connection to {self.url}: {error or type(error).__name__}", UNREACHABLE) from None

    def show(self, answer: Answer, readable: Callable[[], None]) -> None:
        """Print the answer: as it came with --json, otherwise by `readable`."""
        if self._as_json:
            typer.echo(answer.text)
        else:
            readable()

    def _read(self, status: int, content: bytes, *, at_login: bool) -> Answer:
        try:
            text = content.decode()
            value = msgspec.json.decode(text)
            if 200 <= status < 300:
                return Answer(text, value)
            failure = of_answer(status, text, value, at_login=at_login)
        except (UnicodeDecodeError, msgspec.DecodeError, KeyError, TypeError):
            raise Failure(f"{self.url} answered HTTP {status}, but not as Mooring does", UNREACHABLE) from None
        raise failure


def _params(query: Mapping[str, object] | None) -> dict[str, str]:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
