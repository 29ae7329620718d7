"""PostgreSQL: one that goes away is an outage that ends; a wrong URL says what is wrong and never the password."""

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import bindparam

from databases import on_server
from mooring.store import Change, DatabaseUnreachable, StoreUnavailable, accounts, postgres
from mooring.store.migrate import migrate_postgres
from mooring.store.postgres import PostgresStore, check_url, printable_url
from mooring.store.tables import accounts as accounts_table
from store.rows import account, account_ids

_DELETE = accounts_table.delete().where(accounts_table.c.id == bindparam("of_account"))
TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'mooring' AND datname = current_database()
"""


async def blocked(control: Any) -> None:
    """Wait until a connection of the store waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mooring' AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await control.fetchval(waiting):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)


async def test_a_connection_cut_between_two_units_is_made_anew(postgres_url: str) -> None:
    store = await PostgresStore.open(postgres_url)
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    await on_server(postgres_url, TERMINATE)
    # The first call may still meet a cut connection; how many do is a matter of timing.
    for _ in range(10):
        try:
            assert await account_ids(store) == [1]
            break
        except StoreUnavailable:
            continue
    await store.write(accounts.ADD_ACCOUNT.of(account(2)))
    assert await account_ids(store) == [1, 2]
    await store.close()


async def test_a_connection_cut_inside_a_unit_leaves_nothing_and_heals(postgres_url: str) -> None:
    store = await PostgresStore.open(postgres_url)
    control = await asyncpg.connect(postgres_url)
    async with control.transaction():
        await control.execute("LOCK TABLE administrators IN ACCESS EXCLUSIVE MODE")
        cut = asyncio.create_task(
            store.write(accounts.ADD_ACCOUNT.of(account(1)), accounts.DELETE_ADMINISTRATOR(administrator_id=9))
        )
        await blocked(control)
        await control.execute(TERMINATE)
        with pytest.raises(StoreUnavailable):
            await cut
    await control.close()
    await store.write(accounts.ADD_ACCOUNT.of(account(2)))
    assert await account_ids(store) == [2]
    await store.close()


async def test_a_query_cancelled_by_the_server_is_an_outage(postgres_url: str) -> None:
    store = await PostgresStore.open(postgres_url)
    control = await asyncpg.connect(postgres_url)
    async with control.transaction():
        await control.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(store.read(accounts.ACCOUNTS))
        await blocked(control)
        await control.execute(TERMINATE.replace("pg_terminate_backend", "pg_cancel_backend"))
        with pytest.raises(StoreUnavailable):
            await reading
    await control.close()
    await store.close()


