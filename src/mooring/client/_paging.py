"""Pages of a listing, and when a walk through them ends.

Rows are served newest first (contract/openapi-notes.md section 8), so a row that is added while a walk is
under way can make an older one appear twice. A walk ends by the page counters; without counters, at the
first page that is shorter than asked for; and always at a page that is empty or repeats the one before,
which is how a server looks that ignores the page number.
"""

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


def checked_number(number: int) -> int:
    """Return the number of a page. Raises `ValueError` below 1."""
    if number < 1:
        raise ValueError("pages are numbered from 1")
    return number


def goes_on(page: Page[T]) -> bool:
    """Whether there may be a page after this one."""
    if not page.rows:
        return False
    if page.total is not None:
        return page.page_num * page.page_size < page.total
    if page.pages is not None:
        return page.page_num < page.pages
    return len(page.rows) >= page.page_size
