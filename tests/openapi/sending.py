"""Calls of readData, writeData, sendServiceData and raw sendData, whose answers have the shape of the contract."""

import json
from typing import Any

from cloud import Cloud
from documented import DOCUMENT, validator_of
from mooring.openapi.deviceshadow import OPERATIONS
from mooring.platform.entities import Product

__all__ = ["DOCUMENTED", "RAW", "READ", "SERVICE", "WRITE", "post", "raw", "sending"]

READ = "/v2/deviceshadow/r3/openapi/dm/readData"
WRITE = "/v2/deviceshadow/r3/openapi/dm/writeData"
SERVICE = "/v2/deviceshadow/r3/openapi/dm/sendServiceData"
RAW = "/v2/deviceshadow/r3/openapi/raw/sendData"
DOCUMENTED: dict[str, Any] = {operation.id: DOCUMENT["paths"][operation.path]["post"] for operation in OPERATIONS}


async def post(
    cloud: Cloud, path: str, body: object, *, token: str | None = None, language: str = "EN", **options: Any
) -> dict[str, Any]:
    """The answer to one call, which has the shape of the contract whatever it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = await cloud.token() if token is None else token
    headers = {"Authorization": header, "Content-Type": "application/json"}
    options.setdefault("operations", OPERATIONS)
    async with cloud.client(cloud.door(**options)) as client:
        answer = await client.post(path, content=content, params={"language": language}, headers=headers)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    _check(path, decoded)
    return decoded


def _check(path: str, answer: dict[str, Any]) -> None:
    operation = DOCUMENT["paths"][path]["post"]
    validator_of(path, "post").validate(answer)
    assert answer["code"] == 200 or answer["code"] in operation["x-error-codes"]
    assert answer["code"] == 200 or "data" not in answer
    for row in answer.get("data", ()):
        assert set(row) == {"code", "productKey", "deviceKey", "ticket", "message"}
        assert row["code"] in (200, 70130, *operation["x-error-codes"])
        assert (row["ticket"] is None) == (row["message"] is not None) == (row["code"] != 200)


def sending(product: Product, data: str, **options: object) -> dict[str, Any]:
    """The body of a call that sends thing model data to DK1."""
    return {"productKey": product.product_key, "devices": ["DK1"], "data": data, **options}


def raw(product: Product, data: str, **options: object) -> dict[str, Any]:
    """The body of a call that sends raw data to DK1."""
    return {"devices": [{"productKey": product.product_key, "deviceKey": "DK1"}], "data": data, **options}
