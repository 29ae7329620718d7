"""The console's texts. English is the key and what is shown when a text has no Chinese yet; a test sees that it has.

Each module here has the Chinese of the pages of the same name; what several pages say is in `common`.
"""

from . import (
    common,
    devices,
    end_users,
    explorer,
    members,
    one_device,
    products,
    saas,
    signing_in,
    start,
    thing_model_rules,
    thing_models,
)

__all__ = ["LANGUAGES", "translate"]

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
    **saas.TEXTS,
    **signing_in.TEXTS,
    **start.TEXTS,
    **thing_model_rules.TEXTS,
    **thing_models.TEXTS,
}


def translate(language: str, text: str) -> str:
    """An English text in a language."""
    return _CHINESE.get(text, text) if language == "CN" else text
