"""/v2/deviceshadow, the operations that send: read and set properties, call services, transparent data.

openapi-notes.md sections 9 to 11. Faults of the request answer with their code; faults of a device stand in its row.
"""

from collections.abc import Awaitable, Callable, Sequence

from mooring.platform.command_input import DEFAULT_CACHE_S, MAX_CACHE_S
from mooring.platform.commands import Commands, SendOptions, SendResult
from mooring.platform.entities import App, Product

from . import answers
from .answers import Failure, SendRow
from .operation import Call, Operation
from .params import Body
from .products import authorized_product

__all__ = ["OPERATIONS"]

_Send = Callable[[Commands, App, Product, Sequence[str], str, SendOptions], Awaitable[list[SendResult]]]

_BASE = "/v2/deviceshadow/r3/openapi"


async def _read(call: Call) -> bytes:
    return await _send(call, Commands.send_read)


async def _write(call: Call) -> bytes:
    return await _send(call, Commands.send_write)


async def _call_service(call: Call) -> bytes:
    return await _send(call, Commands.send_service)


async def _send(call: Call, send: _Send) -> bytes:
    body = call.body
    product_key, device_keys = _key(body.text("productKey"), "productKey"), body.texts("devices")
    keys = [_key(key, f"devices[{at}]") for at, key in enumerate(device_keys)]
    _need_devices(keys)
    product = authorized_product(call, call.platform.directory.product_by_key(product_key))
    options, data = _options(body), _data(body)
    return _answer(call, await send(call.platform.commands, call.app, product, keys, data, options))


async def _send_raw(call: Call) -> bytes:
    body = call.body
    named = [
        (_key(device.text("productKey"), f"devices[{at}].productKey"), _key(device.text("deviceKey"), f"devices[{at}]"))
        for at, device in enumerate(body.objects("devices"))
    ]
    _need_devices(named)
    products = {key: authorized_product(call, call.platform.directory.product_by_key(key)) for key, _ in named}
    options, data = _options(body), _data(body)
    targets = [(products[product_key], device_key) for product_key, device_key in named]
    encoding = body.text("encode") or "Text"
    return _answer(call, await call.platform.commands.send_raw(call.app, targets, data, options, encoding))


def _key(value: str | None, name: str) -> str:
    if value is None:
        raise Failure(50007, f"{name} missing")
    return value


def _need_devices(found: Sequence[object]) -> None:
    if not found:
        raise Failure(50007, "devices missing")


def _data(body: Body) -> str:
    data = body.text("data")
    if data is None:
        raise Failure(50005, "data missing")
    return data


def _options(body: Body) -> SendOptions:
    cache_s = body.integer("cacheTime", low=1, high=MAX_CACHE_S)
    qos = body.integer("qos", low=0, high=2)
    return SendOptions(
        cache_s=(cache_s or DEFAULT_CACHE_S) if body.flag("isCache") else None,
        cover=body.flag("isCover") or False,
        qos=1 if qos is None else qos,
    )


def _answer(call: Call, results: Sequence[SendResult]) -> bytes:
    call.tickets = tuple(result.ticket for result in results if result.ticket is not None)
    return answers.sent([_row(call, result) for result in results])


def _row(call: Call, result: SendResult) -> SendRow:
    if result.ticket is not None:
        return SendRow(result.code, result.product_key, result.device_key, str(result.ticket), None)
    message = answers.text(result.code, call.language, result.detail)
    return SendRow(result.code, result.product_key, result.device_key, None, message)


OPERATIONS = (
    Operation("dmReadData", "POST", f"{_BASE}/dm/readData", "shadow", _read),
    Operation("dmWriteData", "POST", f"{_BASE}/dm/writeData", "shadow", _write),
    Operation("dmSendServiceData", "POST", f"{_BASE}/dm/sendServiceData", "shadow", _call_service),
    Operation("rawSendData", "POST", f"{_BASE}/raw/sendData", "shadow", _send_raw),
)
