"""What calls return: rows of the platform as typed values.

Members keep the meaning of contract/openapi.yaml; None means that the platform did not say. Times are epoch
milliseconds as received, with a property beside them that gives an aware datetime.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import field

from mooring.client._reading import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(epoch_ms: int | None) -> datetime | None:
    """Return epoch milliseconds as an aware datetime in UTC; None for None and for what no calendar holds."""
    if epoch_ms is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class Token:
    """A token as issued. `value` goes unchanged into the Authorization header; repr does not show it.

    `issued_at` is when it was asked for, epoch seconds by the clock of this client; `expires_in` is its
    lifetime in seconds; `scope` is "" for everything.
    """

    value: str
    issued_at: float
    expires_in: int
    scope: str = ""

    def __repr__(self) -> str:
        return f"Token(issued_at={self.issued_at!r}, expires_in={self.expires_in!r}, scope={self.scope!r})"

    @property
    def expires_at(self) -> datetime | None:
        """When the token stops being accepted, by the clock of this client."""
        return moment(int((self.issued_at + self.expires_in) * 1000))


class Product(Row, frozen=True, kw_only=True, rename="camel"):
    """A product that the application is authorized for.

    `access_type` is 0 directly connected, 1 gateway, 2 gateway sub-device. `connect_platform` is 0 this
    platform, 1 a telecom platform. `data_format` is 0 transparent, 3 thing model. `network` is "1" Wi-Fi,
    "2" cellular, "3" NB-IoT, "5" Bluetooth. `logo_url` may be None. Times are epoch milliseconds.
    """

    product_key: str
    product_name: str | None = None
    access_type: int | None = None
    connect_platform: int | None = None
    data_format: int | None = field(default=None, name="dataFmt")
    network: str | None = field(default=None, name="netWay")
    logo_url: str | None = field(default=None, name="logoPath")
    create_time_ms: int | None = field(default=None, name="createTime")
    update_time_ms: int | None = field(default=None, name="updateTime")

    @property
    def created_at(self) -> datetime | None:
        """When the product was created."""
        return moment(self.create_time_ms)

    @property
    def updated_at(self) -> datetime | None:
        """When the product was last changed; None when it never was."""
        return moment(self.update_time_ms)


class ThingParameter(Row, frozen=True, kw_only=True, rename="camel"):
    """An input or output of a service or event.

    Either `ref` points to a property as "#/properties/id/<id>" and all else is None, or the parameter is
    declared in place. `specs` depends on `data_type` (contract/tsl.md section 4); numbers in it are text.
    """

    ref: str | None = field(default=None, name="$ref")
    id: int | None = None
    code: str | None = None
    name: str | None = None
    data_type: str | None = None
    desc: str | None = None
    specs: Any = None


class ThingProperty(Row, frozen=True, kw_only=True, rename="camel"):
    """A property: `id` is its number in device frames, `code` its key in command data.

    `sub_type` is R, W or RW. `data_type` is one of BOOL, INT, FLOAT, DOUBLE, ENUM, TEXT, RAW, DATE, STRUCT
    and ARRAY; `specs` depends on it (contract/tsl.md section 4) and holds numbers as text.
    """

    id: int
    code: str
    name: str | None = None
    sub_type: str | None = None
    data_type: str | None = None
    sort: int | None = None
    desc: str | None = None
    specs: Any = None


class ThingService(Row, frozen=True, kw_only=True, rename="camel"):
    """A service that a device offers; `sub_type` is ASYNC."""

    id: int
    code: str
    name: str | None = None
    sub_type: str | None = None
    sort: int | None = None
    desc: str | None = None
    inputs: tuple[ThingParameter, ...] = field(default=(), name="inputData")
    outputs: tuple[ThingParameter, ...] = field(default=(), name="outputData")


class ThingEvent(Row, frozen=True, kw_only=True, rename="camel"):
    """An event that a device raises; `sub_type` is INFO, WARN or ERROR."""

    id: int
    code: str
    name: str | None = None
    sub_type: str | None = None
    sort: int | None = None
    desc: str | None = None
    outputs: tuple[ThingParameter, ...] = field(default=(), name="outputData")


class ThingModel(Row, frozen=True, kw_only=True):
    """A released thing model (contract/tsl.md). `raw` is the document as exported.

    `version` is the release stamp yyyyMMddHHmmssSSS, `tsl_version` the version of the document's format.
    """

    product_key: str | None = None
    version: str | None = None
    tsl_version: str | None = None
    properties: tuple[ThingProperty, ...] = ()
    services: tuple[ThingService, ...] = ()
    events: tuple[ThingEvent, ...] = ()
