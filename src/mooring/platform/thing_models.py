"""Thing models of products: draft, difference, release, labels, export (tsl.md sections 11, 12 and 14)."""

from collections.abc import Mapping

import msgspec

from mooring.store import UniqueViolation, WriteRefused
from mooring.store import products as product_statements
from mooring.store import thing_models as statements
from mooring.store.queue_messages import MessageRow
from mooring.thingmodel import (
    Checked,
    Difference,
    check,
    compare,
    label_texts,
    release_version,
    same_features,
    unknown_labels,
    with_profile,
)

from . import message_bodies as bodies
from .entities import Product
from .errors import Conflict, Invalid, Missing
from .fields import check_choice, check_text
from .ledger import Actor, Ledger
from .loading import LANGUAGES
from .products import PUBLISHED, Products

__all__ = ["Release", "ThingModels"]

_TRANSPARENT = 0
_Document = dict[str, object]


class Release(msgspec.Struct, frozen=True):
    """One release: its 17-digit version and when it was made (epoch ms). `new` is false when nothing differed."""

    version: str
    released_at: int
    current: bool
    new: bool = False


class ThingModels:
    """What an administrator does with thing models."""

    def __init__(self, ledger: Ledger, products: Products, *, feature_limit: int = 500) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._products = products
        self._feature_limit = feature_limit

    def validate(self, document: object) -> Checked:
        """Every fault and warning of a document; nothing is stored."""
        return check(document, feature_limit=self._feature_limit)

    async def import_draft(self, actor: Actor, product_key: str, document: object) -> Checked:
        """Replace the draft. Raises Invalid with every fault in `detail` (nothing is imported), Conflict, Missing."""
        product = self._editable(actor, product_key)
        checked = self.validate(document)
        if checked.document is None:
            raise Invalid(
                "thing_model_invalid",
                f"the thing model has {len(checked.faults)} fault(s); nothing was imported",
                detail=checked.faults,
            )
        await self._save(actor, product, checked.document, "thing_model.import", {})
        return checked

    async def copy_draft(self, actor: Actor, product_key: str, source_key: str, version: str | None) -> Checked:
        """Replace the draft by a release of another product. Raises Missing, Conflict (71009, 71010)."""
        product = self._editable(actor, product_key)
        source = self._products.one(actor.account_id, source_key)
        if source.data_fmt == _TRANSPARENT or source.released_version is None:
            raise Conflict("source_empty", f"{source_key} has no thing model to copy", wire=71010)
        if product.item_code and source.item_code and product.item_code != source.item_code:
            raise Conflict(
                "category_differs",
                f"{product_key} has category {product.item_code}, {source_key} has {source.item_code}",
                wire=71009,
            )
        document = await self._release_document(source, version or source.released_version)
        checked = self.validate(with_profile(document, product_key, source.released_version))
        if checked.document is None:
            raise Conflict("source_invalid", f"the release of {source_key} breaks rules", detail=checked.faults)
        detail = {"source": source_key, "version": version or source.released_version}
        await self._save(actor, product, checked.document, "thing_model.copy", detail)
        return checked

    async def draft(self, actor: Actor, product_key: str) -> _Document:
        """The draft. Raises Missing when there is none."""
        product = self._products.one(actor.account_id, product_key)
        document = await self._draft_of(product)
        if document is None:
            raise _no_draft(product_key)
        return document

    async def discard(self, actor: Actor, product_key: str) -> None:
        """Drop the draft; the released model stays. Raises Missing when there is none."""
        product = self._editable(actor, product_key)
        write = statements.DELETE_DRAFT(for_product=product.id).must(f"draft of {product_key}")
        try:
            await self._ledger.commit(actor, "thing_model.discard", ("product", product_key), write)
        except WriteRefused:
            raise _no_draft(product_key) from None

    async def difference(self, actor: Actor, product_key: str) -> Difference:
        """The draft against the released model; no draft means no difference. Raises Missing."""
        product = self._products.one(actor.account_id, product_key)
        released, draft = await self._released_of(product), await self._draft_of(product)
        return compare(released, released if draft is None else draft)

    async def release(self, actor: Actor, product_key: str) -> Release:
        """Make the draft the product's model at once. Without a difference nothing happens and the present release
        comes back with `new` false. Raises Missing when there is neither draft nor release, Conflict.
        """
        product = self._editable(actor, product_key)
        document, released = await self._draft_of(product), await self._released_of(product)
        if document is None and released is None:
            raise Missing("no_draft", f"{product_key} has no draft to release")
        if document is None or (released is not None and same_features(document, released)):
            return await self._present(product)
        now = self._ledger.clock.now_ms()
        version = release_version(now, product.released_version)
        row = statements.ReleaseDocumentRow(product.id, version, _text(document), now)
        # A draft that was replaced meanwhile is not this one, and stays.
        used_up = statements.DELETE_SEEN_DRAFT(for_product=product.id, seen_document=row.document)
        move = product_statements.SET_RELEASE(
            product_id=product.id, seen_version=product.released_version, new_version=version
        )
        messages: list[MessageRow] = []
        if product.app_id is not None:
            self._ledger.announcer.app(
                messages.append,
                product.app_id,
                "META_EVENT-THING_MODEL",
                bodies.model(with_profile(document, product_key, version)),
                operation="RELEASE",
                actor=actor,
                extra={"productKey": product_key},
            )
        try:
            await self._ledger.commit(
                actor,
                "thing_model.release",
                ("product", product_key),
                statements.ADD_RELEASE.of(row),
                move.must("release"),
                used_up.must("draft"),
                changed=[("product", product.id)],
                detail={"version": version},
                messages=messages,
            )
        except (UniqueViolation, WriteRefused):
            raise Conflict("release_race", f"{product_key} was edited or released by someone else just now") from None
        return Release(version, now, current=True, new=True)

    async def releases(self, actor: Actor, product_key: str) -> list[Release]:
        """Every release, newest first. Raises Missing."""
        product = self._products.one(actor.account_id, product_key)
        rows = await self._store.scan(statements.RELEASES, for_product=product.id)
        return [Release(row.version, row.released_at, row.version == product.released_version) for row in rows]

    async def export(self, actor: Actor, product_key: str, version: str | None = None) -> _Document:
        """A release as the exported document, the newest unless `version` is given. Raises Missing (70097, 71006)."""
        product = self._products.one(actor.account_id, product_key)
        wanted = version or product.released_version
        if wanted is None:
            raise Missing("no_release", f"{product_key} has no released thing model", wire=70097)
        return with_profile(await self._release_document(product, wanted), product_key, wanted)

    async def labels(self, actor: Actor, product_key: str, language: str) -> dict[str, str]:
        """Texts of the released model in one language: the translation, else the text of the model. Raises Missing."""
        product = self._products.one(actor.account_id, product_key)
        check_choice("language", language, LANGUAGES)
        texts = label_texts(await self._released_or_refuse(product))
        rows = await self._store.read(statements.LABELS_OF, for_product=product.id)
        for row in rows:
            if row.language == language:
                kept = msgspec.json.decode(row.labels, type=dict[str, str])
                texts.update({key: text for key, text in kept.items() if key in texts})
        return texts

    async def set_labels(self, actor: Actor, product_key: str, language: str, labels: Mapping[str, str]) -> None:
        """Translate names of the released model; only labels that exist in it are taken. Raises Missing, Invalid."""
        product = self._products.one(actor.account_id, product_key)
        check_choice("language", language, LANGUAGES)
        unknown = unknown_labels(await self._released_or_refuse(product), labels)
        if unknown:
            names = ", ".join(unknown[:10])
            raise Invalid("unknown_label", f"the released model has no {names}", field="labels", detail=unknown)
        texts = {key: check_text(f"labels.{key}", text, low=0, high=128) for key, text in labels.items()}
        row = statements.LabelsRow(product.id, language, _text({key: text for key, text in texts.items() if text}))
        await self._ledger.commit(
            actor,
            "thing_model.set_labels",
            ("product", product_key),
            statements.DELETE_LABELS(for_product=product.id, in_language=language),
            statements.ADD_LABELS.of(row),
            changed=[("product", product.id)],
            detail={"language": language, "labels": len(labels)},
        )

    def _editable(self, actor: Actor, product_key: str) -> Product:
        product = self._products.one(actor.account_id, product_key)
        if product.data_fmt == _TRANSPARENT:
            raise Conflict("transparent", f"{product_key} is transparent and has no thing model", wire=70063)
        if product.product_status == PUBLISHED:
            raise Conflict("product_published", f"{product_key} is published; its model is locked", wire=70041)
        return product

    async def _save(
        self, actor: Actor, product: Product, document: _Document, action: str, detail: Mapping[str, object]
    ) -> None:
        row = statements.DraftRow(product.id, _text(document), self._ledger.clock.now_ms())
        await self._ledger.commit(
            actor,
            action,
            ("product", product.product_key),
            statements.DELETE_DRAFT(for_product=product.id),
            statements.ADD_DRAFT.of(row),
            detail=detail,
        )

    async def _draft_of(self, product: Product) -> _Document | None:
        rows = await self._store.read(statements.DRAFT, for_product=product.id)
        return _document(rows[0].document) if rows else None

    async def _released_of(self, product: Product) -> _Document | None:
        if product.released_version is None:
            return None
        return await self._release_document(product, product.released_version)

    async def _released_or_refuse(self, product: Product) -> _Document:
        document = await self._released_of(product)
        if document is None:
            raise Missing("no_release", f"{product.product_key} has no released thing model", wire=70097)
        return document

    async def _release_document(self, product: Product, version: str) -> _Document:
        # What is no version is not asked for: PostgreSQL refuses some texts, such as those with U+0000.
        plausible = version.isascii() and version.isdigit()
        rows = (
            await self._store.read(statements.RELEASE, for_product=product.id, of_version=version) if plausible else []
        )
        if not rows:
            raise Missing("no_such_release", f"{product.product_key} has no release {version[:32]!r}", wire=71006)
        return _document(rows[0].document)

    async def _present(self, product: Product) -> Release:
        rows = await self._store.read(statements.RELEASES, for_product=product.id)
        released_at = next((row.released_at for row in rows if row.version == product.released_version), 0)
        return Release(product.released_version or "", released_at, current=True)


def _no_draft(product_key: str) -> Missing:
    return Missing("no_draft", f"{product_key} has no draft")


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _document(text: str) -> _Document:
    return msgspec.json.decode(text, type=dict[str, object])
