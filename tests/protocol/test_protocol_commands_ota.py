"""Firmware upgrade commands, section 7 of contract/device-protocol.md."""

from decimal import Decimal

import pytest

from mooring.protocol.commands import (
    CommandError,
    Direction,
    FirmwareFile,
    FirmwareInformation,
    UpgradeConfirmation,
    UpgradeNotice,
    UpgradePlan,
    UpgradeProgress,
    UpgradeStatus,
    decode,
    encode,
)
from mooring.protocol.commands_ota import MAX_FILES, MAX_PLANS
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field
from mooring.protocol.ttlv import decode as decode_ttlv
from mooring.protocol.ttlv import encode as encode_ttlv

PLAN = UpgradePlan(component="FW", target_version="2", component_type=0)
FIRMWARE = FirmwareInformation("http://h/f", 10, "0" * 32, "FW", "2", 0, "cbf43926")


def ids(payload: bytes) -> list[int]:
    return [field.id for field in decode_ttlv(payload)]


def test_a_notice_always_has_component_both_versions_and_type() -> None:
    assert ids(encode(UpgradeNotice("FW", "2", 0), 1).payload) == [4, 5, 6, 7]


@pytest.mark.parametrize(("missing", "name"), [(4, "component"), (6, "target_version"), (7, "component_type")])
def test_a_notice_without_a_required_id_is_refused(missing: int, name: str) -> None:
    fields = [field for field in decode_ttlv(encode(UpgradeNotice("FW", "2", 0), 1).payload) if field.id != missing]
    with pytest.raises(CommandError, match="is missing") as caught:
        decode(Frame(1, 0x0111, encode_ttlv(fields)), Direction.DOWN)
    assert caught.value.field == name


def test_a_notice_without_a_source_version_is_read() -> None:
    fields = [field for field in decode_ttlv(encode(UpgradeNotice("FW", "2", 0), 1).payload) if field.id != 5]
    assert decode(Frame(1, 0x0111, encode_ttlv(fields)), Direction.DOWN) == UpgradeNotice("FW", "2", 0)


@pytest.mark.parametrize("missing", [1, 2, 3, 4, 6, 7, 15])
def test_firmware_information_without_a_required_id_is_refused(missing: int) -> None:
    fields = [field for field in decode_ttlv(encode(FIRMWARE, 1).payload) if field.id != missing]
    with pytest.raises(CommandError, match="is missing"):
        decode(Frame(1, 0x0113, encode_ttlv(fields)), Direction.DOWN)


def test_several_plans_are_an_array_of_structs_beside_the_first() -> None:
    notice = UpgradeNotice("FW", "2", 0, plans=(PLAN, UpgradePlan("MCU1", "3", 1)))
    frame = encode(notice, 1)
    assert ids(frame.payload) == [4, 5, 6, 7, 28]
    assert decode(frame, Direction.DOWN) == notice


def test_plans_and_files_are_limited_both_ways() -> None:
    with pytest.raises(CommandError, match=f"plans: has more than {MAX_PLANS} elements"):
        encode(UpgradeNotice("FW", "2", 0, plans=(PLAN,) * (MAX_PLANS + 1)), 1)
    file = [Field(0, [Field(1, b""), Field(2, Decimal(1)), Field(3, b""), Field(30, Decimal(1))])]
    for count in (MAX_FILES, MAX_FILES + 1):
        payload = encode(FIRMWARE, 1).payload + encode_ttlv([Field(20, file * count)])
        frame = Frame(1, 0x0113, payload)
        if count > MAX_FILES:
            with pytest.raises(CommandError, match=f"files: has more than {MAX_FILES} elements"):
                decode(frame, Direction.DOWN)
        else:
            value = decode(frame, Direction.DOWN)
            assert isinstance(value, FirmwareInformation)
            assert value.files == (FirmwareFile("", 1, "", 1),) * MAX_FILES


def test_files_that_are_no_array_are_refused() -> None:
    payload = encode(FIRMWARE, 1).payload + encode_ttlv([Field(20, [Field(1, [])])])
    with pytest.raises(CommandError, match="files: is not an array"):
        decode(Frame(1, 0x0113, payload), Direction.DOWN)


@pytest.mark.parametrize("value", [True, Decimal(1)])
def test_the_accept_flag_may_be_a_bool_or_a_number(value: bool | Decimal) -> None:
    frame = Frame(1, 0x0112, encode_ttlv([Field(11, value)]))
    assert decode(frame, Direction.UP) == UpgradeConfirmation(accepted=True)


def test_a_refusal_is_written() -> None:
    assert encode(UpgradeConfirmation(accepted=False, delay=60), 1).payload.hex() == "00580062003c"


def test_statuses_are_spelt_as_devices_spell_them() -> None:
    assert {status.value: status.name for status in UpgradeStatus} == {
        0: "NOPLAN",
        1: "REVICEPLAN",
        2: "SUBMITOTA",
        3: "REFUSEDOTA",
        4: "DOWNLOADSTART",
        5: "DOWNLOADING",
        6: "DOWNLOADERROR",
        8: "DOWNLOADSUCCESS",
        9: "UPDATING",
        11: "UPDATESUCCESS",
        12: "UPDATEERROR",
    }


def test_a_status_that_is_not_known_is_read() -> None:
    value = UpgradeProgress(status=7)
    assert decode(encode(value, 1), Direction.UP) == value


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (UpgradeNotice("x" * 33, "2", 0), "component"),
        (UpgradeNotice("FW", "x" * 65, 0), "target_version"),
        (UpgradeNotice("FW", "2", 0, source_version="x" * 65), "source_version"),
    ],
)
def test_texts_are_limited_when_writing(value: UpgradeNotice, field: str) -> None:
    with pytest.raises(CommandError, match="is longer than") as caught:
        encode(value, 1)
    assert caught.value.field == field
