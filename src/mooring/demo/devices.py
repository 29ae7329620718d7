"""The devices of the demo: simulated, over the MQTT port like any others, so that there is live data to look at.

They live in the process of `mooring up --demo`. Their secrets are in the database, as every device's, and nowhere else.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from mooring.device import Fleet, Happening, Kind, Simulator, read_scenario
from mooring.platform import Actor, Platform
from mooring.platform.devices import NewDevice
from mooring.platform.entities import Product

__all__ = ["DEVICES", "add_devices", "simulated"]

ONLINE_WITHIN_S = 10.0  # then the start goes on without them

_log = structlog.get_logger()


class Group(NamedTuple):
    """The devices of one product: names by DeviceKey, and what they do, as the scenario files of users say it."""

    names: Mapping[str, str]
    scenario: str


DEVICES: Mapping[str, Group] = {
    "power-station": Group({"STATION0001": "Station in the van"}, "report = { interval = 10 }"),
    "smart-plug": Group(
        {"PLUG0001": "Kitchen plug", "PLUG0002": "Workshop plug"},
        """
        report = { interval = 5 }
        [service.reset_energy]
        outputs = { energy_total = 0 }
        """,
    ),
    "tracker": Group(
        {"TRACKER0001": "Van"},
        """
        report = { interval = 10 }
        [location]
        track = [[31.2304, 121.4737], [31.2397, 121.4998], [31.2213, 121.5443], [31.2002, 121.4832]]
        interval = 10
        """,
    ),
    "transparent-gateway": Group({"GATEWAY0001": "Gateway in the basement"}, "report = { interval = 15 }"),
}
"""By the name of the product's sample model."""


async def add_devices(
    platform: Platform, actor: Actor, product: Product, sample: str, address: tuple[str, int]
) -> Fleet:
    """Add what is missing of a product's devices; the fleet to simulate. `address` is host and port of MQTT."""
    group = DEVICES[sample]
    secrets: dict[str, str] = {}
    missing = []
    for key, name in group.names.items():
        device = await platform.devices.find(product.id, key)
        if device is None:
            missing.append(NewDevice(key, name))
        elif (secret := platform.devices.secret_of(device)) is not None:
            secrets[key] = secret.reveal()
    if missing:
        await platform.devices.add_many(actor, product.product_key, missing)
    host, port = address
    return Fleet(
        product.product_key,
        product.product_secret.reveal(),
        list(group.names),
        host,
        port,
        model=await platform.thing_models.export(actor, product.product_key),
        scenario=read_scenario(group.scenario),
        seed=sample,
        device_secrets=secrets,
    )


@contextlib.asynccontextmanager
async def simulated(fleets: Sequence[Fleet]) -> AsyncIterator[None]:
    """Simulate fleets while the block runs, which begins once every device was online, or `ONLINE_WITHIN_S` later."""
    missing = {(fleet.product_key, key) for fleet in fleets for key in fleet.device_keys}
    complete = asyncio.Event()

    def on(product_key: str, happening: Happening) -> None:
        if happening.kind is Kind.CONNECTED:
            missing.discard((product_key, happening.device_key))
            if not missing:
                complete.set()
        elif happening.kind in (Kind.REFUSED, Kind.FAILED):
            _log.info("a device of the demo", device=happening.device_key, what=happening.kind, text=happening.text)

    tasks = [asyncio.create_task(_play(Simulator(fleet, partial(on, fleet.product_key)))) for fleet in fleets]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ONLINE_WITHIN_S):
                await complete.wait()
        if missing:
            _log.warning("devices of the demo are not online", devices=sorted(key for _, key in missing))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(simulator: Simulator) -> None:
    try:
        await simulator.run()
    except Exception:  # the server goes on without them
        _log.exception("the simulated devices of the demo have stopped")
