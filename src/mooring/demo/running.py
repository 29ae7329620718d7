"""The demo as a part of `mooring up`: account, devices, and demo.json, which names them (design: demo.json)."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

from mooring.platform import Platform

from .account import DemoAccount, make_account
from .devices import DEVICES, add_devices, simulated

__all__ = ["running_demo"]


@contextlib.asynccontextmanager
async def running_demo(
    platform: Platform, target: Path, base_url: str, mqtt: tuple[str, int], email: str
) -> AsyncIterator[None]:
    """Make what is missing of the demo, simulate its devices while the block runs, and write `target` (mode 0600).

    Everything must listen already; `mqtt` is host and port, and the platform knows the address of AMQP. Raises
    DemoRefused.
    """
    account = await make_account(platform, email)
    fleets = [
        await add_devices(platform, account.actor, product, sample, mqtt)
        for sample, product in account.products.items()
        if sample in DEVICES
    ]
    async with simulated(fleets):
        manage = {"url": f"{base_url}/manage/v1", "token": account.token.reveal(), **_login(account, email, target)}
        await asyncio.to_thread(_write_private, target, _document(base_url, mqtt, platform.amqp_url, account, manage))
        yield


def _login(account: DemoAccount, email: str, target: Path) -> dict[str, str]:
    """E-mail and password: new ones, or those that an earlier start wrote down; they are kept nowhere else."""
    if account.password is not None:
        return {"email": email, "password": account.password.reveal()}
    try:
        manage = json.loads(target.read_text())["manage"]
        return {"email": manage["email"], "password": manage["password"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _document(
    base_url: str, mqtt: tuple[str, int], amqp_url: str, account: DemoAccount, manage: dict[str, str]
) -> dict[str, object]:
    return {
        "base_url": base_url,
        "access_key": account.app.access_key,
        "access_secret": account.app.access_secret.reveal(),
        "mqtt": {"host": mqtt[0], "port": mqtt[1]},
        "amqp": {"url": amqp_url, "queue": account.queue.full_name},
        "console": _console(base_url, manage),
        "manage": manage,
        "products": [
            {
                "product_key": product.product_key,
                "product_secret": product.product_secret.reveal(),
                "name": product.name,
                "data_format": product.data_fmt,
                "devices": [
                    {"device_key": key, "device_secret": None, "simulated": True}
                    for key in (DEVICES[sample].names if sample in DEVICES else ())
                ],
            }
            for sample, product in account.products.items()
        ],
    }


def _console(base_url: str, manage: dict[str, str]) -> dict[str, str]:
    found = {"url": f"{base_url}/console"}
    if "password" in manage:
        found |= {"username": manage["email"], "password": manage["password"]}
    return found


def _write_private(target: Path, document: dict[str, object]) -> None:
    """Write JSON so that only its owner can read it and nobody ever sees half of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
