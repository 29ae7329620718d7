"""The same with the Python SDK, and what is where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from mooring.client import Client

from .talk import Talk

__all__ = ["print_summary", "use_sdk"]


def use_sdk(talk: Talk) -> None:
    """Walk the chapter. Raises what the SDK raises."""
    talk.step("The same with the Python SDK, as the demo application of demo.json")
    talk.code(
        "with Client(access_key, access_secret, base_url=base_url) as client:\n"
        "    for product in client.products.list():\n"
        "        model = client.thing_models.export(product.product_key)",
        "python",
    )
    table = Table("product", "ProductKey", "properties", "events", "services")
    table.add_column("model version", no_wrap=True)
    demo = talk.demo
    with Client(demo["access_key"], demo["access_secret"], base_url=demo["base_url"]) as client:
        for product in client.products.list():
            model = client.thing_models.export(product.product_key)
            counts = [str(len(part)) for part in (model.properties, model.events, model.services)]
            table.add_row(product.product_name or "", product.product_key, *counts, model.version)
    talk.console.print(table)


def print_summary(console: Console, demo: Mapping[str, Any], path: Path) -> None:
    """Where everything listens, and the keys to it."""
    devices = ", ".join(device["device_key"] for product in demo["products"] for device in product["devices"])
    lines = [
        f"OpenAPI         {demo['base_url']}/v2",
        f"console         {demo['console']['url']}",
        f"  login         {demo['console'].get('username', '')}   {demo['console'].get('password', '')}",
        f"management API  {demo['manage']['url']}   (openapi.json beside it)",
        f"devices         mqtt://{demo['mqtt']['host']}:{demo['mqtt']['port']}",
        f"  simulated     {devices}",
        f"AccessKey       {demo['access_key']}",
        f"AccessSecret    {demo['access_secret']}",
        f"  token         {demo['manage']['token']}",
        f"all of it       {path}",
    ]
    console.print()
    console.print(Panel("\n".join(lines), title="Mooring is up", expand=False, highlight=False))
