"""How one property of a device changed: a chart and the figures, from the newest messages of its data log."""

from datetime import UTC, datetime

import msgspec

from .device_of import DevicePage
from .html import Html, tag
from .model_form import Feature
from .page import View
from .parts import Column, Series, card, empty, lines, moment, table

__all__ = ["value_history"]

_MESSAGES = 300
_SHOWN = 100
_UP = 1
_NUMBERS = ("INT", "FLOAT", "DOUBLE", "BOOL", "ENUM")


async def value_history(view: View, shown: DevicePage, feature: Feature) -> Html:
    """The values of one property in the newest messages, oldest first in the chart, newest first in the table."""
    t = view.t
    rows, _ = await view.platform.history.data(shown.device.id, direction=_UP, size=_MESSAGES)
    found = [(row.created_at, value) for row in rows for value in _values(row.dm_data, feature.id)]
    title = t("History of {name}", name=feature.title)
    if not found:
        return card(title, empty(t("No message of the data log has this value.")))
    columns: list[Column[tuple[int, object]]] = [
        Column(t("Time"), lambda entry: moment(entry[0])),
        Column(t("Value"), lambda entry: _text(entry[1])),
    ]
    caption = t("The newest {count} values", count=min(len(found), _SHOWN))
    figures = tag.details(tag.summary(caption), table(columns, found[:_SHOWN], caption))
    points = [(float(at), _number(value)) for at, value in reversed(found)] if feature.data_type in _NUMBERS else []
    chart = lines(title, [Series(feature.name, points)], _clock) if points else None
    return card(title, chart, figures)


def _values(dm_data: str | None, feature_id: int) -> list[object]:
    if dm_data is None:
        return []
    entries = msgspec.json.decode(dm_data)
    fields = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [entry.get("value") for entry in fields if entry.get("id") == feature_id]


def _number(value: object) -> float:
    try:
        return float(str(value).lower() == "true") if isinstance(value, bool) else float(str(value))
    except ValueError:
        return 0.0


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%m-%d %H:%M:%S} UTC"
