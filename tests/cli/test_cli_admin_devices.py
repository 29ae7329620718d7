"""device: adding, finding, changing, secrets, serial numbers; each command for people and for programs."""

import csv
import io
from pathlib import Path

import pytest

from cli.terminal import Terminal

CSV = "device_key,name,sn,auth_mode\nCSV0001,Lamp,S1,1\nCSV0002,,,\n"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_device_lives_through_every_command(admin: Terminal, product: str) -> None:
    made = admin.ask("device", "add", product, "DEV0001", "--name", "Kitchen", "--sn", "SN-1")
    assert (made["name"], made["sn"], made["auth_mode"], made["device_secret"]) == ("Kitchen", "SN-1", 0, None)
    assert admin.ask("device", "rename", product, "DEV0001", "Bath")["name"] == "Bath"
    assert admin.ask("device", "set-sn", product, "DEV0001", "SN-2")["sn"] == "SN-2"
    assert admin.ask("device", "set-sn", product, "DEV0001", "--clear")["sn"] is None
    assert admin.ask("device", "disable", product, "DEV0001")["enabled"] is False
    assert "offline, disabled" in admin.run("device", "show", product, "DEV0001").out
    assert admin.ask("device", "enable", product, "DEV0001")["enabled"] is True
    assert admin.ask("device", "secret", product, "DEV0001")["device_secret"] is None
    assert admin.ask("device", "reset-secret", product, "DEV0001", "--yes")["device_key"] == "DEV0001"
    assert admin.ask("device", "delete", product, "DEV0001", "--yes") == {}
    assert "OpenAPI code 70130" in admin.run("device", "show", product, "DEV0001", code=1).err


def test_the_secret_of_a_static_device_is_shown_when_it_is_made(admin: Terminal, product: str) -> None:
    run = admin.run("device", "add", product, "DEV0001", "--auth-mode", "static")
    secret = admin.ask("device", "secret", product, "DEV0001")["device_secret"]
    assert f"device secret:   {secret}" in run.out
    assert secret not in admin.run("device", "show", product, "DEV0001").out
    assert secret not in admin.run("device", "reset-secret", product, "DEV0001", "--yes").out


def test_several_devices_are_added_at_once(admin: Terminal, product: str) -> None:
    run = admin.run("device", "add", product, "DEV0001", "DEV0002", "--auth-mode", "static")
    assert "2 device(s) were added" in run.out
    assert admin.ask("device", "secret", product, "DEV0002")["device_secret"] in run.out


