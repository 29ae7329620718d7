"""One call of the SDK for each operation of the contract, with everything it can be given."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mooring.client import DeviceChange, NewDevice, SendOptions

__all__ = ["CALLS", "LISTINGS", "WRITES"]

PK, DK = "p11v14", "DK00001"
BEGIN = datetime(2025, 3, 27, tzinfo=UTC)
ALL = SendOptions(cache_s=60, cover=True, qos=0)

CALLS: dict[str, Callable[[Any], Any]] = {
    "authLogin": lambda client: client.login(),
    "productList": lambda client: client.products.list(product_key=PK).page(1),
    "productDetail": lambda client: client.products.detail(PK),
    "tslExport": lambda client: client.thing_models.export(PK, product_id=7, language="EN"),
    "deviceList": lambda client: client.devices.list(PK, device_key=DK, online=True, activated=False).page(),
    "deviceDetail": lambda client: client.devices.detail(PK, DK),
    "deviceResource": lambda client: client.devices.resource(PK, DK),
    "deviceLocation": lambda client: client.devices.location(PK, DK, device_id=7),
    "deviceCreate": lambda client: client.devices.create(
        PK, DK, name="Lamp", sn="SN1", auth_mode=2, fingerprint="ab" * 20, psk="p"
    ),
    "deviceCreateBatch": lambda client: client.devices.create_many(PK, [NewDevice("D1"), NewDevice("D2", sn="S")]),
    "deviceUpdate": lambda client: client.devices.update(PK, DK, name="Lamp", sn="SN1"),
    "deviceUpdateBatch": lambda client: client.devices.update_many(PK, [DeviceChange("D1", name="a")]),
    "deviceDelete": lambda client: client.devices.delete(PK, DK),
    "gatewaySubList": lambda client: client.gateways.sub_devices(PK, DK, device_id=7).page(),
    "gatewayByChildDevice": lambda client: client.gateways.of_sub_device(PK, DK),
    "gatewayUnbind": lambda client: client.gateways.unbind(PK, DK),
    "dmReadData": lambda client: client.commands.read(PK, [DK], ["switch"], options=ALL),
    "dmWriteData": lambda client: client.commands.write(PK, [DK], {"switch": True}, options=ALL),
    "dmSendServiceData": lambda client: client.commands.call(PK, [DK], "timer", {"minutes": 5}, options=ALL),
    "rawSendData": lambda client: client.commands.send_raw([(PK, DK)], b"\x01\xff", options=ALL),
    "dataHistory": lambda client: client.logs.data(
        PK, DK, device_id=7, begin=BEGIN, end=1, direction=1, send_status=-1
    ).page(),
    "eventHistory": lambda client: client.logs.events(PK, DK, device_id=7, begin=BEGIN, end=1, event_type=4).page(),
    "queueList": lambda client: client.queues.list(queue_name="q", status=1).page(),
    "queueDetail": lambda client: client.queues.detail(7),
    "queueCreate": lambda client: client.queues.create("q", description="d"),
    "queueClear": lambda client: client.queues.clear(7),
    "queueDelete": lambda client: client.queues.delete(7),
    "subscribeList": lambda client: client.subscriptions.list(queue_name="q", subscribe_name="s", status=1).page(),
    "subscribeDetail": lambda client: client.subscriptions.detail(7),
    "subscribeCreate": lambda client: client.subscriptions.create_for_device("s", "q", PK, DK, [1, 6]),
    "subscribeSaas": lambda client: client.subscriptions.create_for_app("s", "q", [101]),
    "subscribeEnduser": lambda client: client.subscriptions.create_for_domain("s", "q", "C.DM.1.1"),
    "subscribeUpdate": lambda client: client.subscriptions.update(7, name="s", queue_name="q", msg_types=[1]),
    "subscribeStart": lambda client: client.subscriptions.start(7),
    "subscribeStop": lambda client: client.subscriptions.stop(7),
    "subscribeDelete": lambda client: client.subscriptions.delete(7),
    "userDomainList": lambda client: client.users.domains().page(),
    "userDomainUserList": lambda client: client.users.list("C.DM.1.1").page(),
    "userInfo": lambda client: client.users.detail("C1"),
    "userSetStatus": lambda client: client.users.set_enabled("C1", False),
    "userDeviceList": lambda client: client.bindings.devices("C1").page(),
    "bindUserList": lambda client: client.bindings.users(product_key=PK, uid="C1", user_domain="C.DM.1.1").page(),
    "verifyBindingCode": lambda client: client.bindings.verify_code(PK, DK, "code", binding=True),
}

LISTINGS = {name for name in CALLS if name.endswith(("List", "History"))}
WRITES = {
    *(name for name in CALLS if name.startswith("device") and name not in LISTINGS),
    *("dmReadData", "dmWriteData", "dmSendServiceData", "rawSendData", "gatewayUnbind", "verifyBindingCode"),
    *(name for name in CALLS if name.startswith(("queue", "subscribe")) and name not in LISTINGS),
} - {"deviceDetail", "deviceResource", "deviceLocation", "queueDetail", "subscribeDetail"}
