"""app …"""

from typing import Annotated, Any

import typer

from mooring.cli.asking import given_secret
from mooring.cli.failure import Failure
from mooring.cli.screen import fields, footer, moment, onoff, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .finding import find_id
from .products import product_table
from .session import Answer, Session, path_of

__all__ = ["AppName", "app_id", "app_path", "saas_app"]

saas_app = group("SaaS applications.")


AppName = Annotated[str, typer.Argument(help="Id or exact name of the application.", metavar="APP")]
_Package = Annotated[str, typer.Argument(help="Name of a service package.")]
_ProductKey = Annotated[str, typer.Argument(help="ProductKey.")]
_Name = Annotated[str, typer.Argument(help="Name of the application.")]


@command(saas_app, "list")
def _list_apps(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the applications."""
    answer = session.get("/saas-apps", limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "Name", "AccessKey", "Key", "API", "Packages", "Created"),
            (
                (
                    found["id"],
                    found["name"],
                    found["access_key"],
                    "enabled" if found["enabled"] else "disabled",
                    onoff(found["api_access"]),
                    len(found["packages"]),
                    moment(found["created_at"]),
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(saas_app, "show")
def _show_app(session: Session, app: AppName) -> None:
    """Show one application."""
    _show(session, session.get(app_path(session, app)))


@command(saas_app, "create")
def _create_app(
    session: Session,
    name: _Name,
    description: Annotated[str, typer.Option(help="Up to 200 characters.")] = "",
    access_key: Annotated[str | None, typer.Option(help="Keep a key that exists already.")] = None,
    access_secret: Annotated[
        str | None, typer.Option(help="The secret of that key, - reads it from standard input.")
    ] = None,
) -> None:
    """Create an application; its AccessSecret is shown this once."""
    secret = given_secret("--access-secret", access_secret)
    body = {"name": name, "description": description, "access_key": access_key, "access_secret": secret}
    answer = session.post("/saas-apps", body)
    _show(session, answer)


@command(saas_app, "rename")
def _rename_app(session: Session, app: AppName, new_name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give an application another name."""
    _show(session, session.patch(app_path(session, app), {"name": new_name}))


@command(saas_app, "update")
def _update_app(
    session: Session,
    app: AppName,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    times: Annotated[
        str | None,
        typer.Option(help="documented, or numbers: times that the contract prints as strings come as JSON numbers."),
    ] = None,
) -> None:
    """Change name, description, or how times are shown to it."""
    changes = {"name": name, "description": description, "times": times}
    _show(session, session.patch(app_path(session, app), changes))


@command(saas_app, "enable")
def _enable_app(session: Session, app: AppName) -> None:
    """Enable the AccessKey again."""
    _show(session, session.post(app_path(session, app, "enable")))


@command(saas_app, "disable")
def _disable_app(session: Session, app: AppName) -> None:
    """Disable the AccessKey: logins fail, and every token dies for good."""
    _show(session, session.post(app_path(session, app, "disable")))


@command(saas_app, "api-access")
def _api_access(
    session: Session, app: AppName, state: Annotated[str, typer.Argument(help="on or off.", metavar="on|off")]
) -> None:
    """Switch API access; while it is off, tokens live on and calls answer 91007."""
    if state not in ("on", "off"):
        raise typer.BadParameter(f"{state!r} is neither on nor off", param_hint="on|off")
    _show(session, session.patch(app_path(session, app), {"api_access": state == "on"}))


@command(saas_app, "addresses")
def _app_addresses(
    session: Session,
    app: AppName,
    addresses: Annotated[
        list[str] | None, typer.Argument(help="The whole new list: IPv4, IPv6, CIDR.", show_default=False)
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Switch the list.", show_default=False)
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Empty the list.", show_default=False)] = False,
) -> None:
    """Show or set the IP white list of an application."""
    path = app_path(session, app)
    if not addresses and not clear and enabled is None:
        _show(session, session.get(path))
        return
    allowed = addresses or ([] if clear else None)
    _show(session, session.patch(path, {"address_list_enabled": enabled, "allowed_addresses": allowed}))


@command(saas_app, "delete")
def _delete_app(session: Session, app: AppName, yes: Yes = False) -> None:
    """Delete an application; its tokens die, its products become free."""
    path = app_path(session, app)
    confirm(f"Delete SaaS application {app}?", yes)
    session.show(session.delete(path), lambda: say(f"SaaS application {app} was deleted"))


@command(saas_app, "secret")
def _show_secret(session: Session, app: AppName) -> None:
    """Show the AccessSecret; that it was shown is audited."""
    answer = session.get(app_path(session, app, "secret"))
    session.show(answer, lambda: fields(answer.value))


@command(saas_app, "reset-secret")
def _reset_secret(session: Session, app: AppName, yes: Yes = False) -> None:
    """Make a new AccessSecret; the old one and every token end at once."""
    path = app_path(session, app, "secret", "reset")
    confirm(f"Reset the AccessSecret of {app}? The present one stops working at once.", yes)
    answer = session.post(path)
    session.show(answer, lambda: fields(answer.value))


@command(saas_app, "authorize-package")
def _authorize_package(session: Session, app: AppName, package: _Package) -> None:
    """Let an application use an activated package."""
    _show(session, session.put(app_path(session, app, "packages", package)))


@command(saas_app, "cancel-package")
def _cancel_package(session: Session, app: AppName, package: _Package) -> None:
    """Take a package away."""
    _show(session, session.delete(app_path(session, app, "packages", package)))


@command(saas_app, "authorize-product")
def _authorize_product(session: Session, app: AppName, product_key: _ProductKey) -> None:
    """Give an application a product's data; a product belongs to one application at a time."""
    answer = session.put(app_path(session, app, "products", product_key))
    session.show(answer, lambda: say(f"{product_key} is authorized to {app}"))


@command(saas_app, "cancel-product")
def _cancel_product(session: Session, app: AppName, product_key: _ProductKey) -> None:
    """Take a product away."""
    answer = session.delete(app_path(session, app, "products", product_key))
    session.show(answer, lambda: say(f"{product_key} is free"))


@command(saas_app, "products")
def _list_products(session: Session, app: AppName, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the products authorized to an application."""
    answer = session.get(app_path(session, app, "products"), limit=limit, offset=offset)
    session.show(answer, lambda: product_table(answer.value, offset))


def app_path(session: Session, app: str, *rest: str) -> str:
    """The path of an application that is named by its id or its name. Raises Failure."""
    return path_of("saas-apps", app_id(session, app), *rest)


def app_id(session: Session, app: str) -> int:
    """The id of an application that is named by its id or its name. Raises Failure."""
    found = find_id(session, "/saas-apps", app, "name")
    if found is None:
        raise Failure(f"there is no SaaS application {app!r}")
    return found


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: _app_fields(answer.value))


def _app_fields(found: dict[str, Any]) -> None:
    shown = {
        "id": found["id"],
        "name": found["name"],
        "description": found["description"],
        "access key": found["access_key"],
        "key": "enabled" if found["enabled"] else "disabled",
        "API access": onoff(found["api_access"]),
        "packages": ", ".join(entry["package"] for entry in found["packages"]),
        "IP white list": onoff(found["address_list_enabled"]),
        "addresses": ", ".join(found["allowed_addresses"]),
        "times": found["times"],
        "created": moment(found["created_at"]),
        "updated": moment(found["updated_at"]),
    }
    if "access_secret" in found:
        shown["access secret"] = f"{found['access_secret']}  (shown this once)"
    fields(shown)
