"""The console's texts. English is the key and what is shown when a text has no Chinese yet; a test sees that it has.

Each module here has the Chinese of the pages of the same name; what several pages say is in `common`.
"""

import re

from . import (
    common,
    devices,
    end_users,
    explorer,
    members,
    one_device,
    products,
    refusals,
    saas,
    signing_in,
    start,
    thing_model_rules,
    thing_models,
)

__all__ = ["LANGUAGES", "translate", "translate_refusal"]

LANGUAGES = {"EN": "English", "CN": "中文"}
"""By the codes that the OpenAPI has for them."""

_CHINESE: dict[str, str] = {
    **common.TEXTS,
    **devices.TEXTS,
    **explorer.TEXTS,
    **end_users.TEXTS,
    **members.TEXTS,
    **one_device.TEXTS,
    **products.TEXTS,
    **refusals.TEXTS,
    **saas.TEXTS,
    **signing_in.TEXTS,
    **start.TEXTS,
    **thing_model_rules.TEXTS,
    **thing_models.TEXTS,
}


def translate(language: str, text: str) -> str:
    """An English text in a language."""
    return _CHINESE.get(text, text) if language == "CN" else text


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", template)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )


# Those that say most come first, so that a field never takes what a template has words for.
_REFUSALS = [
    (_pattern(template), chinese)
    for template, chinese in sorted(refusals.TEXTS.items(), key=lambda entry: -len(re.sub(r"{\w+}", "", entry[0])))
]
_LONGEST = 400


def translate_refusal(language: str, message: str) -> str:
    """What the platform says when it refuses, in a language; in English when nobody has translated it yet."""
    known = translate(language, message)
    if language != "CN" or known != message or len(message) > _LONGEST:
        return known
    for pattern, chinese in _REFUSALS:
        found = pattern.fullmatch(message)
        if found is not None:
            return chinese.format(
                **{name: translate_refusal(language, value) for name, value in found.groupdict().items()}
            )
    return message
