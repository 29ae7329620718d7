"""Pages of a listing, and one object that walks through all of them.

Rows are served newest first (contract/openapi-notes.md section 8), so a row that is added while a walk is
under way can make an older one appear twice. A walk ends by the page counters; without counters, at the
first page that is shorter than asked for; and always at a page that is empty or repeats the one before,
which is how a server looks that ignores the page number.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: its rows, its number from 1, the rows per page that were applied, and the whole's counters.

    Counters are None when the platform did not send them.
    """

    rows: tuple[T, ...]
    page_num: int
    page_size: int
    pages: int | None
    total: int | None


class PageList(Generic[T]):
    """A listing that is fetched page by page while you iterate over its rows."""

    def __init__(self, load: Callable[[int], Page[T]]) -> None:
        self._load = load

    def page(self, number: int) -> Page[T]:
        """Fetch one page; `number` starts at 1."""
        return self._load(_checked(number))

    def __iter__(self) -> Iterator[T]:
        previous: Page[T] | None = None
        while previous is None or _goes_on(previous):
            page = self._load(1 if previous is None else previous.page_num + 1)
            if previous is not None and page.rows == previous.rows:
                return
            yield from page.rows
            previous = page


class AsyncPageList(Generic[T]):
    """A listing that is fetched page by page while you iterate over its rows with `async for`."""

    def __init__(self, load: Callable[[int], Awaitable[Page[T]]]) -> None:
        self._load = load

    async def page(self, number: int) -> Page[T]:
        """Fetch one page; `number` starts at 1."""
        return await self._load(_checked(number))

    async def __aiter__(self) -> AsyncIterator[T]:
        previous: Page[T] | None = None
        while previous is None or _goes_on(previous):
            page = await self._load(1 if previous is None else previous.page_num + 1)
            if previous is not None and page.rows == previous.rows:
                return
            for row in page.rows:
                yield row
            previous = page


def _checked(number: int) -> int:
    if number < 1:
        raise ValueError("pages are numbered from 1")
    return number


def _goes_on(page: Page[T]) -> bool:
    if not page.rows:
        return False
    if page.total is not None:
        return page.page_num * page.page_size < page.total
    if page.pages is not None:
        return page.page_num < page.pages
    return len(page.rows) >= page.page_size
