"""Every English text that the console says has its Chinese, one only, with the same fields in it."""

import ast
import importlib
import re
from pathlib import Path

import mooring.console
from mooring.console import (
    audit,
    explorer,
    model_editor,
    older,
    product,
    products,
    queues,
    saas_app_calls,
    saas_app_tabs,
    saas_apps,
    services,
    start,
    subscription_parts,
    texts,
    thing_model,
    thing_model_texts,
)
from mooring.console.commands import STEPS
from mooring.console.device_logs import EVENT_TYPES, STATUSES
from mooring.console.devices import AUTH_MODES
from mooring.console.end_user import BINDING_TYPES, COVERS
from mooring.console.frame import THEMES
from mooring.console.menu import MENU
from mooring.platform import Role
from mooring.platform.command_input import Kind
from mooring.thingmodel import RULES

FOLDER = Path(mooring.console.__file__).parent
MODULES = [
    importlib.import_module(f"mooring.console.texts.{path.stem}") for path in (FOLDER / "texts").glob("[!_]*.py")
]


def said() -> set[str]:
    """First arguments of `t(…)` and `view.t(…)` that are literals, and the texts that reach them by a name."""
    found = {text for heading, pages in MENU for text in (heading, *(name for name, _ in pages)) if text}
    found |= {*THEMES.values(), *(role.value for role in Role), *start.ATTENTION.values(), *STEPS}
    found |= {*product.TABS.values(), *products.NETWORKS.values(), *thing_model.CHANGES.values()}
    found |= {*thing_model_texts.SUB_TYPES.values(), *thing_model.KIND_NAMES.values(), *model_editor.SCRIPT_TEXTS}
    for names in (products.ACCESS_TYPES, products.DATA_FORMATS, products.GATEWAY_TYPES, products.BIND_MODES):
        found |= {*names.values()}
    found |= {*EVENT_TYPES.values(), *STATUSES.values(), *AUTH_MODES.values(), *(kind.value for kind in Kind)}
    found |= {*RULES.values(), *BINDING_TYPES.values(), *COVERS.values()}
    found.remove("X.509")
    found |= {*subscription_parts.LEVELS.values(), *subscription_parts.CODES.values(), *queues.QUEUE_STATES.values()}
    found |= {*saas_app_tabs.TABS.values(), *saas_app_calls.OUTCOMES.values(), *older.PERIODS.values()}
    found |= {*services.ABOUT.values(), *audit.KINDS.values(), *saas_apps.TIMES.values(), *explorer.SERVICES.values()}
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name == "t" and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found


def test_every_text_has_its_chinese() -> None:
    assert sorted(text for text in said() if texts.translate("CN", text) == text) == []


def test_a_text_has_one_chinese() -> None:
    known: dict[str, str] = {}
    for module in MODULES:
        for text, chinese in module.TEXTS.items():
            assert known.setdefault(text, chinese) == chinese, text


def test_both_languages_have_the_same_fields() -> None:
    for module in MODULES:
        for text, chinese in module.TEXTS.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese)), text


def test_every_module_of_texts_is_in_use() -> None:
    for module in MODULES:
        for text, chinese in module.TEXTS.items():
            assert texts.translate("CN", text) == chinese, f"{module.__name__} is not in texts/__init__.py"


def test_the_editors_script_has_every_text_it_says() -> None:
    script = (FOLDER / "static" / "model.js").read_text()
    assert set(re.findall(r'\bT\("([^"]+)"\)', script)) == set(model_editor.SCRIPT_TEXTS)
