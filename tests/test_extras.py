"""Extras: the SDK needs two packages, and every other import belongs to the extra that brings it."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import mooring

PACKAGE = Path(mooring.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = {
    "aio_pika": "aio-pika",
    "aiormq": "aio-pika",  # what it is built on
    "argon2": "argon2-cffi",
    "jsonschema_rs": "jsonschema-rs",
    "jwt": "pyjwt",
    "prometheus_client": "prometheus-client",
    "pydantic": "pydantic-settings",
    "pydantic_core": "pydantic-settings",
    "pydantic_settings": "pydantic-settings",
}
WHEN_INSTALLED = {"opentelemetry", "pandas", "polars"}
ROOMS = {
    "client": {"amqp"},
    "thingmodel": set(),
    "device": {"device"},
    "cli": {"cli", "server"},
    "testing": {"testing"},
    "pytest_plugin": {"testing"},
}
"""Which extras a room may need; those that are not named may need `server`."""
BLOCK = """
import importlib.abc, sys
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
"""


def packages(extra: str | None) -> set[str]:
    """Distributions of an extra, with those of the extras that it names and the plain ones."""
    named = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    found: set[str] = set() if extra is None else packages(None)
    for requirement in named:
        inner = re.fullmatch(r"mooring\[(.*)\]", requirement)
        if inner:
            found = found.union(*(packages(one) for one in inner[1].split(",")))
        else:
            found.add(re.split(r"[<>=;\[ ]", requirement)[0].lower())
    return found


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def foreign(path: Path) -> set[str]:
    return set(imported(path)) - set(sys.stdlib_module_names) - {"mooring"}


def test_plain_installation_is_light() -> None:
    assert packages(None) == {"httpx", "msgspec"}
    assert packages("amqp") == {"httpx", "msgspec", "aio-pika"}


def test_what_a_module_imports_is_brought_by_an_extra_of_its_room() -> None:
    others = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        allowed = packages(None).union(*(packages(extra) for extra in ROOMS.get(room, {"server"})))
        names = {DISTRIBUTIONS.get(name, name) for name in foreign(path) - WHEN_INSTALLED}
        others += [f"{path.relative_to(PACKAGE)} imports {name}" for name in sorted(names - allowed)]
    assert others == []


def test_development_needs_every_extra() -> None:
    everything = set().union(*(packages(extra) for extra in PROJECT["optional-dependencies"]))
    assert packages("dev") == everything


def run(code: str, blocked: set[str]) -> subprocess.CompletedProcess[str]:
    block = BLOCK.format(blocked=blocked)
    return subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True)


def brought_by(extra: str) -> set[str]:
    """Names of modules that a plain installation lacks and an extra brings."""
    modules = {distribution: name for name, distribution in DISTRIBUTIONS.items()}
    return {modules.get(name, name) for name in packages(extra) - packages(None)} | {"pydantic", "aiormq", "jwt"}


def test_sdk_works_without_what_the_extras_bring() -> None:
    code = """
import httpx, mooring.client, mooring.pytest_plugin
from mooring.client.profiles import load_profiles
def answer(request):
    if request.url.path.endswith("accessKeyLogin"):
        return httpx.Response(200, json={"code": 200, "access_token": "QJWT a.b.c", "expires_in": 7200})
    return httpx.Response(200, json={"code": 200, "data": [{"productKey": "P"}], "total": 1})
with mooring.client.Client("key", "secret", transport=httpx.MockTransport(answer)) as client:
    print([product.product_key for product in client.products.list()], client.device("P", "D"))
"""
    done = run(code, brought_by("server") | WHEN_INSTALLED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['P'] RemoteDevice('P', 'D')\n"


@pytest.mark.parametrize(
    ("words", "blocked", "extra"),
    [
        (["version", "--help"], {"typer", "rich"}, "cli"),
        (["up"], {"uvicorn"}, "server"),
    ],
)
def test_command_says_which_extra_is_missing(words: list[str], blocked: set[str], extra: str) -> None:
    code = f"import sys; sys.argv = ['mooring', *{words!r}]\nfrom mooring.__main__ import main; main()"
    done = run(code, blocked)
    [line] = done.stderr.splitlines()
    assert f"pip install 'mooring[{extra}]'" in line
    assert done.returncode == 16
