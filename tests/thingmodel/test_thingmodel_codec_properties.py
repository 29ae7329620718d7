"""What holds for the values of every model: they come back as they went, and no report makes the codec fail."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field, TtlvError
from mooring.thingmodel import DataCode, DataError, ModelCodec, plain_dm_data
from strategies_protocol import field_lists, spelt
from strategies_tsl import few, json_values, valid_documents
from strategies_values import any_fields, member_rows, resolved, rows_of, written, written_members

JSON = dict[str, Any]
CODES = {int(code) for code in DataCode}


@few
@given(st.data())
def test_what_is_written_and_reported_back_is_pushed_as_it_was(data: st.DataObject) -> None:
    document = data.draw(valid_documents())
    codec = ModelCodec.of(document)
    bodies = [body for body in document.get("properties", []) if body["subType"] != "R"]
    values = [(body, value) for body in bodies if (value := data.draw(written(body)))]
    if not values:
        return
    members = [f"{json.dumps(body['code'])}:{value.text}" for body, value in values]
    text = data.draw(st.sampled_from((f"[{','.join(f'{{{m}}}' for m in members)}]", f"{{{','.join(members)}}}")))
    fields = codec.write_fields(text)
    assert spelt(ttlv.decode(ttlv.encode(fields))) == spelt(fields)
    decoded = codec.decode(fields)
    assert decoded.properties == {body["id"]: value.pushed for body, value in values}
    assert [misfit.reason for misfit in decoded.misfits] == []
    assert json.loads(decoded.dm) == [{"id": b["id"], "value": rows_of(b, v.pushed)} for b, v in values]
    assert codec.dm_data(fields) == decoded.dm == codec.decode_command(fields).dm
    received = codec.decode_write(fields)
    assert received.misfits == []
    assert spelt(codec.encode_values(received.properties)) == spelt(fields)


@few
@given(st.data())
def test_services_are_called_and_answered(data: st.DataObject) -> None:
    document = data.draw(valid_documents().filter(lambda found: "services" in found))
    codec = ModelCodec.of(document)
    body = data.draw(st.sampled_from(document["services"]))
    inputs = resolved(body.get("inputData", []), document)
    value = data.draw(written_members(inputs))
    [call] = codec.service_calls(f'[{{"{body["code"]}":{value.text}}}]')
    assert (call.feature_id, call.code) == (body["id"], body["code"])
    fields = [Field(call.feature_id, call.fields)]
    [service] = codec.decode_command(fields).services
    assert service.outputs == value.pushed
    assert json.loads(codec.dm_data(fields)) == [{"id": body["id"], "value": member_rows(inputs, value.pushed)}]
    [(code, received)] = codec.decode_write(fields).services
    assert (code, received.keys()) == (body["code"], value.pushed.keys())


@few
@given(st.data())
def test_events_and_answers_of_a_device_arrive(data: st.DataObject) -> None:
    document = data.draw(valid_documents().filter(lambda found: "events" in found))
    codec = ModelCodec.of(document)
    body = data.draw(st.sampled_from(document["events"]))
    outputs = resolved(body.get("outputData", []), document)
    value = data.draw(written_members(outputs))
    decoded = codec.decode(codec.encode_event(body["code"], json.loads(value.text) if value.pushed else {}))
    [event] = decoded.events
    assert (event.feature_id, event.code, event.name) == (body["id"], body["code"], body["name"])
    assert event.sub_type == body["subType"]
    assert event.outputs == value.pushed


@few
@given(st.data())
def test_no_report_makes_the_codec_fail(data: st.DataObject) -> None:
    document = data.draw(valid_documents())
    codec = ModelCodec.of(document)
    fields = data.draw(any_fields([feature.id for feature in codec.by_code.values()]))
    decoded = codec.decode(fields)
    rows = json.loads(decoded.dm)
    assert [row["id"] for row in rows] == [field.id for field in fields]
    assert json.loads(codec.dm_data(fields)) is not None
    assert decoded.properties.keys() <= codec.properties.keys()
    misfits = {misfit.ids[0] for misfit in decoded.misfits}
    found = {*decoded.properties, *(event.feature_id for event in decoded.events)}
    found |= {service.feature_id for service in decoded.services}
    assert {field.id for field in fields} <= misfits | found
    received = codec.decode_write(fields)
    assert received.properties.keys() == {codec.properties[ident].code for ident in decoded.properties}
    assert received.misfits == codec.decode_command(fields).misfits


@given(field_lists)
def test_plain_dm_data_is_json_of_the_same_ids(fields: list[Field]) -> None:
    assert [row["id"] for row in json.loads(plain_dm_data(fields))] == [field.id for field in fields]


@few
@given(st.data())
def test_any_data_string_is_taken_or_refused_by_a_code_of_the_list(data: st.DataObject) -> None:
    codec = ModelCodec.of(data.draw(valid_documents()))
    keys = st.sampled_from([*codec.by_code, "0", "f0", "1"]) | st.text(max_size=3)
    text = data.draw(json_values(keys=keys).map(json.dumps) | st.text(max_size=20))
    for read in (codec.read_ids, codec.write_fields, codec.service_calls):
        error = refusal(read, text)
        assert error is None or (error.code in CODES and error.reason and str(error).encode())


def refusal(read: Callable[[str], object], text: str) -> DataError | None:
    try:
        read(text)
    except DataError as error:
        return error
    return None


_NUMBERS = st.builds(
    lambda ident, sign, exponent, magnitude: bytes(
        (*(ident << 3 | 2).to_bytes(2, "big"), sign << 7 | exponent << 3 | len(magnitude) - 1, *magnitude)
    ),
    st.integers(1, 9),
    st.booleans(),
    st.integers(0, 15),
    st.binary(min_size=1, max_size=8),
)
_BYTES = st.builds(
    lambda ident, kind, value: (ident << 3 | kind).to_bytes(2, "big") + len(value).to_bytes(2, "big") + value,
    st.integers(1, 9),
    st.sampled_from((3, 5)),
    st.text(max_size=9).map(str.encode) | st.binary(max_size=9),
)
_BOOLS = st.builds(lambda ident, value: (ident << 3 | value).to_bytes(2, "big"), st.integers(1, 9), st.booleans())
_EVERY_SCALAR = ModelCodec.of(
    {
        "properties": [
            {"id": number, "code": f"p{number}", "name": "", "subType": "RW", "dataType": kind, "specs": specs}
            for number, (kind, specs) in enumerate(
                [
                    ("INT", {"min": "-5", "max": "5"}),
                    ("FLOAT", {"min": "0", "max": "9", "step": "0.1"}),
                    ("DOUBLE", {}),
                    ("ENUM", [{"dataType": "ENUM", "name": "", "value": "1"}]),
                    ("BOOL", []),
                    ("TEXT", {"length": "4"}),
                    ("RAW", {"length": "4"}),
                    ("DATE", {}),
                ],
                1,
            )
        ]
    }
)


@given(st.lists(_NUMBERS | _BYTES | _BOOLS, max_size=8), st.binary(max_size=2))
def test_a_report_is_read_from_its_bytes_as_from_its_fields(parts: list[bytes], noise: bytes) -> None:
    payload = b"".join(parts) + noise
    try:
        fields = ttlv.decode(payload)
    except TtlvError:
        with pytest.raises(TtlvError):
            _EVERY_SCALAR.decode_payload(payload)
        return
    assert _EVERY_SCALAR.decode_payload(payload) == _EVERY_SCALAR.decode(fields)


@few
@given(st.data())
def test_reports_of_any_model_are_read_from_their_bytes_as_from_their_fields(data: st.DataObject) -> None:
    document = data.draw(valid_documents())
    codec = ModelCodec.of(document)
    fields = data.draw(any_fields([feature.id for feature in codec.by_code.values()]))
    try:
        payload = ttlv.encode(fields)
    except TtlvError:
        return
    assert codec.decode_payload(payload) == codec.decode(ttlv.decode(payload))
