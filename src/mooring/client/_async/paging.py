"""A listing that walks through its pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from mooring.client._paging import Page, checked_number, goes_on

T = TypeVar("T")


class AsyncPageList(Generic[T]):
    """A listing that is fetched page by page while you iterate over its rows with `async for`."""

    def __init__(self, load: Callable[[int], Awaitable[Page[T]]]) -> None:
        self._load = load

    async def page(self, number: int = 1) -> Page[T]:
        """Fetch one page; `number` starts at 1."""
        return await self._load(checked_number(number))

    async def __aiter__(self) -> AsyncIterator[T]:
        previous: Page[T] | None = None
        while previous is None or goes_on(previous):
            page = await self._load(1 if previous is None else previous.page_num + 1)
            if previous is not None and page.rows == previous.rows:
                return
            for row in page.rows:
                yield row
            previous = page
