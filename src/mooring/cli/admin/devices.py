"""device …: lists, adding, changing, secrets, serial numbers."""

import csv
import io
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mooring.cli.arguments import DeviceKey, ProductKey, read_content
from mooring.cli.files import write_atomically
from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Answer, Session, path_of

__all__ = ["device", "device_fields"]

device = group("Devices.")

_CSV = "text/csv"


class _Auth(StrEnum):
    DYNAMIC = "dynamic"
    STATIC = "static"
    X509 = "x509"

    @property
    def number(self) -> int:
        """What the API calls it."""
        return list(_Auth).index(self)


_AuthMode = Annotated[_Auth, typer.Option(help="How it authenticates.")]


_Online = Annotated[
    bool | None, typer.Option("--online/--offline", help="Only those that are connected, or not.", show_default=False)
]
_Activated = Annotated[
    bool | None,
    typer.Option("--activated/--not-activated", help="Only those that exchanged data, or not.", show_default=False),
]
_Enabled = Annotated[
    bool | None, typer.Option("--enabled/--disabled", help="Only those that may connect, or not.", show_default=False)
]
_Virtual = Annotated[
    bool | None, typer.Option("--virtual/--real", help="Only virtual ones, or real ones.", show_default=False)
]


@command(device, "list")
def _list_devices(
    session: Session,
    product: Annotated[str | None, typer.Option(help="ProductKey; otherwise devices of every product.")] = None,
    text: Annotated[str, typer.Option(help="Part of DeviceKey, name or SN.")] = "",
    device_key: Annotated[str, typer.Option(help="The whole DeviceKey.")] = "",
    sn: Annotated[str, typer.Option(help="The whole SN.")] = "",
    name: Annotated[str, typer.Option(help="Part of the name.")] = "",
    online: _Online = None,
    activated: _Activated = None,
    enabled: _Enabled = None,
    virtual: _Virtual = None,
    auth_mode: Annotated[_Auth | None, typer.Option(help="Only those that authenticate so.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> None:
    """List devices, newest first."""
    path = "/devices" if product is None else path_of("products", product, "devices")
    answer = session.get(
        path,
        limit=limit,
        offset=offset,
        text=text or None,
        device_key=device_key or None,
        sn=sn or None,
        name=name or None,
        online=online,
        activated=activated,
        enabled=enabled,
        virtual=virtual,
        auth_mode=None if auth_mode is None else auth_mode.number,
    )

    def readable() -> None:
        columns = ("DeviceKey", "Name", "SN", "Auth", "State", "Activated", "Last seen")
        rows = [_row(found) for found in answer.value["items"]]
        if product is None:
            keys = [found["product_key"] for found in answer.value["items"]]
            table(("ProductKey", *columns), ((key, *row) for key, row in zip(keys, rows, strict=True)))
        else:
            table(columns, rows)
            real = "{real} real ({online} online, {activated} activated), {virtual} virtual".format(**answer.value)
            say(f"the whole product: {real}")
        footer(answer.value, offset)

    session.show(answer, readable)


@command(device, "show")
def _show_device(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Show one device."""
    _show(session, session.get(_path(product_key, device_key)))


@command(device, "add")
def _add_devices(
    session: Session,
    product_key: ProductKey,
    device_keys: Annotated[
        list[str] | None, typer.Argument(help="DeviceKeys, up to 500.", metavar="DEVICE", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of a single device; the DeviceKey unless given.")] = None,
    sn: Annotated[str | None, typer.Option(help="SN of a single device.")] = None,
    auth_mode: _AuthMode = _Auth.DYNAMIC,
    fingerprint: Annotated[
        str | None, typer.Option(help="SHA-1 of a single X.509 device's certificate; its first one unless given.")
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="A file of up to 500 devices instead, - is standard input: a header with device_key, and name, sn, "
            "auth_mode (0 dynamic, 1 static, 2 X.509), fingerprint as needed.",
            metavar="FILE",
            allow_dash=True,
        ),
    ] = None,
) -> None:
    """Add devices, all or none. The secrets of static ones are shown."""
    keys = device_keys or []
    path = path_of("products", product_key, "devices")
    own = name is not None or sn is not None or fingerprint is not None
    if csv_file is not None:
        if keys or own or auth_mode is not _Auth.DYNAMIC:
            raise typer.BadParameter("the file says all of it; give nothing else", param_hint="--csv")
        answer = session.post(f"{path}/import", read_content(csv_file), media_type=_CSV)
    elif not keys:
        raise typer.BadParameter("give a DeviceKey or --csv", param_hint="DEVICE")
    elif len(keys) == 1:
        body = {"device_key": keys[0], "name": name, "sn": sn, "fingerprint": fingerprint}
        _show(session, session.post(path, {**body, "auth_mode": auth_mode.number}))
        return
    elif own:
        raise typer.BadParameter("these are of a single device; for several use --csv", param_hint="--name, --sn")
    else:
        devices = [{"device_key": key, "auth_mode": auth_mode.number} for key in keys]
        answer = session.post(f"{path}/batch", {"devices": devices})

    def readable() -> None:
        table(
            ("DeviceKey", "Name", "SN", "Auth", "DeviceSecret"),
            (
                (found["device_key"], found["name"], found["sn"], _auth(found), found["device_secret"])
                for found in answer.value["items"]
            ),
        )
        say(f"{len(answer.value['items'])} device(s) were added")

    session.show(answer, readable)


@command(device, "rename")
def _rename_device(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    new_name: Annotated[str, typer.Argument(help="The new name.")],
) -> None:
    """Give a device another name."""
    _show(session, session.patch(_path(product_key, device_key), {"name": new_name}))


@command(device, "set-sn")
def _set_serial_number(
    session: Session,
    product_key: ProductKey,
    device_key: DeviceKey,
    sn: Annotated[str | None, typer.Argument(help="The new SN.", show_default=False)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the SN away.", show_default=False)] = False,
) -> None:
    """Give a device an SN, or take it away."""
    if (sn is None) is not clear:
        raise typer.BadParameter("give either an SN or --clear", param_hint="SN")
    _show(session, session.patch(_path(product_key, device_key), {"sn": sn}))


@command(device, "enable")
def _enable_device(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Let a device connect again."""
    _show(session, session.post(_path(product_key, device_key, "enable")))


@command(device, "disable")
def _disable_device(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Keep a device out; its connection ends."""
    _show(session, session.post(_path(product_key, device_key, "disable")))


@command(device, "delete")
def _delete_device(session: Session, product_key: ProductKey, device_key: DeviceKey, yes: Yes = False) -> None:
    """Delete a device; its connection ends, its history stays."""
    confirm(f"Delete device {device_key} of {product_key}?", yes)
    answer = session.delete(_path(product_key, device_key))
    session.show(answer, lambda: say(f"device {device_key} was deleted"))


@command(device, "secret")
def _show_secret(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """Show the DeviceSecret; that it was shown is audited."""
    answer = session.get(_path(product_key, device_key, "secret"))
    session.show(answer, lambda: fields(answer.value))


@command(device, "reset-secret")
def _reset_secret(session: Session, product_key: ProductKey, device_key: DeviceKey, yes: Yes = False) -> None:
    """Forget DeviceSecret and fingerprint; the device authenticates again. A static one gets a new secret."""
    confirm(f"Reset the secret of {device_key}? The present one stops working at once.", yes)
    _show(session, session.post(_path(product_key, device_key, "secret", "reset")))


@command(device, "serial-numbers")
def _make_serial_numbers(
    session: Session,
    product_key: ProductKey,
    count: Annotated[int, typer.Argument(help="How many, 1 to 10,000.")],
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", help="Write SN and QR text to this file, - is standard output.", metavar="FILE"),
    ] = None,
) -> None:
    """Make serial numbers to print on devices, with the text of each one's QR code."""
    answer = session.post(path_of("products", product_key, "serial-numbers"), {"count": count})
    made = answer.value["items"]

    def readable() -> None:
        if csv_file is None:
            table(("SN", "QR text"), ((number["sn"], number["qr"]) for number in made))
        elif str(csv_file) == "-":
            typer.echo(_numbers_csv(made), nl=False)
        else:
            say(f"{len(made)} serial number(s) are in {csv_file}")

    if csv_file is not None and str(csv_file) != "-":
        write_atomically(csv_file, _numbers_csv(made).encode())
    session.show(answer, readable)


def _numbers_csv(made: list[dict[str, str]]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(("sn", "qr"))
    writer.writerows((number["sn"], number["qr"]) for number in made)
    return lines.getvalue()


def _path(product_key: str, device_key: str, *rest: str) -> str:
    return path_of("devices", product_key, device_key, *rest)


def _auth(found: Mapping[str, Any]) -> str:
    mode = found["auth_mode"]
    return list(_Auth)[mode].value if 0 <= mode < len(_Auth) else str(mode)


def _state(found: Mapping[str, Any]) -> str:
    state = "online" if found["online"] else "offline"
    if not found["enabled"]:
        state += ", disabled"
    return f"{state}, virtual" if found["is_virtual"] else state


def _row(found: Mapping[str, Any]) -> tuple[object, ...]:
    seen = "now" if found["online"] else moment(found["last_offline_at"] or found["last_conn_at"], "never")
    name = "" if found["name"] == found["device_key"] else found["name"]
    return (
        found["device_key"],
        name,
        found["sn"],
        _auth(found),
        _state(found),
        "no" if found["activated_at"] is None else "yes",
        seen,
    )


def _show(session: Session, answer: Answer) -> None:
    session.show(answer, lambda: device_fields(answer.value))


def device_fields(found: Mapping[str, Any]) -> None:
    """One device, with its secret where the API says it."""
    shown: dict[str, object] = {
        "product key": found["product_key"],
        "device key": found["device_key"],
        "client id": found["client_id"],
        "name": found["name"],
        "SN": found["sn"],
        "authentication": _auth(found),
        "secret": _secret_state(found),
        "fingerprint": found["fingerprint"],
        "verified": "yes" if found["is_verified"] else "no",
        "state": _state(found),
        "added": moment(found["created_at"]),
        "changed": moment(found["updated_at"]),
        "activated": moment(found["activated_at"]),
        "first connected": moment(found["first_conn_at"]),
        "last connected": moment(found["last_conn_at"]),
        "last offline": moment(found["last_offline_at"]),
        "id": found["id"],
    }
    if found.get("device_secret") is not None:
        shown["device secret"] = found["device_secret"]
    fields(shown)


def _secret_state(found: Mapping[str, Any]) -> str:
    if not found["has_secret"]:
        return "none"
    return "used by the device" if found["secret_confirmed"] else "not used yet"
