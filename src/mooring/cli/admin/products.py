"""product …"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from mooring.cli.asking import given_secret
from mooring.cli.screen import fields, footer, moment, onoff, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Answer, Session, path_of

__all__ = ["product", "product_table"]

product = group("Products.")

_SUB_DEVICE = 2
_ACCESS_TYPES = {0: "direct", 1: "gateway", 2: "sub-device"}
_NETWORKS = {"1": "Wi-Fi", "2": "cellular", "3": "NB-IoT", "5": "Bluetooth"}
_FORMATS = {0: "transparent", 3: "thing model"}
_STATES = {0: "in development", 3: "published", 9: "error"}

_ProductKey = Annotated[str, typer.Argument(help="ProductKey.")]
_ProductType = Annotated[int | None, typer.Option(help="0 small batch, 1 large batch.")]
_ItemCode = Annotated[str | None, typer.Option(help="Category code.")]
_LogoPath = Annotated[str | None, typer.Option(help="Address of the image.")]
_AllowedLimit = Annotated[int | None, typer.Option(help="Number of activation codes.")]
_AiCapability = Annotated[bool | None, typer.Option(help="AI capability.", show_default=False)]
_DynamicAuthentication = Annotated[
    bool | None,
    typer.Option(help="Whether devices that nobody added may register by themselves.", show_default=False),
]
_RequireEncryption = Annotated[
    bool | None,
    typer.Option(help="Whether devices must use TLS or session encryption.", show_default=False),
]

_SpecifiedGateway = Annotated[
    list[str] | None,
    typer.Option(
        help="Of sub-devices: product of gateways that may carry them, any unless given; may be repeated.",
        show_default=False,
    ),
]
_MayChangeGateway = Annotated[
    bool | None,
    typer.Option(help="Of sub-devices with network access only: whether they may move.", show_default=False),
]


class _Clearable(StrEnum):
    ITEM_CODE = "item-code"
    LOGO_PATH = "logo-path"
    ALLOWED_LIMIT = "allowed-limit"
    SPECIFIED_GATEWAYS = "specified-gateways"


@command(product, "list")
def _list_products(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the products."""
    answer = session.get("/products", limit=limit, offset=offset)
    session.show(answer, lambda: product_table(answer.value, offset))


@command(product, "show")
def _show_product(session: Session, product_key: _ProductKey) -> None:
    """Show one product."""
    _show(session, session.get(path_of("products", product_key)))


@command(product, "create")
def _create_product(
    session: Session,
    name: Annotated[str, typer.Argument(help="Name, unique in the account.")],
    access_type: Annotated[int | None, typer.Option(help="0 direct (default), 1 gateway, 2 sub-device.")] = None,
    net_way: Annotated[str | None, typer.Option(help="1 Wi-Fi, 2 cellular (default), 3 NB-IoT, 5 Bluetooth.")] = None,
    data_fmt: Annotated[int | None, typer.Option(help="0 transparent, 3 thing model (default).")] = None,
    protocol: Annotated[int | None, typer.Option(help="1 MQTT, 2 LwM2M, 3 HTTP, 0 default.")] = None,
    product_type: _ProductType = None,
    gateway_type: Annotated[
        int | None, typer.Option(help="Of a sub-device: 1 network access, 2 product integration.")
    ] = None,
    item_code: _ItemCode = None,
    logo_path: _LogoPath = None,
    allowed_limit: _AllowedLimit = None,
    ai_capability: _AiCapability = None,
    dynamic_authentication: _DynamicAuthentication = None,
    require_encryption: _RequireEncryption = None,
    specified_gateway: _SpecifiedGateway = None,
    may_change_gateway: _MayChangeGateway = None,
    product_key: Annotated[str | None, typer.Option(help="Keep a key that devices carry already.")] = None,
    product_secret: Annotated[
        str | None, typer.Option(help="The secret of that key, - reads it from standard input.")
    ] = None,
) -> None:
    """Create a product; its ProductSecret is shown in clear."""
    body = _given(
        name=name,
        access_type=access_type,
        net_way=net_way,
        data_fmt=data_fmt,
        protocol=protocol,
        product_type=product_type,
        gateway_type=gateway_type,
        item_code=item_code,
        logo_path=logo_path,
        allowed_limit=allowed_limit,
        ai_capability=ai_capability,
        dynamic_authentication=dynamic_authentication,
        require_encryption=require_encryption,
        specified_gateways=specified_gateway or None,
        may_change_gateway=may_change_gateway,
        product_key=product_key,
        product_secret=given_secret("--product-secret", product_secret),
    )
    _show(session, session.post("/products", body))


