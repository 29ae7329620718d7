"""The editor of a thing model, as somebody with a browser uses it: every data type, rules, undo, import, release."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from console.looking import Looker, Seen, faults_of, overflow_of
from mooring.platform.model_samples import sample_models


@pytest.fixture
def product_key(owner: Looker) -> str:
    """A new product without a model."""
    made = owner.served.manage("POST", "/products", {"name": f"Model {secrets.token_hex(4)}"})
    return str(made["product_key"])


def draft(owner: Looker, product_key: str) -> Any:
    return owner.served.manage("GET", f"/products/{product_key}/thing-model/draft")


def edit(owner: Looker, opened: Callable[..., Page], product_key: str, **how: object) -> Page:
    page = opened(owner, f"/products/{product_key}/model/edit", **how)
    expect(page.locator("#model-findings")).not_to_be_empty()
    return page


def add(page: Page, button: str, code: str) -> Locator:
    """The box of a new feature."""
    page.get_by_role("button", name=button).click()
    box = page.locator("#model-feature")
    box.get_by_label("Identifier", exact=True).fill(code)
    box.get_by_label("Name", exact=True).first.fill(f"The {code}")
    return box


def apply(page: Page) -> None:
    page.locator("#model-feature").get_by_role("button", name="Apply").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("#model-unsaved")).to_be_hidden()


def fill(box: Locator, values: dict[str, str]) -> None:
    for label, value in values.items():
        box.get_by_label(label).fill(value)


def make_bool(box: Locator) -> None:
    fill(box, {"Name of true": "Open", "Name of false": "Shut"})


def make_number(box: Locator) -> None:
    fill(box, {"Unit": "°C", "Min": "-10", "Max": "50", "Step": "2"})


def make_enum(box: Locator) -> None:
    box.get_by_role("button", name="Add a value").click()
    for index, name in enumerate(("Slow", "Fast")):
        box.locator(".option").nth(index).get_by_label("Name", exact=True).fill(name)


def make_length(box: Locator) -> None:
    fill(box, {"Longest, in bytes": "100"})


def make_nothing(box: Locator) -> None:
    """A date has nothing to say."""


def make_struct(box: Locator) -> None:
    box.locator("summary").click()
    field = box.locator("details").first
    fill(field, {"Identifier": "depth"})
    field.get_by_label("Data type").select_option("ENUM")
    field.get_by_label("Name", exact=True).last.fill("Deep")
    box.get_by_role("button", name="Add a field").click()


def make_array(box: Locator) -> None:
    box.get_by_label("Element type").select_option("DOUBLE")
    fill(box, {"Most elements": "7", "Min": "0", "Max": "1.5"})


def make_array_of_structs(box: Locator) -> None:
    box.get_by_label("Element type").select_option("STRUCT")
    fill(box, {"Most elements": "3"})


NUMBER = {"unit": "°C", "min": "-10", "max": "50", "multiple": "", "step": "2"}
INT = {"unit": "", "min": "", "max": "", "multiple": "", "step": ""}
FIELD = {"specs": INT, "code": "field_1", "dataType": "INT", "name": "Field 1", "id": 1}
TYPES: dict[str, tuple[str, Callable[[Locator], None], object]] = {
    "b": (
        "BOOL",
        make_bool,
        [
            {"dataType": "BOOL", "name": "Open", "value": "true"},
            {"dataType": "BOOL", "name": "Shut", "value": "false"},
        ],
    ),
    "i": ("INT", make_number, NUMBER),
    "f": ("FLOAT", make_number, NUMBER),
    "d": ("DOUBLE", make_number, NUMBER),
    "e": (
        "ENUM",
        make_enum,
        [{"dataType": "ENUM", "name": "Slow", "value": "0"}, {"dataType": "ENUM", "name": "Fast", "value": "1"}],
    ),
    "t": ("TEXT", make_length, {"length": "100"}),
    "r": ("RAW", make_length, {"length": "100"}),
    "at": ("DATE", make_nothing, {"length": "13"}),
    "s": (
        "STRUCT",
        make_struct,
        [
            {
                "specs": [{"dataType": "ENUM", "name": "Deep", "value": "0"}],
                "code": "depth",
                "dataType": "ENUM",
                "name": "Field 1",
                "id": 1,
            },
            {"specs": INT, "code": "field_2", "dataType": "INT", "name": "Field 2", "id": 2},
        ],
    ),
    "list": (
        "ARRAY",
        make_array,
        {"numberSpecs": {"min": "0", "max": "1.5", "step": ""}, "size": "7", "dataType": "DOUBLE"},
    ),
    "rows": ("ARRAY", make_array_of_structs, {"specs": [FIELD], "size": "3", "dataType": "STRUCT"}),
}


def test_every_data_type_is_made_by_its_form_and_released(
    owner: Looker, opened: Callable[..., Page], product_key: str
) -> None:
    page = edit(owner, opened, product_key)
    for code, (data_type, make, _) in TYPES.items():
        box = add(page, "Add a property", code)
        box.get_by_label("Data type").first.select_option(data_type)
        make(box)
        apply(page)
    box = add(page, "Add an event", "alarm")
    box.get_by_label("Level").select_option("WARN")
    box.get_by_role("button", name="Add a property of the model").click()
    box.get_by_role("button", name="Add an own parameter").click()
    apply(page)
    box = add(page, "Add a service", "go")
    box.get_by_role("group", name="Inputs").get_by_role("button", name="Add an own parameter").click()
    box.get_by_role("group", name="Outputs").get_by_role("button", name="Add a property of the model").click()
    apply(page)
    expect(page.locator("#model-findings")).to_have_text("No fault was found.")
    save(page)
    page.get_by_role("button", name="Save and compare").click()
    page.wait_for_url("**/model/review")
    page.get_by_label("I have reviewed the changes").check()
    page.get_by_role("button", name="Release", exact=True).click()
    page.wait_for_url("**/model")
    released = owner.served.manage("GET", f"/products/{product_key}/thing-model/export")
    found = {each["code"]: (each["dataType"], each.get("specs")) for each in released["properties"]}
    assert found == {code: (data_type, specs) for code, (data_type, _, specs) in TYPES.items()}
    [event], [service] = released["events"], released["services"]
    assert (event["subType"], [len(event["outputData"]), event["outputData"][0]]) == (
        "WARN",
        [2, {"$ref": "#/properties/id/1"}],
    )
    assert [len(service[name]) for name in ("inputData", "outputData")] == [1, 1]


def test_a_broken_rule_is_told_at_its_field_and_the_list_leads_there(
    owner: Looker, opened: Callable[..., Page], product_key: str, seen: Seen
) -> None:
    seen.expected.add(422)
    page = edit(owner, opened, product_key)
    box = add(page, "Add a property", "level")
    box.get_by_label("Data type").select_option("INT")
    fill(box, {"Min": "9", "Max": "3"})
    wrong = box.locator(".field.wrong")
    expect(wrong).to_contain_text("min must not be above max. max is 3.")
    fill(box, {"Identifier": "a b"})
    expect(wrong).to_have_count(2)
    apply(page)
    findings = page.locator("#model-findings li")
    expect(findings).to_have_count(2)
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("#notices")).to_contain_text("2 fault(s); nothing was imported")
    expect(page.locator("#model-unsaved")).to_be_visible()
    page.get_by_role("button", name="properties[0].specs.min").click()
    expect(box.get_by_label("Min")).to_be_focused()
    fill(box, {"Min": "1", "Identifier": "level"})
    apply(page)
    expect(page.locator("#model-findings")).to_have_text("No fault was found.")
    save(page)
    assert draft(owner, product_key)["properties"][0]["specs"]["min"] == "1"


def test_undo_and_redo_go_through_every_step(owner: Looker, opened: Callable[..., Page], product_key: str) -> None:
    page = edit(owner, opened, product_key)
    rows = page.locator("#model-features tbody tr")
    for code in ("one", "two"):
        add(page, "Add a property", code)
        apply(page)
    page.get_by_role("button", name="Move up: The two").click()
    expect(rows.first).to_contain_text("The two")
    page.get_by_role("button", name="Delete: The two").click()
    expect(rows).to_have_count(1)
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    expect(rows.first).to_contain_text("The two")
    undo.click()
    expect(rows.first).to_contain_text("The one")
    page.keyboard.press("Control+z")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Redo").click()
    expect(rows).to_have_count(2)
    expect(page.locator("#model-unsaved")).to_be_visible()
    undo.click()
    undo.click()
    expect(page.locator("#model-unsaved")).to_be_hidden()


def test_a_property_in_use_stays(owner: Looker, opened: Callable[..., Page], product_key: str) -> None:
    page = edit(owner, opened, product_key)
    add(page, "Add a property", "warmth")
    apply(page)
    add(page, "Add an event", "hot").get_by_role("button", name="Add a property of the model").click()
    apply(page)
    page.get_by_role("button", name="Delete: The warmth").click()
    expect(page.locator("#notices")).to_contain_text("The warmth is used by The hot")
    expect(page.locator("#model-features tbody tr")).to_have_count(2)


def test_import_takes_files_and_samples_and_nothing_of_a_wrong_one(
    owner: Looker, opened: Callable[..., Page], product_key: str
) -> None:
    page = edit(owner, opened, product_key)
    rows = page.locator("#model-features tbody tr")

    def give(name: str, content: str) -> None:
        page.locator("#model-file").set_input_files(
            {"name": name, "mimeType": "application/json", "buffer": content.encode()}
        )

    page.get_by_role("button", name="Import", exact=True).click()
    findings = page.locator("#model-import-findings")
    give("broken.json", "{")
    expect(findings).to_contain_text("That is no JSON")
    plug = json.loads(sample_models()["smart-plug"].read_text())
    give("wrong.json", json.dumps({**plug, "properties": [{**plug["properties"][0], "subType": "WR"}]}))
    expect(findings).to_contain_text("subType of a property must be R, W or RW.")
    expect(rows).to_have_count(0)
    give("plug.json", json.dumps(plug))
    expect(rows).to_have_count(sum(len(plug[kind]) for kind in ("properties", "events", "services")))
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_label("Sample").select_option("tracker")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator("#model-import")).to_be_hidden()
    save(page)
    tracker = json.loads(sample_models()["tracker"].read_text())
    stored = draft(owner, product_key)
    for kind in ("properties", "events", "services"):
        assert [each["code"] for each in stored.get(kind, ())] == [each["code"] for each in tracker.get(kind, ())]


def test_another_products_model_is_copied(owner: Looker, opened: Callable[..., Page], product_key: str) -> None:
    page = edit(owner, opened, product_key)
    page.get_by_role("button", name="Import", exact=True).click()
    box = page.locator("#model-import")
    box.get_by_label("Product").select_option(owner.served.product_key)
    box.get_by_role("button", name="Copy", exact=True).click()
    page.locator("#question").get_by_role("button", name="Confirm").click()
    expect(page.locator("#model-features")).to_contain_text("Relay")
    assert draft(owner, product_key)["properties"][0]["code"] == "relay"


def test_the_difference_stands_side_by_side_and_texts_stay_texts(
    owner: Looker, opened: Callable[..., Page], product_key: str, seen: Seen
) -> None:
    seen.expected.add(422)
    evil = "<img src=x onerror=alert(1)>"
    document = json.loads(sample_models()["smart-plug"].read_text())
    model = f"/products/{product_key}/thing-model"
    owner.served.manage("PUT", f"{model}/draft", document)
    owner.served.manage("POST", f"{model}/release")
    document["properties"][0]["name"] = evil
    document["properties"][0]["specs"][0]["name"] = evil
    document["properties"][0]["desc"] = evil
    owner.served.manage("PUT", f"{model}/draft", document)
    page = opened(owner, f"/products/{product_key}/model")
    page.get_by_role("link", name="Compare and release").first.click()
    row = page.get_by_role("row").filter(has_text="specs[value=true].name")
    expect(row.locator(".side-old")).to_have_text("On")
    expect(row.locator(".side-new")).to_have_text(evil)
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("Tick that you have reviewed the changes.")
    page.get_by_label("I have reviewed").check()
    page.get_by_role("button", name="Release", exact=True).click()
    page.wait_for_url("**/model")
    for path in ("", "/model", "/names", "/model/edit"):
        page.goto(owner.url(f"/products/{product_key}{path}"))
        assert page.locator("img[src=x]").count() == 0
    page.get_by_role("button", name=evil, exact=True).click()
    expect(page.locator("#model-feature-title")).to_contain_text(evil)
    assert page.locator("img[src=x]").count() == 0


def test_a_name_is_translated(owner: Looker, opened: Callable[..., Page], product_key: str) -> None:
    model = f"/products/{product_key}/thing-model"
    owner.served.manage("PUT", f"{model}/draft", json.loads(sample_models()["smart-plug"].read_text()))
    owner.served.manage("POST", f"{model}/release")
    page = opened(owner, f"/products/{product_key}/names")
    page.get_by_label("relay=true").fill("开启")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text("Saved.")
    expect(page.get_by_label("relay=true")).to_have_value("开启")
    assert owner.served.manage("GET", f"{model}/labels/CN")["labels"]["relay=true"] == "开启"


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 360)])
def test_the_box_of_a_feature_fits_and_is_accessible(
    owner: Looker, opened: Callable[..., Page], theme: str, width: int
) -> None:
    page = edit(owner, opened, owner.served.product_key, theme=theme, width=width)
    page.get_by_role("button", name="Overload cut-off", exact=True).click()
    page.locator("#model-feature summary").first.click()
    assert (overflow_of(page), faults_of(page)) == ([], [])
