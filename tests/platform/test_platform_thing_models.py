"""Thing models of products; tsl.md sections 11, 12 and 14."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, update

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, Limits, Missing, Platform
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct
from mooring.platform.thing_models import Release, ThingModels
from mooring.store import Change, Store, Vault, changes, tables

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
Document = dict[str, Any]


def sample(name: str = "smart-plug") -> Document:
    return msgspec.json.decode((SAMPLES / f"{name}.json").read_bytes(), type=Document)


def renamed(document: Document, name: str) -> Document:
    """The same model with another name of its first property."""
    other = copy.deepcopy(document)
    other["properties"][0]["name"] = name
    return other


@pytest.fixture
def models(platform: Platform) -> ThingModels:
    return platform.thing_models


@pytest.fixture
async def transparent(platform: Platform, actor: Actor) -> Product:
    return await platform.products.create(actor, NewProduct("Serial line", data_fmt=0))


@pytest.fixture
async def released(models: ThingModels, actor: Actor, product: Product) -> str:
    """The key of a product whose model is the smart plug."""
    await models.import_draft(actor, product.product_key, sample())
    await models.release(actor, product.product_key)
    return product.product_key


def shown(platform: Platform, product_key: str) -> Product:
    product = platform.directory.product_by_key(product_key)
    assert product is not None
    return product


# Drafts


@pytest.mark.parametrize("name", ["smart-plug", "power-station", "tracker"])
async def test_an_imported_model_is_the_draft(models: ThingModels, actor: Actor, product: Product, name: str) -> None:
    checked = await models.import_draft(actor, product.product_key, sample(name))
    assert await models.draft(actor, product.product_key) == checked.document


async def test_an_import_replaces_the_draft(models: ThingModels, actor: Actor, product: Product) -> None:
    await models.import_draft(actor, product.product_key, sample("tracker"))
    checked = await models.import_draft(actor, product.product_key, sample("smart-plug"))
    assert await models.draft(actor, product.product_key) == checked.document


async def test_a_refused_import_names_every_fault(models: ThingModels, actor: Actor, product: Product) -> None:
    broken = sample()
    broken["properties"][0]["id"] = 0
    broken["properties"][1]["code"] = ""
    with pytest.raises(Invalid) as caught:
        await models.import_draft(actor, product.product_key, broken)
    faults: Any = caught.value.detail
    assert [fault.path for fault in faults] == ["properties[0].id", "properties[1].code"]


@pytest.mark.parametrize("document", [None, [], {}, {"properties": 7}, renamed(sample(), "")])
async def test_a_refused_import_leaves_the_draft_untouched(
    models: ThingModels, actor: Actor, product: Product, document: object
) -> None:
    await models.import_draft(actor, product.product_key, sample())
    before = await models.draft(actor, product.product_key)
    with pytest.raises(Invalid):
        await models.import_draft(actor, product.product_key, document)
    assert await models.draft(actor, product.product_key) == before


@on_sqlite
async def test_the_limit_of_features_is_a_setting(
    store: Store, vault: Vault, clock: FakeClock, actor: Actor, product: Product
) -> None:
    entropy = FakeEntropy("limited")
    limited = await Platform.open(store, vault, clock=clock, entropy=entropy, limits=Limits(max_features=2))
    with pytest.raises(Invalid) as caught:
        await limited.thing_models.import_draft(actor, product.product_key, sample())
    faults: Any = caught.value.detail
    assert [fault.rule for fault in faults] == ["feature-limit"]


async def test_a_draft_has_no_effect_until_it_is_released(
    platform: Platform, models: ThingModels, actor: Actor, released: str
) -> None:
    before = shown(platform, released).model
    await models.import_draft(actor, released, sample("tracker"))
    assert shown(platform, released).model == before


async def test_a_discarded_draft_leaves_the_release(models: ThingModels, actor: Actor, released: str) -> None:
    before = await models.export(actor, released)
    await models.import_draft(actor, released, sample("tracker"))
    await models.discard(actor, released)
    assert await models.export(actor, released) == before
    with pytest.raises(Missing) as caught:
        await models.draft(actor, released)
    assert caught.value.code == "no_draft"


@on_sqlite
async def test_a_draft_is_discarded_once(models: ThingModels, actor: Actor, product: Product) -> None:
    with pytest.raises(Missing) as caught:
        await models.discard(actor, product.product_key)
    assert caught.value.code == "no_draft"


# Who may not

EDITS: dict[str, Callable[[ThingModels, Actor, str], Awaitable[object]]] = {
    "import": lambda models, actor, key: models.import_draft(actor, key, sample()),
    "copy": lambda models, actor, key: models.copy_draft(actor, key, key, None),
    "discard": lambda models, actor, key: models.discard(actor, key),
    "release": lambda models, actor, key: models.release(actor, key),
}


@on_sqlite
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_a_transparent_product_has_no_model(
    models: ThingModels, actor: Actor, transparent: Product, edit: Callable[..., Awaitable[object]]
) -> None:
    with pytest.raises(Conflict) as caught:
        await edit(models, actor, transparent.product_key)
    assert caught.value.code == "transparent"


@on_sqlite
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_the_model_of_a_published_product_is_locked(
    platform: Platform, models: ThingModels, actor: Actor, released: str, edit: Callable[..., Awaitable[object]]
) -> None:
    product = shown(platform, released)
    published = Change(update(tables.products).where(tables.products.c.id == product.id).values(product_status=3))
    await platform.store.write(published(), *changes.record("product", product.id, 1))
    await platform.directory.catch_up()
    with pytest.raises(Conflict) as caught:
        await edit(models, actor, released)
    assert caught.value.wire == 70041


READS: dict[str, Callable[[ThingModels, Actor, str], Awaitable[object]]] = {
    "draft": lambda models, actor, key: models.draft(actor, key),
    "difference": lambda models, actor, key: models.difference(actor, key),
    "releases": lambda models, actor, key: models.releases(actor, key),
    "export": lambda models, actor, key: models.export(actor, key),
    "labels": lambda models, actor, key: models.labels(actor, key, "EN"),
    "set_labels": lambda models, actor, key: models.set_labels(actor, key, "EN", {"relay": "Switch"}),
}


@on_sqlite
@pytest.mark.parametrize("call", [*EDITS.values(), *READS.values()], ids=[*EDITS, *READS])
async def test_a_product_of_another_account_is_not_there(
    models: ThingModels, stranger: Actor, released: str, call: Callable[..., Awaitable[object]]
) -> None:
    with pytest.raises(Missing) as caught:
        await call(models, stranger, released)
    assert caught.value.wire == 70017


# Releases


async def test_a_release_is_the_model_of_the_product_at_once(
    platform: Platform, models: ThingModels, actor: Actor, product: Product, clock: FakeClock
) -> None:
    await models.import_draft(actor, product.product_key, sample())
    release = await models.release(actor, product.product_key)
    assert (release.version, release.released_at, release.current, release.new) == (
        "20251009085320000",
        clock.now_ms(),
        True,
        True,
    )
    after = shown(platform, product.product_key)
    assert after.released_version == release.version
    assert after.model is not None
    exported = await models.export(actor, product.product_key)
    assert msgspec.json.decode(after.model.exports["CN"]) == exported
    assert exported["profile"] == {
        "tslVersion": "1.2.0",
        "productKey": product.product_key,
        "version": release.version,
    }


async def test_a_released_draft_is_no_draft_any_more(models: ThingModels, actor: Actor, released: str) -> None:
    with pytest.raises(Missing):
        await models.draft(actor, released)


async def test_nothing_to_release_is_refused(models: ThingModels, actor: Actor, product: Product) -> None:
    with pytest.raises(Missing) as caught:
        await models.release(actor, product.product_key)
    assert caught.value.code == "no_draft"


@pytest.mark.parametrize("step", [0, -60_000, -10 * 365 * 86_400_000], ids=["stands", "a minute", "ten years"])
async def test_versions_grow_when_the_clock_stands_or_goes_back(
    models: ThingModels, actor: Actor, product: Product, clock: FakeClock, step: int
) -> None:
    versions = []
    for number in range(4):
        await models.import_draft(actor, product.product_key, renamed(sample(), f"Relay {number}"))
        versions.append((await models.release(actor, product.product_key)).version)
        clock.step(step)
    assert versions == sorted(set(versions))
    assert {len(version) for version in versions} == {17}


async def test_a_release_without_a_difference_makes_no_version(
    platform: Platform, models: ThingModels, actor: Actor, released: str, clock: FakeClock
) -> None:
    version, directory = shown(platform, released).released_version, platform.directory.version
    clock.advance(1000)
    same = sample()
    same["properties"].reverse()
    await models.import_draft(actor, released, same)
    release = await models.release(actor, released)
    assert (release.version, release.new, release.current) == (version, False, True)
    assert release.released_at == clock.now_ms() - 1000
    assert len(await models.releases(actor, released)) == 1
    assert platform.directory.version == directory


async def test_releasing_again_without_a_draft_makes_no_version(
    models: ThingModels, actor: Actor, released: str
) -> None:
    assert not (await models.release(actor, released)).new


async def test_every_release_is_kept_newest_first(models: ThingModels, actor: Actor, released: str) -> None:
    await models.import_draft(actor, released, sample("tracker"))
    second = await models.release(actor, released)
    found = await models.releases(actor, released)
    assert [(entry.current, entry.version == second.version) for entry in found] == [(True, True), (False, False)]
    assert await models.export(actor, released, found[1].version) != await models.export(actor, released)


async def test_of_two_releases_at_once_one_wins(models: ThingModels, actor: Actor, product: Product) -> None:
    await models.import_draft(actor, product.product_key, sample())
    outcomes = await asyncio.gather(
        *(models.release(actor, product.product_key) for _ in range(2)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Conflict | Missing)]
    made = [outcome for outcome in outcomes if isinstance(outcome, Release) and outcome.new]
    assert (len(refused), len(made)) == (1, 1)
    assert len(await models.releases(actor, product.product_key)) == 1


async def test_a_draft_imported_during_a_release_is_not_lost(
    models: ThingModels, actor: Actor, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = product.product_key
    await models.import_draft(actor, key, sample())
    commit = models._ledger.commit
    imported: list[object] = []

    async def commit_after_another_import(*arguments: Any, **options: Any) -> None:
        if not imported:
            imported.append(None)
            imported.append((await models.import_draft(actor, key, sample("tracker"))).document)
        await commit(*arguments, **options)

    monkeypatch.setattr(models._ledger, "commit", commit_after_another_import)
    with pytest.raises(Conflict) as caught:
        await models.release(actor, key)
    assert caught.value.code == "release_race"
    assert await models.draft(actor, key) == imported[1]


async def test_the_difference_is_between_draft_and_release(models: ThingModels, actor: Actor, released: str) -> None:
    nothing = await models.difference(actor, released)
    await models.import_draft(actor, released, renamed(sample(), "Switch"))
    something = await models.difference(actor, released)
    assert nothing != something
    await models.release(actor, released)
    assert await models.difference(actor, released) == nothing


async def test_a_product_without_anything_has_no_difference(
    models: ThingModels, actor: Actor, product: Product, released: str
) -> None:
    assert await models.difference(actor, product.product_key) == await models.difference(actor, released)


# Export


@on_sqlite
async def test_an_export_before_any_release_is_70097(models: ThingModels, actor: Actor, product: Product) -> None:
    await models.import_draft(actor, product.product_key, sample())
    with pytest.raises(Missing) as caught:
        await models.export(actor, product.product_key)
    assert caught.value.wire == 70097


@pytest.mark.parametrize("version", ["20000101000000000", "1", "latest", "1\x00", "٢٠٢٥", "\ud800", "x" * 10_000])
async def test_an_export_of_a_version_that_is_not_there_is_71006(
    models: ThingModels, actor: Actor, released: str, version: str
) -> None:
    with pytest.raises(Missing) as caught:
        await models.export(actor, released, version)
    assert caught.value.wire == 71006
    assert len(str(caught.value)) < 200


async def test_an_export_whose_stored_version_is_gone_is_71006(
    platform: Platform, models: ThingModels, actor: Actor, released: str
) -> None:
    lost = Change(delete(tables.tsl_releases))
    await platform.store.write(lost(), *changes.record("product", shown(platform, released).id, 1))
    await platform.directory.catch_up()
    assert shown(platform, released).model is None
    with pytest.raises(Missing) as caught:
        await models.export(actor, released)
    assert caught.value.wire == 71006


async def test_an_export_can_be_imported_again(models: ThingModels, actor: Actor, released: str) -> None:
    exported = await models.export(actor, released)
    await models.import_draft(actor, released, exported)
    assert not (await models.release(actor, released)).new


# Copies


@pytest.fixture
async def target(platform: Platform, actor: Actor) -> str:
    return (await platform.products.create(actor, NewProduct("Target"))).product_key


async def test_a_copy_is_the_release_of_the_source_as_a_draft(
    models: ThingModels, actor: Actor, released: str, target: str
) -> None:
    await models.copy_draft(actor, target, released, None)
    await models.release(actor, target)
    source, copied = await models.export(actor, released), await models.export(actor, target)
    del source["profile"], copied["profile"]
    assert source == copied


async def test_an_older_release_can_be_copied(models: ThingModels, actor: Actor, released: str, target: str) -> None:
    older = (await models.releases(actor, released))[0].version
    await models.import_draft(actor, released, sample("tracker"))
    await models.release(actor, released)
    await models.copy_draft(actor, target, released, older)
    await models.release(actor, target)
    copied, source = await models.export(actor, target), await models.export(actor, released, older)
    del copied["profile"], source["profile"]
    assert copied == source


@on_sqlite
async def test_a_copy_of_a_version_that_is_not_there_is_71006(
    models: ThingModels, actor: Actor, released: str, target: str
) -> None:
    with pytest.raises(Missing) as caught:
        await models.copy_draft(actor, target, released, "20000101000000000")
    assert caught.value.wire == 71006


@on_sqlite
@pytest.mark.parametrize("kind", ["nothing", "draft only", "transparent"])
async def test_a_source_without_a_release_is_71010(
    models: ThingModels, actor: Actor, product: Product, transparent: Product, target: str, kind: str
) -> None:
    source = transparent if kind == "transparent" else product
    if kind == "draft only":
        await models.import_draft(actor, source.product_key, sample())
    with pytest.raises(Conflict) as caught:
        await models.copy_draft(actor, target, source.product_key, None)
    assert caught.value.wire == 71010


@on_sqlite
@pytest.mark.parametrize(
    ("source_category", "target_category", "refused"),
    [("0102", "0103", True), ("0102", "0102", False), (None, "0103", False), ("0102", None, False)],
)
async def test_a_target_of_another_category_is_71009(
    platform: Platform,
    models: ThingModels,
    actor: Actor,
    source_category: str | None,
    target_category: str | None,
    refused: bool,
) -> None:
    source = await platform.products.create(actor, NewProduct("Source", item_code=source_category))
    other = await platform.products.create(actor, NewProduct("Other", item_code=target_category))
    await models.import_draft(actor, source.product_key, sample())
    await models.release(actor, source.product_key)
    if not refused:
        await models.copy_draft(actor, other.product_key, source.product_key, None)
        return
    with pytest.raises(Conflict) as caught:
        await models.copy_draft(actor, other.product_key, source.product_key, None)
    assert caught.value.wire == 71009


@on_sqlite
async def test_a_source_that_breaks_todays_rules_is_not_copied(
    store: Store, vault: Vault, clock: FakeClock, actor: Actor, released: str, target: str
) -> None:
    entropy = FakeEntropy("limited")
    limited = await Platform.open(store, vault, clock=clock, entropy=entropy, limits=Limits(max_features=2))
    with pytest.raises(Conflict) as caught:
        await limited.thing_models.copy_draft(actor, target, released, None)
    assert caught.value.code == "source_invalid"


@on_sqlite
async def test_a_source_of_another_account_is_not_there(
    platform: Platform, models: ThingModels, stranger: Actor, released: str
) -> None:
    theirs = await platform.products.create(stranger, NewProduct("Theirs"))
    with pytest.raises(Missing) as caught:
        await models.copy_draft(stranger, theirs.product_key, released, None)
    assert caught.value.wire == 70017


# Labels


async def test_without_a_translation_the_label_is_the_name(models: ThingModels, actor: Actor, released: str) -> None:
    labels = await models.labels(actor, released, "EN")
    assert (labels["relay"], labels["relay=true"]) == ("Relay", "On")


async def test_a_translation_shows_in_its_language_only(
    platform: Platform, models: ThingModels, actor: Actor, released: str
) -> None:
    await models.set_labels(actor, released, "CN", {"relay": " 继电器 "})
    assert (await models.labels(actor, released, "CN"))["relay"] == "继电器"
    assert (await models.labels(actor, released, "EN"))["relay"] == "Relay"
    model = shown(platform, released).model
    assert model is not None
    assert "继电器".encode() in model.exports["CN"]
    assert "继电器".encode() not in model.exports["EN"]


async def test_translations_are_replaced_as_a_whole_and_empty_ones_dropped(
    models: ThingModels, actor: Actor, released: str
) -> None:
    await models.set_labels(actor, released, "CN", {"relay": "继电器", "voltage": "电压"})
    await models.set_labels(actor, released, "CN", {"relay": "", "relay=true": "开"})
    labels = await models.labels(actor, released, "CN")
    assert (labels["relay"], labels["voltage"], labels["relay=true"]) == ("Relay", "Mains voltage", "开")


async def test_translations_of_what_a_new_release_still_has_live_on(
    models: ThingModels, actor: Actor, released: str
) -> None:
    await models.set_labels(actor, released, "CN", {"relay": "继电器", "voltage": "电压"})
    smaller = sample()
    smaller["properties"] = [entry for entry in smaller["properties"] if entry["code"] != "voltage"]
    await models.import_draft(actor, released, smaller)
    await models.release(actor, released)
    labels = await models.labels(actor, released, "CN")
    assert labels["relay"] == "继电器"
    assert "voltage" not in labels


@on_sqlite
@pytest.mark.parametrize(
    ("language", "labels", "field"),
    [
        ("DE", {"relay": "Relais"}, "language"),
        ("cn", {"relay": "继电器"}, "language"),
        ("CN", {"no_such": "x"}, "labels"),
        ("CN", {"relay": "x" * 129}, "labels.relay"),
        ("CN", {"relay": "a\x00b"}, "labels.relay"),
    ],
)
async def test_a_translation_keeps_to_the_rules(
    models: ThingModels, actor: Actor, released: str, language: str, labels: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await models.set_labels(actor, released, language, labels)
    assert caught.value.field == field


@on_sqlite
async def test_labels_before_any_release_are_70097(models: ThingModels, actor: Actor, product: Product) -> None:
    for attempt in (
        models.labels(actor, product.product_key, "CN"),
        models.set_labels(actor, product.product_key, "CN", {}),
    ):
        with pytest.raises(Missing) as caught:
            await attempt
        assert caught.value.wire == 70097


# The end of a product


async def test_a_deleted_product_takes_its_model_along(
    platform: Platform, models: ThingModels, actor: Actor, released: str, store: Store
) -> None:
    await models.import_draft(actor, released, sample("tracker"))
    await models.set_labels(actor, released, "CN", {"relay": "继电器"})
    await platform.products.delete(actor, released)
    again = await platform.products.create(actor, NewProduct("Pump"))
    assert again.model is None
    assert await models.releases(actor, again.product_key) == []
