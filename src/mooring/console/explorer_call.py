"""A signed call of the OpenAPI, made in this process through the whole door, and the same call as curl and Python.

Nothing here knows a real key but `signed_login`; what is shown has blanks in their place.
"""

import re
import shlex
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from mooring.platform.entities import App
from mooring.protocol.login import build_username, sign

from .explorer_operations import Described
from .page import Asgi

__all__ = ["LOGIN", "Answer", "as_curl", "as_python", "call", "shown_body", "signed_login"]

LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
_HIDDEN = re.compile(r'("(?:access_token|refresh_token)"\s*:\s*)"[^"]*"')


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def member(self, name: str) -> Any:
        """A member of the JSON object; None when there is none."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None
        return found.get(name) if isinstance(found, dict) else None


def signed_login(app: App, now_ms: int) -> dict[str, str]:
    """The query of a login."""
    username = build_username(app.access_key, now_ms)
    return {"grant_type": "password", "username": username, "password": sign(username, app.access_secret.reveal())}


async def call(
    openapi: Asgi, client: str, method: str, path: str, query: Mapping[str, str], token: str, body: bytes
) -> Answer:
    """One call, as if it came from `client`, an IP address."""
    headers = [(b"host", b"explorer"), (b"content-type", b"application/json")]
    if token:
        headers.append((b"authorization", token.encode("latin-1", "replace")))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
        "headers": headers,
        "client": (client, 0),
        "server": ("explorer", 0),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await openapi(scope, receive, send)
    start = sent[0]
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))


def shown_body(body: bytes) -> str:
    """An answer as indented JSON, its tokens blanked."""
    try:
        text = msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode(errors="replace")
    return _HIDDEN.sub(r'\1"***"', text)


def as_curl(base_url: str, operation: Described, query: Mapping[str, str], body: str) -> str:
    """A shell script: log in with ACCESS_KEY and ACCESS_SECRET of the environment, then the call."""
    login = [
        f"BASE={shlex.quote(base_url)}",
        'USERNAME="ver=1&auth_mode=accessKey&sign_method=sha256&access_key=$ACCESS_KEY&timestamp=$(date +%s)000"',
        "PASSWORD=$(printf '%s' \"$USERNAME$ACCESS_SECRET\" | sha256sum | cut -d' ' -f1)",
        f'TOKEN=$(curl -sG "$BASE{LOGIN}" --data-urlencode grant_type=password \\',
        '  --data-urlencode "username=$USERNAME" --data-urlencode "password=$PASSWORD" |',
        '  sed -n \'s/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p\')',
    ]
    if operation.id == "authLogin":
        return "\n".join([*login, 'echo "$TOKEN"'])
    if operation.id == "authRefresh":
        query = {**query, "refresh_token": "$TOKEN"}
    head = f"curl -s -X {operation.method}" if operation.method != "GET" else "curl -s"
    address = operation.path
    lines = [f'{head} -G "$BASE{address}" -H "Authorization: $TOKEN"']
    if body:
        tail = f"?{urlencode(query)}" if query else ""
        lines = [f'{head} "$BASE{address}{tail}" -H "Authorization: $TOKEN" -H "Content-Type: application/json"']
        lines.append(f"  -d {shlex.quote(body)}")
    else:
        lines += [f"  --data-urlencode {_quoted(name, value)}" for name, value in query.items()]
    return "\n".join([*login, " \\\n".join(lines)])


def _quoted(name: str, value: str) -> str:
    return f'"{name}={value}"' if value == "$TOKEN" else shlex.quote(f"{name}={value}")


def as_python(base_url: str, operation: Described, query: Mapping[str, str], body: str) -> str:
    """The same with the SDK."""
    if operation.service == "none":
        inside = "print(client.login())"
    else:
        method = operation.method.lower()
        parts = [repr(operation.path)]
        if body:
            parts.append(f"json={_literal(body)}")
        if query:
            parts.append(f"params={dict(query)!r}")
        inside = f"print(client.raw.{method}({', '.join(parts)}))"
    return (
        "import os\n\nfrom mooring.client import Client\n\n"
        'keys = os.environ["ACCESS_KEY"], os.environ["ACCESS_SECRET"]\n'
        f"with Client(*keys, base_url={base_url!r}) as client:\n    {inside}\n"
    )


def _literal(body: str) -> str:
    try:
        return repr(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return repr(body)
