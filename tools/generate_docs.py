"""Renders the parts of README and docs that follow from code and contract.

A part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. `python tools/generate_docs.py` writes every
part anew; with `--check` it writes nothing and exits with 1 when a part is stale.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from pydantic.fields import FieldInfo

import mooring
from mooring.cli.failure import EXIT_CODES
from mooring.cli.tree import root
from mooring.manage.app import ENDPOINTS
from mooring.manage.document import MOUNTED_AT
from mooring.manage.endpoint import BODY_LIMIT, JSON, Access, AnyEndpoint, Nothing
from mooring.openapi import OPERATIONS
from mooring.openapi.app import MAX_BODY_BYTES, MAX_QUERY_BYTES
from mooring.openapi.params import MAX_PAGE_SIZE
from mooring.platform.addresses import MAX_ADDRESSES
from mooring.platform.command_input import MAX_RAW_CHARACTERS
from mooring.platform.commands import MAX_CACHED, MAX_DEVICES, MAX_UNCONFIRMED
from mooring.platform.devices import MAX_BATCH
from mooring.platform.passwords import PASSWORD_MIN
from mooring.platform.trace import MAX_WATCHERS
from mooring.protocol.login import MAX_USERNAME
from mooring.settings import Settings
from mooring.thingmodel import RULES
from mooring.thingmodel.rules import MOST_FINDINGS

__all__ = ["PAGES", "ROOT", "commands", "exit_codes", "render", "stale"]

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_SHARED_OPTIONS = ("--url", "--token", "--profile", "--json")
_WHO = {Access.PUBLIC: "anyone", Access.ONE_TIME: "any member"}


def exit_codes() -> list[type[Exception]]:
    """Errors that end `mooring up` with an exit code of their own, by that code; 1 is nobody's own."""
    found: set[type[Exception]] = set()
    for module in pkgutil.walk_packages(mooring.__path__, "mooring."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Exception) and _exit_code(value) > 1:
                found.add(value)
    return sorted(found, key=lambda error: (_exit_code(error), error.__name__))


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with the words that name it, groups before what they hold."""
    yield from _walk(("mooring",), root)


def render(name: str) -> str:
    """The text of one part. Raises KeyError for a name that no part has."""
    return _PARTS[name]()


def stale(page: Path) -> str | None:
    """What the page should be, None when it is that already."""
    text = page.read_text()
    wanted = _BLOCK.sub(lambda block: f"{block[1]}{render(block[2])}\n{block[3]}", text)
    return None if wanted == text else wanted


def _exit_code(error: type[Exception]) -> int:
    code = error.__dict__.get("exit_code")
    return code if isinstance(code, int) else 0


def _walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk((*words, name), inner)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _operations() -> str:
    from tools.contract import operations

    served = {operation.id for operation in OPERATIONS}
    rows = [
        (f"`{entry.id}`", f"`{entry.method} {entry.path}`", entry.summary, _state(entry.id in served))
        for entry in operations().values()
    ]
    return f"{len(served)} of {len(rows)} operations are served.\n\n" + _table(
        ("Operation", "Method and path", "What it does", "State"), rows
    )


def _state(served: bool) -> str:
    return "served" if served else "not yet"


def _compatibility() -> str:
    from tools.compatibility import render as render_compatibility

    return render_compatibility()


def _settings() -> str:
    up = next(command for words, command in commands() if words == ("mooring", "up"))
    flags = {param.name: f"`{param.opts[0]}`" for param in up.params}
    rows = [
        (f"`{name}`", f"`MOORING_{name.upper()}`", flags.get(name, ""), _default(field), _meaning(field))
        for name, field in Settings.model_fields.items()
    ]
    return _table(("Setting, key in the file", "Environment", "Flag", "Default", "Meaning"), rows)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(field: FieldInfo) -> str:
    bounds = [str(getattr(entry, side)) for side in ("ge", "le") for entry in field.metadata if hasattr(entry, side)]
    text = field.description or ""
    if get_origin(field.annotation) is Literal:
        text += f" One of {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}."
    if len(bounds) == 2:
        text += f" {bounds[0]} to {bounds[1]}."
    return text if len(bounds) != 1 else f"{text} At least {bounds[0]}."


def _exit_codes() -> str:
    rows = [
        ("0", "", "Ended as asked: stopped by a signal, or the work is done."),
        ("1", "", "Unexpected: a traceback is on standard error."),
        ("2", "", "Wrong usage: an unknown command or option."),
    ]
    for error in exit_codes():
        meaning = re.sub(r"\. `mooring up` ends with.*", ".", (error.__doc__ or "").splitlines()[0])
        rows.append((str(_exit_code(error)), f"`{error.__name__}`", meaning))
    return _table(("Exit code", "Error", "Meaning"), rows)


def _command_exit_codes() -> str:
    return _table(("Exit code", "Meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def _limits() -> str:
    fields = Settings.model_fields
    rows = (
        ("Query of an OpenAPI call", f"{MAX_QUERY_BYTES} bytes", "HTTP 413"),
        ("Body of an OpenAPI call", f"{MAX_BODY_BYTES} bytes", "HTTP 413"),
        ("Rows of an OpenAPI page", f"{MAX_PAGE_SIZE}", "50005"),
        ("`username` of a login", f"{MAX_USERNAME} characters", "50005"),
        ("Body of a management call", f"{BODY_LIMIT} bytes", "HTTP 413, `body_too_large`"),
        ("Entries of an IP white list", f"{MAX_ADDRESSES}", "HTTP 409, `address_limit`"),
        ("Password of an administrator", f"at least {PASSWORD_MIN} characters", "HTTP 422, `password_length`"),
        ("Findings of a thing model check", f"{MOST_FINDINGS} of each kind", "rule `more-faults` counts the others"),
        ("Features of a thing model", f"{fields['max_features'].default}, setting `max_features`", "`feature-limit`"),
        ("Products of an account", "none, setting `max_products`", "HTTP 409, `product_limit`"),
        ("Applications of an account", "none, setting `max_apps`", "HTTP 409, `app_limit`"),
        ("Devices of one call that adds them", f"{MAX_BATCH}", "HTTP 409, `batch_limit`"),
        ("Devices of one send operation", f"{MAX_DEVICES}", "50005"),
        ("Characters of raw data", f"{MAX_RAW_CHARACTERS}", "50005"),
        ("Commands that wait for an offline device", f"{MAX_CACHED}", "61006"),
        ("Unconfirmed commands of a device", f"{MAX_UNCONFIRMED}", "61007"),
        ("Device connections", f"{fields['max_connections'].default}, setting `max_connections`", "closed at once"),
        ("Open traces of a process", f"{MAX_WATCHERS}", "HTTP 409, `too_many_traces`"),
        ("OpenAPI calls of an application in a second", "none, setting `app_calls_per_s`", "HTTP 429"),
        ("Commands to a device in a second", "none, setting `device_commands_per_s`", "61007"),
        (
            "Messages of a device on a day",
            "none, setting `device_messages_per_day`",
            "61006; reports become exceptions",
        ),
        (
            "Messages into the paid queues of an account in a month",
            "none, setting `paid_pushes_per_month`",
            "those queues get no more",
        ),
        (
            "Logged OpenAPI calls of an application",
            f"{fields['request_log_rows'].default}, setting `request_log_rows`",
            "older ones are deleted",
        ),
        ("Audit entries", f"{fields['audit_days'].default} days, setting `audit_days`", "older ones are deleted"),
    )
    return _table(("What", "Limit", "Beyond it"), rows)


def _who(endpoint: AnyEndpoint) -> str:
    return _WHO.get(endpoint.access) or endpoint.needs.value


def _pictures() -> str:
    """Every picture that `make screenshots` made."""
    found = sorted((ROOT / "docs/images").glob("*.png"))
    return "\n\n".join(f"![{path.stem.replace('-', ' ')}](images/{path.name})" for path in found)


def _endpoints() -> str:
    rows = [
        (
            f"`{endpoint.method} {endpoint.path}`",
            endpoint.summary,
            _request(endpoint),
            _who(endpoint),
            _ok(endpoint),
        )
        for endpoint in ENDPOINTS
    ]
    rows.append(("`GET /openapi.json`", "The description of this API, OpenAPI 3.1", "", _WHO[Access.PUBLIC], "200"))
    head = ("Endpoint", "What it does", "Request", "Who", "Success")
    return f"Every path is below `{MOUNTED_AT}`.\n\n" + _table(head, rows)


def _ok(endpoint: AnyEndpoint) -> str:
    return str(endpoint.status) if endpoint.gives == JSON else f"{endpoint.status}, {endpoint.gives}"


def _request(endpoint: AnyEndpoint) -> str:
    if endpoint.request is Nothing:
        return ""
    if endpoint.request is Any:
        return "body: a thing model document"
    if endpoint.request is bytes:
        return f"body: {endpoint.takes}"
    members = [
        f"`{field.encode_name}`{'' if field.required else '?'}" for field in msgspec.structs.fields(endpoint.request)
    ]
    return f"{'body' if endpoint.takes_body else 'query'}: {', '.join(members)}"


def _commands() -> str:
    lines: list[str] = []
    for words, command in commands():
        if hasattr(command, "commands"):
            lines += ["", f"## {' '.join(words)}", "", _help(command), ""]
        else:
            lines += [f"- `{_usage(words, command)}`: {_help(command)}", *_options(command)]
    return "\n".join(lines).strip()


def _help(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _usage(words: tuple[str, ...], command: Any) -> str:
    parts = []
    for param in command.params:
        if param.param_type_name == "argument":
            name = param.metavar or param.name.upper()
            name = f"{name}…" if param.nargs == -1 else name
            parts.append(name if param.required else f"[{name}]")
    return " ".join((*words, *parts))


def _options(command: Any) -> list[str]:
    return [
        f"  - `{', '.join((*param.opts, *param.secondary_opts))}`: {param.help}"
        for param in command.params
        if param.param_type_name == "option" and param.opts[0] not in _SHARED_OPTIONS and not param.hidden
    ]


def _rules() -> str:
    return _table(("Rule", "Meaning"), [(f"`{name}`", text) for name, text in RULES.items()])


_PARTS: Mapping[str, Callable[[], str]] = {
    "operations": _operations,
    "settings": _settings,
    "exit-codes": _exit_codes,
    "command-exit-codes": _command_exit_codes,
    "limits": _limits,
    "endpoints": _endpoints,
    "commands": _commands,
    "compatibility": _compatibility,
    "tsl-rules": _rules,
    "console-pictures": _pictures,
}


def main(arguments: Sequence[str]) -> int:
    """Write or check every page; the exit code."""
    code = 0
    for page in PAGES:
        wanted = stale(page)
        if wanted is None:
            continue
        if "--check" in arguments:
            print(f"{page.relative_to(ROOT)} is stale; run: python tools/generate_docs.py", file=sys.stderr)
            code = 1
        else:
            page.write_text(wanted)
    return code


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # as a script it finds its neighbours like this
    sys.exit(main(sys.argv[1:]))
