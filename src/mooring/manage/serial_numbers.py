"""Serial numbers to print on devices."""

import msgspec

from mooring.platform.serial_numbers import SerialNumber

from .endpoint import CSV, AnyEndpoint, Call, Endpoint

__all__ = ["ENDPOINTS"]


class SerialNumberRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many: 1 to 10,000."""

    count: int


class SerialNumberList(msgspec.Struct, frozen=True):
    """New numbers; `qr` is the text of each one's QR code."""

    items: tuple[SerialNumber, ...]


async def _make_serial_numbers(call: Call, request: SerialNumberRequest) -> SerialNumberList:
    numbers = call.platform.serial_numbers
    return SerialNumberList(tuple(await numbers.make(call.actor, call.path["product_key"], request.count)))


async def _make_serial_numbers_csv(call: Call, request: SerialNumberRequest) -> bytes:
    made = await _make_serial_numbers(call, request)
    rows = "".join(f"{number.sn},{number.qr}\r\n" for number in made.items)
    return f"sn,qr\r\n{rows}".encode()


_OF_PRODUCT = "/products/{product_key}/serial-numbers"

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "POST",
        _OF_PRODUCT,
        "Make serial numbers: 15 letters and digits that nobody mistakes",
        _make_serial_numbers,
        SerialNumberRequest,
        SerialNumberList,
        status=201,
        errors=(409,),
    ),
    Endpoint(
        "POST",
        f"{_OF_PRODUCT}.csv",
        "Make serial numbers, as a CSV file",
        _make_serial_numbers_csv,
        SerialNumberRequest,
        bytes,
        status=201,
        errors=(409,),
        gives=CSV,
    ),
)
