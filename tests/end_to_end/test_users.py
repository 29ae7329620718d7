"""An app of an end user on a running `mooring up`: paho over a WebSocket and over TCP, a device of the SDK, the OpenAPI
and `mooring admin`'s API at the other ends."""

import asyncio
import json
import queue
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho
import pytest

from cloud import sample
from mooring.device import Device
from served import Served, serving

_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("users") / "data") as found:
        yield found


class PahoApp:
    """paho as an app: client id `qu_{uid}_{ms}`, empty user name, the access token as password."""

    def __init__(self, served: Served, uid: str, token: str, transport: Literal["tcp", "websockets"]) -> None:
        name = f"qu_{uid}_{time.time_ns() // 1_000_000}"
        self.client_id = name
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, name, transport=transport)  # type: ignore[attr-defined]
        self.client.username_pw_set("", token)
        self.messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.granted: queue.Queue[list[int]] = queue.Queue()
        self.answers: queue.Queue[str] = queue.Queue()
        self.gone: queue.Queue[str] = queue.Queue()
        self.client.on_message = lambda _c, _d, got: self.messages.put((got.topic, json.loads(got.payload)))
        self.client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.put([code.value for code in codes])
        self.client.on_connect = lambda _c, _d, _f, reason, _p: self.answers.put(str(reason))
        self.client.on_disconnect = lambda _c, _d, _f, reason, _p: self.gone.put(str(reason))
        port = served.demo["mqtt"]["port"]
        if transport == "websockets":
            port = urlsplit(served.demo["base_url"]).port
            self.client.ws_set_options(path="/ws/v2")
        self.client.connect("127.0.0.1", port, keepalive=40)
        self.client.loop_start()

    def __enter__(self) -> "PahoApp":
        assert self.answers.get(timeout=_WITHIN_S) == "Success"
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def subscribe(self, *topics: str) -> list[int]:
        self.client.subscribe([(topic, 1) for topic in topics])
        return self.granted.get(timeout=_WITHIN_S)

    async def message(self) -> tuple[str, Any]:
        return await asyncio.to_thread(self.messages.get, timeout=_WITHIN_S)


@pytest.fixture(scope="module")
def home(served: Served) -> dict[str, Any]:
    """An App that the demo's application may see, and that may use the smart plug."""
    app: dict[str, Any] = served.manage("POST", "/end-user-apps", {"name": "Home"})
    served.manage("PUT", f"/end-user-apps/{app['id']}/products/{served.product_key}")
    for saas_app in served.manage("GET", "/saas-apps")["items"]:
        served.manage("PUT", f"/saas-apps/{saas_app['id']}/end-user-apps/{app['id']}")
        for package in ("end-user-management", "binding-management"):
            headers = {"Authorization": f"Bearer {served.demo['manage']['token']}"}
            base = served.demo["manage"]["url"]
            httpx.post(f"{base}/services/{package}/activate", headers=headers)
            httpx.put(f"{base}/saas-apps/{saas_app['id']}/packages/{package}", headers=headers)
    return app


@pytest.fixture
async def device(served: Served) -> AsyncIterator[Device]:
    key = f"USR{time.time_ns()}"[:16]
    made = Device(
        served.product_key,
        served.product_secret,
        key,
        port=served.demo["mqtt"]["port"],
        model=sample("smart-plug"),
    )
    async with made:
        yield made


@pytest.mark.parametrize("transport", ["websockets", "tcp"])
async def test_an_app_sees_and_switches_the_users_device_until_the_user_is_disabled(
    served: Served, home: dict[str, Any], device: Device, transport: Literal["tcp", "websockets"]
) -> None:
    user = served.manage("POST", f"/end-user-apps/{home['id']}/users", {"email": f"{transport}@example.com"})
    uid = user["uid"]
    keys = {"product_key": served.product_key, "device_key": device.device_key}
    served.manage("POST", f"/end-users/{uid}/bindings", keys)
    token = served.manage("POST", f"/end-users/{uid}/tokens")["access_token"]
    below = f"q/2/d/{served.client_id(device.device_key)}"
    with PahoApp(served, uid, token, transport) as app:
        assert app.subscribe(*(f"{below}/{level}" for level in ("bus_", "ack_", "onl_"))) == [1, 1, 1]
        await device.report({"relay": True, "power": 12.5})
        topic, content = await app.message()
        assert (topic, content["type"], content["data"]["kv"]) == (
            f"{below}/bus_",
            "MATTR",
            {"relay": True, "power": "12.5"},
        )
        request = {"msgId": 1, "type": "WRITE-ATTR", "kv": '[{"relay":"false"}]', "productKey": served.product_key}
        app.client.publish(f"q/1/d/{served.client_id(device.device_key)}/sys_", json.dumps(request), 1)
        heard = dict([await app.message()])
        while f"{below}/ack_" not in heard:
            heard.update([await app.message()])
        assert heard[f"{below}/ack_"]["status"] == "succ"
        answer = served.get("/v2/enduser/enterpriseapi/setUserStatus", uid=uid, status=0)
        assert answer == {"code": 200, "msg": "", "data": {}, "extMsg": None}
        assert await asyncio.to_thread(app.gone.get, timeout=_WITHIN_S)
    answered = served.get("/v2/binding/enterpriseapi/userDeviceList", uid=uid)
    assert answered["data"]["list"][0]["deviceKey"] == device.device_key
    with pytest.raises(AssertionError, match="Not authorized"):
        PahoApp(served, uid, token, transport).__enter__()


async def test_an_app_asks_in_vain_for_devices_of_others(served: Served, home: dict[str, Any], device: Device) -> None:
    user = served.manage("POST", f"/end-user-apps/{home['id']}/users", {"email": "stranger@example.com"})
    token = served.manage("POST", f"/end-users/{user['uid']}/tokens")["access_token"]
    with PahoApp(served, user["uid"], token, "websockets") as app:
        assert app.subscribe(f"q/2/d/{served.client_id(device.device_key)}/bus_") == [128]
        topic, content = await app.message()
        assert (topic, content["code"]) == (f"q/1/u/{app.client_id}/sys_", 4007)
