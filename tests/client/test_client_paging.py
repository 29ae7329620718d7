"""Pages and walks over them; contract/openapi-notes.md section 8."""

from collections.abc import Callable
from typing import Any

import pytest

from client.fake_cloud import FakeCloud, settle, walk
from mooring.client import Page

Connect = Callable[..., Any]


@pytest.mark.parametrize(("page_size", "requests"), [(1, 5), (2, 3), (4, 2), (5, 1), (100, 1)])
def test_listing_walks_all_pages_and_no_more(connect: Connect, cloud: FakeCloud, page_size: int, requests: int) -> None:
    keys = [row.product_key for row in walk(connect().products.list(page_size=page_size))]
    assert keys == ["PK0001", "PK0002", "PK0003", "PK0004", "PK0005"]
    assert cloud.calls["products"] == requests


def test_listing_can_be_walked_again(connect: Connect) -> None:
    rows = connect().products.list(page_size=2)
    assert walk(rows) == walk(rows)


def test_nothing_is_sent_before_the_first_row(connect: Connect, cloud: FakeCloud) -> None:
    connect().products.list()
    assert cloud.calls.total() == 0


def test_one_page_has_rows_and_counters(connect: Connect) -> None:
    page = settle(connect().products.list(page_size=2).page(3))
    assert isinstance(page, Page)
    assert [row.product_key for row in page.rows] == ["PK0005"]
    assert (page.page_num, page.page_size, page.pages, page.total) == (3, 2, 3, 5)


def test_listing_is_narrowed_by_product_key(connect: Connect, cloud: FakeCloud) -> None:
    assert [row.product_key for row in walk(connect().products.list(product_key="PK0003"))] == ["PK0003"]
    assert dict(cloud.requests[-1].url.params) == {
        "pageNum": "1",
        "pageSize": "100",
        "productKey": "PK0003",
    }


def test_empty_listing_takes_one_request(connect: Connect, cloud: FakeCloud) -> None:
    cloud.rows = []
    assert walk(connect().products.list()) == []
    assert cloud.calls["products"] == 1


ONE = [{"productKey": "PK0001"}, {"productKey": "PK0002"}]


@pytest.mark.parametrize(
    ("answer", "rows", "requests"),
    [
        ({"code": 200, "data": ONE}, 2, 2),
        ({"code": 200, "data": ONE[:1]}, 1, 1),
        ({"code": 200, "data": ONE, "pages": 1}, 2, 1),
        ({"code": 200, "data": ONE, "pages": "9", "pageNum": 1}, 2, 2),
        ({"code": 200, "data": ONE, "total": 1000, "pageSize": 2}, 2, 2),
        ({"code": 200, "data": ONE, "total": "2", "pageSize": "2"}, 2, 1),
        ({"code": 200, "data": None, "total": 7}, 0, 1),
        ({"code": 200}, 0, 1),
    ],
    ids=["no-counters", "short", "pages", "same-page-pages", "same-page-total", "text", "null", "missing"],
)
def test_walk_ends_whatever_the_counters_say(
    connect: Connect, cloud: FakeCloud, answer: dict[str, Any], rows: int, requests: int
) -> None:
    cloud.answers["products"] = answer
    assert len(walk(connect().products.list(page_size=2))) == rows
    assert cloud.calls["products"] == requests


def test_walk_goes_on_when_the_server_shrinks_the_page(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["products"] = {"code": 200, "data": ONE, "total": 4, "pageSize": 2}
    rows = walk(connect().products.list(page_size=100))
    assert len(rows) == 2
    assert cloud.calls["products"] == 2


@pytest.mark.parametrize("call", [lambda rows: rows.list(page_size=0), lambda rows: settle(rows.list().page(0))])
def test_sizes_and_numbers_below_one_are_refused(connect: Connect, call: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"is 1 to|from 1"):
        call(connect().products)