@command(product, "rename")
def _rename_product(
    session: Session, product_key: _ProductKey, new_name: Annotated[str, typer.Argument(help="The new name.")]
) -> None:
    """Give a product another name."""
    _show(session, session.patch(path_of("products", product_key), {"name": new_name}))


@command(product, "update")
def _update_product(
    session: Session,
    product_key: _ProductKey,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    product_type: _ProductType = None,
    item_code: _ItemCode = None,
    logo_path: _LogoPath = None,
    allowed_limit: _AllowedLimit = None,
    ai_capability: _AiCapability = None,
    dynamic_authentication: _DynamicAuthentication = None,
    require_encryption: _RequireEncryption = None,
    specified_gateway: _SpecifiedGateway = None,
    may_change_gateway: _MayChangeGateway = None,
    clear: Annotated[list[_Clearable] | None, typer.Option(help="Empty a member; may be repeated.")] = None,
) -> None:
    """Change a product. Access type, network and data format are fixed."""
    body = _given(
        name=name,
        product_type=product_type,
        item_code=item_code,
        logo_path=logo_path,
        allowed_limit=allowed_limit,
        ai_capability=ai_capability,
        dynamic_authentication=dynamic_authentication,
        require_encryption=require_encryption,
        specified_gateways=specified_gateway or None,
        may_change_gateway=may_change_gateway,
    )
    body.update({member.value.replace("-", "_"): None for member in clear or ()})
    _show(session, session.patch(path_of("products", product_key), body))


@command(product, "delete")
def _delete_product(
    session: Session,
    product_key: _ProductKey,
    force: Annotated[bool, typer.Option("--force", help="Delete its devices too.", show_default=False)] = False,
    yes: Yes = False,
) -> None:
    """Delete a product with its thing model, for good."""
    what = "its thing model and all its devices" if force else "its thing model"
    confirm(f"Delete product {product_key} with {what}, for good?", yes)
    answer = session.delete(path_of("products", product_key), force=force)
    session.show(answer, lambda: say(f"product {product_key} was deleted"))


@command(product, "secret")
def _show_secret(session: Session, product_key: _ProductKey) -> None:
    """Show the ProductSecret; that it was shown is audited."""
    answer = session.get(path_of("products", product_key, "secret"))
    session.show(answer, lambda: fields(answer.value))


def product_table(answer: Mapping[str, Any], offset: int) -> None:
    """A list of products."""
    table(
        ("ProductKey", "Name", "Type", "Network", "Format", "State", "Model", "App"),
        (
            (
                found["product_key"],
                found["name"],
                _ACCESS_TYPES.get(found["access_type"], found["access_type"]),
                _NETWORKS.get(found["net_way"], found["net_way"]),
                _FORMATS.get(found["data_fmt"], found["data_fmt"]),
                _STATES.get(found["product_status"], found["product_status"]),
                found["released_version"] or "-",
                found["app_id"] or "-",
            )
            for found in answer["items"]
        ),
    )
    footer(answer, offset)


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: _product_fields(answer.value))


def _product_fields(found: dict[str, Any]) -> None:
    fields(
        {
            "product key": found["product_key"],
            "product secret": found["product_secret"],
            "name": found["name"],
            "access type": f"{found['access_type']} {_ACCESS_TYPES.get(found['access_type'], '')}",
            "network": f"{found['net_way']} {_NETWORKS.get(found['net_way'], '')}",
            "data format": f"{found['data_fmt']} {_FORMATS.get(found['data_fmt'], '')}",
            "protocol": found["protocol"],
            "state": f"{found['product_status']} {_STATES.get(found['product_status'], '')}",
            "product type": found["product_type"],
            "gateway type": found["gateway_type"],
            "category": found["item_code"],
            "image": found["logo_path"],
            "activation codes": found["allowed_limit"],
            "AI capability": onoff(found["ai_capability"]),
            "dynamic authentication": onoff(found["dynamic_authentication"]),
            "encryption": "required" if found["require_encryption"] else "as devices ask",
            **_gateway_options(found),
            "SaaS application": found["app_id"],
            "thing model": found["released_version"],
            "created": moment(found["created_at"]),
            "updated": moment(found["updated_at"]),
        }
    )


def _gateway_options(found: dict[str, Any]) -> dict[str, object]:
    if found["access_type"] != _SUB_DEVICE:
        return {}
    gateways = found["specified_gateways"]
    return {
        "gateways": "any" if gateways is None else ", ".join(gateways),
        "may change gateway": "yes" if found["may_change_gateway"] else "no",
    }
