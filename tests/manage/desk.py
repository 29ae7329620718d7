"""An administrator at the management API in process. Every answer is held against the API's own description."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import msgspec
from jsonschema import Draft202012Validator

from mooring.manage.app import ENDPOINTS, create_manage
from mooring.manage.document import describe
from mooring.platform import Platform

__all__ = ["EMAIL", "PASSWORD", "Desk", "open_desk"]

EMAIL = "admin@example.com"
PASSWORD = "a password of the tests"


@dataclass
class Desk:
    """`ask` expects a status and returns the decoded body; `token` is sent unless another is given ("" for none)."""

    platform: Platform
    token: str = ""
    address: str | None = "192.0.2.7"
    visited: set[tuple[str, str]] = field(default_factory=set)

    def client(self) -> httpx.AsyncClient:
        app = create_manage(self.platform, client_address=lambda scope: self.address)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mooring.test")

    async def send(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **options: Any
    ) -> httpx.Response:
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        async with self.client() as client:
            answer = await client.request(method, path, content=content, headers=headers, **options)
        self.visited.add((method, check_described(method, path.partition("?")[0], answer)))
        return answer

    async def ask(
        self, method: str, path: str, body: object = None, *, status: int = 200, token: str | None = None
    ) -> Any:
        answer = await self.send(method, path, body, token=token)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def refused(
        self, method: str, path: str, body: object = None, *, status: int, code: str, token: str | None = None
    ) -> dict[str, Any]:
        answer = await self.ask(method, path, body, status=status, token=token)
        error: dict[str, Any] = answer["error"]
        assert error["code"] == code, error
        return error

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> str:
        answer = await self.ask("POST", "/login", {"email": email, "password": password})
        token: str = answer["token"]
        return token


async def open_desk(platform: Platform) -> Desk:
    """A desk whose administrator has an own password and a token."""
    from mooring.platform import Secret

    await platform.accounts.bootstrap(EMAIL, Secret(PASSWORD))
    desk = Desk(platform)
    desk.token = await desk.log_in()
    return desk


@cache
def document() -> dict[str, Any]:
    found = describe(ENDPOINTS)
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


def check_described(method: str, path: str, answer: httpx.Response) -> str:
    """See that status and body are what the description says; returns the path template."""
    found = template_of(path)
    if found is None or method.lower() not in (paths := document()["paths"])[found]:
        return path
    response = paths[found][method.lower()]["responses"].get(str(answer.status_code))
    assert response is not None, f"{method} {found} does not say that it answers {answer.status_code}: {answer.text}"
    if "content" not in response:
        assert not answer.content
        return found
    [media_type] = response["content"]
    assert answer.headers["content-type"].partition(";")[0] == media_type
    if media_type != "application/json":
        return found
    _validator(found, method.lower(), str(answer.status_code)).validate(answer.json())
    return found


@cache
def _validator(template: str, method: str, status: str) -> Draft202012Validator:
    content = document()["paths"][template][method]["responses"][status]["content"]
    return Draft202012Validator({**content["application/json"]["schema"], "components": document()["components"]})


def template_of(path: str) -> str | None:
    parts = path.split("/")
    matching = [
        template
        for template in document()["paths"]
        if len(template.split("/")) == len(parts)
        and all(own == part or own.startswith("{") for own, part in zip(template.split("/"), parts, strict=True))
    ]
    return min(matching, key=lambda template: template.count("{")) if matching else None
