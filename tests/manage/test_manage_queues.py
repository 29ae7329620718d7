"""Queues and subscriptions: what an administrator may not do, and what is told of a queue."""

from collections.abc import Sequence

import pytest

from fakes import FakeClock
from manage.desk import Desk
from mooring.platform.queues import IDLE_DAYS, WARNED_DAYS
from queued import push

DAY_MS = 86_400_000


class NeverLate:
    """Somebody who has messages of a queue."""

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        raise AssertionError(reason)


async def queue(desk: Desk, name: str = "orders", app: str = "Fleet") -> int:
    """Make a queue, and its application when there is none."""
    apps = {found["name"]: found["id"] for found in (await desk.ask("GET", "/saas-apps"))["items"]}
    if app not in apps:
        apps[app] = (await desk.ask("POST", "/saas-apps", {"name": app}, status=201))["id"]
    made = await desk.ask("POST", "/queues", {"app_id": apps[app], "name": name}, status=201)
    queue_id: int = made["id"]
    return queue_id


async def subscribe(desk: Desk, **members: object) -> int:
    body = {"name": "all", "queue": "orders", "codes": [101], **members}
    subscription_id: int = (await desk.ask("POST", "/subscriptions", body, status=201))["id"]
    return subscription_id


@pytest.mark.parametrize(
    ("members", "status", "code", "field"),
    [
        ({"name": "a.b"}, 422, "key_form", "name"),
        ({"name": "orders"}, 409, "queue_taken", "name"),
        ({"description": "x" * 201}, 422, "text_length", "description"),
        ({"app_id": 7}, 404, "no_such_app", None),
        ({"color": "red"}, 422, "invalid_body", "color"),
    ],
)
async def test_a_queue_that_cannot_be_made(
    desk: Desk, members: dict[str, object], status: int, code: str, field: str | None
) -> None:
    await queue(desk)
    app_id = (await desk.ask("GET", "/saas-apps"))["items"][0]["id"]
    body = {"app_id": app_id, "name": "second", **members}
    error = await desk.refused("POST", "/queues", body, status=status, code=code)
    assert error.get("field") == field


@pytest.mark.parametrize(
    ("members", "status", "code", "field"),
    [
        ({"name": "a b"}, 422, "key_form", "name"),
        ({"codes": []}, 422, "no_codes", "codes"),
        ({"codes": [1]}, 422, "choice", "codes"),
        ({"codes": ["x"]}, 422, "invalid_body", "codes[0]"),
        ({"queue": "nothing"}, 404, "no_such_queue", "name"),
        ({"product_key": "pXXXXX"}, 404, "no_such_product", None),
        ({"user_domain": "C.DM.1.1", "codes": [201]}, 404, "no_such_domain", None),
    ],
)
async def test_a_subscription_that_cannot_be_made(
    desk: Desk, members: dict[str, object], status: int, code: str, field: str | None
) -> None:
    await queue(desk)
    body = {"name": "all", "queue": "orders", "codes": [101], **members}
    error = await desk.refused("POST", "/subscriptions", body, status=status, code=code)
    assert error.get("field") == field


async def test_a_subscription_stays_with_the_queues_of_its_application(desk: Desk) -> None:
    await queue(desk)
    await queue(desk, "foreign", "Other")
    made = await subscribe(desk)
    await desk.refused("PATCH", f"/subscriptions/{made}", {"queue": "foreign"}, status=404, code="no_such_queue")
    await desk.refused("PATCH", f"/subscriptions/{made}", {}, status=422, code="nothing_to_change")
    await desk.ask("POST", f"/subscriptions/{made}/start")
    await desk.refused("PATCH", f"/subscriptions/{made}", {"name": "x"}, status=409, code="running")
    await desk.refused("POST", f"/subscriptions/{made}/start", status=409, code="running")
    await desk.ask("POST", f"/subscriptions/{made}/stop")
    await desk.refused("POST", f"/subscriptions/{made}/stop", status=409, code="not_running")


async def test_a_list_of_queues_tells_what_is_in_those_of_its_page(desk: Desk) -> None:
    await desk.platform.queue_engine.recover()
    queues = desk.platform.message_queues
    first, second, third = [await queue(desk, name) for name in ("first", "second", "third")]
    await push(desk.platform, first, b"{}", b"{}", b'{"a":1}')
    await push(desk.platform, third, b"{}")
    assert await queues.get(first, NeverLate()) is not None
    found = await desk.ask("GET", "/queues?limit=2&offset=1")
    shown = [(one["id"], one["waiting"], one["bytes_waiting"], one["unacked"]) for one in found["items"]]
    assert (found["total"], shown) == (3, [(second, 0, 0, 0), (first, 2, 9, 1)])


async def test_an_account_sees_its_own_only(desk: Desk) -> None:
    await desk.refused("GET", "/queues/7", status=404, code="no_such_queue")
    await desk.refused("GET", "/queues/x", status=404, code="not_found")
    await desk.refused("GET", "/subscriptions/7", status=404, code="no_such_subscription")


async def test_each_loss_is_counted_and_shown(desk: Desk, clock: FakeClock) -> None:
    """design.md section 3, promise 2."""
    platform = desk.platform
    await platform.queue_engine.recover()
    made = await queue(desk)
    one = f"/queues/{made}"
    rows = await push(platform, made, b"{}", b"{}", b"{}", b"{}")
    for _ in range(2):
        assert await platform.message_queues.get(made, NeverLate()) is not None
    platform.message_queues.ack(made, [rows[0].id])
    platform.message_queues.refuse(made, [rows[1].id], requeue=False)
    assert (await desk.ask("POST", f"{one}/clear")) == {"dropped": 2}
    await push(platform, made, b"{}")
    clock.advance(6 * 3_600_000 + 1)
    platform.message_queues.tick()
    await platform.journal.settle()
    shown = await desk.ask("GET", one)
    counted = {name: shown[name] for name in ("pushed", "acked", "rejected", "cleared", "expired", "overflowed")}
    assert counted == {"pushed": 5, "acked": 1, "rejected": 1, "cleared": 2, "expired": 1, "overflowed": 0}


async def test_a_queue_that_will_be_suspended_says_so_seven_days_ahead(desk: Desk, clock: FakeClock) -> None:
    made = await queue(desk)
    created = clock.now_ms()
    clock.advance((IDLE_DAYS - WARNED_DAYS) * DAY_MS - 1)
    desk.token = await desk.log_in()
    assert (await desk.ask("GET", f"/queues/{made}"))["suspends_at"] is None
    clock.advance(1)
    shown = await desk.ask("GET", f"/queues/{made}")
    assert (shown["used_at"], shown["suspends_at"]) == (created, created + IDLE_DAYS * DAY_MS)
    clock.advance(WARNED_DAYS * DAY_MS)
    desk.token = await desk.log_in()
    await desk.platform.queues.suspend_idle()
    shown = await desk.ask("GET", f"/queues/{made}")
    assert (shown["status"], shown["suspended_at"], shown["suspends_at"]) == (2, clock.now_ms(), None)
