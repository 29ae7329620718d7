"""The platform's integration guide as a walk: every step is a real HTTP call, shown with its request and its answer.

Management API: create a SaaS application, enable and authorize service packages, make a product with a thing model and
authorize it, take the keys. OpenAPI: log in, read products and the thing model, renew, lose a right and get it back.
"""

import json
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table

from mooring.client import Client
from mooring.demo import sample_models
from mooring.protocol.login import build_username, sign

from ._process import UpFailed, running_platform

__all__ = ["GuideFailed", "run_demo"]

_LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
_REFRESH = "/v2/quecauth/accessKeyAuthrize/refreshToken"
_PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
_DETAIL = "/v2/quecproductmgr/r3/openapi/product/detail"
_TSL = "/v2/quectsl/openapi/product/export/tslFile"
_PACKAGE = "product-and-device-management"
_SHOWN_LINES = 24


class GuideFailed(Exception):
    """A step did not answer what the guide says."""


def run_demo(data: Path, http_port: int | None, *, once: bool) -> int:
    """Start, walk, and stay until Ctrl-C unless `once`. Returns the exit code."""
    console = Console()
    try:
        with running_platform(data, http_port) as demo:
            _Walk(console, demo).run()
            _print_summary(console, demo, data / "demo.json")
            if not once:
                console.print("[dim]Running. Ctrl-C stops it.[/dim]")
                _wait_for_signal()
    except UpFailed as error:
        return error.exit_code
    except GuideFailed as error:
        console.print(f"[bold red]The walk failed:[/bold red] {error}")
        return 1
    return 0


