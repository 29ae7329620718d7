"""Login, who is calling, the caller's own password, and tokens."""

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.entities import Administrator, ManageToken

from .endpoint import Access, AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of
from .people import AccountView, AdministratorView, account_view, administrator_view

__all__ = ["ENDPOINTS"]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """E-mail and password of a member; `code` of their authenticator app, for those who have one."""

    email: str
    password: Secret
    code: str | None = None


class LoginAnswer(msgspec.Struct, frozen=True):
    """A bearer token of 12 hours. While `must_change_password`, it serves for that change only."""

    token: Secret
    expires_at: int | None
    must_change_password: bool


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password and the one to have from now on."""

    old_password: Secret
    new_password: Secret


class CodesOffer(msgspec.Struct, frozen=True):
    """A secret for an authenticator app (base32), and the same as an address for a QR code."""

    secret: Secret
    uri: Secret


class CodesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret that was offered, and a code that the app makes of it."""

    secret: Secret
    code: str


class PasswordProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The caller's password."""

    password: Secret


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make: it ends after `days` days, or never."""

    name: str
    days: int | None = None


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """One token, without its text; `current` marks the one of this request."""

    id: int
    name: str
    administrator: str
    created_at: int
    expires_at: int | None
    current: bool


class CreatedToken(TokenView, frozen=True, kw_only=True):
    """A token just made, with its text, which is shown this once."""

    token: Secret


class TokenList(msgspec.Struct, frozen=True):
    """Living tokens of the account, oldest first."""

    items: tuple[TokenView, ...]
    total: int


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, for which account, with which token."""

    administrator: AdministratorView
    account: AccountView
    token: TokenView


async def _log_in(call: Call, request: Credentials) -> LoginAnswer:
    made = await call.platform.accounts.log_in(request.email, request.password, call.address, request.code)
    administrator = call.platform.directory.administrator(made.token.administrator_id)
    one_time = administrator is not None and administrator.password_one_time
    return LoginAnswer(made.text, made.token.expires_at, one_time)


async def _show_me(call: Call, request: Nothing) -> Me:
    identity = call.identity
    return Me(
        administrator=administrator_view(identity.administrator),
        account=account_view(identity.account),
        token=_token(call, identity.token, identity.administrator),
    )


async def _change_password(call: Call, request: PasswordChange) -> Nothing:
    accounts = call.platform.accounts
    await accounts.change_password(
        call.identity.administrator, call.address, request.old_password, request.new_password
    )
    return Nothing()


async def _offer_codes(call: Call, request: Nothing) -> CodesOffer:
    return CodesOffer(*call.platform.accounts.logins.begin_codes(call.identity.administrator))


async def _set_codes(call: Call, request: CodesRequest) -> Nothing:
    logins = call.platform.accounts.logins
    await logins.set_codes(call.identity.administrator, call.address, request.secret, request.code)
    return Nothing()


async def _clear_codes(call: Call, request: PasswordProof) -> Nothing:
    await call.platform.accounts.logins.clear_codes(call.identity.administrator, call.address, request.password)
    return Nothing()


async def _list_tokens(call: Call, request: Page) -> TokenList:
    found = call.platform.accounts.tokens(call.account_id)
    return TokenList(page_of(request, found, lambda pair: _token(call, *pair)), len(found))


async def _create_token(call: Call, request: TokenRequest) -> CreatedToken:
    made = await call.platform.accounts.make_token(
        call.identity.administrator, call.address, request.name, request.days
    )
    view = _token(call, made.token, call.identity.administrator)
    return CreatedToken(**msgspec.structs.asdict(view), token=made.text)


async def _revoke_token(call: Call, request: Nothing) -> Nothing:
    by = call.identity.administrator
    await call.platform.accounts.revoke_token(call.actor, call.number("token_id"), by)
    return Nothing()


def _token(call: Call, token: ManageToken, administrator: Administrator) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        administrator=administrator.email,
        created_at=token.created_at,
        expires_at=token.expires_at,
        current=token.id == call.identity.token.id,
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "POST",
        "/login",
        "Get a token for e-mail and password",
        _log_in,
        Credentials,
        LoginAnswer,
        errors=(401, 429),
        access=Access.PUBLIC,
    ),
    Endpoint("GET", "/me", "Who is calling", _show_me, Nothing, Me, access=Access.ONE_TIME),
    Endpoint(
        "POST",
        "/me/password",
        "Change the own password; every own token ends",
        _change_password,
        PasswordChange,
        Nothing,
        status=204,
        errors=(403,),
        access=Access.ONE_TIME,
        role=Role.VIEWER,
    ),
    Endpoint(
        "POST",
        "/me/codes/offer",
        "A secret for an authenticator app, of which nothing is kept yet",
        _offer_codes,
        Nothing,
        CodesOffer,
        role=Role.VIEWER,
    ),
    Endpoint(
        "PUT",
        "/me/codes",
        "Ask for codes of this secret at each login from now on",
        _set_codes,
        CodesRequest,
        Nothing,
        status=204,
        errors=(409,),
        role=Role.VIEWER,
    ),
    Endpoint(
        "POST",
        "/me/codes/off",
        "Ask for codes no more",
        _clear_codes,
        PasswordProof,
        Nothing,
        status=204,
        role=Role.VIEWER,
    ),
    Endpoint("GET", "/tokens", "Living tokens of the account", _list_tokens, Page, TokenList),
    Endpoint(
        "POST",
        "/tokens",
        "Make a token for the caller; it may what they may",
        _create_token,
        TokenRequest,
        CreatedToken,
        status=201,
        role=Role.VIEWER,
    ),
    Endpoint(
        "DELETE",
        "/tokens/{token_id}",
        "End a token at once; those of others as an owner",
        _revoke_token,
        Nothing,
        Nothing,
        status=204,
        role=Role.VIEWER,
    ),
)
