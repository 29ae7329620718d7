"""What both drivers promise of a write, by one set of cases: all of it or nothing, and a refusal that says why."""

import asyncio
import contextlib
from pathlib import Path

import msgspec
import pytest

from databases import open_store
from mooring.store import (
    Store,
    StoreError,
    StoreUnavailable,
    UniqueViolation,
    Write,
    WriteRefused,
    accounts,
    products,
    saas_apps,
)
from mooring.store.products import ProductRow
from mooring.store.saas_apps import AppPackageRow, AppRow
from store.rows import account, account_ids, administrator, administrator_ids


def token(number: int, digest: bytes) -> Write:
    """A token of administrator 2."""
    row = accounts.TokenRow(number, 2, "t", digest, 1, None)
    return accounts.ADD_TOKEN.of(row, seen_hash=administrator(2, 1).password_hash)


def app(number: int, access_key: str, name: str) -> AppRow:
    return AppRow(number, 1, name, "", access_key, b"sealed", True, True, 0, False, "[]", "documented", 1, None)


def product(number: int, product_key: str, name: str) -> ProductRow:
    return ProductRow(
        *(number, 1, product_key, b"sealed", name, 0, "2", 3, 1, 0, 0, 0, 0),
        *(None, None, None, False, None, None, True, False),
        *(None, True, 3, True, 1, None),
    )


async def refusal(store: Store, *writes: Write) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await store.write(*writes)
    return caught.value


# All or nothing


async def test_a_unit_shows_all_of_its_changes(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)), accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)))
    assert (await account_ids(store), await administrator_ids(store)) == ([1], [2])


async def test_a_unit_that_fails_at_its_end_leaves_nothing(store: Store) -> None:
    await refusal(
        store,
        accounts.ADD_ACCOUNT.of(account(1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)),
    )
    assert (await account_ids(store), await administrator_ids(store)) == ([], [])


async def test_a_guard_that_fails_undoes_what_came_before_it(store: Store) -> None:
    missing = accounts.SET_NAME(account_id=9, new_name="x", now=2).must("account 9")
    error = await refusal(store, accounts.ADD_ACCOUNT.of(account(1)), missing)
    assert isinstance(error, WriteRefused)
    assert error.guard == "account 9"
    assert await account_ids(store) == []


async def test_a_guard_that_fails_keeps_what_comes_after_it_from_happening(store: Store) -> None:
    missing = accounts.SET_NAME(account_id=9, new_name="x", now=2).must("account 9")
    assert isinstance(await refusal(store, missing, accounts.ADD_ACCOUNT.of(account(1))), WriteRefused)
    assert await account_ids(store) == []


async def test_a_guard_that_touches_its_row_lets_the_unit_through(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    await store.write(accounts.SET_NAME(account_id=1, new_name="Harbour", now=2).must("account 1"))
    [row] = await store.read(accounts.ACCOUNTS)
    assert (row.name, row.updated_at) == ("Harbour", 2)


@pytest.mark.parametrize(("rows", "refused"), [(1, True), (2, False), (3, True)])
async def test_a_guard_counts_the_rows_exactly(store: Store, rows: int, refused: bool) -> None:
    await store.write(
        accounts.ADD_ACCOUNT.of(account(1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)),
        *(token(n, b"%d" % n) for n in (3, 4)),
    )
    write = accounts.DELETE_TOKENS_OF(administrator_id=2).must("tokens", rows)
    with pytest.raises(WriteRefused) if refused else contextlib.nullcontext():
        await store.write(write)
    assert len(await store.read(accounts.TOKENS)) == (2 if refused else 0)


async def test_a_change_without_a_guard_may_touch_nothing(store: Store) -> None:
    await store.write(accounts.DELETE_TOKEN(token_id=404))


# What is taken is named by table and columns

UNIQUE = {
    "primary key": (accounts.ADD_ACCOUNT.of(account(1)), "accounts", ("id",)),
    "one column": (
        accounts.ADD_ADMINISTRATOR.of(administrator(3, 1, "2@example.com")),
        "administrators",
        ("email",),
    ),
    "bytes": (
        token(9, b"digest"),
        "manage_tokens",
        ("token_hash",),
    ),
    "two columns": (saas_apps.ADD.of(app(9, "other", "Fleet")), "saas_apps", ("account_id", "name")),
    "the other of two": (saas_apps.ADD.of(app(9, "key", "other")), "saas_apps", ("access_key",)),
    "primary key of two columns": (
        saas_apps.AUTHORIZE_PACKAGE.of(AppPackageRow(4, "p", 2)),
        "saas_app_packages",
        ("app_id", "package"),
    ),
    "update": (
        accounts.ADD_ACCOUNT.of(account(7)),
        accounts.ADD_ADMINISTRATOR.of(administrator(8, 7, "2@example.com")),
        "administrators",
        ("email",),
    ),
    "product key": (products.ADD.of(product(9, "p1", "other")), "products", ("product_key",)),
    "product name": (products.ADD.of(product(9, "p2", "Pump")), "products", ("account_id", "name")),
}


@pytest.mark.parametrize("case", UNIQUE.values(), ids=UNIQUE)
async def test_a_taken_value_is_named_by_table_and_columns(
    store: Store, case: tuple[*tuple[Write, ...], str, tuple[str, ...]]
) -> None:
    await store.write(
        accounts.ADD_ACCOUNT.of(account(1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)),
        token(3, b"digest"),
        saas_apps.ADD.of(app(4, "key", "Fleet")),
        saas_apps.AUTHORIZE_PACKAGE.of(AppPackageRow(4, "p", 1)),
        products.ADD.of(product(5, "p1", "Pump")),
    )
    *writes, table, columns = case
    error = await refusal(store, *(write for write in writes if isinstance(write, Write)))
    assert isinstance(error, UniqueViolation)
    assert (error.table, error.columns) == (table, columns)


async def test_a_taken_value_is_not_repeated_in_the_text(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)), accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)))
    error = await refusal(store, accounts.ADD_ADMINISTRATOR.of(administrator(3, 1, "2@example.com")))
    assert "2@example.com" not in str(error)


