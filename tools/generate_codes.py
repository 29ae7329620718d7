"""Writes src/mooring/openapi/codes.py from contract/errors.yaml: the codes of the SaaS operations with their texts."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "src/mooring/openapi/codes.py"

_HEAD = '''"""Error codes of the SaaS operations with their English and Chinese texts.

Made from contract/errors.yaml by tools/generate_codes.py; a test fails when the two differ. Edit the contract instead.
"""

from collections.abc import Mapping

__all__ = ["TEXTS"]

TEXTS: Mapping[int, tuple[str, str]] = {
'''


def render() -> str:
    """The module's text."""
    errors = yaml.safe_load((ROOT / "contract/errors.yaml").read_text())["errors"]
    lines = []
    for error in errors:
        if error["saas"] == "none" or error["kind"] == "ok":
            continue
        wire = [text for text in error.get("wire", []) if text]
        english, chinese = (wire[0], wire[0]) if wire else (error["en"], error["zh"])
        quoted = [f'"{text}"' if '"' not in text else repr(text) for text in (english, chinese)]
        lines.append(f"    {error['code']}: ({quoted[0]}, {quoted[1]}),")
    return _HEAD + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(render())
