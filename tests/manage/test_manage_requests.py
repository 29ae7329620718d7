"""How requests are read: JSON, its members, queries, sizes, paths and methods."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from manage.desk import Desk
from mooring.manage import create_manage
from mooring.manage.endpoint import BODY_LIMIT


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "byte 0"),
        (b"  ", "byte 0"),
        (b'{"name": "a"', "byte 12"),
        (b'{"name": "a"} x', "byte 15"),
        (b"{'name': 1}", "byte 1"),
        (b'{"name": "\xff"}', "byte 10"),
        (b'{"name": "\\ud800"}', "byte"),
        (b"[" * 100_000, "nested"),
    ],
)
async def test_a_body_that_is_no_json_is_400_and_says_where(desk: Desk, body: bytes, place: str) -> None:
    for path in ("/products/p00000/thing-model/validate", "/products"):
        answer = await desk.send("POST", path, body)
        if body.startswith(b"[") and path == "/products":
            assert answer.status_code == 422
            continue
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "bad_json"
        assert place in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ([], None),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "a", "nome": "b"}, "nome"),
        ({"name": "a", "access_type": "0"}, "access_type"),
        ({"name": "a", "access_type": 1.5}, "access_type"),
        (b'{"name": "a", "allowed_limit": 1' + b"0" * 5_000 + b"}", "allowed_limit"),
    ],
)
async def test_a_member_of_the_wrong_kind_is_422_and_named(desk: Desk, body: object, field: str | None) -> None:
    error = await desk.refused("POST", "/products", body, status=422, code="invalid_body")
    assert error.get("field") == field


async def test_an_inner_member_is_named_by_its_path(desk: Desk) -> None:
    body = {"enabled": False, "addresses": ["192.0.2.1", 5]}
    error = await desk.refused("PUT", "/account/addresses", body, status=422, code="invalid_body")
    assert error["field"] == "addresses[1]"


@pytest.mark.parametrize("secret", [5, None, ["x"]])
async def test_a_password_that_is_no_text_is_422_without_being_repeated(desk: Desk, secret: object) -> None:
    body = {"email": "a@b", "password": secret}
    error = await desk.refused("POST", "/login", body, status=422, code="invalid_body")
    assert error["field"] == "password"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=1001", "limit=-1", "limit=+1", "limit=1.0", "limit=", "limit=ten", "limit=1_0", "limit=01"),
        *("limit=%D9%A1", "offset=-1", "offset=99999999999999999999", "limit=1&limit=2", "limt=1", "limit=null"),
    ],
)
async def test_a_wrong_query_is_422(desk: Desk, query: str) -> None:
    await desk.refused("GET", f"/products?{query}", status=422, code="invalid_query")


@pytest.mark.parametrize("query", ["limit=0", "before_id=0", "before_id=null", "before_id=x", "offset=1"])
async def test_a_wrong_query_of_the_audit_log_is_422(desk: Desk, query: str) -> None:
    await desk.refused("GET", f"/audit?{query}", status=422, code="invalid_query")


async def test_a_list_is_cut_by_limit_and_offset_and_says_how_many_there_are(desk: Desk) -> None:
    for number in range(3):
        await desk.ask("POST", "/products", {"name": f"product {number}"}, status=201)
    first = await desk.ask("GET", "/products?limit=2")
    rest = await desk.ask("GET", "/products?limit=2&offset=2")
    assert [found["name"] for found in first["items"] + rest["items"]] == ["product 2", "product 1", "product 0"]
    assert first["total"] == rest["total"] == 3


async def test_the_audit_log_is_paged_by_the_last_entry(desk: Desk) -> None:
    for number in range(3):
        await desk.ask("PATCH", "/account", {"name": f"name {number}"})
    seen: list[int] = []
    before = ""
    while True:
        page = await desk.ask("GET", f"/audit?limit=2{before}")
        seen += [entry["id"] for entry in page["items"]]
        if page["next_before_id"] is None:
            break
        before = f"&before_id={page['next_before_id']}"
    everything = (await desk.ask("GET", "/audit"))["items"]
    assert seen == [entry["id"] for entry in everything] == sorted(seen, reverse=True)


async def test_a_body_at_the_limit_is_read(desk: Desk) -> None:
    body = b'{"name": "' + b"x" * (BODY_LIMIT - 12) + b'"}'
    assert len(body) == BODY_LIMIT
    await desk.refused("POST", "/products", body, status=422, code="text_length")


async def test_a_longer_body_is_413(desk: Desk) -> None:
    await desk.refused("POST", "/products", b"x" * (BODY_LIMIT + 1), status=413, code="body_too_large")


async def test_a_longer_body_is_413_also_when_its_length_was_not_announced(desk: Desk) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1_000_000

    async with desk.client() as client:
        headers = {"Authorization": f"Bearer {desk.token}"}
        answer = await client.post("/products", content=chunks(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "", "/nothing", "/products/", "/products/a/b", "/openapi.json/"])
async def test_an_unknown_path_is_404_in_the_same_shape(desk: Desk, path: str) -> None:
    answer = await desk.send("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
async def test_another_method_is_405_with_those_that_there_are(desk: Desk, method: str) -> None:
    answer = await desk.send(method, "/products")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "HEAD, GET, POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("app_id", ["x", "-1", "1.0", "9" * 5_000, "%00", "%D9%A1"])
async def test_an_id_that_is_no_number_names_nothing(desk: Desk, app_id: str) -> None:
    await desk.ask("GET", f"/saas-apps/{app_id}", status=404)


@pytest.mark.parametrize(
    "path",
    [
        "/products/%00",
        "/products/%00/thing-model/draft",
        "/services/%00/activate",
        "/products/{key}/thing-model/releases/%00",
        "/products/{key}/thing-model/releases/x",
        "/products/{key}/thing-model/releases/20250101000000000",
    ],
)
async def test_a_name_that_names_nothing_is_404(desk_on_each: Desk, path: str) -> None:
    made = await desk_on_each.ask("POST", "/products", {"name": "Plug"}, status=201)
    method = "POST" if path.endswith("activate") else "GET"
    await desk_on_each.ask(method, path.format(key=made["product_key"]), status=404)


async def test_the_description_needs_no_token(desk: Desk) -> None:
    found: dict[str, Any] = await desk.ask("GET", "/openapi.json", token="")
    assert found["openapi"] == "3.1.0"


async def test_head_is_get_without_a_body_to_read(desk: Desk) -> None:
    assert (await desk.send("HEAD", "/me")).status_code == 200
    assert (await desk.send("HEAD", "/login")).status_code == 405


async def test_a_body_that_an_endpoint_does_not_take_is_left_unread(desk: Desk) -> None:
    await desk.ask("POST", "/services/message-subscription/activate", b"{not json")


async def test_paths_are_read_below_the_mount(desk: Desk) -> None:
    app = create_manage(desk.platform, client_address=lambda scope: None)
    transport = httpx.ASGITransport(app, root_path="/manage/v1")
    async with httpx.AsyncClient(transport=transport, base_url="http://mooring.test/manage/v1") as client:
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get("/me")).status_code == 401
        assert (await client.get("")).json()["error"]["code"] == "not_found"


async def test_a_client_that_leaves_in_the_middle_is_no_error(desk: Desk) -> None:
    sent: list[Any] = []
    headers = [(b"authorization", f"Bearer {desk.token}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/products", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    with capture_logs() as logs:
        await create_manage(desk.platform, client_address=lambda scope: None)(scope, receive, send)
    assert (sent, logs) == ([], [])
