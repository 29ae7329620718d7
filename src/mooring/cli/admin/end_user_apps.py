"""end-user-app …"""

from typing import Annotated, Any

import typer

from mooring.cli.arguments import ProductKey
from mooring.cli.asking import given_secret
from mooring.cli.failure import Failure
from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .finding import find_id
from .products import product_table
from .saas_apps import app_path as saas_app_path
from .session import Answer, Session, path_of

__all__ = ["EndUserApp", "app_path", "end_user_app"]

end_user_app = group("Apps with their user domains.")


_SaasApp = Annotated[str, typer.Argument(help="Id or exact name of the SaaS application.", metavar="SAAS-APP")]
EndUserApp = Annotated[str, typer.Argument(help="Id, exact name or user domain of the App.", metavar="APP")]


def app_path(session: Session, app: str, *rest: str) -> str:
    """A path below an App that is given by id, name or user domain. Raises Failure."""
    return path_of("end-user-apps", _app_id(session, app), *rest)


@command(end_user_app, "list")
def _list_apps(
    session: Session,
    seen_by: Annotated[
        str | None, typer.Option(help="Only those whose users this SaaS application may see.", metavar="SAAS-APP")
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List the Apps."""
    path = "/end-user-apps" if seen_by is None else saas_app_path(session, seen_by, "end-user-apps")
    answer = session.get(path, limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "Name", "User domain", "State", "Products", "Seen by", "Created"),
            (
                (
                    found["id"],
                    found["name"],
                    found["user_domain"],
                    _state(found),
                    len(found["products"]),
                    len(found["saas_apps"]),
                    moment(found["created_at"]),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(end_user_app, "show")
def _show_app(session: Session, app: EndUserApp) -> None:
    """Show one App."""
    _show(session, session.get(app_path(session, app)))


@command(end_user_app, "create")
def _create_app(
    session: Session,
    name: Annotated[str, typer.Argument(help="Name of the App.")],
    remark: Annotated[str, typer.Option(help="Up to 200 characters.")] = "",
    user_domain: Annotated[str | None, typer.Option(help="Keep a domain that exists already, C.DM.….")] = None,
    domain_secret: Annotated[
        str | None, typer.Option(help="The secret of that domain, - reads it from standard input.")
    ] = None,
) -> None:
    """Create an App with a user domain; the secret is shown."""
    secret = given_secret("--domain-secret", domain_secret)
    body = {"name": name, "remark": remark, "user_domain": user_domain, "domain_secret": secret}
    _show(session, session.post("/end-user-apps", body))


@command(end_user_app, "update")
def _update_app(
    session: Session,
    app: EndUserApp,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    remark: Annotated[str | None, typer.Option(help="The new remark.")] = None,
) -> None:
    """Change name or remark."""
    _show(session, session.patch(app_path(session, app), {"name": name, "remark": remark}))


@command(end_user_app, "enable")
def _enable_app(session: Session, app: EndUserApp) -> None:
    """Let the users of an App in again."""
    _show(session, session.patch(app_path(session, app), {"enabled": True}))


@command(end_user_app, "disable")
def _disable_app(session: Session, app: EndUserApp) -> None:
    """Keep every user of an App out, at once."""
    _show(session, session.patch(app_path(session, app), {"enabled": False}))


@command(end_user_app, "delete")
def _delete_app(session: Session, app: EndUserApp, yes: Yes = False) -> None:
    """Delete an App that has no users."""
    path = app_path(session, app)
    confirm(f"Delete App {app}?", yes)
    session.show(session.delete(path), lambda: say(f"App {app} was deleted"))


@command(end_user_app, "secret")
def _show_secret(session: Session, app: EndUserApp) -> None:
    """Show the secret of the user domain; that it was shown is audited."""
    answer = session.get(app_path(session, app, "secret"))
    session.show(answer, lambda: fields(answer.value))


@command(end_user_app, "reset-secret")
def _reset_secret(session: Session, app: EndUserApp, yes: Yes = False) -> None:
    """Make a new secret of the user domain."""
    path = app_path(session, app, "secret", "reset")
    confirm(f"Reset the secret of the user domain of {app}?", yes)
    answer = session.post(path)
    session.show(answer, lambda: fields(answer.value))


@command(end_user_app, "products")
def _list_products(session: Session, app: EndUserApp, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the products that an App may use."""
    answer = session.get(app_path(session, app, "products"), limit=limit, offset=offset)
    session.show(answer, lambda: product_table(answer.value, offset))


@command(end_user_app, "add-product")
def _add_product(session: Session, app: EndUserApp, product_key: ProductKey) -> None:
    """Let users of an App bind devices of a product."""
    _show(session, session.put(app_path(session, app, "products", product_key)))


@command(end_user_app, "remove-product")
def _remove_product(session: Session, app: EndUserApp, product_key: ProductKey) -> None:
    """Take a product from an App whose users have bound none of its devices."""
    _show(session, session.delete(app_path(session, app, "products", product_key)))


@command(end_user_app, "authorize")
def _authorize(session: Session, app: EndUserApp, saas_app: _SaasApp) -> None:
    """Let a SaaS application see the users of an App."""
    _show(session, session.put(_grant(session, app, saas_app)))


@command(end_user_app, "cancel")
def _cancel(session: Session, app: EndUserApp, saas_app: _SaasApp) -> None:
    """Take the users of an App away from a SaaS application, at once."""
    _show(session, session.delete(_grant(session, app, saas_app)))


def _grant(session: Session, app: str, saas_app: str) -> str:
    return saas_app_path(session, saas_app, "end-user-apps", str(_app_id(session, app)))


def _app_id(session: Session, app: str) -> int:
    found = find_id(session, "/end-user-apps", app, "name", "user_domain")
    if found is None:
        raise Failure(f"there is no App {app!r}")
    return found


def _state(found: dict[str, Any]) -> str:
    return "enabled" if found["enabled"] else "disabled"


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: _app_fields(answer.value))


def _app_fields(found: dict[str, Any]) -> None:
    shown = {
        "id": found["id"],
        "name": found["name"],
        "remark": found["remark"],
        "user domain": found["user_domain"],
        "state": _state(found),
        "products": ", ".join(found["products"]),
        "seen by": ", ".join(map(str, found["saas_apps"])),
        "created": moment(found["created_at"]),
        "updated": moment(found["updated_at"]),
    }
    if "domain_secret" in found:
        shown["domain secret"] = found["domain_secret"]
    fields(shown)
