"""Statements about accounts, administrators, management tokens, activated packages and the platform's own state."""

import msgspec
from sqlalchemy import BigInteger, Boolean, bindparam, case, delete, exists, false, insert, null, select, true, update

from . import tables
from .statement import Change, Query

__all__ = [
    "ACCOUNTS",
    "ACTIVATE_PACKAGE",
    "ADD_ACCOUNT",
    "ADD_ADMINISTRATOR",
    "ADD_TOKEN",
    "ADMINISTRATORS",
    "DEACTIVATE_PACKAGE",
    "DELETE_ADMINISTRATOR",
    "DELETE_EXPIRED_TOKENS",
    "DELETE_TOKEN",
    "DELETE_TOKENS_OF",
    "DISABLE_ADMINISTRATOR",
    "ENABLE_ADMINISTRATOR",
    "FORGET_FAILED_LOGINS",
    "LOCK_ACCOUNT",
    "NOTE_FAILED_LOGIN",
    "NOTE_LOGIN",
    "PACKAGES",
    "PLATFORM_STATE",
    "SET_ADDRESSES",
    "SET_CODES",
    "SET_NAME",
    "SET_PASSWORD",
    "SET_PLATFORM_STATE",
    "SET_ROLE",
    "TOKENS",
    "AccountRow",
    "AdministratorRow",
    "PackageRow",
    "StateValueRow",
    "TokenRow",
]

_accounts, _admins = tables.accounts, tables.administrators
_others = _admins.alias("others")
_tokens, _packages, _state = tables.manage_tokens, tables.account_packages, tables.platform_state


class AccountRow(msgspec.Struct, frozen=True):
    """One account; `allowed_addresses` is a JSON list, times are epoch ms."""

    id: int
    name: str
    kind: str
    address_list_enabled: bool
    allowed_addresses: str
    created_at: int
    updated_at: int | None


class AdministratorRow(msgspec.Struct, frozen=True):
    """One administrator; `password_hash` is Argon2, `totp_secret` is sealed, `totp_step` the last one-time code's
    number, times are epoch ms."""

    id: int
    account_id: int
    email: str
    password_hash: str
    password_one_time: bool
    role: str
    failed_logins: int
    locked_until: int | None
    totp_secret: bytes | None
    totp_step: int | None
    enabled: bool
    last_login_at: int | None
    created_at: int
    updated_at: int | None


class TokenRow(msgspec.Struct, frozen=True):
    """One management token; only the SHA-256 of it is kept. Times are epoch ms, `expires_at` None means never."""

    id: int
    administrator_id: int
    name: str
    token_hash: bytes
    created_at: int
    expires_at: int | None


class PackageRow(msgspec.Struct, frozen=True):
    """One service package that an account has activated."""

    account_id: int
    package: str
    activated_at: int


class StateValueRow(msgspec.Struct, frozen=True):
    """One value of the platform's own state."""

    value: bytes


ACCOUNTS = Query(select(_accounts).order_by(_accounts.c.id), AccountRow)
ADD_ACCOUNT = Change(insert(_accounts))
# Changes nothing; what follows in the same transaction sees what others of this account committed, and they wait.
LOCK_ACCOUNT = Change(update(_accounts).where(_accounts.c.id == bindparam("account_id")).values(name=_accounts.c.name))
SET_NAME = Change(
    update(_accounts)
    .where(_accounts.c.id == bindparam("account_id"))
    .values(name=bindparam("new_name"), updated_at=bindparam("now"))
)
SET_ADDRESSES = Change(
    update(_accounts)
    .where(_accounts.c.id == bindparam("account_id"))
    .values(
        address_list_enabled=bindparam("enabled"),
        allowed_addresses=bindparam("addresses"),
        updated_at=bindparam("now"),
    )
)

