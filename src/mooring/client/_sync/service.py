# Made of _async/service.py by tools/generate_sync.py; change that.
"""What all services have: how a call is carried out."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from mooring.client._calls import Call, Value
from mooring.client._operations import Listing
from mooring.client._reading import Row
from mooring.client._sync.paging import PageList

T = TypeVar("T")
R = TypeVar("R", bound=Row)


class Run(Protocol):
    """Carries out a call."""

    def __call__(self, call: Call[T], /) -> T: ...


class Service:
    """A group of operations. `language` (CN or EN) is sent where the platform takes one."""

    def __init__(self, run: Run, language: str | None) -> None:
        self._run = run
        self._language = language

    def _pages(self, listing: Listing[R], members: Mapping[str, Value], page_size: int) -> PageList[R]:
        size = listing.checked_size(page_size)
        return PageList(lambda number: self._run(listing.page(members, number, size)))
