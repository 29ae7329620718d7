"""login, logout, whoami, password."""

from typing import Annotated, Any

import typer

from mooring.cli.asking import PasswordSource, ask_line
from mooring.cli.failure import NOT_LOGGED_IN, Failure
from mooring.cli.screen import fields, moment, say

from .command import runnable
from .saved_login import SavedLogin, forget_login, save_login
from .session import Answer, Session, path_of

__all__ = ["login", "logout", "password", "whoami"]

_Email = Annotated[str | None, typer.Option(help="E-mail address; asked for when not given.", show_default=False)]
_PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.", show_default=False)
]
_NewPasswordStdin = Annotated[
    bool,
    typer.Option(
        "--new-password-stdin",
        help="Read the new password from standard input, from the line after the other one.",
        show_default=False,
    ),
]
_Code = Annotated[
    str | None, typer.Option(help="Code of the authenticator app; asked for when needed.", show_default=False)
]


def _login(
    session: Session,
    email: _Email = None,
    password_stdin: _PasswordStdin = False,
    new_password_stdin: _NewPasswordStdin = False,
    code: _Code = None,
) -> None:
    """Log in and keep the token. A one-time password is changed on the way."""
    email = email or ask_line("E-mail:")
    source = PasswordSource(present_from_stdin=password_stdin, new_from_stdin=new_password_stdin)
    password = source.present()
    answer = _token_for(session, email, password, code)
    if answer.value["must_change_password"]:
        if not (password_stdin or new_password_stdin):
            typer.echo("This password is for one use; choose another.", err=True)
        new = source.new()
        change = {"old_password": password, "new_password": new}
        session.call("POST", "/me/password", body=change, token=answer.value["token"])
        answer = _token_for(session, email, new)
    _keep(session, email, answer.value)
    until = moment(answer.value["expires_at"], "further notice")
    session.show(answer, lambda: say(f"logged in at {session.url} as {email} until {until}"))


def _logout(session: Session) -> None:
    """End the saved login's token and forget it."""
    try:
        saved = session.saved
    except Failure:
        forget_login()
        session.show(Answer("{}", {}), lambda: say("a saved login that could not be read was removed"))
        return
    if saved is None:
        raise Failure(f"not logged in at {session.url}", NOT_LOGGED_IN)
    forget_login()
    try:
        me = session.call("GET", "/me", token=saved.token).value
        session.call("DELETE", path_of("tokens", me["token"]["id"]), token=saved.token)
    except Failure as failure:
        # The token may be over already, and the login is forgotten here in any case.
        if failure.exit_code != NOT_LOGGED_IN:
            typer.echo(f"warning: the token was not ended at the server: {failure.text}", err=True)
    session.show(Answer("{}", {}), lambda: say(f"logged out at {saved.url}"))


def _whoami(session: Session) -> None:
    """Show who is calling, for which account, with which token."""
    answer = session.get("/me")
    me: dict[str, Any] = answer.value

    def readable() -> None:
        fields(
            {
                "administrator": me["administrator"]["email"],
                "account": f"{me['account']['name']} ({me['account']['id']})",
                "token": f"{me['token']['name']} ({me['token']['id']})",
                "token expires": moment(me["token"]["expires_at"], "never"),
                "server": session.url,
            }
        )

    session.show(answer, readable)


def _password(
    session: Session, password_stdin: _PasswordStdin = False, new_password_stdin: _NewPasswordStdin = False
) -> None:
    """Change the own password. Every own token ends; a saved login is renewed."""
    email = session.get("/me").value["administrator"]["email"]
    source = PasswordSource(present_from_stdin=password_stdin, new_from_stdin=new_password_stdin)
    present = source.present("Present password")
    new = source.new()
    answer = session.post("/me/password", {"old_password": present, "new_password": new})
    if session.uses_saved_login:
        _keep(session, email, _token_for(session, email, new).value)
    session.show(answer, lambda: say(f"the password of {email} was changed; every earlier token has ended"))


def _token_for(session: Session, email: str, password: str, code: str | None = None) -> Answer:
    body = {"email": email, "password": password, "code": code}
    try:
        return session.call("POST", "/login", body=body, at_login=True)
    except Failure as failure:
        if code is not None or "code_required" not in (failure.answer or ""):
            raise
    return session.call("POST", "/login", body={**body, "code": ask_line("Code of the app:")}, at_login=True)


def _keep(session: Session, email: str, answer: dict[str, Any]) -> None:
    save_login(SavedLogin(session.url, email, answer["token"], answer["expires_at"]))


login = runnable(_login)
logout = runnable(_logout)
whoami = runnable(_whoami)
password = runnable(_password)
