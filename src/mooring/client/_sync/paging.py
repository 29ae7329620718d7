# Made of _async/paging.py by tools/generate_sync.py; change that.
"""A listing that walks through its pages."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from mooring.client._paging import Page, checked_number, goes_on

T = TypeVar("T")


class PageList(Generic[T]):
    """A listing that is fetched page by page while you iterate over its rows with `for`."""

    def __init__(self, load: Callable[[int], Page[T]]) -> None:
        self._load = load

    def page(self, number: int = 1) -> Page[T]:
        """Fetch one page; `number` starts at 1."""
        return self._load(checked_number(number))

    def __iter__(self) -> Iterator[T]:
        previous: Page[T] | None = None
        while previous is None or goes_on(previous):
            page = self._load(1 if previous is None else previous.page_num + 1)
            if previous is not None and page.rows == previous.rows:
                return
            yield from page.rows
            previous = page
