"""Every endpoint of queues and subscriptions once."""

from manage.desk import Desk
from queued import push

__all__ = ["QUEUE_ACTIONS", "walk_queues"]

QUEUE_ACTIONS = {
    "queue.clear",
    "queue.create",
    "queue.delete",
    "subscription.create",
    "subscription.delete",
    "subscription.start",
    "subscription.stop",
    "subscription.update",
}


async def walk_queues(desk: Desk) -> None:
    app = await desk.ask("POST", "/saas-apps", {"name": "Consumer"}, status=201)
    key = (await desk.ask("POST", "/products", {"name": "Beacon"}, status=201))["product_key"]
    await desk.ask("PUT", f"/saas-apps/{app['id']}/products/{key}")
    wanted = {"app_id": app["id"], "name": "orders", "description": "all of it"}
    made = await desk.ask("POST", "/queues", wanted, status=201)
    assert (made["full_name"].rpartition(".")[2], made["is_free"], made["status"]) == ("orders", True, 0)
    one = f"/queues/{made['id']}"
    depth = {"waiting": 0, "bytes_waiting": 0, "unacked": 0, "consumers": 0}
    assert (await desk.ask("GET", f"/queues?app_id={app['id']}&text=ord&status=0"))["items"] == [made | depth]

    body = {"name": "lamps", "queue": "orders", "codes": [1, 6], "product_key": key}
    subscription = await desk.ask("POST", "/subscriptions", body, status=201)
    assert (subscription["level"], subscription["running"]) == ("product", False)
    assert (subscription["app_id"], subscription["queue_name"]) == (app["id"], made["full_name"])
    this = f"/subscriptions/{subscription['id']}"
    assert (await desk.ask("PATCH", this, {"codes": [2]}))["codes"] == [2]
    assert (await desk.ask("POST", f"{this}/start"))["running"] is True
    assert (await desk.ask("GET", this))["running"] is True
    listed = await desk.ask("GET", f"/subscriptions?queue_id={made['id']}&running=true&text=lam")
    assert [found["id"] for found in listed["items"]] == [subscription["id"]]

    await desk.platform.queue_engine.recover()
    await push(desk.platform, made["id"], b'{"type":"ONLINE","data":{"value":1}}', b"{}")
    [first, second] = (await desk.ask("GET", f"{one}/messages?limit=5"))["items"]
    assert (first["type"], first["body"], first["size"]) == ("ONLINE", {"type": "ONLINE", "data": {"value": 1}}, 36)
    assert second["body"] == {}
    shown = await desk.ask("GET", one)
    assert (shown["status"], shown["waiting"], shown["bytes_waiting"], shown["consumers"]) == (1, 2, 38, 0)
    [listed_queue] = (await desk.ask("GET", "/queues"))["items"]
    assert {name: listed_queue[name] for name in depth} == {name: shown[name] for name in depth}
    assert (shown["oldest_at"], shown["suspends_at"]) == (first["created_at"], None)
    assert (await desk.ask("POST", f"{one}/clear")) == {"dropped": 2}
    assert (await desk.ask("GET", one))["waiting"] == 0

    await desk.refused("DELETE", this, status=409, code="running")
    assert (await desk.ask("POST", f"{this}/stop"))["running"] is False
    await desk.refused("DELETE", one, status=409, code="queue_subscribed")
    await desk.ask("DELETE", this, status=204)
    await desk.ask("DELETE", one, status=204)
    await desk.refused("GET", one, status=404, code="no_such_queue")
