"""Rows and looks into the database that the store's tests share."""

from mooring.store import Store
from mooring.store import accounts as statements
from mooring.store.accounts import AccountRow, AdministratorRow

__all__ = ["account", "account_ids", "administrator", "administrator_ids"]


def account(number: int, name: str = "Mooring") -> AccountRow:
    return AccountRow(
        id=number,
        name=name,
        kind="ent",
        address_list_enabled=False,
        allowed_addresses="[]",
        created_at=1,
        updated_at=None,
    )


def administrator(number: int, account_id: int, email: str | None = None) -> AdministratorRow:
    return AdministratorRow(
        id=number,
        account_id=account_id,
        email=email or f"{number}@example.com",
        password_hash="$argon2id$",
        password_one_time=True,
        role="owner",
        failed_logins=0,
        locked_until=None,
        totp_secret=None,
        totp_step=None,
        enabled=True,
        last_login_at=None,
        created_at=1,
        updated_at=None,
    )


async def account_ids(store: Store) -> list[int]:
    return [row.id for row in await store.read(statements.ACCOUNTS)]


async def administrator_ids(store: Store) -> list[int]:
    return [row.id for row in await store.read(statements.ADMINISTRATORS)]