ADMINISTRATORS = Query(select(_admins).order_by(_admins.c.id), AdministratorRow)
ADD_ADMINISTRATOR = Change(insert(_admins))
# Never the last owner of an account who can log in; give these three with LOCK_ACCOUNT.
_another_owner = exists().where(
    _others.c.account_id == _admins.c.account_id,
    _others.c.id != _admins.c.id,
    _others.c.role == "owner",
    _others.c.enabled,
)
DELETE_ADMINISTRATOR = Change(delete(_admins).where(_admins.c.id == bindparam("administrator_id"), _another_owner))
SET_ROLE = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"), _another_owner)
    .values(role=bindparam("new_role"), updated_at=bindparam("now"))
)
DISABLE_ADMINISTRATOR = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"), _another_owner)
    .values(enabled=false(), updated_at=bindparam("now"))
)
ENABLE_ADMINISTRATOR = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"))
    .values(enabled=true(), updated_at=bindparam("now"))
)
FORGET_FAILED_LOGINS = Change(
    update(_admins).where(_admins.c.id == bindparam("administrator_id")).values(failed_logins=0, locked_until=null())
)
NOTE_FAILED_LOGIN = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"))
    .values(failed_logins=_admins.c.failed_logins + 1, locked_until=bindparam("until"))
)
# Refused when the same code was used meanwhile.
NOTE_LOGIN = Change(
    update(_admins)
    .where(
        _admins.c.id == bindparam("administrator_id"),
        _admins.c.totp_step.is_not_distinct_from(bindparam("seen_step", type_=BigInteger)),
    )
    .values(failed_logins=0, locked_until=null(), totp_step=bindparam("step"), last_login_at=bindparam("now"))
)
SET_CODES = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"))
    .values(totp_secret=bindparam("sealed"), totp_step=bindparam("step"))
)
SET_PASSWORD = Change(
    update(_admins)
    .where(_admins.c.id == bindparam("administrator_id"), _admins.c.password_hash == bindparam("seen_hash"))
    .values(
        password_hash=bindparam("new_hash"),
        password_one_time=bindparam("one_time"),
        failed_logins=0,
        locked_until=null(),
        # A one-time password is given to whoever cannot get in any more, with a lost phone too.
        totp_secret=case((bindparam("one_time", type_=Boolean), null()), else_=_admins.c.totp_secret),
        totp_step=case((bindparam("one_time", type_=Boolean), null()), else_=_admins.c.totp_step),
        updated_at=bindparam("now"),
    )
)

TOKENS = Query(select(_tokens).order_by(_tokens.c.id), TokenRow)
# Only under the password that was checked, so that a reset, deletion or disabling meanwhile leaves no token behind. The
# lock makes PostgreSQL wait for a change that is under way and look again.
ADD_TOKEN = Change(
    insert(_tokens).from_select(
        [column.name for column in _tokens.c],
        select(*(bindparam(column.name, type_=column.type) for column in _tokens.c))
        .select_from(_admins)
        .where(
            _admins.c.id == bindparam("administrator_id"),
            _admins.c.password_hash == bindparam("seen_hash"),
            _admins.c.enabled,
        )
        .with_for_update(read=True),
    )
)
DELETE_TOKEN = Change(delete(_tokens).where(_tokens.c.id == bindparam("token_id")))
DELETE_TOKENS_OF = Change(delete(_tokens).where(_tokens.c.administrator_id == bindparam("administrator_id")))
DELETE_EXPIRED_TOKENS = Change(delete(_tokens).where(_tokens.c.expires_at < bindparam("now")))

PACKAGES = Query(select(_packages).order_by(_packages.c.account_id), PackageRow)
ACTIVATE_PACKAGE = Change(insert(_packages))
DEACTIVATE_PACKAGE = Change(
    delete(_packages).where(
        _packages.c.account_id == bindparam("for_account"), _packages.c.package == bindparam("named")
    )
)

PLATFORM_STATE = Query(select(_state.c.value).where(_state.c.name == bindparam("named")), StateValueRow)
SET_PLATFORM_STATE = Change(insert(_state))
