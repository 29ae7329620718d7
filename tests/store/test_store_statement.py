"""Statements say at once when rows or parameters do not fit them."""

import msgspec
import pytest
from sqlalchemy import select

from mooring.store import Query, accounts, tables
from store.rows import account


class IdAndName(msgspec.Struct):
    id: int
    name: str


def test_a_query_refuses_a_row_with_other_fields() -> None:
    with pytest.raises(TypeError, match="IdAndName"):
        Query(select(tables.accounts.c.name, tables.accounts.c.id), IdAndName)


def test_a_change_names_the_parameters_it_misses() -> None:
    with pytest.raises(TypeError, match="account_id, now"):
        accounts.SET_NAME(new_name="x")


def test_a_row_fills_every_column_of_an_insert() -> None:
    assert set(accounts.ADD_ACCOUNT.of(account(1)).params) == {column.name for column in tables.accounts.columns}


def test_a_guard_leaves_the_write_it_was_made_from_alone() -> None:
    write = accounts.ADD_ACCOUNT.of(account(1))
    assert write.must("x", 2).guard == "x"
    assert write.guard is None
