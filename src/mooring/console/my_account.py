"""The own login: password, codes of an authenticator app, sessions and tokens."""

from mooring.platform import Role, Secret
from mooring.platform.entities import Administrator, ManageToken

from .html import Html, tag, trusted
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
    badge,
    card,
    copyable,
    facts,
    form,
    hidden,
    listing,
    moment,
    note,
    text_field,
)
from .signing_in import password_form

__all__ = ["ROUTES"]


async def _show_me(view: View) -> Shown:
    t = view.t
    member = view.identity.administrator
    who = card(
        "",
        facts(
            (t("E-mail"), member.email),
            (t("Role"), t(member.role.value)),
            (t("Account"), f"{view.identity.account.name} ({view.account_id})"),
        ),
    )
    cards = tag.div(card(t("Change password"), password_form(view)), _codes(view, member), class_="columns")
    return Shown(t("My account"), (who, cards, _sessions(view)))


def _codes(view: View, member: Administrator) -> Html:
    t = view.t
    title = t("Two-step login")
    if member.totp_secret is None:
        told = tag.p(t("With an authenticator app, a stolen password alone is not enough."))
        return card(title, told, action_button(view, _OFFER, t("Set up")))
    told = note(t("A code of an authenticator app is asked for at each login."))
    password = text_field("password", t("Password"), kind="password", required=True, autocomplete="current-password")
    return card(title, told, form(view, _CODES_OFF, password, submit=t("Switch off"), danger=True))


async def _offer_codes(view: View, form_: Form) -> Done:
    import segno

    t = view.t
    secret, uri = view.platform.accounts.logins.begin_codes(view.identity.administrator)
    picture = segno.make_qr(uri.reveal()).svg_inline(scale=4, border=3, light="#fff", dark="#000")
    shown = tag.div(
        tag.p(t("Scan this with the app, then type the code that it shows.")),
        tag.div(trusted(picture), class_="qr"),
        facts((t("Secret"), copyable(view, secret.reveal()))),
        form(
            view,
            _CODES_ON,
            hidden("secret", secret.reveal()),
            text_field("code", t("Code of the authenticator app"), required=True, autocomplete="one-time-code"),
            submit=t("Switch on"),
        ),
    )
    return Done(show=shown, title=t("Set up an authenticator app"))


async def _codes_on(view: View, form_: Form) -> Done:
    logins = view.platform.accounts.logins
    await logins.set_codes(view.identity.administrator, view.client, Secret(form_.text("secret")), form_.text("code"))
    return Done("/me", view.t("Codes are asked for from now on."))


async def _codes_off(view: View, form_: Form) -> Done:
    logins = view.platform.accounts.logins
    await logins.clear_codes(view.identity.administrator, view.client, Secret(form_.text("password")))
    return Done("/me", view.t("Codes are not asked for any more."))


def _sessions(view: View) -> Html:
    t = view.t
    own = view.identity.administrator.id
    found = [token for token, member in view.platform.accounts.tokens(view.account_id) if member.id == own]
    paging = Paging.of(view)

    def end(token: ManageToken) -> Html:
        if token.id == view.identity.token.id:
            return badge(t("This session"), "info")
        path = {"token_id": token.id}
        return action_button(view, _END, t("End"), path=path, confirm=t("End it?"), small=True, label=token.name)

    columns: list[Column[ManageToken]] = [
        Column(t("Name"), lambda token: token.name),
        Column(t("Created"), lambda token: moment(token.created_at)),
        Column(t("Expires"), lambda token: t("never") if token.expires_at is None else moment(token.expires_at)),
        Column("", end),
    ]
    title = t("Sessions and tokens")
    rows = found[paging.skip : paging.skip + paging.size]
    return card(title, listing(view, columns, rows, len(found), paging, title))


async def _end_session(view: View, form_: Form) -> Done:
    await view.platform.accounts.revoke_token(view.actor, view.number("token_id"), view.identity.administrator)
    return Done("/me", view.t("The session has ended."))


_OFFER = Action("/me/codes/offer", _offer_codes, role=Role.VIEWER)
_CODES_ON = Action("/me/codes", _codes_on, role=Role.VIEWER)
_CODES_OFF = Action("/me/codes/off", _codes_off, role=Role.VIEWER)
_END = Action("/me/tokens/{token_id}/end", _end_session, role=Role.VIEWER)

ROUTES: tuple[AnyRoute, ...] = (Page("/me", _show_me), _OFFER, _CODES_ON, _CODES_OFF, _END)
