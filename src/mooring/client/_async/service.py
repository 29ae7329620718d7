"""What all services have: how a call is carried out."""

from collections.abc import Awaitable, Mapping
from typing import Protocol, TypeVar

from mooring.client._async.paging import AsyncPageList
from mooring.client._calls import Call, Value
from mooring.client._operations import Listing
from mooring.client._reading import Row

T = TypeVar("T")
R = TypeVar("R", bound=Row)


class AsyncRun(Protocol):
    """Carries out a call."""

    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


class AsyncService:
    """A group of operations. `language` (CN or EN) is sent where the platform takes one."""

    def __init__(self, run: AsyncRun, language: str | None) -> None:
        self._run = run
        self._language = language

    def _pages(self, listing: Listing[R], members: Mapping[str, Value], page_size: int) -> AsyncPageList[R]:
        size = listing.checked_size(page_size)
        return AsyncPageList(lambda number: self._run(listing.page(members, number, size)))
