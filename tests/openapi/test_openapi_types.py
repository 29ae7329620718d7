"""Answers as a strictly typed client reads them: types generated from contract/openapi.yaml parse every one.

Runs after all other tests of the OpenAPI, and parses what they were answered; on its own, it replays the examples of
the document. Types are exact (no number for a text), and members that the contract does not know are refused.
"""

import importlib.util
import json
import re
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from tools.contract import ContractOperation, document, operations

from cloud import CONTRACT, Cloud
from mooring.openapi import OPERATIONS
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.subscriptions import NewSubscription
from recording import ANSWERS

FOUND = operations()
SERVED = {operation.id for operation in OPERATIONS}
_SUCCESS = 200


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The generated types."""
    target = tmp_path_factory.mktemp("types") / "contract_types.py"
    subprocess.run(
        [
            *(sys.executable, "-m", "datamodel_code_generator"),
            *("--input", str(CONTRACT / "openapi.yaml"), "--input-file-type", "openapi", "--output", str(target)),
            *("--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11"),
            *("--openapi-scopes", "schemas", "paths", "--use-operation-id-as-name"),
            *("--strict-types", "str", "int", "float", "bool", "--extra-fields", "forbid"),
            *("--formatters", "builtin", "--disable-timestamp"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    spec = importlib.util.spec_from_file_location("contract_types", target)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)  # where pydantic looks up the names of annotations
        spec.loader.exec_module(module)
    return module


def parse(models: ModuleType, operation: ContractOperation, answer: bytes) -> None:
    """Raises ValidationError."""
    envelope = {"none": "TokenError", "enduser": "EnterpriseResult", "binding": "EnterpriseResult"}
    name = envelope.get(operation.service, "ActionResult")
    if json.loads(answer)["code"] == _SUCCESS:
        name = "TokenResult" if operation.service == "none" else f"{operation.id[0].upper()}{operation.id[1:]}Response"
        name = name if hasattr(models, name) else envelope.get(operation.service, "ActionResult")
    model: type[BaseModel] = getattr(models, name)
    model.model_validate_json(answer, strict=True)


def examples() -> dict[str, bytes]:
    """Answers that the document shows, by operation."""
    found = {}
    for methods in document()["paths"].values():
        for operation in methods.values():
            content = operation["responses"]["200"]["content"]["application/json"]
            if "example" in content:
                found[operation["operationId"]] = json.dumps(content["example"]).encode()
    return found


@pytest.mark.parametrize(("name", "example"), examples().items(), ids=lambda value: str(value)[:30])
def test_the_answers_that_the_document_shows_are_of_these_types(models: ModuleType, name: str, example: bytes) -> None:
    parse(models, FOUND[name], example)


# Requests

OURS = {"switch": "relay", "target": "countdown", '"timer":[{"minutes":"5"}]': '"reset_energy":[]'}
"""What the thing model of the tests has instead of what the examples name."""


def bodies() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for methods in document()["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "example" in content and operation["operationId"] in SERVED:
                found.append((operation["operationId"], content["example"]))
    return found


@pytest.mark.parametrize(("name", "body"), bodies(), ids=lambda value: str(value)[:30])
async def test_a_request_that_the_document_shows_is_taken(
    cloud: Cloud, models: ModuleType, name: str, body: dict[str, Any]
) -> None:
    key = cloud.modelled.product_key
    text = json.dumps(body)
    if FOUND[name].service == "subscription":
        text = await subscribable(cloud, name, text)
    elif not name.startswith("deviceCreate"):
        known = [NewDevice(device) for device in sorted(set(re.findall(r"DK\d+", text)))]
        await cloud.platform.devices.add_many(cloud.actor, key, known)
    text = text.replace("PK0001", key)
    if "data" in body:
        data = body["data"]
        for theirs, ours in OURS.items():
            data = data.replace(theirs, ours)
        text = json.dumps({**json.loads(text), "data": data, "isCache": True})
    headers = {"Authorization": await cloud.token(), "Content-Type": "application/json"}
    async with cloud.client() as client:
        answer = await client.request(FOUND[name].method, FOUND[name].path, content=text, headers=headers)
    assert answer.json()["code"] == _SUCCESS, answer.text
    rows = answer.json().get("data", ()) if FOUND[name].service in ("device", "shadow") else ()
    assert all(row["code"] == _SUCCESS for row in rows)
    parse(models, FOUND[name], answer.content)


async def subscribable(cloud: Cloud, name: str, text: str) -> str:
    """Add what an example of the subscription family names, and give it the numbers it got here."""
    platform = cloud.platform
    domain = re.search(r"C\.DM\.\d+\.\d+", text)
    if domain is not None:
        new = NewEndUserApp("App", user_domain=domain[0], domain_secret="x" * 40)
        app = await platform.end_user_apps.create(cloud.actor, new)
        await platform.end_user_apps.authorize(cloud.actor, cloud.app.id, app.id)
    if name == "queueCreate":
        return text
    queue = await platform.queues.create(cloud.actor, cloud.app, "testQueue")
    if name == "subscribeUpdate":
        wanted = NewSubscription(name="test", queue="testQueue", codes=(6,), product_key=cloud.modelled.product_key)
        made = await platform.subscriptions.create(cloud.actor, cloud.app, wanted)
        text = text.replace("6169", str(made.id))
    return re.sub(r"a\.\d+\.testQueue", queue.full_name, text)


# Everything that was answered


@pytest.mark.parametrize("name", sorted(SERVED))
def test_every_answer_of_this_run_is_of_these_types(models: ModuleType, name: str) -> None:
    faults = []
    for answer, test in ANSWERS.get(name, {}).items():
        try:
            parse(models, FOUND[name], answer)
        except ValidationError as error:
            faults.append(f"{test}: {error}")
    assert faults == []


def test_the_types_are_strict(models: ModuleType) -> None:
    operation = FOUND["deviceDetail"]
    example = json.loads(examples()["deviceDetail"])
    for member, value in (("createTime", "1"), ("deviceStatus", "1"), ("deviceKey", 7), ("unknown", 1)):
        wrong = {**example, "data": {**example["data"], member: value}}
        with pytest.raises(ValidationError):
            parse(models, operation, json.dumps(wrong).encode())
