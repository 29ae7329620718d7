"""gateway …"""

from mooring.cli.arguments import DeviceKey, ProductKey
from mooring.cli.screen import footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Session, path_of

__all__ = ["gateway"]

gateway = group("Gateways and their sub-devices.")

_COLUMNS = ("ProductKey", "DeviceKey", "Name", "State", "Now", "First login", "Last login")


@command(gateway, "sub-devices")
def _sub_devices(
    session: Session, product_key: ProductKey, device_key: DeviceKey, limit: Limit = 100, offset: Offset = 0
) -> None:
    """List the sub-devices of a gateway, those that hang on it now first."""
    answer = session.get(path_of("devices", product_key, device_key, "sub-devices"), limit=limit, offset=offset)

    def show() -> None:
        table(_COLUMNS, (_cells(found) for found in answer.value["items"]))
        footer(answer.value, offset)

    session.show(answer, show)


@command(gateway, "of")
def _of(session: Session, product_key: ProductKey, device_key: DeviceKey) -> None:
    """List the gateways of a sub-device, the one that it hangs on now first."""
    answer = session.get(path_of("devices", product_key, device_key, "gateways"))
    session.show(answer, lambda: table(_COLUMNS, (_cells(found) for found in answer.value["items"])))


@command(gateway, "unbind")
def _unbind(session: Session, product_key: ProductKey, device_key: DeviceKey, yes: Yes = False) -> None:
    """Unbind a sub-device from its gateway; its session ends."""
    confirm(f"Unbind sub-device {device_key} of {product_key} from its gateway?", yes)
    answer = session.delete(path_of("devices", product_key, device_key, "gateway"))
    session.show(answer, lambda: say(f"sub-device {device_key} was unbound"))


def _cells(found: dict[str, object]) -> tuple[object, ...]:
    first, last = found["linked_at"], found["last_login_at"]
    return (
        found["product_key"],
        found["device_key"],
        found["name"],
        "online" if found["online"] else "offline",
        "yes" if found["is_current"] else "no",
        moment(first if isinstance(first, int) else None),
        moment(last if isinstance(last, int) else None),
    )
