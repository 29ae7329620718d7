"""token …, account …, administrator …"""

import enum
from typing import Annotated, Any

import typer

from mooring.cli.failure import Failure
from mooring.cli.screen import fields, footer, moment, onoff, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Session, path_of

__all__ = ["account", "administrator", "token"]

account = group("The account.")
administrator = group("Members of the account.")
token = group("Tokens of the management API.")


class Role(enum.StrEnum):
    """Roles of members, from the least to the most."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    OWNER = "owner"


_Who = Annotated[str, typer.Argument(help="Id or e-mail address.", metavar="ADMINISTRATOR")]
_Addresses = Annotated[
    list[str] | None, typer.Argument(help="The whole new list: IPv4, IPv6, CIDR.", show_default=False)
]
_Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Switch the list.", show_default=False)]
_Clear = Annotated[bool, typer.Option("--clear", help="Empty the list.", show_default=False)]


@command(token, "list")
def _list_tokens(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the living tokens of the account."""
    answer = session.get("/tokens", limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "Name", "Administrator", "Created", "Expires", ""),
            (
                (
                    found["id"],
                    found["name"],
                    found["administrator"],
                    moment(found["created_at"]),
                    moment(found["expires_at"], "never"),
                    "this one" if found["current"] else "",
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(token, "create")
def _create_token(
    session: Session,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    days: Annotated[int | None, typer.Option(help="How long it lives; without end unless given.")] = None,
) -> None:
    """Make a token for scripts; it is shown this once."""
    answer = session.post("/tokens", {"name": name, "days": days})
    made = answer.value
    session.show(
        answer,
        lambda: fields({"id": made["id"], "expires": moment(made["expires_at"], "never"), "token": made["token"]}),
    )


@command(token, "revoke")
def _revoke_token(session: Session, token_id: Annotated[int, typer.Argument(help="Id of the token.")]) -> None:
    """End a token at once."""
    answer = session.delete(path_of("tokens", token_id))
    session.show(answer, lambda: say(f"token {token_id} has ended"))


@command(account, "show")
def _show_account(session: Session) -> None:
    """Show the account."""
    answer = session.get("/account")
    session.show(answer, lambda: _account_fields(answer.value))


@command(account, "rename")
def _rename_account(session: Session, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give the account another name."""
    answer = session.patch("/account", {"name": name})
    session.show(answer, lambda: _account_fields(answer.value))


@command(account, "addresses")
def _account_addresses(
    session: Session, addresses: _Addresses = None, enabled: _Enabled = None, clear: _Clear = False
) -> None:
    """Show or set the IP white list: OpenAPI keys of the account work only from these addresses."""
    answer = session.get("/account")
    if addresses or clear or enabled is not None:
        present = answer.value
        body = {
            "enabled": present["address_list_enabled"] if enabled is None else enabled,
            "addresses": addresses or ([] if clear else present["allowed_addresses"]),
        }
        answer = session.put("/account/addresses", body)
    session.show(answer, lambda: _account_fields(answer.value))


@command(administrator, "list")
def _list_administrators(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the administrators."""
    answer = session.get("/administrators", limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "E-mail", "Role", "", "Codes", "Password", "Last login", "Created"),
            (
                (
                    found["id"],
                    found["email"],
                    found["role"],
                    "" if found["enabled"] else "disabled",
                    "yes" if found["asks_for_codes"] else "",
                    "one-time" if found["must_change_password"] else "own",
                    moment(found["last_login_at"], "never"),
                    moment(found["created_at"]),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(administrator, "create")
def _create_administrator(
    session: Session,
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.OWNER,
) -> None:
    """Add a member; the one-time password is shown this once."""
    answer = session.post("/administrators", {"email": email, "role": role.value})
    made = answer.value
    session.show(
        answer,
        lambda: fields({"id": made["id"], "email": made["email"], "one-time password": made["password"]}),
    )


@command(administrator, "set-role")
def _set_role(session: Session, who: _Who, role: Annotated[Role, typer.Argument(help="What they may do.")]) -> None:
    """Give a member another role: a viewer looks, a developer changes, an owner also says who may."""
    found = _administrator(session, who)
    answer = session.patch(path_of("administrators", found["id"]), {"role": role.value})
    session.show(answer, lambda: say(f"{found['email']} is {role.value} now"))


@command(administrator, "enable")
def _enable_administrator(session: Session, who: _Who) -> None:
    """Let a member in again."""
    _post(session, who, "enable", "enabled")


@command(administrator, "disable")
def _disable_administrator(session: Session, who: _Who) -> None:
    """Keep a member out; their tokens end."""
    _post(session, who, "disable", "disabled")


@command(administrator, "unlock")
def _unlock_administrator(session: Session, who: _Who) -> None:
    """Forget the failed logins of a member, so that they may try again at once."""
    _post(session, who, "unlock", "unlocked")


@command(administrator, "delete")
def _delete_administrator(session: Session, who: _Who, yes: Yes = False) -> None:
    """Remove a member and their tokens."""
    found = _administrator(session, who)
    confirm(f"Delete administrator {found['email']}?", yes)
    answer = session.delete(path_of("administrators", found["id"]))
    session.show(answer, lambda: say(f"administrator {found['email']} was deleted"))


@command(administrator, "reset-password")
def _reset_password(session: Session, who: _Who) -> None:
    """Give a member a new one-time password; their tokens and codes end."""
    found = _administrator(session, who)
    answer = session.post(path_of("administrators", found["id"], "password-reset"))
    session.show(answer, lambda: fields({"email": found["email"], "one-time password": answer.value["password"]}))


def _post(session: Session, who: str, verb: str, done: str) -> None:
    found = _administrator(session, who)
    answer = session.post(path_of("administrators", found["id"], verb))
    session.show(answer, lambda: say(f"administrator {found['email']} is {done}"))


def _administrator(session: Session, who: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = session.get("/administrators", limit=1000).value["items"]
    for entry in found:
        if who in (str(entry["id"]), entry["email"]):
            return entry
    raise Failure(f"there is no administrator {who!r}")


def _account_fields(found: dict[str, Any]) -> None:
    fields(
        {
            "id": found["id"],
            "name": found["name"],
            "kind": found["kind"],
            "packages": ", ".join(entry["package"] for entry in found["packages"]),
            "IP white list": onoff(found["address_list_enabled"]),
            "addresses": ", ".join(found["allowed_addresses"]),
            "created": moment(found["created_at"]),
        }
    )
