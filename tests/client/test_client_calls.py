"""Products, thing models and raw calls, and how rows are read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client.fake_cloud import FakeCloud, ok, settle, text_of
from mooring.client import BadAnswer

Connect = Callable[..., Any]
SAMPLES = Path(__file__).parents[2] / "contract" / "tsl-samples"


FULL = {
    "accessType": 0,
    "connectPlatform": 0,
    "createTime": 1730871606221,
    "dataFmt": 3,
    "logoPath": None,
    "netWay": "2",
    "productKey": "PK0001",
    "productName": "Lamp",
    "updateTime": None,
    "productConfig": {"aiCapabilityStatus": False},
}


def test_product_as_documented(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["detail"] = ok(FULL)
    product = settle(connect().products.detail("PK0001"))
    assert dict(cloud.requests[-1].url.params) == {"productKey": "PK0001"}
    assert (product.product_key, product.product_name) == ("PK0001", "Lamp")
    assert (product.access_type, product.connect_platform, product.data_format) == (0, 0, 3)
    assert (product.network, product.logo_url) == ("2", None)
    assert product.create_time_ms == 1730871606221
    assert product.created_at == datetime(2024, 11, 6, 5, 40, 6, 221000, UTC)
    assert product.updated_at is None
    assert product.raw == FULL
    assert "raw" not in repr(product)


def test_numbers_and_texts_may_change_places(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["detail"] = ok(
        {"productKey": 17, "createTime": "1730871606221", "updateTime": "", "netWay": 2, "dataFmt": "3"}
    )
    product = settle(connect().products.detail("PK0001"))
    assert (product.product_key, product.create_time_ms) == ("17", 1730871606221)
    assert (product.update_time_ms, product.network, product.data_format) == (None, "2", 3)


@pytest.mark.parametrize("value", [None, "", "2024-11-06", [], {}, True, 1.5, "9" * 5000])
def test_unreadable_member_is_none_and_stays_in_raw(connect: Connect, cloud: FakeCloud, value: object) -> None:
    cloud.answers["detail"] = ok({"productKey": "PK0001", "createTime": value})
    product = settle(connect().products.detail("PK0001"))
    assert (product.create_time_ms, product.created_at) == (None, None)
    assert product.raw["createTime"] == value


def test_missing_members_are_none(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["detail"] = ok({"productKey": "PK0001", "unknown": 1})
    product = settle(connect().products.detail("PK0001"))
    assert (product.product_name, product.access_type, product.created_at) == (None, None, None)


def test_time_outside_any_calendar_is_none(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["detail"] = ok({"productKey": "PK0001", "createTime": 10**18})
    assert settle(connect().products.detail("PK0001")).created_at is None


@pytest.mark.parametrize("data", [None, [], "text", {}, {"productKey": None}, {"productKey": []}])
def test_product_without_identity_is_a_bad_answer(connect: Connect, cloud: FakeCloud, data: object) -> None:
    cloud.answers["detail"] = ok(data)
    with pytest.raises(BadAnswer, match=r"productDetail: Product .*\(HTTP 200\)"):
        settle(connect().products.detail("PK0001"))


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
def test_samples_of_the_contract_are_read_completely(connect: Connect, cloud: FakeCloud, name: str) -> None:
    document = json.loads((SAMPLES / f"{name}.json").read_text())
    cloud.answers["tslFile"] = ok(document)
    model = settle(connect().thing_models.export("PK"))
    profile = document["profile"]
    assert (model.product_key, model.version) == (profile["productKey"], profile["version"])
    assert model.tsl_version == profile["tslVersion"]
    assert model.raw == document
    for kind in ("properties", "services", "events"):
        features = getattr(model, kind)
        assert [feature.raw for feature in features] == document.get(kind, [])
        assert all(feature.sub_type and feature.name and feature.sort is not None for feature in features)
    assert all(feature.data_type and feature.raw.get("specs") == feature.specs for feature in model.properties)


def test_parameters_are_typed(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["tslFile"] = ok(
        {
            "services": [{"id": 1, "code": "s", "inputData": [{"$ref": "#/properties/id/5"}], "outputData": None}],
            "events": [{"id": "2", "code": "e", "outputData": [{"id": 3, "code": "o", "dataType": "INT"}]}],
        }
    )
    model = settle(connect().thing_models.export("PK"))
    assert (model.product_key, model.properties) == (None, ())
    assert [parameter.ref for parameter in model.services[0].inputs] == ["#/properties/id/5"]
    assert model.services[0].outputs == ()
    assert model.events[0].id == 2
    assert [(o.id, o.code, o.data_type, o.ref) for o in model.events[0].outputs] == [(3, "o", "INT", None)]


@pytest.mark.parametrize(
    ("options", "arguments", "sent"),
    [
        ({}, {"product_key": "PK"}, {"productKey": "PK"}),
        ({}, {"product_id": 7}, {"productId": "7"}),
        ({"language": "EN"}, {"product_key": "PK"}, {"productKey": "PK", "language": "EN"}),
        (
            {"language": "EN"},
            {"product_key": "PK", "language": "CN"},
            {"productKey": "PK", "language": "CN"},
        ),
    ],
)
def test_export_parameters(
    connect: Connect,
    cloud: FakeCloud,
    options: dict[str, Any],
    arguments: dict[str, Any],
    sent: dict[str, str],
) -> None:
    cloud.answers["tslFile"] = ok({})
    settle(connect(**options).thing_models.export(**arguments))
    assert dict(cloud.requests[-1].url.params) == sent


def test_export_needs_a_product(connect: Connect) -> None:
    with pytest.raises(ValueError, match="product_key or product_id"):
        settle(connect().thing_models.export())


@pytest.mark.parametrize("data", [None, [], {"properties": {}}, {"properties": [1]}, {"events": [{"id": 1}]}])
def test_model_of_another_shape_is_a_bad_answer(connect: Connect, cloud: FakeCloud, data: object) -> None:
    cloud.answers["tslFile"] = ok(data)
    with pytest.raises(BadAnswer, match="tslExport"):
        settle(connect().thing_models.export("PK"))


def test_raw_get_sends_parameters_and_returns_the_body(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["thing"] = {"code": 0, "extra": 1}
    params = {"a": 1, "b": True, "c": None, "d": "x&y"}
    assert settle(connect().raw.get("/v2/thing", params)) == {"code": 0, "extra": 1}
    assert dict(cloud.requests[-1].url.params) == {"a": "1", "b": "true", "d": "x&y"}


def test_raw_post_sends_json(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["thing"] = ok(None)
    settle(connect().raw.post("/v2/thing", json={"a": [1]}, params={"b": 2}))
    request = cloud.requests[-1]
    assert (request.method, text_of(request)) == ("POST", {"a": [1]})
    assert request.headers["Content-Type"] == "application/json"
    assert dict(request.url.params) == {"b": "2"}


def test_raw_post_without_json_has_no_body(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["start"] = ok(None)
    settle(connect().raw.post("/v2/start", params={"queueId": 1}))
    assert cloud.requests[-1].content == b""


@pytest.mark.parametrize("path", ["", "v2/x", "http://elsewhere.example/v2", "//elsewhere.example/v2", "/a\nb"])
def test_raw_path_cannot_leave_the_cloud(connect: Connect, cloud: FakeCloud, path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        settle(connect().raw.get(path))
    assert cloud.calls.total() == cloud.calls["accessKeyLogin"]


def test_base_url_may_have_a_path(connect: Connect, cloud: FakeCloud) -> None:
    client = connect(base_url="https://iot.example/api/")
    settle(client.products.list().page(1))
    assert str(cloud.requests[-1].url).startswith("https://iot.example/api/v2/quecproductmgr/r3/openapi/")


@pytest.mark.parametrize("base_url", ["", "iot.example", "ftp://iot.example", "http://", "http://x:y"])
def test_bad_base_url_is_refused(connect: Connect, base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        connect(base_url=base_url)
