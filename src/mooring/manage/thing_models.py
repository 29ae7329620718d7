"""Thing models of products: draft, difference, release, export, names in other languages."""

from typing import Any

import msgspec

from mooring.platform.thing_models import Release
from mooring.thingmodel import Checked, Difference, Fault

from .endpoint import AnyEndpoint, Call, Document, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS"]


class CopyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to copy from; `version` is a release of that product, its newest unless given."""

    source_product_key: str
    version: str | None = None


class DraftAnswer(msgspec.Struct, frozen=True):
    """The draft as it was stored, and what was dropped or looks wrong."""

    document: Document
    warnings: tuple[Fault, ...]


class Verdict(msgspec.Struct, frozen=True):
    """What a check found; nothing was stored."""

    valid: bool
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


class ReleaseList(msgspec.Struct, frozen=True):
    """Releases, newest first."""

    items: tuple[Release, ...]
    total: int


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts of one language by label; a label is a code or a path of codes such as `port.baud`."""

    labels: dict[str, str]


async def _import_draft(call: Call, request: Any) -> DraftAnswer:
    models = call.platform.thing_models
    return _draft_answer(await models.import_draft(call.actor, call.path["product_key"], request))


async def _copy_draft(call: Call, request: CopyRequest) -> DraftAnswer:
    checked = await call.platform.thing_models.copy_draft(
        call.actor, call.path["product_key"], request.source_product_key, request.version
    )
    return _draft_answer(checked)


async def _show_draft(call: Call, request: Nothing) -> Document:
    return await call.platform.thing_models.draft(call.actor, call.path["product_key"])


async def _discard_draft(call: Call, request: Nothing) -> Nothing:
    await call.platform.thing_models.discard(call.actor, call.path["product_key"])
    return Nothing()


async def _validate(call: Call, request: Any) -> Verdict:
    call.platform.products.one(call.account_id, call.path["product_key"])
    checked = call.platform.thing_models.validate(request)
    return Verdict(checked.document is not None, checked.faults, checked.warnings)


async def _show_difference(call: Call, request: Nothing) -> Difference:
    return await call.platform.thing_models.difference(call.actor, call.path["product_key"])


async def _release(call: Call, request: Nothing) -> Release:
    return await call.platform.thing_models.release(call.actor, call.path["product_key"])


async def _list_releases(call: Call, request: Page) -> ReleaseList:
    found = await call.platform.thing_models.releases(call.actor, call.path["product_key"])
    return ReleaseList(page_of(request, found, lambda release: release), len(found))


async def _show_release(call: Call, request: Nothing) -> Document:
    models = call.platform.thing_models
    return await models.export(call.actor, call.path["product_key"], call.path["version"])


async def _export(call: Call, request: Nothing) -> Document:
    return await call.platform.thing_models.export(call.actor, call.path["product_key"])


async def _show_labels(call: Call, request: Nothing) -> Labels:
    models = call.platform.thing_models
    return Labels(await models.labels(call.actor, call.path["product_key"], call.path["language"]))


async def _set_labels(call: Call, request: Labels) -> Labels:
    product_key, language = call.path["product_key"], call.path["language"]
    await call.platform.thing_models.set_labels(call.actor, product_key, language, request.labels)
    return await _show_labels(call, Nothing())


def _draft_answer(checked: Checked) -> DraftAnswer:
    return DraftAnswer(checked.document or {}, checked.warnings)


_MODEL = "/products/{product_key}/thing-model"
_DRAFT = f"{_MODEL}/draft"
_LABELS = f"{_MODEL}/labels/{{language}}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("PUT", _DRAFT, "Replace the draft by a document", _import_draft, Any, DraftAnswer, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_DRAFT}/copy",
        "Replace the draft by a release of another product",
        _copy_draft,
        CopyRequest,
        DraftAnswer,
        errors=_BUSY,
    ),
    Endpoint("GET", _DRAFT, "The draft", _show_draft, Nothing, Document),
    Endpoint("DELETE", _DRAFT, "Drop the draft", _discard_draft, Nothing, Nothing, status=204, errors=_BUSY),
    Endpoint("POST", f"{_MODEL}/validate", "Check a document; nothing is stored", _validate, Any, Verdict),
    Endpoint(
        "GET",
        f"{_MODEL}/difference",
        "The draft against the released model",
        _show_difference,
        Nothing,
        Difference,
    ),
    Endpoint("POST", f"{_MODEL}/release", "Release the draft", _release, Nothing, Release, errors=_BUSY),
    Endpoint("GET", f"{_MODEL}/releases", "Releases, newest first", _list_releases, Page, ReleaseList),
    Endpoint("GET", f"{_MODEL}/releases/{{version}}", "One release", _show_release, Nothing, Document),
    Endpoint("GET", f"{_MODEL}/export", "The newest release as a document", _export, Nothing, Document),
    Endpoint("GET", _LABELS, "Names of the released model in a language", _show_labels, Nothing, Labels),
    Endpoint("PUT", _LABELS, "Translate names of the released model", _set_labels, Labels, Labels, errors=_BUSY),
)
