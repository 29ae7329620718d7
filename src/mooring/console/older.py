"""Lists that go on by the id of their last row: logs, where new rows come while one reads."""

from collections.abc import Sequence
from typing import Any

from .html import Child, Html, tag
from .page import View, address
from .parts import Column, empty, table

__all__ = ["PERIODS", "before", "log_table", "period_ms"]

PERIODS = {"hour": "Last hour", "day": "Last 24 hours", "week": "Last 7 days", "month": "Last 30 days"}
"""English names of periods by their value in an address."""

_HOUR_MS = 3_600_000
_LENGTHS = {"hour": _HOUR_MS, "day": 24 * _HOUR_MS, "week": 7 * 24 * _HOUR_MS, "month": 30 * 24 * _HOUR_MS}


def before(view: View) -> int | None:
    """The id that rows must be older than; None for the newest."""
    text = view.query.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) > 0 else None


def period_ms(view: View, now_ms: int, otherwise: str = "") -> int:
    """Since when (epoch ms) the chosen period lasts; 0 for always."""
    length = _LENGTHS.get(view.query.get("period", otherwise))
    return 0 if length is None else now_ms - length


def log_table(
    view: View,
    columns: Sequence[Column[Any]],
    rows: Sequence[Any],
    caption: str,
    *,
    next_before: int | None,
    live: int | None = None,
    nothing: Child = None,
) -> Html:
    """One page of a log, with the ways to what is newer and older; `next_before` is the last row's id when there is
    more. The newest page is asked for anew every `live` seconds."""
    first = before(view) is None
    newest = address(view.here, {**view.query, "before": None})
    older = address(view.here, {**view.query, "before": next_before})
    pager = tag.nav(
        tag.span(),
        tag.span(
            first or tag.a(view.t("Newest"), href=newest, class_="button", data_page=True),
            next_before is not None and tag.a(view.t("Older"), href=older, class_="button", data_page=True),
            class_="buttons",
        ),
        class_="pager",
        aria_label=view.t("Pages"),
    )
    body = table(columns, rows, caption) if rows else nothing or empty(view.t("Nothing found."))
    return tag.div(
        body, (not first or next_before is not None) and pager, id="listing", data_refresh=live if first else None
    )
