"""Every English text that the console says has its Chinese, one only, with the same fields in it."""

import ast
import importlib
import re
from pathlib import Path

import pytest

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


def template(node: ast.AST) -> str | None:
    """What a text in the code says, with {} for what it puts there."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def sources() -> list[ast.AST]:
    """Everything in the code that may word a refusal."""
    root = FOLDER.parent
    files = [path for folder in ("platform", "thingmodel", "console") for path in (root / folder).rglob("*.py")]
    return [node for path in files if path.parent.name != "texts" for node in ast.walk(ast.parse(path.read_text()))]


def blank(text: str) -> str:
    return re.sub(r"{\w+}", "{}", text)


def test_each_refusal_that_has_chinese_is_one_of_the_platforms() -> None:
    known = {said for said in map(template, sources()) if said}
    said = {text: blank(text) for text in texts.refusals.TEXTS}
    assert [text for text, form in said.items() if form not in known and form.removeprefix("{}: ") not in known] == []


def test_refusals_about_names_and_limits_have_their_chinese() -> None:
    left = []
    for node in sources():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            code, message = template(node.args[0]) or "", template(node.args[1])
            about = code.endswith(("_taken", "_limit")) or node.func.id == "LimitReached"
            if about and message and node.func.id in ("Conflict", "Invalid", "LimitReached"):
                filled = message.replace("{}", "7")
                left += [message] if texts.translate_refusal("CN", filled) == filled else []
    assert left == []


@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        ("there is a product 'Lamp' already", "已有名为 'Lamp' 的产品"),
        ("device_key must be 4 to 32 letters and digits", "device_key 必须是4 到 32 个字母或数字"),
        ("name has 60 characters; 1 to 50 are allowed", "name 有 60 个字符,允许 1 到 50 个"),
        ("line 3: SN 7 is given twice; nothing was added", "第 3 行:SN 7 重复;未添加任何设备"),
        ("tariff[2].price: must not be above 5", "tariff[2].price 不能大于 5"),
        ("countdown: must be a whole number", "countdown 必须是整数"),
        ("nobody has translated this", "nobody has translated this"),
        ("{field} is " * 200, "{field} is " * 200),
    ],
)
def test_a_refusal_is_told_in_chinese(message: str, chinese: str) -> None:
    assert texts.translate_refusal("CN", message) == chinese
    assert texts.translate_refusal("EN", message) == message
