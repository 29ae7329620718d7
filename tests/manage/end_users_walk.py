"""Every endpoint about end users once; what is asked stands for itself."""

from typing import Any

from manage.desk import Desk

__all__ = ["END_USER_ACTIONS", "walk_end_users"]

END_USER_ACTIONS = {
    "binding.bind",
    "binding.unbind",
    "end_user.create",
    "end_user.delete",
    "end_user.disable",
    "end_user.enable",
    "end_user.issue_token",
    "end_user.update",
    "end_user_app.add_product",
    "end_user_app.authorize",
    "end_user_app.cancel",
    "end_user_app.create",
    "end_user_app.delete",
    "end_user_app.remove_product",
    "end_user_app.reset_secret",
    "end_user_app.show_secret",
    "end_user_app.update",
    "share.accept",
    "share.cancel",
    "share.create",
}


async def walk_end_users(desk: Desk) -> None:
    app = await desk.ask("POST", "/end-user-apps", {"name": "Home"}, status=201)
    one = f"/end-user-apps/{app['id']}"
    product = (await desk.ask("POST", "/products", {"name": "Bound lamp"}, status=201))["product_key"]
    await desk.ask("POST", f"/products/{product}/devices", {"device_key": "LAMP1"}, status=201)
    assert (await desk.ask("PATCH", one, {"remark": "for families"}))["remark"] == "for families"
    assert (await desk.ask("GET", "/end-user-apps"))["total"] == 1
    assert (await desk.ask("GET", f"{one}/secret"))["domain_secret"] == app["domain_secret"]
    assert (await desk.ask("POST", f"{one}/secret/reset"))["domain_secret"] != app["domain_secret"]
    assert (await desk.ask("PUT", f"{one}/products/{product}"))["products"] == [product]
    assert (await desk.ask("GET", f"{one}/products"))["total"] == 1
    await _walk_grants(desk, app)
    uid, guest = [await _walk_user(desk, one, number) for number in (1, 2)]
    await _walk_bindings(desk, product, uid, guest)
    for gone in (uid, guest):
        await desk.ask("DELETE", f"/end-users/{gone}", status=204)
    assert (await desk.ask("DELETE", f"{one}/products/{product}"))["products"] == []
    assert (await desk.ask("GET", one))["products"] == []
    await desk.ask("DELETE", one, status=204)
    await desk.ask("DELETE", f"/products/{product}?force=true", status=204)


async def _walk_grants(desk: Desk, app: Any) -> None:
    saas_app = await desk.ask("POST", "/saas-apps", {"name": "Sees users"}, status=201)
    grants = f"/saas-apps/{saas_app['id']}/end-user-apps"
    assert (await desk.ask("PUT", f"{grants}/{app['id']}"))["saas_apps"] == [saas_app["id"]]
    assert [entry["id"] for entry in (await desk.ask("GET", grants))["items"]] == [app["id"]]
    assert (await desk.ask("DELETE", f"{grants}/{app['id']}"))["saas_apps"] == []
    await desk.ask("DELETE", f"/saas-apps/{saas_app['id']}", status=204)


async def _walk_user(desk: Desk, app: str, number: int) -> str:
    user = await desk.ask("POST", f"{app}/users", {"phone": f"1380000000{number}"}, status=201)
    one = f"/end-users/{user['uid']}"
    assert (await desk.ask("GET", one)) == user
    assert (await desk.ask("GET", f"{app}/users?text=0000{number}"))["items"] == [user]
    changes = {"nickname": "Ann", "third_party": {"wechat_union_id": "w"}}
    assert (await desk.ask("PATCH", one, changes))["third_party"] == {"wechat_union_id": "w"}
    assert (await desk.ask("POST", f"{one}/disable"))["enabled"] is False
    await desk.refused("POST", f"{one}/tokens", status=409, code="end_user_disabled")
    assert (await desk.ask("POST", f"{one}/enable"))["enabled"] is True
    token = await desk.ask("POST", f"{one}/tokens", status=201)
    assert await desk.platform.end_users.admitted(user["uid"], token["access_token"]) is not None
    uid: str = user["uid"]
    return uid


async def _walk_bindings(desk: Desk, product: str, uid: str, guest: str) -> None:
    keys = {"product_key": product, "device_key": "LAMP1"}
    bound = await desk.ask("POST", f"/end-users/{uid}/bindings", keys, status=201)
    assert (bound["uid"], bound["shared"], bound["valid"]) == (uid, False, True)
    until = desk.platform.clock.now_ms() + 60_000
    made = await desk.ask("POST", f"/end-users/{uid}/shares", {**keys, "accept_until": until}, status=201)
    assert (await desk.ask("GET", f"/end-users/{uid}/shares"))["items"] == [made]
    accepted = await desk.ask("POST", f"/end-users/{guest}/shares/accept", {"code": made["code"]})
    assert (accepted["uid"], accepted["shared"]) == (guest, True)
    assert (await desk.ask("GET", f"/end-users/{guest}/bindings"))["items"] == [accepted]
    assert (await desk.ask("GET", f"/devices/{product}/LAMP1/bindings"))["items"] == [bound, accepted]
    await desk.ask("DELETE", f"/end-users/{uid}/shares/{made['code']}", status=204)
    await desk.ask("DELETE", f"/end-users/{uid}/bindings/{product}/LAMP1", status=204)
    error = await desk.refused("DELETE", f"/end-users/{uid}/bindings/{product}/LAMP1", status=409, code="not_bound")
    assert error["wire_code"] == 5052
