"""Statistics and log of an application's OpenAPI calls over the management API."""

import pytest

from manage.desk import Desk
from mooring.platform import Platform
from mooring.platform.request_log import Described


class Noted:
    def __init__(self, number: int, code: int) -> None:
        self.number, self.code = number, code

    def described(self) -> Described:
        request = f'{{"query":{{"pageSize":"{self.number}"}}}}'
        tickets = (1_000 + self.number,)
        return Described(f"a-{self.number}", "productList", self.code, 200, "::1", 0.002, 0.0, request, None, tickets)


@pytest.fixture
async def app(desk_on_each: Desk) -> str:
    """The path of an application with five calls, every second of which failed."""
    made = await desk_on_each.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    platform: Platform = desk_on_each.platform
    for number in range(5):
        code = 50005 if number % 2 else 200
        platform.api_statistics.note(made["id"], "productList", code, 0.002)
        platform.request_log.note(made["id"], Noted(number, code))
    return f"/saas-apps/{made['id']}"


async def test_statistics(desk_on_each: Desk, app: str) -> None:
    found = await desk_on_each.ask("GET", f"{app}/statistics")
    assert (found["calls"], found["failures"]) == (5, 2)
    [operation] = found["operations"]
    assert operation == {
        "operation": "productList",
        "calls": 5,
        "failures": 2,
        "mean_ms": 2.0,
        "p50_ms": 2.0,
        "p95_ms": 2.0,
        "p99_ms": 2.0,
        "longest_ms": 2.0,
    }
    [hour] = found["hours"]
    assert (hour["calls"], hour["hour"] % 3_600_000) == (5, 0)
    later = await desk_on_each.ask("GET", f"{app}/statistics?since={hour['hour'] + 3_600_000}")
    assert (later["calls"], later["operations"], later["hours"]) == (0, [], [])


async def test_requests_with_filters_and_pages(desk_on_each: Desk, app: str) -> None:
    first = await desk_on_each.ask("GET", f"{app}/requests?limit=2")
    assert [item["request_id"] for item in first["items"]] == ["a-4", "a-3"]
    assert first["items"][1]["request"] == {"query": {"pageSize": "3"}}
    rest = await desk_on_each.ask("GET", f"{app}/requests?before_id={first['next_before_id']}")
    assert [item["request_id"] for item in rest["items"]] == ["a-2", "a-1", "a-0"]
    assert rest["next_before_id"] is None
    at = first["items"][0]["at"]
    for query, found in (
        ("failed=true", ["a-3", "a-1"]),
        ("code=200", ["a-4", "a-2", "a-0"]),
        ("operation=deviceList", []),
        ("ticket=1003", ["a-3"]),
        ("request_id=a-2", ["a-2"]),
        (f"since={at + 1}", []),
        (f"until={at - 1}", []),
    ):
        answer = await desk_on_each.ask("GET", f"{app}/requests?{query}")
        assert [item["request_id"] for item in answer["items"]] == found, query


@pytest.mark.parametrize("path", ["statistics", "requests"])
async def test_of_an_unknown_application_nothing_is_shown(desk: Desk, path: str) -> None:
    await desk.refused("GET", f"/saas-apps/1/{path}", status=404, code="no_such_app")


@pytest.mark.parametrize("query", ["limit=0", "code=x", "failed=1", "ticket=0", "since=-1", "unknown=1"])
async def test_a_wrong_filter_is_named(desk_on_each: Desk, app: str, query: str) -> None:
    error = await desk_on_each.refused("GET", f"{app}/requests?{query}", status=422, code="invalid_query")
    assert query.partition("=")[0] in (error.get("field") or error["message"])


async def test_the_form_of_times_is_changed(desk_on_each: Desk, app: str) -> None:
    desk = desk_on_each
    assert (await desk.ask("GET", app))["times"] == "documented"
    assert (await desk.ask("PATCH", app, {"times": "numbers"}))["times"] == "numbers"
    await desk.refused("PATCH", app, {"times": "words"}, status=422, code="invalid_body")
