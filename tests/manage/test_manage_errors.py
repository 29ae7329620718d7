"""Which refusal becomes which answer."""

from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from manage.desk import Desk
from mooring.manage.errors import refusal_of
from mooring.platform import Conflict, Denied, Invalid, LimitReached, Missing
from mooring.platform.errors import PlatformError
from mooring.store import StoreUnavailable, UniqueViolation, WriteRefused

PACKAGE = "message-subscription"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Missing("no_such_thing", "m"), 404, "no_such_thing"),
        (Conflict("taken_already", "m"), 409, "taken_already"),
        (LimitReached("thing_limit", "m"), 409, "thing_limit"),
        (Invalid("thing_form", "m"), 422, "thing_form"),
        (Denied("wrong_password", "m"), 403, "wrong_password"),
        (Denied("wrong_credentials", "m"), 401, "wrong_credentials"),
        (PlatformError("other", "m"), 409, "other"),
        (StoreUnavailable("gone"), 503, "unavailable"),
        (WriteRefused("product p"), 409, "changed_meanwhile"),
        (UniqueViolation("products", ("name",)), 409, "taken"),
        (ValueError("secret words"), 500, "internal"),
    ],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    refusal = refusal_of(error, method="GET", route="/x")
    assert (refusal.status, refusal.body.error.code) == (status, code)


def test_field_wire_code_and_detail_are_handed_on() -> None:
    error = Conflict("name_taken", "there is one already", field="name", wire=70016, detail={"app": "Fleet"})
    found = refusal_of(error, method="GET", route="/x").body.error
    assert (found.field, found.wire_code, found.detail) == ("name", 70016, {"app": "Fleet"})


async def test_an_unexpected_error_is_500_with_an_id_that_the_log_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> NoReturn:
        raise ValueError("hunter2 is the password")

    monkeypatch.setattr(desk.platform.saas_apps, "create", fail)
    body = {"name": "Fleet", "access_key": "K" * 24, "access_secret": "hunter2" * 4}
    with capture_logs() as logs:
        error = await desk.refused("POST", "/saas-apps", body, status=500, code="internal")
    [entry] = logs
    assert entry["request_id"] == error["detail"]["request_id"]
    assert (entry["method"], entry["route"], entry["error"]) == ("POST", "/saas-apps", "builtins.ValueError")
    assert any("saas_apps.py" in frame for frame in entry["frames"])
    assert "hunter2" not in repr(logs)
    assert "hunter2" not in repr(error)


async def test_a_database_that_does_not_answer_is_503_and_may_be_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> NoReturn:
        raise StoreUnavailable("connection to db.internal:5432 lost")

    monkeypatch.setattr(desk.platform.ledger, "entries", fail)
    answer = await desk.send("GET", "/audit")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "5432" not in answer.text


async def test_refusals_of_applications(desk: Desk) -> None:
    app = await desk.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    one = f"/saas-apps/{app['id']}"
    error = await desk.refused("POST", "/saas-apps", {"name": "Fleet"}, status=409, code="name_taken")
    assert error["field"] == "name"
    await desk.refused("POST", "/saas-apps", {"name": " "}, status=422, code="text_length")
    await desk.refused("POST", "/saas-apps", {"name": "x", "access_key": "K" * 24}, status=422, code="key_pair")
    await desk.refused("PATCH", one, {"name": "Fleet"}, status=409, code="nothing_to_change")
    await desk.refused("PATCH", one, {"address_list_enabled": True}, status=422, code="address_list_empty")
    await desk.refused("PATCH", one, {"allowed_addresses": ["300.0.0.1"]}, status=422, code="address")
    await desk.refused("PUT", f"{one}/packages/nothing", status=404, code="no_such_package")
    error = await desk.refused("PUT", f"{one}/packages/{PACKAGE}", status=409, code="package_inactive")
    assert error["wire_code"] == 91007
    await desk.refused("DELETE", f"{one}/packages/{PACKAGE}", status=409, code="package_not_authorized")
    await desk.refused("PUT", f"{one}/products/p00000", status=404, code="no_such_product")
    await desk.refused("GET", "/saas-apps/1", status=404, code="no_such_app")


async def test_refusals_of_products(desk: Desk) -> None:
    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    key = product["product_key"]
    error = await desk.refused("POST", "/products", {"name": "Plug"}, status=409, code="name_taken")
    assert error["wire_code"] == 70016
    await desk.refused("POST", "/products", {"name": "x", "net_way": "4"}, status=422, code="choice")
    error = await desk.refused("PATCH", f"/products/{key}", {}, status=409, code="nothing_to_change")
    assert error["wire_code"] == 70064
    await desk.refused("GET", "/products/P00000", status=404, code="no_such_product")
    for name in ("second", "third"):
        await desk.ask("POST", "/products", {"name": name}, status=201)
    await desk.refused("POST", "/products", {"name": "fourth"}, status=409, code="product_limit")


async def test_a_product_of_another_application_is_not_taken_from_it(desk: Desk) -> None:
    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    first, second = [await desk.ask("POST", "/saas-apps", {"name": name}, status=201) for name in ("one", "two")]
    path = f"/products/{product['product_key']}"
    await desk.ask("PUT", f"/saas-apps/{first['id']}{path}")
    error = await desk.refused("PUT", f"/saas-apps/{second['id']}{path}", status=409, code="product_taken")
    assert error["detail"] == {"app": "one"}
    await desk.refused("DELETE", f"/saas-apps/{second['id']}{path}", status=409, code="product_not_authorized")


async def test_refusals_of_people(desk: Desk) -> None:
    me = await desk.ask("GET", "/me")
    own = f"/administrators/{me['administrator']['id']}"
    await desk.refused("DELETE", own, status=409, code="last_owner")
    await desk.refused("POST", "/administrators", {"email": "nobody"}, status=422, code="key_form")
    await desk.refused(
        "POST", "/administrators", {"email": me["administrator"]["email"]}, status=409, code="email_taken"
    )
    await desk.refused("DELETE", "/administrators/1", status=404, code="no_such_administrator")
    await desk.refused("DELETE", "/tokens/1", status=404, code="no_such_token")
    await desk.refused("POST", "/tokens", {"name": "x", "days": 0}, status=422, code="range")
    await desk.refused("POST", "/services/nothing/activate", status=404, code="no_such_package")
    await desk.refused("POST", f"/services/{PACKAGE}/deactivate", status=409, code="package_inactive")
    many = {"enabled": False, "addresses": [f"10.0.{n // 250}.{n % 250}" for n in range(257)]}
    await desk.refused("PUT", "/account/addresses", many, status=409, code="address_limit")


async def test_a_write_that_came_second_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> NoReturn:
        raise WriteRefused("product Plug")

    monkeypatch.setattr(desk.platform.products, "update", fail)
    await desk.refused("PATCH", "/products/p00000", {"name": "x"}, status=409, code="changed_meanwhile")
