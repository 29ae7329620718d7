"""The editor of a thing model. The draft is edited in the browser by static/model.js and checked here as one types."""

import asyncio
from typing import Any

import msgspec

from mooring.platform import Invalid, Missing, Role
from mooring.platform.entities import Product
from mooring.platform.model_samples import sample_models
from mooring.thingmodel import RULES, Checked, Fault

from .html import Html, tag
from .page import Action, AnyRoute, Done, Download, File, Form, Page, Shown, View, address
from .parts import form, select_field
from .product import product_of
from .thing_model import DRAFT, MODEL, draft_of, released_of
from .thing_model_texts import KINDS

__all__ = ["ROUTES", "SCRIPT_TEXTS"]

SCRIPT_TEXTS = (
    "Access",
    "Add a field",
    "Add a property of the model",
    "Add a value",
    "Add an own parameter",
    "Alert",
    "Asynchronous",
    "Change",
    "Data type",
    "Definition",
    "Delete",
    "Description",
    "Duplicate",
    "Element type",
    "Event",
    "Fault",
    "Field",
    "Fields",
    "ID",
    "Identifier",
    "Imported. Nothing is saved yet.",
    "Information",
    "Inputs",
    "Kind",
    "Level",
    "Longest, in bytes",
    "Max",
    "Min",
    "Most elements",
    "Move down",
    "Move up",
    "Multiple",
    "Name",
    "Name of false",
    "Name of true",
    "New event",
    "New property",
    "New service",
    "No feature matches.",
    "Number",
    "Off",
    "On",
    "Outputs",
    "Parameter",
    "Property",
    "Read",
    "Read and write",
    "Remove",
    "Service",
    "Step",
    "That is no JSON: {reason}",
    "The model is empty. Add a feature, or import one.",
    "UTC time in milliseconds, 13 digits.",
    "Unit",
    "Values",
    "Write",
    "faults",
    "in",
    "is used by",
    "out",
)
"""What static/model.js says."""
_STAMP = "0" * 17  # any version is right in a document to import; the platform gives its own


