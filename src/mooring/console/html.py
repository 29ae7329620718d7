"""HTML as values: `tag.div("text", tag.b("bold"), class_="x")`. Every text is escaped; only `Html` is taken as is."""

from collections.abc import Callable, Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Html", "join", "tag", "trusted"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "Html | str | int | float | bool | Iterable[Child] | None"
"""What may stand inside an element; None and booleans are left out, so that `condition and tag.p(…)` works."""

Attribute: TypeAlias = str | int | float | bool | None
"""None and False leave an attribute out, True writes its name alone."""

_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


class _Tags:
    """`tag.NAME` makes elements; `class_` and `for_` are written without the mark, `data_x` as `data-x`."""

    def __getattr__(self, name: str) -> Callable[..., Html]:
        def make(*children: Child, **attributes: Attribute) -> Html:
            return element(name, children, attributes)

        self.__dict__[name] = make
        return make


tag = _Tags()


def element(name: str, children: Iterable[Child], attributes: dict[str, Attribute]) -> Html:
    """One element."""
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(opening if name in _EMPTY else f"{opening}{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Children one after the other."""
    return Html("".join(_parts(children)))


def trusted(text: str) -> Html:
    """Text that this program wrote as HTML. Never give it anything from outside."""
    return Html(text)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{escape(str(value))}"'


def _parts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None or isinstance(child, bool):
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        elif isinstance(child, int | float):
            yield str(child)
        else:
            yield from _parts(child)
