"""`ModelCodec`: the values of one released model, in and out.

- From applications to devices: data strings become fields, by every rule of tsl.md section 9.
- From devices to applications: fields become pushed values and dmData, leniently, by tsl.md section 10.
- On the device: Python values become fields and back.

Numbers of devices are rounded to what their type holds, 7 decimals for FLOAT and 15 for DOUBLE, and no finer than the
`step` of the model where there is one; the device SDK's float noise, 28.559999999999996 for 28.56, goes with it.
"""

from collections.abc import Callable as Function
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from mooring.protocol import ttlv
from mooring.protocol.frame import MAX_PAYLOAD
from mooring.protocol.ttlv import MAX_FIELD_ID, Field, Value
from mooring.thingmodel.composites import Members, named, pairs_of
from mooring.thingmodel.data_error import DataCode, DataError, Misfit, Unfit, inside
from mooring.thingmodel.data_text import JsonObject, read_data
from mooring.thingmodel.features import Callable, Feature, Property, callables, properties
from mooring.thingmodel.plain import plain_row
from mooring.thingmodel.quick import QuickReader

__all__ = ["Decoded", "DecodedEvent", "DecodedService", "ModelCodec", "Received", "ServiceCall"]

_READ: Final = ("R", "RW")
_WRITTEN: Final = ("W", "RW")
_SERVICE: Final = "ASYNC"
_UNKNOWN_ID: Final = "the id is not defined in the model"

_Read: TypeAlias = Function[[Value, list[Misfit]], tuple[Any, str]]
_Table: TypeAlias = dict[int, tuple[str, _Read, Feature | None]]
"""By id: how its row of dmData begins, what reads its value, and the event or service when it is one."""


class ServiceCall(msgspec.Struct, frozen=True):
    """One service to be called; on the wire it is one field, `Field(feature_id, fields)`, of a write."""

    feature_id: int
    code: str
    fields: list[Field]


class DecodedEvent(msgspec.Struct, gc=False):
    """One event; `sub_type` is INFO, WARN or ERROR, `outputs` is keyed by code."""

    feature_id: int
    code: str
    name: str
    sub_type: str
    outputs: dict[str, object]


class DecodedService(msgspec.Struct, gc=False):
    """One service that was answered, or called; `outputs` is keyed by code and holds the inputs of a call."""

    feature_id: int
    code: str
    outputs: dict[str, object]


class Decoded(msgspec.Struct, gc=False):
    """The fields of one message, as applications get them.

    `properties` is keyed by id and holds pushed values: numbers and enums as texts, BOOL as bool, TEXT, DATE and RAW
    (in hex) as texts, structs as `{code: value}`, arrays as lists; of one id the last value. `dm` is the dmData of
    everything that came, what did not fit included.
    """

    properties: dict[int, object]
    events: list[DecodedEvent]
    services: list[DecodedService]
    misfits: list[Misfit]
    dm: str


class Received(msgspec.Struct):
    """What a device was told, by code, as Python values: bool, int, Decimal, str, bytes, dict and list; DATE in ms.

    `services` holds code and inputs of each call, in order.
    """

    properties: dict[str, object]
    services: list[tuple[str, dict[str, object]]]
    misfits: list[Misfit]