async def _edit(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    path = {"product_key": product.product_key}
    draft = await draft_of(view, product)
    document = draft or await released_of(view, product) or {}
    features = {kind: document.get(kind, []) for kind in KINDS}
    body = tag.div(
        tag.textarea(msgspec.json.encode(features).decode(), id="model-document", hidden=True, aria_hidden="true"),
        tag.textarea(
            msgspec.json.encode({text: t(text) for text in SCRIPT_TEXTS}).decode(), id="model-texts", hidden=True
        ),
        _toolbar(view),
        tag.div(
            tag.section(_search(view), tag.div(id="model-features"), class_="card"),
            tag.section(
                tag.header(tag.h2(t("Check"))), tag.div(id="model-findings", aria_live="polite"), class_="card findings"
            ),
            class_="editor",
        ),
        _feature_box(view),
        _import_box(view, product),
        id="model",
        data_check=address(_CHECK.path, None, **path),
        data_save=address(_SAVE.path, None, **path),
        data_review=address(f"{MODEL}/review", None, **path),
    )
    crumbs = [
        (t("Products"), "/products"),
        (product.name, f"/products/{product.product_key}"),
        (t("Thing model"), f"/products/{product.product_key}/model"),
    ]
    return Shown(t("Edit the thing model"), body, _save_buttons(view), crumbs, scripts=("model.js",))


def _save_buttons(view: View) -> list[Html]:
    t = view.t
    return [
        tag.span(t("Unsaved changes"), class_="badge warn", id="model-unsaved", hidden=True),
        tag.button(t("Save the draft"), type="button", data_model="save", class_="primary"),
        tag.button(t("Save and compare"), type="button", data_model="review"),
    ]


def _toolbar(view: View) -> Html:
    t = view.t
    return tag.div(
        tag.button(t("Add a property"), type="button", data_model="properties"),
        tag.button(t("Add an event"), type="button", data_model="events"),
        tag.button(t("Add a service"), type="button", data_model="services"),
        tag.span(class_="push"),
        tag.button(t("Undo"), type="button", data_model="undo", disabled=True, title="Ctrl+Z"),
        tag.button(t("Redo"), type="button", data_model="redo", disabled=True, title="Ctrl+Y"),
        tag.button(t("Import"), type="button", data_opens="model-import", aria_haspopup="dialog"),
        tag.button(t("Export the draft"), type="button", data_model="export"),
        class_="buttons toolbar",
        role="toolbar",
        aria_label=t("Editing"),
    )


def _search(view: View) -> Html:
    return tag.div(
        tag.label(tag.span(view.t("Name or identifier")), tag.input(type="search", id="model-search"), class_="field"),
        class_="filters",
    )


def _feature_box(view: View) -> Html:
    t = view.t
    return tag.dialog(
        tag.header(
            tag.h2(id="model-feature-title"),
            tag.button("×", type="button", class_="quiet", data_close=True, aria_label=t("Close")),
        ),
        tag.form(
            tag.div(id="model-feature-fields"),
            tag.div(class_="error", role="alert", id="model-feature-error", hidden=True),
            tag.div(
                tag.button(t("Cancel"), type="button", data_close=True),
                tag.button(t("Apply"), type="submit", class_="primary"),
                class_="buttons end",
            ),
            method="dialog",
            id="model-feature-form",
            autocomplete="off",
            novalidate=True,
        ),
        id="model-feature",
        class_="wide",
        aria_labelledby="model-feature-title",
    )


def _import_box(view: View, product: Product) -> Html:
    t = view.t
    others = [
        (each.product_key, f"{each.name} ({each.product_key})")
        for each in view.platform.products.all(view.account_id)
        if each.id != product.id and each.released_version is not None
    ]
    samples = [(name, name) for name in sample_models()]
    copy = form(
        view,
        _COPY,
        select_field("source_product_key", t("Product"), others),
        path={"product_key": product.product_key},
        submit=t("Copy"),
        confirm=t("The draft is replaced by the released model of that product."),
    )
    return tag.dialog(
        tag.header(
            tag.h2(t("Import"), id="model-import-title"),
            tag.button("×", type="button", class_="quiet", data_close=True, aria_label=t("Close")),
        ),
        tag.p(t("What is in the editor is replaced. Undo brings it back."), class_="note warn"),
        tag.fieldset(
            tag.legend(t("From a file")),
            tag.label(
                tag.span(t("Exported thing model (JSON)")),
                tag.input(type="file", id="model-file", accept=".json,application/json"),
                class_="field",
            ),
            tag.div(id="model-import-findings"),
        ),
        tag.fieldset(
            tag.legend(t("From a sample")),
            select_field("sample", t("Sample"), samples),
            tag.div(tag.button(t("Load"), type="button", data_model="sample"), class_="buttons end"),
            id="model-samples",
            data_from=address("/samples/{name}", None),
        ),
        others and tag.fieldset(tag.legend(t("From another product")), copy),
        id="model-import",
        aria_labelledby="model-import-title",
    )


async def _check(view: View, sent: Form) -> Done:
    product = product_of(view)
    return Done(show=_findings(view, view.platform.thing_models.validate(_document(product, sent))))


async def _save(view: View, sent: Form) -> Done:
    product = product_of(view)
    await view.platform.thing_models.import_draft(view.actor, product.product_key, _document(product, sent))
    return Done(notice=view.t("The draft is saved."))


async def _copy(view: View, sent: Form) -> Done:
    product = product_of(view)
    await view.platform.thing_models.copy_draft(
        view.actor, product.product_key, sent.text("source_product_key"), sent.optional("version")
    )
    return Done(f"/products/{product.product_key}/model/edit", view.t("The draft is replaced."))


async def _sample(view: View) -> File:
    name = view.path["name"]
    path = sample_models().get(name)
    if path is None:
        raise Missing("no_such_sample", f"there is no sample {name!r}")
    return File(path.name, await asyncio.to_thread(path.read_bytes), "application/json")


def _document(product: Product, sent: Form) -> Any:
    """What was sent as a document to import; a missing profile is that of the product. Raises Invalid."""
    try:
        document = msgspec.json.decode(sent.text("document"))
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Invalid("json", f"the document is no JSON: {error}", field="document") from None
    if not isinstance(document, dict):
        return document
    return {"profile": {"productKey": product.product_key, "version": _STAMP}, **document}


def _findings(view: View, checked: Checked) -> Html:
    t = view.t
    if not checked.faults and not checked.warnings:
        return tag.p(t("No fault was found."), class_="note good")
    return tag.ul(
        [_finding(view, fault, "fault") for fault in checked.faults],
        [_finding(view, fault, "warning") for fault in checked.warnings],
        class_="finding-list",
    )


def _finding(view: View, fault: Fault, kind: str) -> Html:
    said = view.t(RULES[fault.rule]) + fault.message.removeprefix(RULES[fault.rule])
    return tag.li(
        tag.button(fault.path, type="button", class_="small", data_jump=True),
        " ",
        tag.span(said, class_="said"),
        fault.value and tag.code(f" {fault.value}"),
        class_=kind,
        data_path=fault.path,
        data_kind=kind,
    )


_CHECK = Action(f"{MODEL}/check", _check)
_SAVE = Action(DRAFT, _save)
_COPY = Action(f"{DRAFT}/copy", _copy)

ROUTES: tuple[AnyRoute, ...] = (
    Page(f"{MODEL}/edit", _edit, Role.DEVELOPER),
    Download("/samples/{name}", _sample),
    _CHECK,
    _SAVE,
    _COPY,
)