async def test_a_row_without_its_owner_is_refused(store: Store) -> None:
    assert isinstance(await refusal(store, accounts.ADD_ADMINISTRATOR.of(administrator(2, 1))), WriteRefused)


async def test_what_belongs_to_a_row_goes_with_it(store: Store) -> None:
    await store.write(
        accounts.ADD_ACCOUNT.of(account(1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)),
        accounts.ADD_ADMINISTRATOR.of(administrator(9, 1)),
        token(3, b"digest"),
    )
    await store.write(accounts.DELETE_ADMINISTRATOR(administrator_id=2).must("administrator"))
    assert await store.read(accounts.TOKENS) == []


# Values

TEXTS = {
    "empty": "",
    "quotes": "a'b\"c`d\\e",
    "chinese": "智能插座。",
    "beyond the basic plane": "🚢⚓",
    "combining": "e\u0301 is not \u00e9",
    "right to left": "\u05d0\u202e\u05d1",
    "lines": "a\r\nb\tc",
    "percent and dollar": "%s $1 :name ?",
    "long": "x" * 100_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_texts_come_back_as_they_were(store: Store, text: str) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1, text)))
    assert [row.name for row in await store.read(accounts.ACCOUNTS)] == [text]


@pytest.mark.parametrize("value", [b"", bytes(range(256)), b"\x00" * 1000], ids=["empty", "every byte", "zeros"])
async def test_bytes_come_back_as_they_were(store: Store, value: bytes) -> None:
    await store.write(accounts.SET_PLATFORM_STATE(name="n", value=value))
    [row] = await store.read(accounts.PLATFORM_STATE, named="n")
    assert row.value == value
    assert type(row.value) is bytes


@pytest.mark.parametrize("value", [0, -1, 2**53 - 1, 2**63 - 1, -(2**63)])
async def test_numbers_come_back_as_they_were(store: Store, value: int) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(msgspec.structs.replace(account(value), updated_at=value)))
    [row] = await store.read(accounts.ACCOUNTS)
    assert (row.id, row.updated_at) == (value, value)


@pytest.mark.parametrize("value", [True, False])
async def test_booleans_come_back_as_booleans(store: Store, value: bool) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(msgspec.structs.replace(account(1), address_list_enabled=value)))
    [row] = await store.read(accounts.ACCOUNTS)
    assert row.address_list_enabled is value


async def test_none_comes_back_as_none(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)), products.ADD.of(product(5, "p1", "Pump")))
    [row] = await store.read(products.ALL)
    assert (row.item_code, row.logo_path, row.allowed_limit, row.app_id, row.released_version, row.updated_at) == (
        None,
    ) * 6