async def test_a_server_that_lets_nobody_in_is_an_outage_and_heals(
    fresh_postgres_url: str, postgres_server_url: str
) -> None:
    await migrate_postgres(fresh_postgres_url)
    store = await PostgresStore.open(fresh_postgres_url)
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    database = urlsplit(fresh_postgres_url).path.strip("/")
    await on_server(
        postgres_server_url,
        f"ALTER DATABASE {database} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'",
    )
    with pytest.raises(StoreUnavailable):
        await account_ids(store)
    with pytest.raises(StoreUnavailable):
        await store.write(accounts.ADD_ACCOUNT.of(account(2)))
    await on_server(postgres_server_url, f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    await store.write(accounts.ADD_ACCOUNT.of(account(3)))
    assert await account_ids(store) == [1, 3]
    await store.close()


async def test_waiting_too_long_for_a_connection_is_an_outage_that_says_so(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_CONNECT_TIMEOUT_S", 0.05)
    store = await PostgresStore.open(postgres_url, connections=1)
    control = await asyncpg.connect(postgres_url)
    async with control.transaction():
        await control.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(store.read(accounts.ACCOUNTS))
        await blocked(control)
        with pytest.raises(StoreUnavailable, match="TimeoutError"):
            await store.read(accounts.ACCOUNTS)
    await waiting
    await control.close()
    await store.close()


async def test_a_server_that_is_too_old_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_OLDEST_SERVER", 999)
    with pytest.raises(DatabaseUnreachable, match="999 or newer"):
        await PostgresStore.open(postgres_url)


# Addresses

PASSWORD = "s3cr3t+W0rd"
WRONG = {
    "other scheme": f"mysql://mooring:{PASSWORD}@127.0.0.1/mooring",
    "no scheme": f"mooring:{PASSWORD}@127.0.0.1/mooring",
    "empty": "",
    "a path": "/var/lib/mooring.sqlite3",
    "no database": f"postgresql://mooring:{PASSWORD}@127.0.0.1:5432",
    "no database, with slash": f"postgresql://mooring:{PASSWORD}@127.0.0.1:5432/",
    "port is no number": f"postgresql://mooring:{PASSWORD}@127.0.0.1:port/mooring",
    "port is too large": f"postgresql://mooring:{PASSWORD}@127.0.0.1:99999/mooring",
    "several hosts": f"postgresql://mooring:{PASSWORD}@one:5432,two:5432/mooring",
    "open bracket": f"postgresql://mooring:{PASSWORD}@[::1/mooring",
    "slash in the password": f"postgresql://mooring:/{PASSWORD}@127.0.0.1/mooring",
    "digits and slash in the password": f"postgresql://mooring:12/{PASSWORD}@127.0.0.1/mooring",
    "question mark in the password": f"postgresql://mooring:{PASSWORD}?x@127.0.0.1/mooring",
    "digits and question mark in the password": f"postgresql://mooring:12?{PASSWORD}@127.0.0.1/mooring",
    "hash sign in the password": f"postgresql://mooring:12#{PASSWORD}@127.0.0.1/mooring",
    "bracket in the password": f"postgresql://mooring:[{PASSWORD}@127.0.0.1/mooring",
    "unicode in the password": f"postgresql://mooring:{PASSWORD}\uff0f@127.0.0.1/mooring",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="database URL"):
        check_url(url)


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_the_password_is_never_in_the_refusal(url: str) -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        check_url(url)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_the_refusal_drags_no_password_along(url: str) -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        check_url(url)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://mooring@127.0.0.1/mooring",
        "postgres://mooring@127.0.0.1:5432/mooring",
        f"postgresql://mooring:{PASSWORD}@db.example.com/mooring?sslmode=require",
        "postgresql://mooring:a%40b%2Fc@[::1]:5432/mooring",
        "postgresql:///mooring",
    ],
)
def test_a_url_of_the_right_form_passes(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        (f"postgresql://mooring:{PASSWORD}@db:5432/mooring", "postgresql://mooring@db:5432/mooring"),
        (f"postgresql://mooring:{PASSWORD}@db/mooring?password={PASSWORD}", "postgresql://mooring@db/mooring"),
        ("postgresql://db/mooring", "postgresql://db/mooring"),
        ("postgresql://mooring:a%40b@[::1]/mooring", "postgresql://mooring@[::1]/mooring"),
    ],
)
def test_a_url_is_printed_without_its_password(url: str, printed: str) -> None:
    assert printable_url(url) == printed


async def refusal(url: str) -> str:
    texts = []
    for attempt in (PostgresStore.open, migrate_postgres):
        with pytest.raises(DatabaseUnreachable) as caught:
            await attempt(url)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    return texts[0]


async def test_a_port_where_nothing_listens_is_named_without_the_password(unused_tcp_port: int) -> None:
    text = await refusal(f"postgresql://mooring:{PASSWORD}@127.0.0.1:{unused_tcp_port}/mooring")
    assert text.startswith(f"cannot open database postgresql://mooring@127.0.0.1:{unused_tcp_port}/mooring: ")
    assert PASSWORD not in text


async def test_a_database_that_does_not_exist_is_named_without_the_password(postgres_server_url: str) -> None:
    parts = urlsplit(postgres_server_url)
    url = f"postgresql://mooring:{PASSWORD}@{parts.hostname}:{parts.port}/nowhere"
    text = await refusal(url)
    assert text.endswith('database "nowhere" does not exist')
    assert PASSWORD not in text


async def test_a_setting_the_server_does_not_know_is_named(postgres_server_url: str) -> None:
    assert "no_such_setting" in await refusal(f"{postgres_server_url}?no_such_setting=1")


async def test_a_wrong_option_is_a_refusal(postgres_server_url: str) -> None:
    assert "sslmode" in await refusal(f"{postgres_server_url}?sslmode=perhaps")


async def test_a_transaction_that_is_rolled_back_for_a_deadlock_begins_anew(postgres_url: str) -> None:
    store = await PostgresStore.open(postgres_url)
    await store.write(*(accounts.ADD_ACCOUNT.of(account(number)) for number in (1, 2)))
    control = await asyncpg.connect(postgres_url)
    rename = "UPDATE accounts SET name = 'theirs' WHERE id = $1"
    transaction = control.transaction()
    await transaction.start()
    await control.execute(rename, 2)
    # The store takes row 1 and waits for row 2; then the other one waits for row 1, and the server cuts the knot.
    deleting = asyncio.create_task(store.write(*(Change(_DELETE)(of_account=number) for number in (1, 2))))
    await blocked(control)
    with contextlib.suppress(asyncpg.DeadlockDetectedError):
        await control.execute(rename, 1)
    await transaction.rollback()
    await deleting
    assert await account_ids(store) == []
    await control.close()
    await store.close()
