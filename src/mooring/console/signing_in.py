"""Login, logout, and the own password. A session is a token of 12 hours, the same as those of the management API."""

from mooring.platform import Role, Secret

from .html import Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import form, hidden, note, text_field
from .requests import SESSION

__all__ = ["CHANGE_PASSWORD", "ROUTES", "password_form"]


async def _show_login(view: View) -> Shown:
    fields = (
        hidden("to", view.query.get("to", "")),
        text_field("email", view.t("E-mail"), kind="email", required=True, autocomplete="username"),
        text_field("password", view.t("Password"), kind="password", required=True, autocomplete="current-password"),
        text_field(
            "code",
            view.t("Code of the authenticator app"),
            autocomplete="one-time-code",
            hint=view.t("Only if you have set one up"),
        ),
    )
    box = tag.section(form(view, _LOG_IN, *fields, submit=view.t("Log in")), class_="card")
    return Shown(view.t("Log in"), box)


async def _log_in(view: View, form: Form) -> Done:
    email, password = form.text("email").strip(), Secret(form.text("password"))
    made = await view.platform.accounts.log_in(email, password, view.client, form.optional("code"))
    return Done(_inside(form.text("to")), cookies={SESSION: made.text.reveal()})


async def _log_out(view: View, form: Form) -> Done:
    await view.platform.accounts.revoke_token(view.actor, view.identity.token.id)
    return Done("/login", cookies={SESSION: ""})


async def _show_password(view: View) -> Shown:
    told = note(view.t("Your password is for one use. Choose your own to go on."), "warn")
    must = view.identity.administrator.password_one_time
    return Shown(view.t("Change password"), tag.section(must and told, password_form(view), class_="card"))


async def _change_password(view: View, form: Form) -> Done:
    new = Secret(form.text("new_password"))
    accounts = view.platform.accounts
    administrator = view.identity.administrator
    await accounts.change_password(administrator, view.client, Secret(form.text("old_password")), new)
    return Done("/login", view.t("The password is changed. Log in with the new one."), cookies={SESSION: ""})


def password_form(view: View) -> Html:
    """The form that changes the own password."""
    return form(
        view,
        CHANGE_PASSWORD,
        text_field(
            "old_password",
            view.t("Present password"),
            kind="password",
            required=True,
            autocomplete="current-password",
        ),
        text_field(
            "new_password",
            view.t("New password"),
            kind="password",
            required=True,
            autocomplete="new-password",
            hint=view.t("At least 10 characters. You are logged out everywhere."),
        ),
        submit=view.t("Change password"),
    )


def _inside(to: str) -> str:
    """Where to go after the login; never to another host."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\", "/login")) else "/"


_LOG_IN = Action("/login", _log_in, role=None)
_LOG_OUT = Action("/logout", _log_out, role=Role.VIEWER, one_time=True)
CHANGE_PASSWORD = Action("/password", _change_password, role=Role.VIEWER, one_time=True)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/login", _show_login, role=None),
    _LOG_IN,
    _LOG_OUT,
    Page("/password", _show_password, one_time=True),
    CHANGE_PASSWORD,
)
