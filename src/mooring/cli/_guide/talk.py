"""What the chapters share: the console, the two APIs, and waiting for evidence."""

import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax

from mooring.protocol.login import build_username, sign

__all__ = ["GuideFailed", "Talk", "free_name"]

_TOKENS = "/v2/quecauth/accessKeyAuthrize"
PATIENCE_S = 60.0  # for what the walk waits for; on a busy machine a process alone takes ten
_LOOK_EVERY_S = 0.1
_SHOWN_LINES = 24

_Found = TypeVar("_Found")


class GuideFailed(Exception):
    """A step did not answer what the guide says."""


class Talk:
    """Asks and shows; `demo` is the content of demo.json, `token` that of the OpenAPI once somebody has logged in."""

    def __init__(self, console: Console, demo: Mapping[str, Any]) -> None:
        self.console = console
        self.demo = demo
        self.token: str | None = None
        self._number = 0
        manage = demo["manage"]
        self._manage = httpx.Client(base_url=manage["url"], headers={"Authorization": f"Bearer {manage['token']}"})
        self._openapi = httpx.Client(base_url=demo["base_url"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._manage.close()
        self._openapi.close()

    # Telling

    def step(self, title: str) -> None:
        """Begin a step."""
        self._number += 1
        self.console.print()
        self.console.print(Rule(f"[bold]{self._number}. {title}", align="left"))

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self.console.print(f"[green]{text}[/green]", highlight=False)

    def quote(self, text: str) -> None:
        """Something that is sent or typed, as it is."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def code(self, text: str, language: str) -> None:
        """A file or a piece of one."""
        self.console.print(Syntax(text, language, background_color="default", word_wrap=True))

    def show(self, value: object) -> None:
        """A value as JSON; over 24 lines the rest is counted."""
        lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
        if len(lines) > _SHOWN_LINES:
            lines = [*lines[:_SHOWN_LINES], f"… {len(lines) - _SHOWN_LINES} more lines"]
        self.code("\n".join(lines), "json")

    # Asking

    def ask(self, method: str, path: str, body: object = None, *, quiet: bool = False) -> dict[str, Any]:
        """Call the management API. Raises GuideFailed for a refusal."""
        answer = self._manage.request(method, path.lstrip("/"), json=body)
        found: dict[str, Any] = answer.json() if answer.content else {}
        if not quiet:
            self._show_call(f"{method} /manage/v1{path}", body, answer, found)
        if answer.is_error:
            raise GuideFailed(f"{method} {path}: {found.get('error', {}).get('message', answer.status_code)}")
        return found

    def get(self, path: str, params: Mapping[str, str], *, code: int = 200, quiet: bool = False) -> dict[str, Any]:
        """Call the OpenAPI. Raises GuideFailed when its code is another one."""
        answer = self._openapi.get(path, params=params, headers=self._authorization(path))
        return self._judged(f"GET {path}?{answer.url.query.decode()}", None, answer, code, quiet=quiet)

    def post(self, path: str, body: Mapping[str, Any], *, code: int = 200) -> dict[str, Any]:
        """The same with a JSON body."""
        answer = self._openapi.post(path, json=body, headers=self._authorization(path))
        return self._judged(f"POST {path}", body, answer, code, quiet=False)

    def log_in(self, access_key: str, access_secret: str, *, quiet: bool = False) -> None:
        """Get a token for the calls that follow."""
        self.token = None
        username = build_username(access_key, time.time_ns() // 1_000_000)
        if not quiet:
            self.quote(f"username = {username}\npassword = hex(sha256(username + AccessSecret))")
        fields = {"grant_type": "password", "username": username, "password": sign(username, access_secret)}
        self.token = self.get(f"{_TOKENS}/accessKeyLogin", fields, quiet=quiet)["access_token"]

    def wait(self, what: str, look: Callable[[], _Found | None]) -> _Found:
        """Look again until there is something. Raises GuideFailed when there is nothing after `PATIENCE_S`."""
        until = time.monotonic() + PATIENCE_S
        while not (found := look()):
            if time.monotonic() >= until:
                raise GuideFailed(f"{what}: nothing after {PATIENCE_S:g} s")
            time.sleep(_LOOK_EVERY_S)
        return found

    def _authorization(self, path: str) -> dict[str, str]:
        """The token operations are called without a token."""
        return {"Authorization": self.token} if self.token and not path.startswith(_TOKENS) else {}

    def _judged(self, request: str, body: object, answer: httpx.Response, code: int, *, quiet: bool) -> dict[str, Any]:
        found: dict[str, Any] = answer.json()
        if not quiet:
            self._show_call(request, body, answer, found)
        if found["code"] != code:
            raise GuideFailed(f"{request} answered {found['code']} {found['msg']}, not {code}")
        return found

    def _show_call(self, request: str, body: object, answer: httpx.Response, found: Mapping[str, Any]) -> None:
        self.console.print(f"[cyan]→ {request}[/cyan]", highlight=False, soft_wrap=True)
        token = answer.request.headers.get("Authorization", "")
        if token.startswith("QJWT"):
            self.console.print(f"[cyan]  Authorization: {token[:24]}…[/cyan]", highlight=False)
        if body is not None:
            self.show(body)
        self.console.print(f"[green]← HTTP {answer.status_code}[/green]", highlight=False)
        if found:
            self.show(found)


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken."""
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)