class _Walk:
    """One walk; `demo` is the content of demo.json."""

    def __init__(self, console: Console, demo: Mapping[str, Any]) -> None:
        self._console = console
        self._demo = demo
        self._number = 0
        self._manage = httpx.Client(
            base_url=demo["manage"]["url"], headers={"Authorization": f"Bearer {demo['manage']['token']}"}
        )
        self._openapi = httpx.Client(base_url=demo["base_url"])

    def run(self) -> None:
        """Every step. Raises GuideFailed."""
        with self._manage, self._openapi:
            app = self._create_app()
            self._enable_packages(app["id"])
            product_key = self._make_product(app["id"])
            access_key, access_secret = self._take_keys(app["id"])
            token = self._log_in(access_key, access_secret)
            self._read(token, product_key)
            self._renew(token)
            self._lose_and_regain(app["id"], token, product_key)
        self._use_sdk()

    def _create_app(self) -> dict[str, Any]:
        self._step("Create a SaaS application")
        taken = {app["name"] for app in self._ask("GET", "/saas-apps", quiet=True)["items"]}
        name = _free_name("Guide application", taken)
        return self._ask("POST", "/saas-apps", {"name": name, "description": "Made by mooring demo"})

    def _enable_packages(self, app_id: int) -> None:
        self._step("Enable service packages in the service market")
        for package in self._ask("GET", "/services")["items"]:
            if package["activated_at"] is None:
                self._ask("POST", f"/services/{package['package']}/activate")
        self._step("Authorize service packages to the application")
        self._ask("PUT", f"/saas-apps/{app_id}/packages/{_PACKAGE}")

    def _make_product(self, app_id: int) -> str:
        self._step("Make a product and give it a thing model")
        taken = {product["name"] for product in self._ask("GET", "/products", quiet=True)["items"]}
        product = self._ask("POST", "/products", {"name": _free_name("Guide smart plug", taken), "data_fmt": 3})
        key: str = product["product_key"]
        document = json.loads(sample_models()["smart-plug"].read_text())
        self._ask("PUT", f"/products/{key}/thing-model/draft", document)
        self._ask("POST", f"/products/{key}/thing-model/release")
        self._step("Authorize the product's data to the application")
        self._ask("PUT", f"/saas-apps/{app_id}/products/{key}")
        return key

    def _take_keys(self, app_id: int) -> tuple[str, str]:
        self._step("Take AccessKey and AccessSecret")
        app = self._ask("GET", f"/saas-apps/{app_id}", quiet=True)
        return app["access_key"], self._ask("GET", f"/saas-apps/{app_id}/secret")["access_secret"]

    def _log_in(self, access_key: str, access_secret: str) -> str:
        self._step("Log in: sign, and get a token for two hours")
        username = build_username(access_key, time.time_ns() // 1_000_000)
        self._console.print(f"username = {username}", highlight=False, soft_wrap=True)
        self._console.print("password = hex(sha256(username + AccessSecret))", highlight=False)
        fields = {"grant_type": "password", "username": username, "password": sign(username, access_secret)}
        token: str = self._call(_LOGIN, fields)["access_token"]
        return token

    def _read(self, token: str, product_key: str) -> None:
        self._step("Call the OpenAPI: products")
        self._call(_PRODUCTS, {"pageNum": "1", "pageSize": "10"}, token)
        self._step("Call the OpenAPI: one product")
        self._call(_DETAIL, {"productKey": product_key}, token)
        self._step("Call the OpenAPI: the released thing model (tslFile)")
        self._call(_TSL, {"productKey": product_key}, token)

    def _renew(self, token: str) -> None:
        self._step("Renew the token (younger than 30 minutes: the same one comes back)")
        answer = self._call(_REFRESH, {"grant_type": "refresh_token", "refresh_token": token})
        if answer["access_token"] != token:
            raise GuideFailed("refreshToken gave another token before 30 minutes were over")

    def _lose_and_regain(self, app_id: int, token: str, product_key: str) -> None:
        self._step("Cancel the package: the token that is out loses the right at once")
        path = f"/saas-apps/{app_id}/packages/{_PACKAGE}"
        self._ask("DELETE", path)
        self._call(_TSL, {"productKey": product_key, "language": "EN"}, token, code=91005)
        self._ask("PUT", path, quiet=True)
        self._call(_TSL, {"productKey": product_key}, token, quiet=True)
        self._console.print("[green]Authorized again: the same token works again.[/green]")
        self._step("Deactivate the package for the whole account, and activate it again")
        self._ask("POST", f"/services/{_PACKAGE}/deactivate")
        self._call(_TSL, {"productKey": product_key, "language": "EN"}, token, code=91007)
        self._ask("POST", f"/services/{_PACKAGE}/activate")
        self._call(_TSL, {"productKey": product_key}, token, quiet=True)
        self._console.print("[green]Activated again: the same token works again.[/green]")

    def _use_sdk(self) -> None:
        self._step("The same with the Python SDK, as the demo application of demo.json")
        self._console.print(
            Syntax(
                "with Client(access_key, access_secret, base_url=base_url) as client:\n"
                "    for product in client.products.list():\n"
                "        model = client.thing_models.export(product.product_key)",
                "python",
            )
        )
        table = Table("product", "ProductKey", "properties", "events", "services")
        table.add_column("model version", no_wrap=True)
        demo = self._demo
        with Client(demo["access_key"], demo["access_secret"], base_url=demo["base_url"]) as client:
            for product in client.products.list():
                model = client.thing_models.export(product.product_key)
                counts = [str(len(part)) for part in (model.properties, model.events, model.services)]
                table.add_row(product.product_name or "", product.product_key, *counts, model.version)
        self._console.print(table)

    def _step(self, title: str) -> None:
        self._number += 1
        self._console.print()
        self._console.print(Rule(f"[bold]{self._number}. {title}", align="left"))

    def _ask(self, method: str, path: str, body: object = None, *, quiet: bool = False) -> dict[str, Any]:
        answer = self._manage.request(method, path.lstrip("/"), json=body)
        found: dict[str, Any] = answer.json() if answer.content else {}
        if not quiet:
            self._show(f"{method} /manage/v1{path}", body, answer, found)
        if answer.is_error:
            raise GuideFailed(f"{method} {path}: {found.get('error', {}).get('message', answer.status_code)}")
        return found

    def _call(
        self, path: str, params: Mapping[str, str], token: str | None = None, *, code: int = 200, quiet: bool = False
    ) -> dict[str, Any]:
        answer = self._openapi.get(path, params=params, headers={"Authorization": token} if token else {})
        found: dict[str, Any] = answer.json()
        if not quiet:
            self._show(f"GET {path}?{answer.url.query.decode()}", None, answer, found, token)
        if found["code"] != code:
            raise GuideFailed(f"{path} answered {found['code']} {found['msg']}, not {code}")
        return found

    def _show(
        self, request: str, body: object, answer: httpx.Response, found: Mapping[str, Any], token: str | None = None
    ) -> None:
        self._console.print(f"[cyan]→ {request}[/cyan]", highlight=False, soft_wrap=True)
        if token:
            self._console.print(f"[cyan]  Authorization: {token[:24]}…[/cyan]", highlight=False)
        if body is not None:
            self._console.print(_json(body))
        self._console.print(f"[green]← HTTP {answer.status_code}[/green]", highlight=False)
        if found:
            self._console.print(_json(found))


def _json(value: object) -> Syntax:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    if len(lines) > _SHOWN_LINES:
        lines = [*lines[:_SHOWN_LINES], f"… {len(lines) - _SHOWN_LINES} more lines"]
    return Syntax("\n".join(lines), "json", background_color="default", word_wrap=True)


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)


def _print_summary(console: Console, demo: Mapping[str, Any], path: Path) -> None:
    lines = [
        f"OpenAPI         {demo['base_url']}/v2",
        f"management API  {demo['manage']['url']}   (openapi.json beside it)",
        f"AccessKey       {demo['access_key']}",
        f"AccessSecret    {demo['access_secret']}",
        f"  token         {demo['manage']['token']}",
        f"  login         {demo['manage'].get('email', '')}   {demo['manage'].get('password', '')}",
        f"all of it       {path}",
    ]
    console.print()
    console.print(Panel("\n".join(lines), title="Mooring is up", expand=False, highlight=False))


def _wait_for_signal() -> None:
    """Until Ctrl-C or SIGTERM."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
