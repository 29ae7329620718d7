"""The integration guide over HTTP on a running `mooring up`, with clients nobody here wrote, on both databases."""

import asyncio
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud import sample
from mooring.client import ApiError, AsyncClient, Client
from up import Running, mooring_up

LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
TSL = "/v2/quectsl/openapi/product/export/tslFile"
PACKAGE = "product-and-device-management"
NEW_PASSWORD = "a-long-enough-password"


class Desk:
    """An administrator with a token, working over HTTP."""

    def __init__(self, base_url: str, token: str) -> None:
        self._url = f"{base_url}/manage/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    def first(cls, running: Running) -> "Desk":
        """Changes the printed one-time password and logs in anew."""
        assert running.password is not None
        url = f"{running.base_url}/manage/v1"
        credentials = {"email": "admin@example.com", "password": running.password}
        token = httpx.post(f"{url}/login", json=credentials).json()["token"]
        change = {"old_password": running.password, "new_password": NEW_PASSWORD}
        changed = httpx.post(f"{url}/me/password", json=change, headers={"Authorization": f"Bearer {token}"})
        assert changed.is_success, changed.text
        answer = httpx.post(f"{url}/login", json={**credentials, "password": NEW_PASSWORD})
        return cls(running.base_url, answer.json()["token"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self.try_(method, path, body)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    def try_(self, method: str, path: str, body: object = None) -> httpx.Response:
        return httpx.request(method, self._url + path, json=body, headers=self._headers)

    def application(self) -> dict[str, Any]:
        """The administrator's half of the guide; the application with its keys and product."""
        app: dict[str, Any] = self.ask("POST", "/saas-apps", {"name": "Fleet"})
        self.ask("POST", f"/services/{PACKAGE}/activate")
        self.ask("PUT", f"/saas-apps/{app['id']}/packages/{PACKAGE}")
        product = self.ask("POST", "/products", {"name": "Plug"})
        key = product["product_key"]
        self.ask("PUT", f"/products/{key}/thing-model/draft", sample("smart-plug"))
        self.ask("POST", f"/products/{key}/thing-model/release")
        self.ask("PUT", f"/saas-apps/{app['id']}/products/{key}")
        return {**app, "product_key": key, "product_secret": product["product_secret"]}


@pytest.fixture
def arguments(database: Path | str) -> list[str]:
    return [] if isinstance(database, Path) else ["--store", database]


@pytest.fixture
def running(tmp_path: Path, arguments: list[str]) -> Iterator[Running]:
    with mooring_up(tmp_path / "data", *arguments) as found:
        yield found


def curl(*arguments: str) -> dict[str, Any]:
    ended = subprocess.run(["curl", "-sS", *arguments], capture_output=True, text=True, timeout=20, check=True)
    decoded: dict[str, Any] = json.loads(ended.stdout)
    return decoded


def test_the_guide_with_curl(running: Running) -> None:
    app = Desk.first(running).application()
    username = f"ver=1&auth_mode=accessKey&sign_method=sha256&access_key={app['access_key']}&timestamp="
    username += str(time.time_ns() // 1_000_000)
    password = hashlib.sha256((username + app["access_secret"]).encode()).hexdigest()
    fields = {"grant_type": "password", "username": username, "password": password}
    encoded = [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
    token = curl("-G", running.base_url + LOGIN, *encoded)["access_token"]
    header = ["-H", f"Authorization: {token}"]
    products = curl(*header, f"{running.base_url}{PRODUCTS}?pageNum=1&pageSize=10")
    assert [row["productKey"] for row in products["data"]] == [app["product_key"]]
    model = curl(*header, f"{running.base_url}{TSL}?productKey={app['product_key']}")
    assert (model["code"], model["msg"]) == (200, "OK")
    assert model["data"]["properties"] == sample("smart-plug")["properties"]


async def test_the_sdk_reads_the_same_sync_and_async(running: Running) -> None:
    app = await asyncio.to_thread(lambda: Desk.first(running).application())
    async with AsyncClient(app["access_key"], app["access_secret"], base_url=running.base_url) as client:
        products = [product async for product in client.products.list()]
        model = await client.thing_models.export(app["product_key"])
    assert [product.product_key for product in products] == [app["product_key"]]
    assert model.raw == await asyncio.to_thread(_export, running.base_url, app)


def _export(base_url: str, app: dict[str, Any]) -> dict[str, Any]:
    with Client(app["access_key"], app["access_secret"], base_url=base_url) as client:
        assert client.products.detail(app["product_key"]).product_name == "Plug"
        return dict(client.thing_models.export(app["product_key"]).raw)


def test_what_was_made_survives_kill_9(tmp_path: Path, arguments: list[str]) -> None:
    with mooring_up(tmp_path / "data", *arguments) as running:
        app = Desk.first(running).application()
        running.process.kill()
        running.stopped = running.process.wait()
    with mooring_up(tmp_path / "data", *arguments) as running:
        assert _export(running.base_url, app)["properties"]


def test_an_application_that_is_cut_off_is_refused_within_a_second_by_another_process(
    tmp_path: Path, postgres_url: str
) -> None:
    store = ("--store", postgres_url)
    with mooring_up(tmp_path / "data", *store) as first, mooring_up(tmp_path / "data", *store) as second:
        desk = Desk.first(first)
        app = desk.application()
        path = f"/saas-apps/{app['id']}"
        with Client(app["access_key"], app["access_secret"], base_url=second.base_url) as client:
            time.sleep(1)  # the promise is a second
            token = client.login().value
            steps: list[tuple[str, str, object, int]] = [
                ("DELETE", f"{path}/packages/{PACKAGE}", None, 91005),
                ("PUT", f"{path}/packages/{PACKAGE}", None, 200),
                ("POST", f"/services/{PACKAGE}/deactivate", None, 91007),
                ("POST", f"/services/{PACKAGE}/activate", None, 200),
                ("DELETE", f"{path}/products/{app['product_key']}", None, 70089),
                ("PUT", f"{path}/products/{app['product_key']}", None, 200),
                ("PATCH", path, {"address_list_enabled": True, "allowed_addresses": ["192.0.2.1"]}, 91006),
                ("PATCH", path, {"address_list_enabled": False}, 200),
                ("POST", f"{path}/disable", None, 91004),
            ]
            for method, target, body, code in steps:
                desk.ask(method, target, body)
                time.sleep(1)
                answer = httpx.get(
                    second.base_url + TSL,
                    params={"productKey": app["product_key"]},
                    headers={"Authorization": token},
                )
                assert (method, target, answer.json()["code"]) == (method, target, code)


def test_secrets_appear_in_no_log_error_metric_or_audit_entry(tmp_path: Path, arguments: list[str]) -> None:
    with mooring_up(tmp_path / "data", *arguments, "--log-level", "debug") as running:
        desk = Desk.first(running)
        app = desk.application()
        texts = _provoke(running, desk, app)
        texts += [running.logs(), "\n".join(running.lines[2:])]
        texts.append(httpx.get(f"{running.base_url}/metrics").text)
        texts.append(json.dumps(desk.ask("GET", "/audit?limit=1000")))
        secret = desk.ask("POST", f"/saas-apps/{app['id']}/secret/reset")["access_secret"]
        texts.append(json.dumps([desk.ask("GET", path) for path in ("/saas-apps", "/products", "/tokens", "/audit")]))
        running.stop()
        texts.append(running.logs())
    assert running.password is not None
    secrets = [app["access_secret"], secret, app["product_secret"], running.password, NEW_PASSWORD]
    found = [(number, text) for text in texts for number, secret in enumerate(secrets) if secret in text]
    assert found == []


def _provoke(running: Running, desk: Desk, app: dict[str, Any]) -> list[str]:
    """Failures of every kind near secrets; what they answered."""
    url, login = running.base_url, f"{running.base_url}/manage/v1/login"
    wrong = ({"email": "admin@example.com", "password": NEW_PASSWORD + "x"}, {"email": 1, "password": NEW_PASSWORD})
    answers = [httpx.post(login, json=body).text for body in wrong]
    answers.append(httpx.post(login, content=b'{"password": "' + NEW_PASSWORD.encode()).text)
    keys = {"name": "Second", "access_key": app["access_key"], "access_secret": app["access_secret"]}
    bodies = (keys, {**keys, "unknown": 1}, {**keys, "access_key": "short"})
    answers += [desk.try_("POST", "/saas-apps", body).text for body in bodies]
    with Client(app["access_key"], app["access_secret"], base_url=url) as client:
        client.login()
        with pytest.raises(ApiError) as error:
            client.products.detail("pXXXXX")
    answers.append(repr(error.value))
    username = "ver=1&auth_mode=accessKey&sign_method=sha256&access_key=" + app["access_key"] + "&timestamp=1"
    for password in (app["access_secret"], "x"):
        params = {"grant_type": "password", "username": username, "password": password}
        answers.append(httpx.get(url + LOGIN, params=params).text)
    return answers
