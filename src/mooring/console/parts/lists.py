"""Lists that the database pages and searches: their filters, their table, their pager."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..html import Child, Html, tag
from ..page import View, address

__all__ = ["Column", "Paging", "choice", "filters", "listing", "one_of", "search", "table"]

_RowT = TypeVar("_RowT")
_SIZES = (10, 20, 50, 100)
_MAX_PAGE = 10**9


@dataclass(frozen=True, slots=True)
class Column(Generic[_RowT]):
    """A column: its heading and what it shows of a row; a `wide` one keeps room for long contents."""

    title: str
    cell: Callable[[_RowT], Child]
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """Which rows the address asks for (`page`, `size`); whatever makes no sense is the first page."""

    page: int
    size: int

    @classmethod
    def of(cls, view: View, size: int = 20) -> "Paging":
        """What the request asks for."""
        return cls(_number(view.query.get("page", ""), 1), min(_number(view.query.get("size", ""), size), _SIZES[-1]))

    @property
    def skip(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.size


def filters(view: View, *fields: Child, keep: Iterable[str] = ("tab",), submit: str = "") -> Html:
    """Fields that narrow the list below; the script asks for it as one types. `keep` are parameters of the address
    that stay, `submit` the text of the button, "Search" unless given."""
    kept = [tag.input(type="hidden", name=name, value=view.query[name]) for name in keep if name in view.query]
    return tag.form(
        *kept,
        *fields,
        tag.button(submit or view.t("Search"), type="submit", class_="primary"),
        tag.a(view.t("Clear"), href=address(view.here, {name: view.query.get(name) for name in keep}), class_="button"),
        method="get",
        action=address(view.here),
        class_="filters",
        role="search",
        data_filter=True,
    )


def search(view: View, name: str, label: str) -> Html:
    """A text to look for."""
    return tag.label(
        tag.span(label),
        tag.input(type="search", name=name, value=view.query.get(name, ""), maxlength=100),
        class_="field",
    )


def choice(view: View, name: str, label: str, options: Iterable[tuple[str, str]]) -> Html:
    """One of several values, or any."""
    return one_of(name, label, [("", view.t("Any")), *options], view.query.get(name, ""))


def one_of(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> Html:
    """One of several values."""
    return tag.label(
        tag.span(label),
        tag.select((tag.option(text, value=key, selected=key == chosen) for key, text in options), name=name),
        class_="field",
    )


def table(
    columns: Sequence[Column[Any]],
    rows: Iterable[Any],
    caption: str,
    *,
    ticks: tuple[str, Callable[[Any], str]] | None = None,
    view: View | None = None,
) -> Html:
    """Rows in columns; on narrow screens each row becomes a block. `ticks` (field, value of a row) puts a box before
    each row; a form of the same page takes them with `form="…"`."""
    tick_all = tag.input(type="checkbox", data_all=True, aria_label=view.t("Select all") if view else "all")
    head = tag.tr(
        ticks and tag.th(tick_all, class_="tick"),
        (tag.th(column.title, scope="col", class_="number" if column.numeric else None) for column in columns),
    )
    body = (tag.tr(ticks and _tick(ticks, row), (_cell(column, row) for column in columns)) for row in rows)
    return tag.div(
        tag.table(tag.caption(caption), tag.thead(head), tag.tbody(body)),
        class_="table",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def listing(
    view: View,
    columns: Sequence[Column[Any]],
    rows: Sequence[Any],
    total: int,
    paging: Paging,
    caption: str,
    *,
    nothing: Child = None,
    ticks: tuple[str, Callable[[Any], str]] | None = None,
    live: int | None = None,
) -> Html:
    """A page of a list with its pager; `nothing` stands there when there are no rows. With `live` it is asked for anew
    every so many seconds."""
    inside = (
        (table(columns, rows, caption, ticks=ticks, view=view), _pager(view, total, paging))
        if rows
        else nothing or tag.div(tag.p(view.t("Nothing found.")), class_="empty")
    )
    return tag.div(inside, id="listing", data_refresh=live)


def _tick(ticks: tuple[str, Callable[[Any], str]], row: Any) -> Html:
    name, value_of = ticks
    value = value_of(row)
    return tag.td(tag.input(type="checkbox", name=name, value=value, form="ticked", aria_label=value), class_="tick")


def _cell(column: Column[Any], row: Any) -> Html:
    found = column.cell(row)
    shown = "–" if found is None or found == "" else found
    if not isinstance(shown, str | int | float):
        shown = tag.span(shown)  # on narrow screens a cell is a grid of its label and one thing
    style = "number" if column.numeric else "wide" if column.wide else None
    return tag.td(shown, data_label=column.title, class_=style)


def _pager(view: View, total: int, paging: Paging) -> Html:
    last = max(1, -(-total // paging.size))
    first_row, last_row = min(paging.skip + 1, total), min(paging.skip + paging.size, total)

    def to(text: str, page: int, label: str) -> Html:
        if not 1 <= page <= last or page == paging.page:
            return tag.span(text, class_="button off", aria_hidden="true")
        return tag.a(text, href=_with(view, page=page), class_="button", aria_label=label, data_page=True)

    return tag.nav(
        tag.span(view.t("{first}–{last} of {total}", first=first_row, last=last_row, total=f"{total:,}")),
        tag.span(
            to("«", 1, view.t("First page")),
            to("‹", paging.page - 1, view.t("Previous page")),
            tag.span(f"{paging.page} / {last}", class_="page"),
            to("›", paging.page + 1, view.t("Next page")),
            to("»", last, view.t("Last page")),
            class_="buttons",
        ),
        class_="pager",
        aria_label=view.t("Pages"),
    )


def _with(view: View, **changes: object) -> str:
    query: Mapping[str, object] = {**view.query, **changes}
    return address(view.here, query)


def _number(text: str, default: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0:
        return min(int(text), _MAX_PAGE)
    return default
