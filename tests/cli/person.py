"""A person at the command line in front of a running demo."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cli.terminal import Run, in_process
from up import Running

__all__ = ["Demo", "Person"]


@dataclass(frozen=True)
class Demo:
    """A running `mooring up --demo` and what its demo.json says."""

    running: Running
    file: Path
    document: dict[str, Any]

    def product(self, name: str) -> str:
        """The key of a product by its name."""
        found: str = next(item["product_key"] for item in self.document["products"] if item["name"] == name)
        return found

    def wait_for_values(self, product: str, device_key: str) -> None:
        """Until a device has reported all there is."""
        manage = self.document["manage"]
        url = f"{manage['url']}/devices/{self.product(product)}/{device_key}/values"
        until = time.monotonic() + 60
        while '"at":null' in httpx.get(url, headers={"Authorization": f"Bearer {manage['token']}"}).text:
            assert time.monotonic() < until, f"{device_key} has not reported"
            time.sleep(0.1)

    @property
    def mqtt(self) -> str:
        return f"127.0.0.1:{self.running.mqtt_port}"


class Person:
    """`run` expects an exit code; `ask` adds --json and returns what was printed."""

    def __init__(self, config: Path, demo: Demo | None = None) -> None:
        self.config = config
        self.demo = demo
        self.profiles = config / "mooring/profiles.toml"

    def run(self, *words: object, code: int = 0, text: str = "", **variables: str) -> Run:
        env = {**self._variables(), **variables}
        run = in_process(*words, text=text, env=env, code=code)
        assert "Traceback" not in run.err
        return run

    def ask(self, *words: object, code: int = 0, text: str = "", **variables: str) -> Any:
        return self.run(*words, "--json", code=code, text=text, **variables).json()

    def lines(self, *words: object, **variables: str) -> list[Any]:
        """What was printed, one JSON value a line."""
        return [json.loads(line) for line in self.run(*words, "--json", code=0, text="", **variables).out.splitlines()]

    def start(self, *words: object) -> "subprocess.Popen[str]":
        """The same as a process of its own."""
        env = {**os.environ, **self._variables()}
        return subprocess.Popen(
            [sys.executable, "-m", "mooring", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in env.items() if value is not None},
        )

    def _variables(self) -> dict[str, str | None]:
        manage = self.demo.document["manage"] if self.demo is not None else {}
        names = ("MOORING_ACCESS_KEY", "MOORING_ACCESS_SECRET", "MOORING_PROFILE", "MOORING_PROFILES")
        return {
            **dict.fromkeys(names),
            "XDG_CONFIG_HOME": str(self.config),
            "MOORING_MANAGE_URL": manage.get("url"),
            "MOORING_MANAGE_TOKEN": manage.get("token"),
            "NO_PROXY": "127.0.0.1",
            "COLUMNS": "160",
        }
