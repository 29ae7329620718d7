"""Lists: `{"items": […], "total"}`, where `total` says how many there are when `limit` cut the list."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from .endpoint import Page

__all__ = ["page_of"]

_EntityT = TypeVar("_EntityT")
_ViewT = TypeVar("_ViewT")


def page_of(page: Page, found: Sequence[_EntityT], view: Callable[[_EntityT], _ViewT]) -> tuple[_ViewT, ...]:
    """The part of `found` that was asked for, each shown by `view`."""
    return tuple(view(entity) for entity in found[page.offset : page.offset + page.limit])
