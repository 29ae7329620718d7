"""A real Mooring management API on a free port, and a person at the command line in front of it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from databases import open_store
from mooring.cli.admin import app
from mooring.manage import create_manage
from mooring.platform import Platform, Secret
from mooring.store import Vault

__all__ = ["EMAIL", "PASSWORD", "Run", "Terminal", "running_server"]

EMAIL = "admin@example.com"
PASSWORD = "a password of the tests"
_STARTS_WITHIN_S = 10


@contextmanager
def running_server(directory: Path, *, password: str | None = PASSWORD) -> Iterator[tuple[str, str]]:
    """Yields the API's URL and the administrator's password, which is a one-time one when `password` is None."""
    listener = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    started: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: asyncio.run(_serve(directory, listener, password, started, ready)))
    thread.start()
    try:
        assert ready.wait(_STARTS_WITHIN_S)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/manage/v1", started["password"]
    finally:
        started["server"].should_exit = True
        thread.join()
        listener.close()


async def _serve(
    directory: Path, listener: socket.socket, password: str | None, started: dict[str, Any], ready: threading.Event
) -> None:
    store = await open_store(directory / "mooring.sqlite3")
    platform = await Platform.open(store, Vault(bytes(32)))
    made = await platform.accounts.bootstrap(EMAIL, Secret(password) if password else None)
    assert made is not None
    manage = create_manage(platform, client_address=lambda scope: scope["client"][0])
    config = uvicorn.Config(
        Starlette(routes=[Mount("/manage/v1", manage)]), log_config=None, lifespan="off", ws="none", access_log=False
    )
    started["server"] = server = uvicorn.Server(config)
    started["password"] = made.password.reveal()
    asyncio.get_running_loop().call_soon(ready.set)
    try:
        await server.serve([listener])
    finally:
        await store.close()


@dataclass(frozen=True)
class Run:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """`run` expects an exit code; `ask` adds --json and returns the decoded answer."""

    def __init__(self, url: str, config: Path) -> None:
        self.url = url
        self.config = config
        self._runner = CliRunner()

    @property
    def login_file(self) -> Path:
        return self.config / "mooring/login.json"

    def run(self, *arguments: object, code: int = 0, text: str = "", env: dict[str, str] | None = None) -> Run:
        variables: dict[str, str | None] = {
            "XDG_CONFIG_HOME": str(self.config),
            "MOORING_MANAGE_URL": self.url or None,
            "MOORING_MANAGE_TOKEN": None,
            "NO_PROXY": "127.0.0.1",
            **(env or {}),
        }
        result = self._runner.invoke(app, [str(argument) for argument in arguments], input=text, env=variables)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        run = Run(result.exit_code, result.stdout, result.stderr)
        assert run.code == code, run
        assert "Traceback" not in run.err
        return run

    def ask(self, *arguments: object, code: int = 0, text: str = "") -> Any:
        return self.run(*arguments, "--json", code=code, text=text).json()

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        """The same as a process of its own, while `run` goes on; it is logged in as this terminal is."""
        return subprocess.Popen(
            [sys.executable, "-m", "mooring", "admin", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "XDG_CONFIG_HOME": str(self.config),
                "MOORING_MANAGE_URL": self.url,
                "MOORING_MANAGE_TOKEN": "",
                "NO_PROXY": "127.0.0.1",
            },
        )

    def log_in(self, password: str = PASSWORD) -> None:
        self.run("login", "--email", EMAIL, "--password-stdin", text=password + "\n")
