"""Drafts, faults, releases over the management API; both databases where documents are stored."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from manage.desk import Desk

SAMPLE = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"


@pytest.fixture
def document() -> dict[str, Any]:
    return msgspec.json.decode(SAMPLE.read_bytes(), type=dict[str, Any])


@pytest.fixture
async def model(desk: Desk) -> str:
    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    return f"/products/{product['product_key']}/thing-model"


def with_wrong_id(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "properties": [{**document["properties"][0], "id": 0}, *document["properties"][1:]]}


async def test_validation_names_path_rule_and_value_and_stores_nothing(
    desk: Desk, model: str, document: dict[str, Any]
) -> None:
    verdict = await desk.ask("POST", f"{model}/validate", with_wrong_id(document))
    assert verdict["valid"] is False
    assert {"path": "properties[0].id", "rule": "id-range", "value": "0"}.items() <= verdict["faults"][0].items()
    await desk.refused("GET", f"{model}/draft", status=404, code="no_draft")


async def test_an_import_with_faults_lists_them_and_keeps_the_draft(
    desk: Desk, model: str, document: dict[str, Any]
) -> None:
    kept = (await desk.ask("PUT", f"{model}/draft", document))["document"]
    error = await desk.refused("PUT", f"{model}/draft", with_wrong_id(document), status=422, code="thing_model_invalid")
    assert error["detail"][0]["rule"] == "id-range"
    assert (await desk.ask("GET", f"{model}/draft")) == kept


@pytest.mark.parametrize("body", [[], 5, "text", None, True])
async def test_a_document_that_is_no_object_is_a_fault(desk: Desk, model: str, body: object) -> None:
    content = msgspec.json.encode(body)
    error = await desk.refused("PUT", f"{model}/draft", content, status=422, code="thing_model_invalid")
    assert error["detail"][0]["rule"] == "object-expected"


async def test_unknown_keys_are_dropped_with_a_warning(desk: Desk, model: str, document: dict[str, Any]) -> None:
    stored = await desk.ask("PUT", f"{model}/draft", {**document, "comment": "mine"})
    assert [(warning["path"], warning["rule"]) for warning in stored["warnings"]] == [("comment", "unknown-key")]
    assert "comment" not in stored["document"]


async def test_a_release_without_a_difference_is_quiet(desk: Desk, model: str, document: dict[str, Any]) -> None:
    await desk.ask("PUT", f"{model}/draft", document)
    first = await desk.ask("POST", f"{model}/release")
    await desk.ask("PUT", f"{model}/draft", document)
    again = await desk.ask("POST", f"{model}/release")
    assert (first["new"], again["new"]) == (True, False)
    assert first["version"] == again["version"]
    assert (await desk.ask("GET", f"{model}/difference")) == {"changes": []}


async def test_what_is_not_there_is_404(desk: Desk, model: str) -> None:
    error = await desk.refused("GET", f"{model}/export", status=404, code="no_release")
    assert error["wire_code"] == 70097
    error = await desk.refused("GET", f"{model}/releases/20250101000000000", status=404, code="no_such_release")
    assert error["wire_code"] == 71006
    await desk.refused("POST", f"{model}/release", status=404, code="no_draft")
    await desk.refused("DELETE", f"{model}/draft", status=404, code="no_draft")
    await desk.refused("GET", f"{model}/labels/EN", status=404, code="no_release")
    await desk.refused("POST", "/products/p00000/thing-model/validate", {}, status=404, code="no_such_product")


async def test_a_discarded_draft_was_there_once(desk_on_each: Desk, document: dict[str, Any]) -> None:
    desk = desk_on_each
    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    draft = f"/products/{product['product_key']}/thing-model/draft"
    await desk.ask("PUT", draft, document)
    await desk.ask("DELETE", draft, status=204)
    await desk.refused("DELETE", draft, status=404, code="no_draft")


async def test_copying_needs_a_source_with_a_model(desk: Desk, model: str) -> None:
    body = {"source_product_key": model.split("/")[2]}
    error = await desk.refused("POST", f"{model}/draft/copy", body, status=409, code="source_empty")
    assert error["wire_code"] == 71010


async def test_a_transparent_product_has_no_thing_model(desk: Desk, document: dict[str, Any]) -> None:
    product = await desk.ask("POST", "/products", {"name": "Raw", "data_fmt": 0}, status=201)
    path = f"/products/{product['product_key']}/thing-model/draft"
    error = await desk.refused("PUT", path, document, status=409, code="transparent")
    assert error["wire_code"] == 70063


async def test_labels_are_taken_for_names_that_exist_only(desk: Desk, model: str, document: dict[str, Any]) -> None:
    await desk.ask("PUT", f"{model}/draft", document)
    await desk.ask("POST", f"{model}/release")
    body = {"labels": {"nothing": "x"}}
    error = await desk.refused("PUT", f"{model}/labels/EN", body, status=422, code="unknown_label")
    assert error["detail"] == ["nothing"]
    await desk.refused("PUT", f"{model}/labels/FR", {"labels": {}}, status=422, code="choice")
