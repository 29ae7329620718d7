"""Cards, facts, badges, times and the like."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ..html import Child, Html, tag
from ..page import View, address

__all__ = [
    "badge",
    "card",
    "code_block",
    "copyable",
    "empty",
    "facts",
    "figures",
    "json_block",
    "link",
    "link_button",
    "live",
    "moment",
    "note",
    "tabs",
]


def card(title: str, *children: Child, actions: Child = (), wide: bool = False) -> Html:
    """A block of a page with a heading; "" for none."""
    head = (title or actions) and tag.header(title and tag.h2(title), tag.div(actions, class_="buttons"))
    return tag.section(head or None, *children, class_="card wide" if wide else "card")


def figures(*entries: tuple[str, Child, str]) -> Html:
    """Large numbers: label, value, address they lead to or ""."""
    return tag.dl(
        (
            tag.div(tag.dt(tag.a(label, href=href) if href else label), tag.dd(_grouped(value)))
            for label, value, href in entries
        ),
        class_="figures",
    )


def facts(*entries: tuple[str, Child]) -> Html:
    """Labels with their values; None is shown as a dash."""
    return tag.dl(
        (tag.div(tag.dt(label), tag.dd("–" if value is None or value == "" else value)) for label, value in entries),
        class_="facts",
    )


def badge(text: str, tone: str = "plain") -> Html:
    """A short state. `tone` is plain, good, bad, warn or info; the text says it too, as colours alone do not."""
    return tag.span(text, class_=f"badge {tone}")


def note(text: Child, tone: str = "info") -> Html:
    """A remark to the reader; `tone` is info, warn or bad."""
    return tag.p(text, class_=f"note {tone}", role="note")


def empty(text: str, *actions: Child) -> Html:
    """What stands where there is nothing yet, with what to do about it."""
    return tag.div(tag.p(text), *actions, class_="empty")


def moment(at: int | None) -> Html:
    """A time (epoch ms). It is written in UTC; the script shows it in the reader's own time zone."""
    if at is None:
        return tag.span("–")
    try:
        time = datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return tag.span(str(at))
    return tag.time(f"{time:%Y-%m-%d %H:%M:%S}", datetime=f"{time:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z", data_time=True)


def copyable(view: View, text: str) -> Html:
    """A key or an address with a button that copies it."""
    return tag.span(
        tag.code(text),
        tag.button(view.t("Copy"), type="button", class_="small quiet", data_copy=text),
        class_="copyable",
    )


def link(text: Child, path: str, /, **parameters: object) -> Html:
    """A link to a page below /console."""
    return tag.a(text, href=address(path, None, **parameters))


def link_button(text: str, path: str, /, *, primary: bool = False, **parameters: object) -> Html:
    """A link that looks like a button."""
    return tag.a(text, href=address(path, None, **parameters), class_="button primary" if primary else "button")


def code_block(text: str, label: str, view: View) -> Html:
    """Program text that scrolls in itself, with a button that copies it."""
    return tag.div(
        tag.button(view.t("Copy"), type="button", class_="small quiet", data_copy=text),
        tag.pre(tag.code(text), tabindex=0, role="region", aria_label=label),
        class_="code",
    )


def json_block(value: object, label: str, view: View) -> Html:
    """A value as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return code_block(text, label, view)


def tabs(view: View, entries: Sequence[tuple[str, str]], current: str, label: str) -> Html:
    """Tabs, each an own address (`?tab=`): (key, text)."""
    return tag.nav(
        tag.ul(
            tag.li(tag.a(text, href=address(view.here, {"tab": key}), aria_current=key == current and "page"))
            for key, text in entries
        ),
        class_="tabs",
        aria_label=label,
    )


def live(identity: str, seconds: int, *children: Child, at_once: bool = False) -> Html:
    """A region that the script asks for anew every so many seconds while the page is looked at. What it shows is
    whatever the page shows there; `view.part` names it, so that the page can leave the rest out. With `at_once` it is
    asked for as soon as the page is there, as what it shows takes long to find."""
    return tag.div(*children, id=identity, data_refresh=seconds, data_now=at_once)


def _grouped(value: Child) -> Child:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