class ModelCodec:
    """Compiled once per released model and never changed: any number of tasks and threads may use it."""

    __slots__ = (
        "_by_id",
        "_either",
        "_events",
        "_inward",
        "_outward",
        "_properties",
        "_quick",
        "_services",
        "by_code",
        "events",
        "properties",
        "services",
        "version",
    )

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Compile a document that passed `check`, exported or canonical.

        `version` is its release stamp, empty when it has no profile. Features are kept by id, and all by code.
        """
        self.version: str = (document.get("profile") or {}).get("version", "")
        self._properties = properties(document)
        self._events = callables(document, "events")
        self._services = callables(document, "services")
        self.properties: Mapping[int, Feature] = _features(self._properties)
        self.events: Mapping[int, Feature] = _features(self._events)
        self.services: Mapping[int, Feature] = _features(self._services)
        self._by_id = {**self.properties, **self.events, **self.services}
        self.by_code: Mapping[str, Feature] = MappingProxyType({one.code: one for one in self._by_id.values()})
        self._quick = QuickReader(self._properties)
        called = {**self._events, **self._services}
        self._outward = self._table({ident: one.outputs for ident, one in called.items()})
        self._inward = self._table({ident: one.inputs for ident, one in self._services.items()})
        self._either = self._table({ident: one.either for ident, one in called.items()})

    @classmethod
    def of(cls, document: Mapping[str, object] | bytes) -> "ModelCodec":
        """Compile a document that passed `check`, exported or canonical, or its JSON."""
        return cls(msgspec.json.decode(document, type=dict[str, Any]) if isinstance(document, bytes) else document)

    # From applications to devices

    def read_ids(self, data: str) -> tuple[int, ...]:
        """Return the ids of `["code", …]`: each once, write-only ones left out.

        Raises `DataError` 71027, 71008, 71028, 71029, and 71048 when only write-only properties are named.
        """
        found = read_data(data)
        keys = found if isinstance(found, list) and not isinstance(found, JsonObject) else [found]
        if not keys:
            raise DataError(DataCode.SHAPE, "", "the data names no property")
        features = [self._property(_key(key)) for key in keys]
        ids = tuple(dict.fromkeys(feature.id for feature in features if feature.sub_type in _READ))
        if not ids:
            raise DataError(DataCode.WRITE_ONLY, "", "all of these properties are write-only")
        return ids

    def write_fields(self, data: str) -> list[Field]:
        """Return the fields of `[{"code": value}, …]`, in their order. Raises `DataError`, for all or nothing."""
        fields: dict[int, Field] = {}
        for key, value in _items(data):
            feature = self._property(key)
            path = inside("", feature.code)
            if feature.sub_type not in _WRITTEN:
                raise DataError(DataCode.READ_ONLY, path, "is read-only")
            if feature.id in fields:
                raise DataError(DataCode.UNKNOWN, path, "is given twice")
            fields[feature.id] = Field(feature.id, self._properties[feature.id].type.encode(value, path, checked=True))
        return _sized(list(fields.values()))

    def service_calls(self, data: str) -> list[ServiceCall]:
        """Return the calls of `[{"service": [{"input": value}, …]}, …]`. Raises `DataError`, for all or nothing.

        A service without inputs takes `[]`, `{}` or `""`; one that is named twice is called twice.
        """
        calls = []
        for key, value in _items(data):
            feature = self._service(key)
            path = inside("", feature.code)
            inputs = self._services[feature.id].inputs.encode([] if value == "" else value, path, checked=True)
            calls.append(ServiceCall(feature.id, feature.code, inputs))
        _sized([Field(call.feature_id, call.fields) for call in calls])
        return calls

    def read_dm_data(self, ids: Iterable[int]) -> str:
        """Return the dmData of a read request, `["10","12"]`."""
        return msgspec.json.encode([str(ident) for ident in ids]).decode()

    # From devices to applications

    def decode(self, fields: Sequence[Field]) -> Decoded:
        """Return what a device reported (0014, 0012). Never raises: what does not fit is among the misfits."""
        return _decode(fields, self._outward)

    def decode_payload(self, payload: bytes) -> Decoded:
        """Return what a device reported (0014, 0012) from the payload of its frame. Raises `TtlvError`."""
        found = self._quick.read(payload)
        if found is None:
            return _decode(ttlv.decode(payload), self._outward)
        return Decoded(found[0], [], [], [], found[1])

    def decode_command(self, fields: Sequence[Field]) -> Decoded:
        """Return what a device was told (0013), as `decode`; the services hold their inputs."""
        return _decode(fields, self._inward)

    def dm_data(self, fields: Sequence[Field]) -> str:
        """Return the dmData of a message in either direction, by id and never by code; what does not fit included."""
        return _decode(fields, self._either).dm

    # On the device

    def encode_values(self, values: Mapping[str, object]) -> list[Field]:
        """Return the fields that report properties by code. Raises `DataError`.

        Types and lengths must fit, and fractions for an INT do not; ranges, steps and options are not enforced, because
        what is measured is reported. Decimals beyond those of the model are rounded.
        """
        fields = []
        for code, value in values.items():
            feature = self._property(code)
            reported = self._properties[feature.id].type.encode(value, inside("", code), checked=False)
            fields.append(Field(feature.id, reported))
        return _sized(fields)

    def encode_event(self, code: str, outputs: Mapping[str, object]) -> list[Field]:
        """Return the one field that raises an event, by the rules of `encode_values`. Raises `DataError`."""
        return self._encode_outputs(code, outputs, self._events)

    def encode_service_answer(self, code: str, outputs: Mapping[str, object]) -> list[Field]:
        """Return the one field that answers a service, by the rules of `encode_values`. Raises `DataError`."""
        return self._encode_outputs(code, outputs, self._services)

    def decode_write(self, fields: Sequence[Field]) -> Received:
        """Return what the device was told (0013), as Python values. Never raises."""
        received = Received({}, [], [])
        for field in fields:
            ident, value, misfits = field.id, field.value, received.misfits
            try:
                if ident in self._properties:
                    code = self._properties[ident].feature.code
                    received.properties[code] = self._properties[ident].type.unpack(value, misfits)
                elif ident in self._services:
                    called = self._services[ident]
                    received.services.append((called.feature.code, called.inputs.unpack(value, misfits)))
                else:
                    raise Unfit(_UNKNOWN_ID)
            except Unfit as unfit:
                misfits.append(Misfit((ident,), unfit.reason))
        return received

    # Helpers

    def _table(self, members: Mapping[int, Members]) -> _Table:
        readers = {ident: compiled.type.decode for ident, compiled in self._properties.items()}
        table: _Table = {ident: (_head(ident), read, None) for ident, read in readers.items()}
        return table | {ident: (_head(ident), own.decode, self._by_id[ident]) for ident, own in members.items()}

    def _encode_outputs(self, code: str, outputs: Mapping[str, object], table: Mapping[int, Callable]) -> list[Field]:
        feature = self._feature(code)
        called = table.get(feature.id)
        if called is None:
            kind = "an event" if table is self._events else "a service"
            raise DataError(DataCode.KIND, inside("", code), f"is not {kind}")
        return _sized([Field(feature.id, called.outputs.encode(outputs, inside("", code), checked=False))])

    def _property(self, key: object) -> Feature:
        feature = self._feature(key)
        if feature.id not in self._properties:
            raise DataError(DataCode.KIND, inside("", feature.code), "is not a property")
        return feature

    def _service(self, key: object) -> Feature:
        feature = self._feature(key)
        if feature.id not in self._services:
            raise DataError(DataCode.KIND, inside("", feature.code), "is not a service")
        return feature

    def _feature(self, key: object) -> Feature:
        feature = named(key, self.by_code, self._by_id)
        if feature is None:
            raise DataError(DataCode.UNKNOWN, inside("", key), "is not defined in the model")
        return feature


def _features(compiled: Mapping[int, Property] | Mapping[int, Callable]) -> Mapping[int, Feature]:
    return MappingProxyType({ident: one.feature for ident, one in compiled.items()})


def _head(ident: int) -> str:
    return f'{{"id":{ident},"value":'


def _decode(fields: Sequence[Field], table: _Table) -> Decoded:
    """One function with local names, because it reads every report that `QuickReader` does not."""
    properties: dict[int, object] = {}
    events: list[DecodedEvent] = []
    services: list[DecodedService] = []
    misfits: list[Misfit] = []
    rows = []
    for field in fields:
        ident = field.id
        known = table.get(ident)
        if known is None:
            misfits.append(Misfit((ident,), _UNKNOWN_ID))
            rows.append(plain_row(field))
            continue
        head, read, called = known
        try:
            value, text = read(field.value, misfits)
        except Unfit as unfit:
            misfits.append(Misfit((ident,), unfit.reason))
            rows.append(plain_row(field))
            continue
        rows.append(f"{head}{text}}}")
        if called is None:
            properties[ident] = value
        elif called.sub_type == _SERVICE:
            services.append(DecodedService(ident, called.code, value))
        else:
            events.append(DecodedEvent(ident, called.code, called.name, called.sub_type, value))
    return Decoded(properties, events, services, misfits, f"[{','.join(rows)}]")


def _items(data: str) -> Iterator[tuple[object, object]]:
    """Yield codes and values of `[{"code": value}, …]`, or of one object instead of the list."""
    found = read_data(data)
    objects = [found] if isinstance(found, JsonObject) else found
    if not isinstance(objects, list) or not all(isinstance(item, JsonObject) for item in objects):
        raise DataError(DataCode.SHAPE, "", "the data must be a list of objects")
    items = list(pairs_of(objects, ""))
    if not items:
        raise DataError(DataCode.SHAPE, "", "the data names nothing")
    yield from items


def _key(key: object) -> str:
    """Return a code or an id of a read request as text."""
    if isinstance(key, Decimal) and key.copy_abs() <= MAX_FIELD_ID:
        return str(key)
    if not isinstance(key, str):
        raise DataError(DataCode.SHAPE, "", "the data must be a list of codes")
    return key


def _sized(fields: list[Field]) -> list[Field]:
    if len(ttlv.encode(fields)) > MAX_PAYLOAD:
        raise DataError(DataCode.VALUE, "", f"the data takes more than {MAX_PAYLOAD} bytes, the most one message holds")
    return fields
