"""A real Mooring management API on a free port, and a person at the command line in front of it."""

import asyncio
import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from databases import open_store
from mooring.cli.admin.saved_login import SavedLogin
from mooring.cli.tree import root
from mooring.manage import create_manage
from mooring.platform import Platform, Secret
from mooring.store import Vault

__all__ = ["EMAIL", "PASSWORD", "Run", "Terminal", "in_process", "running_server"]

EMAIL = "admin@example.com"
PASSWORD = "a password of the tests"
_STARTS_WITHIN_S = 10


@dataclass(frozen=True)
class _Prepared:
    """A database with the administrator in it, and a login of theirs; every test has a copy."""

    database: Path
    token: str
    expires_at: int | None


@cache
def _prepared() -> _Prepared:
    directory = Path(tempfile.mkdtemp(prefix="mooring-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return asyncio.run(_prepare(directory / "mooring.sqlite3"))


async def _prepare(database: Path) -> _Prepared:
    store = await open_store(database)
    try:
        platform = await Platform.open(store, Vault(bytes(32)))
        await platform.accounts.bootstrap(EMAIL, Secret(PASSWORD))
        made = await platform.accounts.log_in(EMAIL, Secret(PASSWORD), "127.0.0.1")
        return _Prepared(database, made.text.reveal(), made.token.expires_at)
    finally:
        await store.close()


@contextmanager
def running_server(directory: Path, *, password: str | None = PASSWORD) -> Iterator[tuple[str, str]]:
    """Yields the API's URL and the administrator's password, which is a one-time one when `password` is None."""
    if password == PASSWORD:
        shutil.copy(_prepared().database, directory / "mooring.sqlite3")
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
    assert made is not None or password == PASSWORD
    manage = create_manage(platform, client_address=lambda scope: scope["client"][0])
    config = uvicorn.Config(
        Starlette(routes=[Mount("/manage/v1", manage)]), log_config=None, lifespan="off", ws="none", access_log=False
    )
    started["server"] = server = uvicorn.Server(config)
    started["password"] = made.password.reveal() if made is not None else PASSWORD
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


def in_process(
    *words: object, text: str = "", env: Mapping[str, str | None] | None = None, code: int | None = None
) -> Run:
    """`mooring WORDS…` in this process, with `text` to read, no terminal and these variables set (None: unset).

    Expects the exit code, when one is given.
    """
    ended: object = 0
    with CliRunner().isolation(input=text, env=env) as (out, err, _):
        try:
            root.main(args=[str(word) for word in words], prog_name="mooring")
        except SystemExit as stop:
            ended = stop.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        assert isinstance(ended, int)
        run = Run(ended, out.getvalue().decode(), err.getvalue().decode())
    assert code in (None, run.code), run
    return run


class Terminal:
    """`run` expects an exit code; `ask` adds --json and returns the decoded answer."""

    def __init__(self, url: str, config: Path) -> None:
        self.url = url
        self.config = config

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
        run = in_process("admin", *arguments, text=text, env=variables, code=code)
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

    def log_in(self) -> None:
        """Have a saved login; `mooring admin login` has tests of its own, and hashing a password takes long."""
        prepared = _prepared()
        self.login_file.parent.mkdir(mode=0o700, parents=True)
        self.login_file.touch(0o600)
        login = SavedLogin(self.url, EMAIL, prepared.token, prepared.expires_at)
        self.login_file.write_bytes(msgspec.json.encode(login))
