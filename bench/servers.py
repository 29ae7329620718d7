"""ASGI servers compared: the same constant application behind uvicorn as Mooring embeds it, and behind granian.

Granian is no dependency of Mooring; install it to see it here.
"""

import contextlib
import importlib.util
import statistics
import sys
from pathlib import Path

import httpx
import msgspec

from .brokers import free_port
from .processes import Cores, running
from .rounds import Plan, Side, run_half, side

__all__ = ["ServerRate", "compare_servers"]

_SIZE = 4096


class ServerRate(msgspec.Struct, frozen=True):
    """One server; the ratios are to uvicorn, by processor time and by the clock, medians of the rounds."""

    server: str
    ratio: float
    clock_ratio: float
    rates: Side


def compare_servers(work: Path, plan: Plan, cores: Cores) -> list[ServerRate]:
    """The installed servers in turns, uvicorn first. Raises BenchFailed."""
    paths = work / "paths.txt"
    paths.write_text("/\n")
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running([*cores.server, *command], work / f"{name}.log"))
            for name, command in _commands().items()
        }
        for server in servers.values():
            _settle(server.base_url)
            run_half(server, paths, (), plan.warm_up, cores)
        rounds = [
            {name: run_half(server, paths, (), plan.seconds, cores) for name, server in servers.items()}
            for _ in range(plan.rounds)
        ]
    return [
        ServerRate(
            name,
            statistics.median(halves[name].rate / halves["uvicorn"].rate for halves in rounds),
            statistics.median(halves[name].load.rate / halves["uvicorn"].load.rate for halves in rounds),
            side([halves[name] for halves in rounds]),
        )
        for name in servers
    ]


def _commands() -> dict[str, list[str]]:
    commands = {"uvicorn": [sys.executable, "-m", "bench.constant", f'{{"/": {_SIZE}}}']}
    if importlib.util.find_spec("granian") is not None:
        options = ["--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--no-ws", "--port", str(free_port())]
        commands["granian"] = [sys.executable, "-m", "granian", *options, "bench.constant:app"]
    return commands


def _settle(base_url: str) -> None:
    """Wait until a worker takes connections; granian says that it listens before it does."""
    transport = httpx.HTTPTransport(retries=5)  # waits longer each time: 8 s in all
    with httpx.Client(transport=transport) as client:
        client.get(base_url).raise_for_status()
