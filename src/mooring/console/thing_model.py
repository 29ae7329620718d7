"""The thing model of a product: its features, the draft beside the release, releasing, exporting."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mooring.platform import Invalid, Missing, Role
from mooring.platform.entities import Product
from mooring.platform.thing_models import Release
from mooring.thingmodel import Difference
from mooring.thingmodel.compare import MemberChange

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Download, File, Form, Page, Shown, View, address
from .parts import (
    Column,
    action_button,
    badge,
    card,
    check_field,
    choice,
    empty,
    filters,
    form,
    link,
    link_button,
    moment,
    note,
    search,
    table,
)
from .product import product_of, shown
from .thing_model_texts import KINDS, SUB_TYPES, definition_of

__all__ = ["CHANGES", "DRAFT", "KIND_NAMES", "MODEL", "ROUTES", "draft_of", "released_of"]

MODEL = "/products/{product_key}/model"
DRAFT = f"{MODEL}/draft"
CHANGES = {"added": "Added", "removed": "Removed", "changed": "Altered"}
"""English names of the kinds of `Change`."""
KIND_NAMES = {"property": "Property", "event": "Event", "service": "Service"}
"""English names of the kinds of feature."""
_TONES = {"added": "good", "removed": "bad", "changed": "info"}
_Feature = Mapping[str, Any]


async def draft_of(view: View, product: Product) -> dict[str, Any] | None:
    """The draft, None when there is none."""
    try:
        return await view.platform.thing_models.draft(view.actor, product.product_key)
    except Missing:
        return None


async def released_of(view: View, product: Product) -> dict[str, Any] | None:
    """The released model as it is exported, None when there is none."""
    if product.released_version is None:
        return None
    return await view.platform.thing_models.export(view.actor, product.product_key)


async def _show_model(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    if product.data_fmt == 0:
        return shown(view, product, MODEL, card("", empty(t("A transparent product has no thing model."))))
    draft = await draft_of(view, product)
    releases = await view.platform.thing_models.releases(view.actor, product.product_key)
    document = await released_of(view, product)
    buttons = [
        product.released_version and link_button(t("Export"), f"{MODEL}/export", product_key=product.product_key),
        draft is not None and link_button(t("Compare and release"), f"{MODEL}/review", product_key=product.product_key),
        view.may(Role.DEVELOPER)
        and link_button(t("Edit"), f"{MODEL}/edit", primary=True, product_key=product.product_key),
    ]
    remark = draft is not None and note(
        (
            t("There is a draft. Devices and applications use the released model until it is released."),
            " ",
            link(t("Compare and release"), f"{MODEL}/review", product_key=product.product_key),
        )
    )
    history = card(t("Releases"), _releases(view, product, releases)) if releases else None
    return shown(view, product, MODEL, remark or None, _features(view, document, product), history, actions=buttons)


def _features(view: View, document: Mapping[str, Any] | None, product: Product) -> Html:
    t = view.t
    if document is None:
        start = view.may(Role.DEVELOPER) and link_button(
            t("Edit"), f"{MODEL}/edit", primary=True, product_key=product.product_key
        )
        return card(t("Features"), empty(t("No thing model is released yet."), start))
    wanted, text = view.query.get("kind", ""), view.query.get("text", "").strip().casefold()
    features = sorted(
        (feature for kind in KINDS for feature in document.get(kind, ())), key=lambda each: each.get("sort", 0)
    )
    found = [
        feature
        for feature in features
        if wanted in ("", feature["type"])
        and (text in feature["name"].casefold() or text in feature["code"].casefold())
    ]
    bar = filters(
        view,
        search(view, "text", t("Name or identifier")),
        choice(view, "kind", t("Kind"), [(kind.upper(), t(name)) for kind, name in KIND_NAMES.items()]),
    )
    rows = table(_columns(view), found, t("Features")) if found else empty(t("Nothing found."))
    return card(t("Features"), bar, tag.div(rows, id="listing"))


def _columns(view: View) -> Sequence[Column[_Feature]]:
    t = view.t
    return [
        Column(t("ID"), lambda feature: feature["id"]),
        Column(t("Kind"), lambda feature: t(KIND_NAMES[feature["type"].lower()])),
        Column(t("Name"), lambda feature: feature["name"]),
        Column(t("Identifier"), lambda feature: tag.code(feature["code"])),
        Column(t("Data type"), lambda feature: feature.get("dataType")),
        Column(t("Definition"), lambda feature: definition_of(view, feature)),
        Column(t("Access"), lambda feature: t(SUB_TYPES[feature["subType"]])),
        Column(t("Description"), lambda feature: feature.get("desc")),
    ]


def _releases(view: View, product: Product, releases: Sequence[Release]) -> Html:
    t = view.t
    columns: list[Column[Release]] = [
        Column(t("Version"), lambda release: tag.code(release.version)),
        Column(t("Released"), lambda release: moment(release.released_at)),
        Column(t("State"), lambda release: badge(t("In use"), "good") if release.current else badge(t("Earlier"))),
        Column(
            t("Export"),
            lambda release: tag.a(
                "JSON",
                href=address(f"{MODEL}/export", {"version": release.version}, product_key=product.product_key),
                aria_label=t("Export version {version}", version=release.version),
            ),
        ),
    ]
    return table(columns, releases[:100], t("Releases"))


async def _export(view: View) -> File:
    product = product_of(view)
    version = view.query.get("version") or None
    document = await view.platform.thing_models.export(view.actor, product.product_key, version)
    content = msgspec.json.format(msgspec.json.encode(document), indent=2)
    stamp = version or product.released_version or ""
    return File(f"{product.product_key}-{stamp}.json", content, "application/json")


async def _review(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    path = {"product_key": product.product_key}
    draft = await draft_of(view, product)
    edit = view.may(Role.DEVELOPER) and link_button(t("Edit"), f"{MODEL}/edit", product_key=product.product_key)
    if draft is None:
        return shown(view, product, MODEL, card("", empty(t("There is no draft."), edit)))
    difference = await view.platform.thing_models.difference(view.actor, product.product_key)
    buttons = [
        action_button(view, _DISCARD, t("Discard the draft"), path=path, confirm=t("Discard the draft?"), danger=True),
        edit,
    ]
    if difference.empty:
        same = card(t("Draft and released model"), empty(t("The draft defines the same as the released model.")))
        return shown(view, product, MODEL, same, actions=buttons)
    release = form(
        view,
        _RELEASE,
        check_field("reviewed", t("I have reviewed the changes. They hold for every device of the product at once.")),
        path=path,
        submit=t("Release"),
    )
    body = card(t("Draft and released model"), _comparison(view, difference))
    return shown(view, product, MODEL, body, release and card(t("Release"), release), actions=buttons)


def _comparison(view: View, difference: Difference) -> Child:
    t = view.t
    columns: list[Column[MemberChange]] = [
        Column(t("Member"), lambda member: tag.code(member.path)),
        Column(t("Released"), lambda member: _side(member.old, "old")),
        Column(t("Draft"), lambda member: _side(member.new, "new")),
    ]
    return [
        tag.section(
            tag.h3(
                badge(t(CHANGES[change.kind]), _TONES[change.kind]),
                f" {t(KIND_NAMES[change.feature_type.lower()])} {change.id}: {change.name} ",
                tag.code(change.code),
            ),
            table(columns, change.members, f"{change.name} ({change.code})"),
            class_="change",
        )
        for change in difference.changes
    ]


def _side(value: object, side: str) -> Child:
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
    return tag.span(text or '""', class_=f"side-{side}")


async def _release(view: View, sent: Form) -> Done:
    if not sent.flag("reviewed"):
        raise Invalid("reviewed", view.t("Tick that you have reviewed the changes."), field="reviewed")
    product = product_of(view)
    made = await view.platform.thing_models.release(view.actor, product.product_key)
    to = address(MODEL, None, product_key=product.product_key).removeprefix("/console")
    return Done(to, view.t("Version {version} is released.", version=made.version))


async def _discard(view: View, sent: Form) -> Done:
    product = product_of(view)
    await view.platform.thing_models.discard(view.actor, product.product_key)
    to = address(MODEL, None, product_key=product.product_key).removeprefix("/console")
    return Done(to, view.t("The draft is discarded."))


_RELEASE = Action(f"{MODEL}/release", _release)
_DISCARD = Action(f"{MODEL}/discard", _discard)

ROUTES: tuple[AnyRoute, ...] = (
    Page(MODEL, _show_model),
    Page(f"{MODEL}/review", _review),
    Download(f"{MODEL}/export", _export),
    _RELEASE,
    _DISCARD,
)
