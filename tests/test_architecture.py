"""The house of docs/architecture.md: imports go down only, rooms keep to their job, modules say what they are."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mooring

PACKAGE = Path(mooring.__file__).parent
CHECKOUT = Path(__file__).parent.parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli", "pytest_plugin", "testing"),
    ("server", "demo", "http", "settings", "logs"),
    ("openapi", "gateway", "queues", "manage", "console"),
    ("platform",),
    ("store", "bus"),
    ("device",),
    ("client",),
    ("thingmodel",),
    ("protocol",),
)
"""From top to bottom. A room imports rooms of floors below its own; what one may use less than that is said below."""

ONE_ROOM = {"pytest_plugin", "testing", "server", "demo", "http", "settings", "logs"}
"""Modules of the composition root; they may import one another."""

MAX_LINES = 600


@dataclass(frozen=True)
class Module:
    path: Path
    name: str

    @property
    def room(self) -> str:
        """The first part of the name below `mooring`; empty for the package itself."""
        return self.name.partition(".")[2].partition(".")[0]

    def is_in(self, place: str) -> bool:
        return f"{self.name}.".startswith(f"{place}.")

    @property
    def tree(self) -> ast.Module:
        return parsed(self.path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def every_module() -> list[Module]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found.append(Module(path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)))
    return found


MODULES = every_module()
NAMES = {module.name for module in MODULES}


def imports(module: Module) -> Iterator[str]:
    """Full names of everything imported, wherever in the module: `mooring.store.accounts`, `mooring.store.Vault`."""
    package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(module: Module) -> Iterator[str]:
    return (name for name in imports(module) if name.startswith("mooring."))


def foreign_imports(module: Module) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def room_of(name: str) -> str:
    return name.split(".")[1]


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def in_rooms(*rooms: str) -> list[Module]:
    return [module for module in MODULES if module.room in rooms]


def test_every_room_has_a_floor() -> None:
    assert {module.room for module in MODULES} - {room for rooms in FLOORS for room in rooms} == {""}


def test_the_look_at_imports_sees_every_form_of_them(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "import a.b\nfrom c import d\nfrom . import e\nfrom .f import g\nfrom ..h import i\n"
        "def x():\n    from mooring.j import k\nif TYPE_CHECKING:\n    import l\n"
    )
    found = list(imports(Module(path, "mooring.room.x")))
    assert sorted(found) == sorted(
        ["a.b", "c.d", "mooring.room.e", "mooring.room.f.g", "mooring.h.i", "mooring.j.k", "l"]
    )


def test_imports_go_down_only_and_rooms_of_one_floor_are_strangers() -> None:
    upward = [
        f"{module.name} imports {name}"
        for module in MODULES
        if module.room
        for name in own_imports(module)
        if name != "mooring.__version__"
        and room_of(name) != module.room
        and not {room_of(name), module.room} <= ONE_ROOM
        and floor_of(room_of(name)) <= floor_of(module.room)
    ]
    assert upward == []


def test_the_package_itself_imports_nothing() -> None:
    [package] = [module for module in MODULES if not module.room]
    assert list(imports(package)) == []


def test_the_client_knows_of_the_platform_only_how_to_log_in_and_what_models_say() -> None:
    others = [
        f"{module.name} imports {name}"
        for module in in_rooms("client")
        for name in own_imports(module)
        if room_of(name) not in ("client", "thingmodel") and name != "mooring.__version__"
        if not f"{name}.".startswith(("mooring.protocol.login.", "mooring.protocol.ttlv."))
    ]
    assert others == []


def test_the_device_sdk_knows_only_models_and_protocol() -> None:
    others = [
        f"{module.name} imports {name}"
        for module in in_rooms("device")
        for name in own_imports(module)
        if room_of(name) not in ("device", "thingmodel", "protocol") and name != "mooring.__version__"
    ]
    assert others == []


DOORS = ("openapi", "gateway", "queues", "manage", "console")
STORE_ERRORS = {f"mooring.store.{name}" for name in ("StoreUnavailable", "UniqueViolation", "WriteRefused")}


def test_doors_reach_the_store_through_the_platform() -> None:
    direct = [
        f"{module.name} imports {name}"
        for module in in_rooms(*DOORS)
        for name in own_imports(module)
        if room_of(name) == "store" and not (module.room in ("manage", "openapi", "console") and name in STORE_ERRORS)
    ]
    assert direct == []


def test_administration_from_the_command_line_goes_through_the_management_api() -> None:
    direct = [
        f"{module.name} imports {name}"
        for module in MODULES
        if module.is_in("mooring.cli.admin")
        for name in own_imports(module)
        if room_of(name) in ("platform", "store")
    ]
    assert direct == []


def forbidden(rooms: tuple[str, ...], packages: set[str]) -> list[str]:
    return [
        f"{module.name} imports {name}"
        for module in in_rooms(*rooms)
        for name in sorted(foreign_imports(module) & packages)
    ]


def test_the_platform_speaks_neither_http_nor_sql() -> None:
    packages = {"starlette", "httpx", "uvicorn", "sqlalchemy", "alembic", "asyncpg", "sqlite3", "aio_pika", "pamqp"}
    assert forbidden(("platform",), packages) == []


def test_the_platform_holds_no_sql_text() -> None:
    statements = [
        f"{module.name}:{node.lineno}"
        for module in in_rooms("platform")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\s", node.value)
    ]
    assert statements == []


def test_codecs_and_models_wait_for_nothing_and_keep_nothing() -> None:
    packages = {"asyncio", "socket", "ssl", "select", "selectors", "time", "threading", "sqlite3", "asyncpg", "httpx"}
    assert forbidden(("protocol", "thingmodel"), packages) == []


# Modules


def exported(module: Module) -> list[str] | None:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def constants_classes_others(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Ruff's order of `__all__`: CONSTANTS, Classes, others, each with numbers as numbers."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def test_what_modules_export_is_sorted() -> None:
    lists = [(module.name, exported(module) or []) for module in MODULES]
    unsorted = [
        name
        for name, names in lists
        if names not in (sorted(names), sorted(names, key=constants_classes_others)) or len(set(names)) != len(names)
    ]
    assert unsorted == []


def test_what_modules_export_exists() -> None:
    missing = [
        f"{module.name}.{name}"
        for module in MODULES
        for name in exported(module) or []
        if not hasattr(importlib.import_module(module.name), name)
    ]
    assert missing == []


def test_every_module_says_what_it_is_for() -> None:
    assert [module.name for module in MODULES if not ast.get_docstring(module.tree)] == []


def test_no_module_is_longer_than_anyone_reads() -> None:
    lengths = {module.name: len(module.path.read_text().splitlines()) for module in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


# The contract


def test_every_file_of_the_contract_is_there() -> None:
    readme = (CHECKOUT / "contract/README.md").read_text()
    table = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    named = [name for cell in table for name in re.findall(r"`([^`]+)`", cell)]
    assert len(named) >= 12
    assert [name for name in named if not (CHECKOUT / "contract" / name).exists()] == []


def test_no_folder_of_the_contract_is_empty() -> None:
    folders = [path for path in (CHECKOUT / "contract").iterdir() if path.is_dir()]
    assert {path.name: bool(list(path.iterdir())) for path in folders} == {"tsl-samples": True, "vectors": True}
