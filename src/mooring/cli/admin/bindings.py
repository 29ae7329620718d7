"""binding … and share …"""

import re
import time
from typing import Annotated, Any

import typer

from mooring.cli.arguments import DeviceKey, ProductKey
from mooring.cli.asking import given_secret
from mooring.cli.screen import fields, footer, moment, onoff, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .end_users import Uid
from .session import Answer, Session, path_of

__all__ = ["binding", "share"]

binding = group("Devices that end users have bound.")
share = group("Devices that end users share.")

_TYPES = {1: "SN", 2: "Wi-Fi", 3: "keys", 4: "Bluetooth"}
_MODES = {"many": 1, "one": 2, "alternate": 3}
_MODE_NAMES = {number: name for name, number in _MODES.items()}
_COVERS = {1: "replace", 2: "add", 3: "if longer"}
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@command(binding, "list")
def _list_of_user(session: Session, uid: Uid, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the devices of a user."""
    _show_list(session, session.get(path_of("end-users", uid, "bindings"), limit=limit, offset=offset), offset)


@command(binding, "users")
def _list_of_device(
    session: Session, product_key: ProductKey, device_key: DeviceKey, limit: Limit = 100, offset: Offset = 0
) -> None:
    """List the users that have bound a device."""
    path = path_of("devices", product_key, device_key, "bindings")
    _show_list(session, session.get(path, limit=limit, offset=offset), offset)


@command(binding, "bind")
def _bind(
    session: Session,
    uid: Uid,
    product_key: ProductKey,
    device_key: Annotated[str | None, typer.Argument(help="DeviceKey.", metavar="DEVICE", show_default=False)] = None,
    sn: Annotated[str | None, typer.Option(help="The SN, in place of the DeviceKey.")] = None,
    binding_code: Annotated[
        str | None, typer.Option(help="The code that the device shows, - reads it from standard input.")
    ] = None,
) -> None:
    """Bind a device to a user, by its keys or its SN."""
    code = given_secret("--binding-code", binding_code)
    body = {"product_key": product_key, "device_key": device_key, "sn": sn, "binding_code": code}
    _show(session, session.post(path_of("end-users", uid, "bindings"), body))


@command(binding, "unbind")
def _unbind(session: Session, uid: Uid, product_key: ProductKey, device_key: DeviceKey, yes: Yes = False) -> None:
    """Give a device up, with everything that was shared of it."""
    confirm(f"Unbind device {device_key} of {product_key} from {uid}?", yes)
    answer = session.delete(path_of("end-users", uid, "bindings", product_key, device_key))
    session.show(answer, lambda: say(f"device {device_key} was unbound from {uid}"))


@command(binding, "mode")
def _mode(
    session: Session,
    product_key: ProductKey,
    mode: Annotated[
        str | None,
        typer.Argument(help="many, one or alternate; fixed once somebody has bound a device.", show_default=False),
    ] = None,
    sharing: Annotated[
        bool | None, typer.Option("--sharing/--no-sharing", help="Let users share devices.", show_default=False)
    ] = None,
) -> None:
    """Show or set how devices of a product are bound."""
    if mode is not None and mode not in _MODES:
        raise typer.BadParameter(f"{mode!r} is none of {', '.join(_MODES)}", param_hint="MODE")
    path = path_of("products", product_key)
    changes: dict[str, object] = {} if mode is None else {"bind_mode": _MODES[mode]}
    if sharing is not None:
        changes["device_sharing"] = sharing
    answer = session.patch(path, changes) if changes else session.get(path)
    found = answer.value
    shown = {
        "product": product_key,
        "mode": _MODE_NAMES[found["bind_mode"]],
        "sharing": onoff(found["device_sharing"]),
    }
    session.show(answer, lambda: fields(shown))


@command(share, "list")
def _list_shares(session: Session, uid: Uid, limit: Limit = 100, offset: Offset = 0) -> None:
    """List what a user shares."""
    answer = session.get(path_of("end-users", uid, "shares"), limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Code", "ProductKey", "DeviceKey", "To be accepted until", "Usable until", "Cover", "Accepted by"),
            (
                (
                    found["code"],
                    found["product_key"],
                    found["device_key"],
                    moment(found["accept_until"]),
                    moment(found["use_until"], "for ever"),
                    _COVERS[found["cover"]],
                    found["accepted_by"],
                )
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(share, "create")
def _create_share(
    session: Session,
    uid: Uid,
    product_key: ProductKey,
    device_key: DeviceKey,
    accept_within: Annotated[str, typer.Option(help="Time to accept it: 30m, 2h, 3d.")] = "1d",
    use_for: Annotated[str | None, typer.Option(help="Time to use the device, from now; else without end.")] = None,
    cover: Annotated[
        int, typer.Option(help="What becomes of a share the receiver has: 1 replace, 2 add, 3 replace if longer.")
    ] = 1,
) -> None:
    """Share a device of a user; the code is for one other user of the App."""
    now = time.time_ns() // 1_000_000
    body = {
        "product_key": product_key,
        "device_key": device_key,
        "accept_until": now + _span_ms("--accept-within", accept_within),
        "use_until": None if use_for is None else now + _span_ms("--use-for", use_for),
        "cover": cover,
    }
    answer = session.post(path_of("end-users", uid, "shares"), body)
    found = answer.value
    shown = {
        "code": found["code"],
        "to be accepted until": moment(found["accept_until"]),
        "usable until": moment(found["use_until"], "for ever"),
    }
    session.show(answer, lambda: fields(shown))


@command(share, "accept")
def _accept_share(session: Session, uid: Uid, code: Annotated[str, typer.Argument(help="Code of the share.")]) -> None:
    """Accept a share for a user."""
    _show(session, session.post(path_of("end-users", uid, "shares", "accept"), {"code": code}))


@command(share, "cancel")
def _cancel_share(
    session: Session, uid: Uid, code: Annotated[str, typer.Argument(help="Code of the share.")], yes: Yes = False
) -> None:
    """Take a share back, accepted or not; the receiver loses the device at once."""
    confirm(f"Take back share {code} of {uid}?", yes)
    answer = session.delete(path_of("end-users", uid, "shares", code))
    session.show(answer, lambda: say(f"share {code} was taken back"))


def _span_ms(option: str, text: str) -> int:
    found = _SPAN.fullmatch(text)
    if found is None or not int(found[1]):
        raise typer.BadParameter(f"{text!r} is no time: 30m, 2h and 3d are", param_hint=option)
    return int(found[1]) * _UNITS_MS[found[2]]


def _show_list(session: Session, answer: Answer, offset: int) -> None:
    def readable() -> None:
        columns = ("Uid", "ProductKey", "DeviceKey", "Kind", "By", "Proved", "State", "Since", "Until")
        table(columns, (_cells(found) for found in answer.value["items"]))
        footer(answer.value, offset)

    session.show(answer, readable)


def _cells(found: dict[str, Any]) -> tuple[object, ...]:
    return (
        found["uid"],
        found["product_key"],
        found["device_key"],
        "shared" if found["shared"] else "own",
        _TYPES[found["binding_type"]],
        "yes" if found["verified"] else "no",
        "valid" if found["valid"] else "void",
        moment(found["bound_at"]),
        moment(found["expires_at"]),
    )


def _show(session: Session, answer: Answer) -> None:
    names = ("user", "product", "device", "kind", "by", "proved", "state", "since", "until")
    session.show(answer, lambda: fields(dict(zip(names, _cells(answer.value), strict=True))))
