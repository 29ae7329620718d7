"""end-user …"""

from typing import Annotated, Any

import typer

from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .end_user_apps import EndUserApp, app_path
from .session import Answer, Session, path_of

__all__ = ["Uid", "end_user"]

end_user = group("End users of Apps.")

Uid = Annotated[str, typer.Argument(help="Id of the user, C…", metavar="UID")]

_Phone = Annotated[str | None, typer.Option(help="4 to 20 digits.")]
_Code = Annotated[str | None, typer.Option("--international-code", help="Of the phone, without +; 86 by default.")]
_Email = Annotated[str | None, typer.Option(help="E-mail address.")]
_Nickname = Annotated[str | None, typer.Option(help="Up to 50 characters.")]
_Lang = Annotated[str | None, typer.Option(help="Language.")]
_Timezone = Annotated[str | None, typer.Option(help="Time zone.")]
_Sex = Annotated[int | None, typer.Option(help="0 male, 1 female, 2 private.")]
_Remark = Annotated[str | None, typer.Option(help="Up to 254 characters.")]


@command(end_user, "list")
def _list_users(
    session: Session,
    app: EndUserApp,
    text: Annotated[str, typer.Option(help="Part of uid, nickname, phone or e-mail.")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List the users of an App."""
    answer = session.get(app_path(session, app, "users"), text=text, limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Uid", "Nickname", "Phone", "E-mail", "State", "Registered", "Last login"),
            (
                (
                    found["uid"],
                    found["nickname"],
                    found["phone"],
                    found["email"],
                    _state(found),
                    moment(found["registered_at"]),
                    moment(found["last_login_at"]),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(end_user, "show")
def _show_user(session: Session, uid: Uid) -> None:
    """Show one user."""
    _show(session, session.get(path_of("end-users", uid)))


@command(end_user, "create")
def _create_user(
    session: Session,
    app: EndUserApp,
    phone: _Phone = None,
    international_code: _Code = None,
    email: _Email = None,
    nickname: _Nickname = None,
    lang: _Lang = None,
    timezone: _Timezone = None,
    sex: _Sex = None,
    remark: _Remark = None,
    uid: Annotated[str | None, typer.Option(help="Keep an id that exists already, C….")] = None,
) -> None:
    """Register a user with a phone or an e-mail address."""
    body = _given(
        phone=phone,
        international_code=international_code,
        email=email,
        nickname=nickname,
        lang=lang,
        timezone=timezone,
        sex=sex,
        remark=remark,
        uid=uid,
    )
    _show(session, session.post(app_path(session, app, "users"), body))


@command(end_user, "update")
def _update_user(
    session: Session,
    uid: Uid,
    phone: _Phone = None,
    international_code: _Code = None,
    email: _Email = None,
    nickname: _Nickname = None,
    lang: _Lang = None,
    timezone: _Timezone = None,
    sex: _Sex = None,
    remark: _Remark = None,
) -> None:
    """Change the profile of a user."""
    body = _given(
        phone=phone,
        international_code=international_code,
        email=email,
        nickname=nickname,
        lang=lang,
        timezone=timezone,
        sex=sex,
        remark=remark,
    )
    _show(session, session.patch(path_of("end-users", uid), body))


@command(end_user, "enable")
def _enable_user(session: Session, uid: Uid) -> None:
    """Let a user in again."""
    _show(session, session.post(path_of("end-users", uid, "enable")))


@command(end_user, "disable")
def _disable_user(session: Session, uid: Uid) -> None:
    """Keep a user out; every token and session ends at once."""
    _show(session, session.post(path_of("end-users", uid, "disable")))


@command(end_user, "delete")
def _delete_user(session: Session, uid: Uid, yes: Yes = False) -> None:
    """Delete a user with every binding and share."""
    confirm(f"Delete user {uid} with every binding and share?", yes)
    session.show(session.delete(path_of("end-users", uid)), lambda: say(f"user {uid} was deleted"))


@command(end_user, "token")
def _make_token(session: Session, uid: Uid) -> None:
    """Make an access token of a user, shown this once; the user counts as logged in."""
    answer = session.post(path_of("end-users", uid, "tokens"))
    session.show(answer, lambda: fields(answer.value))


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _state(found: dict[str, Any]) -> str:
    return "normal" if found["enabled"] else "disabled"


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: _user_fields(answer.value))


def _user_fields(found: dict[str, Any]) -> None:
    phone = f"+{found['international_code']} {found['phone']}" if found["phone"] else None
    shown = {
        "uid": found["uid"],
        "user domain": found["user_domain"],
        "state": _state(found),
        "nickname": found["nickname"],
        "phone": phone,
        "e-mail": found["email"],
        "language": found["lang"],
        "time zone": found["timezone"],
        "remark": found["remark"],
        "registered": moment(found["registered_at"]),
        "last login": moment(found["last_login_at"]),
    }
    fields(shown)