def test_devices_come_from_a_file_or_from_standard_input(admin: Terminal, product: str, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(CSV)
    added = admin.ask("device", "add", product, "--csv", file)["items"]
    assert [(one["device_key"], one["name"], one["sn"], one["auth_mode"]) for one in added] == [
        ("CSV0001", "Lamp", "S1", 1),
        ("CSV0002", "CSV0002", None, 0),
    ]
    text = CSV.replace("CSV", "STD").replace("S1", "S2")
    assert added[0]["device_secret"] not in admin.run("device", "add", product, "--csv", "-", text=text).out
    assert admin.ask("device", "list", "--product", product)["total"] == 4


def test_more_than_500_are_refused_with_the_limit(admin: Terminal, product: str) -> None:
    keys = [f"DEV{number:05}" for number in range(501)]
    run = admin.run("device", "add", product, *keys, code=1)
    assert "501 devices are given; one call takes 500" in run.err
    run = admin.run("device", "add", product, "--csv", "-", text="device_key\n" + "\n".join(keys), code=1)
    assert "line 502: one file takes 500 devices; nothing was added" in run.err
    assert admin.ask("device", "list")["total"] == 0
    assert len(admin.ask("device", "add", product, *keys[:500])["items"]) == 500


def test_a_fault_of_a_file_names_its_line_once(admin: Terminal, product: str) -> None:
    run = admin.run("device", "add", product, "--csv", "-", text="device_key\nDEV0001\nX\n", code=1)
    assert run.err.startswith("error: line 3: device_key must be 4 to 32 letters and digits; nothing was added")
    assert "none.csv" in admin.run("device", "add", product, "--csv", "none.csv", code=1).err


def test_devices_are_found_by_what_is_known_of_them(admin: Terminal, product: str, virtual: str) -> None:
    other = admin.ask("product", "create", "Other")["product_key"]
    admin.run("device", "add", product, "DEV0001", "--name", "Kitchen", "--sn", "SN-1")
    admin.run("device", "add", product, "DEV0002", "--auth-mode", "x509")
    admin.run("device", "add", other, "DEV0003")
    admin.run("device", "disable", product, "DEV0002")

    def found(*filters: str) -> set[str]:
        return {one["device_key"] for one in admin.ask("device", "list", *filters)["items"]}

    assert found() == {"DEV0001", "DEV0002", "DEV0003", virtual}
    assert found("--product", other) == {"DEV0003"}
    assert found("--real", "--enabled") == {"DEV0001", "DEV0003"}
    assert found("--disabled") == found("--auth-mode", "x509") == {"DEV0002"}
    assert found("--online") == found("--virtual") == found("--offline", "--virtual") | {virtual}
    assert found("--text", "sn-1") == found("--name", "kit") == found("--sn", "SN-1") == {"DEV0001"}
    assert found("--device-key", "DEV0003", "--not-activated") == {"DEV0003"}
    shown = admin.run("device", "list", "--product", product, "--limit", "1").out
    assert "2 real (0 online, 0 activated), 1 virtual" in shown
    assert "1 of 3 shown; the next ones: --offset 1" in shown
    assert other in admin.run("device", "list").out


def test_serial_numbers_go_to_the_screen_a_file_or_a_pipe(admin: Terminal, product: str, tmp_path: Path) -> None:
    assert admin.run("device", "serial-numbers", product, "2").out.count(f"pk={product}&sn=") == 2
    file = tmp_path / "numbers.csv"
    made = admin.ask("device", "serial-numbers", product, "3", "--csv", file)["items"]
    assert rows(file.read_text()) == made
    piped = admin.run("device", "serial-numbers", product, "2", "--csv", "-").out
    assert len(rows(piped)) == 2
    assert "10000" in admin.run("device", "serial-numbers", product, "10001", code=1).err
    assert f"3 serial number(s) are in {file}" in admin.run(
        "device", "serial-numbers", product, "3", "--csv", file
    ).out.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("device", "add", "p"), "give a DeviceKey or --csv"),
        (("device", "add", "p", "A", "B", "--name", "x"), "these are of a single device"),
        (("device", "add", "p", "A", "--csv", "-"), "give nothing else"),
        (("device", "set-sn", "p", "A"), "give either an SN or --clear"),
        (("device", "set-sn", "p", "A", "SN", "--clear"), "give either an SN or --clear"),
        (("device", "list", "--auth-mode", "password"), "dynamic"),
        (("device", "log", "data", "p", "A", "--since", "yesterday"), "is no time"),
        (("device", "write", "p", "A"), "give at least one value"),
        (("device", "write", "p", "A", "relay"), "is not of the form CODE=VALUE"),
        (("device", "write", "p", "A", "a=1", "a=2"), "a is given twice"),
        (("device", "write", "p", "A", "a=[1"), "this is no JSON"),
        (("device", "write", "p", "A", "a=1", "--data", "{}"), "not both"),
        (("device", "write", "p", "A", "--data", "{"), "this is no JSON"),
        (("device", "read", "p", "A"), "CODE"),
        (("virtual-device", "answer", "p", "s", "--delay", "1"), "--each-call"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    nobody = Terminal("http://127.0.0.1:1/manage/v1", tmp_path)
    run = nobody.run(*words, code=2, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert run.out == ""
    assert message in run.err


def test_a_product_with_devices_is_deleted_by_force_only(admin: Terminal, product: str) -> None:
    admin.run("device", "add", product, "DEV0001")
    assert admin.run("product", "delete", product, "--yes", code=1).out == ""
    assert "all its devices" in admin.run("product", "delete", product, "--force", text="n\n", code=1).err
    assert admin.ask("product", "delete", product, "--force", "--yes") == {}
    assert admin.ask("device", "list")["total"] == 0


def test_how_devices_of_a_product_come_in_is_set_and_shown(admin: Terminal) -> None:
    options = ("--no-dynamic-authentication", "--require-encryption")
    made = admin.ask("product", "create", "Pump", *options)
    assert (made["dynamic_authentication"], made["require_encryption"]) == (False, True)
    key = made["product_key"]
    shown = admin.run("product", "show", key).out
    assert "dynamic authentication: off" in shown
    assert "required" in shown
    changed = admin.ask("product", "update", key, "--dynamic-authentication", "--no-require-encryption")
    assert (changed["dynamic_authentication"], changed["require_encryption"]) == (True, False)