async def test_a_guard_on_an_absent_value_compares_none_with_none(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)), products.ADD.of(product(5, "p1", "Pump")))
    await store.write(products.SET_RELEASE(product_id=5, seen_version=None, new_version="1").must("first"))
    error = await refusal(store, products.SET_RELEASE(product_id=5, seen_version=None, new_version="2").must("second"))
    assert str(error) == "second"


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**200])
async def test_a_number_that_fits_no_column_is_an_error_and_not_an_outage(store: Store, value: int) -> None:
    error = await refusal(store, accounts.ADD_ACCOUNT.of(account(value)))
    assert not isinstance(error, StoreUnavailable)


async def test_a_text_that_is_no_unicode_is_an_error_and_not_an_outage(store: Store) -> None:
    error = await refusal(store, accounts.ADD_ACCOUNT.of(account(1, "\ud800")))
    assert not isinstance(error, StoreUnavailable)


async def test_reading_by_a_number_that_fits_no_column_is_an_error_and_not_an_outage(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        await store.read(saas_apps.ONE, app_id=2**63)
    assert not isinstance(caught.value, StoreUnavailable)


async def test_scan_finds_what_read_finds(store: Store) -> None:
    await store.write(*(accounts.ADD_ACCOUNT.of(account(number)) for number in range(100)))
    assert await store.scan(accounts.ACCOUNTS) == await store.read(accounts.ACCOUNTS)


async def test_reading_finds_what_was_just_written(store: Store) -> None:
    for number in range(20):
        await store.write(accounts.ADD_ACCOUNT.of(account(number)))
        assert (await account_ids(store))[-1] == number
        assert (await store.scan(accounts.ACCOUNTS))[-1].id == number


# Many at once


async def test_of_many_units_at_once_a_failing_one_takes_nobody_along(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))

    async def unit(number: int) -> int | None:
        poison = {
            1: accounts.ADD_ACCOUNT.of(account(1)),
            2: accounts.SET_NAME(account_id=0, new_name="x", now=1).must("nobody"),
            3: accounts.ADD_ACCOUNT.of(account(2**70)),
            4: accounts.ADD_ADMINISTRATOR.of(administrator(number + 1000, 404)),
            5: accounts.ADD_ACCOUNT.of(account(number + 1000, "\ud800")),
        }.get(number % 10)
        writes = [accounts.ADD_ADMINISTRATOR.of(administrator(number, 1))]
        try:
            await store.write(*writes, *([poison] if poison is not None else []))
        except StoreUnavailable:
            raise
        except StoreError:
            return None
        return number

    acknowledged = [number for number in await asyncio.gather(*map(unit, range(2, 202))) if number is not None]
    assert acknowledged == [number for number in range(2, 202) if number % 10 not in (1, 2, 3, 4, 5)]
    assert await administrator_ids(store) == acknowledged


async def test_writes_of_one_caller_happen_in_order(store: Store) -> None:
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    for number in range(50):
        await store.write(accounts.SET_NAME(account_id=1, new_name=str(number), now=number))
    assert [row.name for row in await store.read(accounts.ACCOUNTS)] == ["49"]


async def test_a_caller_that_goes_away_leaves_a_whole_unit(store: Store) -> None:
    unit = (accounts.ADD_ACCOUNT.of(account(1)), accounts.ADD_ADMINISTRATOR.of(administrator(2, 1)))
    caller = asyncio.create_task(store.write(*unit))
    await asyncio.sleep(0)
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller
    async with asyncio.timeout(10):
        while not await account_ids(store):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
    assert await administrator_ids(store) == [2]


# The end


async def test_a_closed_store_refuses_writes_and_reads(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    with pytest.raises(StoreUnavailable):
        await store.read(accounts.ACCOUNTS)
    with pytest.raises(StoreUnavailable):
        await store.scan(accounts.ACCOUNTS)


async def test_closing_twice_is_closing_once(store: Store) -> None:
    await store.close()
    await store.close()


async def test_closing_cuts_no_unit_in_half(store: Store, database: Path | str) -> None:
    async def unit(number: int) -> int | None:
        try:
            await store.write(
                accounts.ADD_ACCOUNT.of(account(number)), accounts.ADD_ADMINISTRATOR.of(administrator(number, number))
            )
        except StoreUnavailable:
            return None
        return number

    units = [asyncio.create_task(unit(number)) for number in range(100)]
    for _ in range(3):
        await asyncio.sleep(0)
    await store.close()
    acknowledged = [number for number in await asyncio.gather(*units) if number is not None]
    again = await open_store(database)
    assert acknowledged
    assert await account_ids(again) == await administrator_ids(again) == acknowledged
    await again.close()
