"""Writes src/mooring/console/operations.json from contract/openapi.yaml: what the API explorer has forms for.

.venv/bin/python tools/generate_explorer.py

A test fails when that was forgotten.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # as a script it finds its neighbours like this

from tools.contract import document, operations, resolved  # noqa: E402

__all__ = ["TARGET", "render"]

TARGET = ROOT / "src/mooring/console/operations.json"


def render() -> str:
    """The file's text: id, method, path, service, summary, parameters of the query, an example of the body."""
    found = [
        {
            "id": known.id,
            "method": known.method,
            "path": known.path,
            "service": known.service,
            "summary": known.summary,
            "parameters": list(_parameters(document()["paths"][known.path][known.method.lower()])),
            "body": _body(document()["paths"][known.path][known.method.lower()]),
        }
        for known in operations().values()
        if not known.id.endswith("Post")
    ]
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _parameters(operation: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    for entry in operation.get("parameters", ()):
        parameter = resolved(entry)
        schema = resolved(parameter.get("schema", {}))
        choices = schema.get("enum", ())
        yield {
            "name": parameter["name"],
            "required": parameter.get("required", False),
            "about": parameter.get("description") or schema.get("description", ""),
            "choices": [str(choice) for choice in choices if choice is not None],
        }


def _body(operation: Mapping[str, Any]) -> object:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return content.get("example", {}) if content else None


if __name__ == "__main__":
    TARGET.write_text(render())
