"""Names of the released thing model in other languages (contract tsl.md section 14)."""

from mooring.platform import Role
from mooring.thingmodel import label_texts

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import card, empty, form, hidden, tabs
from .product import product_of, shown
from .texts import LANGUAGES
from .thing_model import released_of

__all__ = ["ROUTES"]

_NAMES = "/products/{product_key}/names"
_FIELD = "label:"


async def _show_names(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    document = await released_of(view, product)
    if document is None:
        return shown(
            view, product, _NAMES, card("", empty(t("Names can be translated once a thing model is released.")))
        )
    language = view.query.get("tab", "CN")
    if language not in LANGUAGES:
        language = "CN"
    given = label_texts(document)
    labels = await view.platform.thing_models.labels(view.actor, product.product_key, language)
    rows = _rows(view, given, labels)
    body = tag.div(
        tag.p(
            t("A name that is not translated is shown as the model has it. Codes, ids and units are never translated.")
        ),
        form(
            view,
            _SAVE,
            hidden("language", language),
            rows,
            path={"product_key": product.product_key},
            submit=t("Save"),
        )
        or rows,
        class_="card",
    )
    bar = tabs(view, [*LANGUAGES.items()], language, t("Language"))
    return shown(view, product, _NAMES, bar, body)


def _rows(view: View, given: "dict[str, str]", labels: "dict[str, str]") -> Html:
    t = view.t
    editable = view.may(Role.DEVELOPER)

    def cell(key: str, text: str) -> Child:
        translated = labels[key] if labels[key] != text else ""
        if not editable:
            return translated or "–"
        return tag.input(
            type="text", name=f"{_FIELD}{key}", value=translated, placeholder=text, maxlength=128, aria_label=key
        )

    head = (tag.th(text, scope="col") for text in (t("Label"), t("Name in the model"), t("Translation")))
    body = (
        tag.tr(
            tag.td(tag.code(key), data_label=t("Label")),
            tag.td(text, data_label=t("Name in the model")),
            tag.td(cell(key, text), data_label=t("Translation")),
        )
        for key, text in given.items()
    )
    return tag.div(
        tag.table(tag.caption(t("Names")), tag.thead(tag.tr(head)), tag.tbody(body)),
        class_="table",
        tabindex=0,
        role="region",
        aria_label=t("Names"),
    )


async def _save_names(view: View, sent: Form) -> Done:
    labels = {
        name.removeprefix(_FIELD): sent.text(name).strip()
        for name in sent.names
        if name.startswith(_FIELD) and sent.text(name).strip()
    }
    product_key = view.path["product_key"]
    await view.platform.thing_models.set_labels(view.actor, product_key, sent.text("language"), labels)
    return Done(notice=view.t("Saved."))


_SAVE = Action(_NAMES, _save_names)

ROUTES: tuple[AnyRoute, ...] = (Page(_NAMES, _show_names), _SAVE)
