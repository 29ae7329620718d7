"""Statements about thing models: drafts, releases, translated labels. Documents are JSON text."""

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD_DRAFT",
    "ADD_LABELS",
    "ADD_RELEASE",
    "CURRENT_RELEASES",
    "DELETE_DRAFT",
    "DELETE_LABELS",
    "DELETE_SEEN_DRAFT",
    "DRAFT",
    "LABELS",
    "LABELS_OF",
    "RELEASE",
    "RELEASES",
    "DraftRow",
    "LabelsRow",
    "ReleaseDocumentRow",
    "ReleaseRow",
]

_drafts, _releases, _labels, _products = (
    tables.tsl_drafts,
    tables.tsl_releases,
    tables.tsl_labels,
    tables.products,
)


class DraftRow(msgspec.Struct, frozen=True):
    """The draft of a product."""

    product_id: int
    document: str
    updated_at: int


class ReleaseRow(msgspec.Struct, frozen=True):
    """One release without its document."""

    version: str
    released_at: int


class ReleaseDocumentRow(msgspec.Struct, frozen=True):
    """One release with its document."""

    product_id: int
    version: str
    document: str
    released_at: int


class LabelsRow(msgspec.Struct, frozen=True):
    """The labels of a product in one language; `labels` is a JSON object of texts."""

    product_id: int
    language: str
    labels: str


DRAFT = Query(select(_drafts).where(_drafts.c.product_id == bindparam("for_product")), DraftRow)
ADD_DRAFT = Change(insert(_drafts))
DELETE_DRAFT = Change(delete(_drafts).where(_drafts.c.product_id == bindparam("for_product")))
DELETE_SEEN_DRAFT = Change(
    delete(_drafts).where(
        _drafts.c.product_id == bindparam("for_product"), _drafts.c.document == bindparam("seen_document")
    )
)

RELEASES = Query(
    select(_releases.c.version, _releases.c.released_at)
    .where(_releases.c.product_id == bindparam("for_product"))
    .order_by(_releases.c.version.desc()),
    ReleaseRow,
)
RELEASE = Query(
    select(_releases).where(
        _releases.c.product_id == bindparam("for_product"), _releases.c.version == bindparam("of_version")
    ),
    ReleaseDocumentRow,
)
CURRENT_RELEASES = Query(
    select(_releases).join(
        _products,
        (_products.c.id == _releases.c.product_id) & (_products.c.released_version == _releases.c.version),
    ),
    ReleaseDocumentRow,
)
ADD_RELEASE = Change(insert(_releases))

LABELS = Query(select(_labels), LabelsRow)
LABELS_OF = Query(select(_labels).where(_labels.c.product_id == bindparam("for_product")), LabelsRow)
ADD_LABELS = Change(insert(_labels))
DELETE_LABELS = Change(
    delete(_labels).where(
        _labels.c.product_id == bindparam("for_product"), _labels.c.language == bindparam("in_language")
    )
)
