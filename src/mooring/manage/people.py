"""The account and its administrators."""

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.entities import Account, Administrator

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS", "AccountView", "AdministratorView", "account_view", "administrator_view"]


class ActivePackage(msgspec.Struct, frozen=True):
    """A service package that is switched on."""

    package: str
    activated_at: int


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The account."""

    id: int
    name: str
    kind: str
    packages: tuple[ActivePackage, ...]
    address_list_enabled: bool
    allowed_addresses: tuple[str, ...]
    created_at: int
    updated_at: int | None


class AccountChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of the account."""

    name: str


class AddressListRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The IP white list: IPv4, IPv6 and CIDR."""

    enabled: bool
    addresses: list[str]


class AdministratorRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member to add."""

    email: str
    role: Role = Role.OWNER


class MemberChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a member: what they may do. A viewer looks, a developer changes, an owner also says who may."""

    role: Role


class AdministratorView(msgspec.Struct, frozen=True, kw_only=True):
    """One member; `asks_for_codes` when they log in with an authenticator app, `locked_until` (epoch ms) when too many
    logins failed, `last_login_at` (epoch ms) null before the first login. Who is not `enabled` is not let in."""

    id: int
    email: str
    role: Role
    must_change_password: bool
    asks_for_codes: bool
    enabled: bool
    locked_until: int | None
    last_login_at: int | None
    created_at: int
    updated_at: int | None


class CreatedAdministrator(AdministratorView, frozen=True, kw_only=True):
    """An administrator just made, with a password for one use, which is shown this once."""

    password: Secret


class OneTimePassword(msgspec.Struct, frozen=True):
    """A password for one use: its owner must change it at the first login."""

    password: Secret


class AdministratorList(msgspec.Struct, frozen=True):
    """Administrators of the account, oldest first."""

    items: tuple[AdministratorView, ...]
    total: int


def administrator_view(administrator: Administrator) -> AdministratorView:
    """An administrator as this API shows them."""
    return AdministratorView(
        id=administrator.id,
        email=administrator.email,
        role=administrator.role,
        asks_for_codes=administrator.totp_secret is not None,
        enabled=administrator.enabled,
        locked_until=administrator.locked_until,
        last_login_at=administrator.last_login_at,
        must_change_password=administrator.password_one_time,
        created_at=administrator.created_at,
        updated_at=administrator.updated_at,
    )


def account_view(account: Account) -> AccountView:
    """An account as this API shows it."""
    return AccountView(
        id=account.id,
        name=account.name,
        kind=account.kind,
        packages=tuple(ActivePackage(package, at) for package, at in sorted(account.packages.items())),
        address_list_enabled=account.address_list_enabled,
        allowed_addresses=account.allowed_addresses,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


async def _show_account(call: Call, request: Nothing) -> AccountView:
    return account_view(call.identity.account)


async def _rename_account(call: Call, request: AccountChanges) -> AccountView:
    return account_view(await call.platform.accounts.rename(call.actor, request.name))


async def _set_account_addresses(call: Call, request: AddressListRequest) -> AccountView:
    accounts = call.platform.accounts
    return account_view(await accounts.set_addresses(call.actor, enabled=request.enabled, addresses=request.addresses))


async def _list_administrators(call: Call, request: Page) -> AdministratorList:
    found = call.platform.accounts.administrators(call.account_id)
    return AdministratorList(page_of(request, found, administrator_view), len(found))


async def _create_administrator(call: Call, request: AdministratorRequest) -> CreatedAdministrator:
    made, password = await call.platform.accounts.add_administrator(call.actor, request.email, request.role)
    return CreatedAdministrator(**msgspec.structs.asdict(administrator_view(made)), password=password)


async def _update_administrator(call: Call, request: MemberChanges) -> AdministratorView:
    accounts = call.platform.accounts
    return administrator_view(await accounts.set_role(call.actor, call.number("administrator_id"), request.role))


async def _enable_administrator(call: Call, request: Nothing) -> AdministratorView:
    accounts = call.platform.accounts
    return administrator_view(await accounts.set_enabled(call.actor, call.number("administrator_id"), enabled=True))


async def _disable_administrator(call: Call, request: Nothing) -> AdministratorView:
    accounts = call.platform.accounts
    return administrator_view(await accounts.set_enabled(call.actor, call.number("administrator_id"), enabled=False))


async def _unlock_administrator(call: Call, request: Nothing) -> AdministratorView:
    return administrator_view(await call.platform.accounts.unlock(call.actor, call.number("administrator_id")))


async def _delete_administrator(call: Call, request: Nothing) -> Nothing:
    await call.platform.accounts.delete_administrator(call.actor, call.number("administrator_id"))
    return Nothing()


async def _reset_password(call: Call, request: Nothing) -> OneTimePassword:
    accounts = call.platform.accounts
    return OneTimePassword(await accounts.reset_password(call.actor, call.number("administrator_id")))


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/account", "The account", _show_account, Nothing, AccountView),
    Endpoint(
        "PATCH",
        "/account",
        "Rename the account",
        _rename_account,
        AccountChanges,
        AccountView,
        role=Role.OWNER,
    ),
    Endpoint(
        "PUT",
        "/account/addresses",
        "Set the IP white list of the account",
        _set_account_addresses,
        AddressListRequest,
        AccountView,
        errors=(409,),
        role=Role.OWNER,
    ),
    Endpoint("GET", "/administrators", "Administrators", _list_administrators, Page, AdministratorList),
    Endpoint(
        "POST",
        "/administrators",
        "Add a member with a one-time password",
        _create_administrator,
        AdministratorRequest,
        CreatedAdministrator,
        status=201,
        errors=(409,),
        role=Role.OWNER,
    ),
    Endpoint(
        "PATCH",
        "/administrators/{administrator_id}",
        "Give a member another role",
        _update_administrator,
        MemberChanges,
        AdministratorView,
        errors=(409,),
        role=Role.OWNER,
    ),
    Endpoint(
        "POST",
        "/administrators/{administrator_id}/enable",
        "Let a member in again",
        _enable_administrator,
        Nothing,
        AdministratorView,
        role=Role.OWNER,
    ),
    Endpoint(
        "POST",
        "/administrators/{administrator_id}/disable",
        "Keep a member out; their tokens end",
        _disable_administrator,
        Nothing,
        AdministratorView,
        errors=(409,),
        role=Role.OWNER,
    ),
    Endpoint(
        "POST",
        "/administrators/{administrator_id}/unlock",
        "Forget the failed logins of a member",
        _unlock_administrator,
        Nothing,
        AdministratorView,
        role=Role.OWNER,
    ),
    Endpoint(
        "DELETE",
        "/administrators/{administrator_id}",
        "Remove a member and their tokens",
        _delete_administrator,
        Nothing,
        Nothing,
        status=204,
        errors=(409,),
        role=Role.OWNER,
    ),
    Endpoint(
        "POST",
        "/administrators/{administrator_id}/password-reset",
        "Give a member a new one-time password; their tokens and codes end",
        _reset_password,
        Nothing,
        OneTimePassword,
        role=Role.OWNER,
    ),
)
