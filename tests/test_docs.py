"""README and docs: nothing stale, nothing missing, no dead link, only commands that exist, and a guide that runs."""

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools.contract import operations
from tools.generate_docs import PAGES, ROOT, commands, exit_codes, stale

from mooring.client import Client
from mooring.manage.app import ENDPOINTS
from mooring.openapi import OPERATIONS
from mooring.settings import Settings
from up import Running, mooring_up

README = ROOT / "README.md"
COMMANDS = dict(commands())
# Joined here, so that this file holds no such address either.
REGISTRIES = [f"{name}.{domain}" for name, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
REGISTRIES += [f"{word}-url" for word in ("index", "extra-index")]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"(?<!`)`(mooring [^`]+)`(?!`)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_METRIC = re.compile(r'"(mooring_[a-z_]+)"')
_SHELL = ("sh", "console")
_SEPARATORS = set("();<>|&")


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in _FENCE.findall(page.read_text()) if language in languages]


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def simple_commands(code: str) -> Iterator[list[str]]:
    """The words of each simple command; pipes, substitutions and lists are taken apart."""
    for line in code.replace("\\\n", " ").splitlines():
        words: list[str] = []
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        for word in reader:
            if set(word) <= _SEPARATORS:
                yield words
                words = []
            else:
                words.append(word)
        yield words


def mooring_calls(code: str) -> Iterator[list[str]]:
    for words in simple_commands(code):
        if words[:1] == ["mooring"]:
            yield words


def command_of(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The longest command that the words begin with, and the rest."""
    end = next(end for end in range(len(words), 0, -1) if tuple(words[:end]) in COMMANDS)
    return tuple(words[:end]), words[end:]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_generated_parts_are_not_stale(page: Path) -> None:
    assert stale(page) is None, "run: python tools/generate_docs.py"


def test_every_setting_is_documented() -> None:
    text = text_of("operations.md")
    assert [name for name in Settings.model_fields if f"`MOORING_{name.upper()}`" not in text] == []


def test_every_command_is_documented() -> None:
    text = text_of("cli.md")
    assert [words for words in COMMANDS if " ".join(words) not in text] == []


def test_every_management_endpoint_is_documented() -> None:
    text = text_of("management-api.md")
    assert [entry for entry in ENDPOINTS if f"`{entry.method} {entry.path}`" not in text] == []


def test_every_served_operation_is_documented_as_served() -> None:
    rows = {line.split("`")[1]: line for line in README.read_text().splitlines() if line.startswith("| `")}
    wrong = [entry.id for entry in OPERATIONS if not rows.get(entry.id, "").endswith("| served |")]
    assert wrong == []


def test_every_exit_code_is_documented() -> None:
    text = text_of("operations.md")
    assert [error for error in exit_codes() if f"`{error.__name__}`" not in text] == []


def test_exit_codes_are_distinct() -> None:
    codes = [vars(error)["exit_code"] for error in exit_codes()]
    assert len(codes) == len(set(codes))


def test_every_metric_is_documented() -> None:
    found = {name for path in (ROOT / "src").rglob("*.py") for name in _METRIC.findall(path.read_text())}
    assert found
    assert [name for name in found if name not in text_of("operations.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in _LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def anchors(page: Path) -> set[str]:
    titles = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_in_code_blocks_can_be_typed(page: Path) -> None:
    for code in blocks(page, *_SHELL):
        for words in mooring_calls(code):
            path, rest = command_of(words)
            # Raises a usage error, which names the option, for what the command does not take.
            COMMANDS[path].make_context(path[-1], rest)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_in_the_text_exist(page: Path) -> None:
    wrong = []
    for span in _SPAN.findall(re.sub(_FENCE, "", page.read_text())):
        path, rest = command_of(span.split())
        command: Any = COMMANDS[path]
        options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        dangling = hasattr(command, "commands") and rest[:1] not in ([], ["…"], ["COMMAND"])
        if dangling or any(word.startswith("--") and word not in {*options, "--help"} for word in rest):
            wrong.append(span)
    assert wrong == []


@pytest.mark.parametrize("code", [code for page in PAGES for code in blocks(page, "python")])
def test_python_examples_compile_and_import_what_exists(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_no_file_has_the_address_of_a_package_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    texts = {path: path.read_text(errors="replace").lower() for path in paths if path.is_file()}
    assert [(path, name) for path, text in texts.items() for name in REGISTRIES if name in text] == []


class Guide:
    """The README's guide against a server of its own; only the ports and the typing of passwords differ."""

    def __init__(self, running: Running, folder: Path) -> None:
        self._base_url = running.base_url
        self._mqtt_port = running.mqtt_port
        self._env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(folder),
            "NO_PROXY": "127.0.0.1",
        }
        for name in ("MOORING_MANAGE_URL", "MOORING_MANAGE_TOKEN", "MOORING_PRODUCT_SECRET"):
            self._env.pop(name, None)
        assert running.password is not None
        login = f"mooring admin login --url {running.base_url}/manage/v1 --email admin@example.com --password-stdin"
        self.run("bash", "-c", f"{login} --new-password-stdin", text=f"{running.password}\na long password\n")

    def run(self, *command: str, text: str = "", **env: str) -> str:
        ended = subprocess.run(
            command, input=text, env={**self._env, **env}, cwd=ROOT, capture_output=True, text=True, timeout=240
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def shell(self) -> dict[str, str]:
        """Every shell block in one bash; its output, and the keys that it exports."""
        code = "\n".join(blocks(README, "sh"))
        for written, real in (("http://127.0.0.1:8080", self._base_url), ("--port 1883", f"--port {self._mqtt_port}")):
            assert written in code
            code = code.replace(written, real)
        out = self.run("bash", "-euo", "pipefail", "-c", f'{code}\necho "keys $ACCESS_KEY $ACCESS_SECRET $PRODUCT_KEY"')
        _, key, secret, product = out.splitlines()[-1].split()
        return {"out": out, "ACCESS_KEY": key, "ACCESS_SECRET": secret, "PRODUCT_KEY": product}

    def python(self, code: str, keys: dict[str, str]) -> str:
        return self.run(sys.executable, "-W", "error", "-c", code, BASE_URL=self._base_url, **keys)


def test_the_guide_of_the_readme_runs(tmp_path: Path) -> None:
    with mooring_up(tmp_path / "data") as running:
        guide = Guide(running, tmp_path)
        found = guide.shell()
        out = found.pop("out")
        assert '{"code":91005,"msg":"Insufficient permission"}' in out
        lines = out.splitlines()
        assert [f'"productKey":"{found["PRODUCT_KEY"]}"' in line for line in lines].count(True) > 2
        for told in ("PLUG0001  reported", '"deviceStatus":1', '"state":"reported"', '"cmd":"0013"'):
            assert told in out
        assert '"code":"countdown"' in out
        first, second = (guide.python(code, found) for code in blocks(README, "python"))
        assert first.startswith(f"{found['PRODUCT_KEY']} Smart plug ")
        assert "NotFound 70017" in first
        assert second.startswith(f"{found['PRODUCT_KEY']} ")
        with Client(found["ACCESS_KEY"], found["ACCESS_SECRET"], base_url=running.base_url) as client:
            assert len(list(client.products.list())) == 1


def test_what_is_not_served_answers_404_as_the_readme_says(tmp_path: Path) -> None:
    served = {operation.path for operation in OPERATIONS}
    path = next((entry.path for entry in operations().values() if entry.path not in served), "/v2/no/such/path")
    with mooring_up(tmp_path / "data") as running:
        answer = httpx.get(f"{running.base_url}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)
