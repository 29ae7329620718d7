"""codes …: the second factor of the own login."""

import typer

from mooring.cli.asking import PasswordSource, ask_line
from mooring.cli.screen import say

from .command import command, group
from .session import Session

__all__ = ["codes"]

codes = group("Codes of an authenticator app at the own login.")


@command(codes, "on")
def _codes_on(session: Session) -> None:
    """Ask for a code at each login from now on; the app gets the secret that is shown."""
    offer = session.post("/me/codes/offer").value
    typer.echo(f"Give this to the app: {offer['secret']}\n{offer['uri']}", err=True)
    code = ask_line("Code of the app:")
    answer = session.put("/me/codes", {"secret": offer["secret"], "code": code})
    session.show(answer, lambda: say("codes are asked for from now on"))


@command(codes, "off")
def _codes_off(session: Session) -> None:
    """Ask for codes no more; the password is needed."""
    password = PasswordSource(present_from_stdin=False, new_from_stdin=False).present("Present password")
    answer = session.post("/me/codes/off", {"password": password})
    session.show(answer, lambda: say("codes are not asked for any more"))
