"""Released thing models (contract/tsl.md)."""

from typing import Any

from msgspec import field

from mooring.client._reading import Row


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
