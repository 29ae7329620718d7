"""What is told to devices and what they report: commands with their timelines, values, logs, virtual devices."""

from typing import Any

from cli.terminal import Terminal


def newest(admin: Terminal, product: str, device: str) -> Any:
    return admin.ask("command", "list", product, device, "--limit", "1")["items"][0]


def test_a_read_is_followed_to_its_answer(admin: Terminal, product: str, virtual: str) -> None:
    admin.run("virtual-device", "push", product, "soc=31", 'notes=["left side","b"]')
    run = admin.run("device", "read", product, virtual, "soc", "notes", "--wait", "20")
    assert 'answer:  soc=31 % notes=["left side", b]' in run.out
    assert [line.split()[0] for line in run.err.splitlines()] == ["accepted", "published", "delivered", "answered"]
    steps = [line.split() for line in run.out.splitlines() if line.strip().endswith("ms")]
    assert [step[0] for step in steps] == ["published", "delivered", "answered"]
    found = newest(admin, product, virtual)
    assert run.out == admin.run("command", "show", found["ticket"]).out
    assert found["frame"] in run.out
    assert found["reply_payload"] in run.out


def test_the_answer_of_a_command_is_alone_on_standard_output(admin: Terminal, product: str, virtual: str) -> None:
    run = admin.run("device", "read", product, virtual, "soc", "--wait", "20", "--json")
    assert run.json()["state"] == "answered"
    assert "published" in run.err


def test_values_go_out_as_the_model_has_them(admin: Terminal, product: str, virtual: str) -> None:
    pairs = ('notes=["12",""]', "selected_pack=2", 'tariff=[{"from":"00:00","price":0.12}]')
    admin.run("device", "write", product, virtual, *pairs, "--wait", "20")
    shown = admin.run("command", "show", newest(admin, product, virtual)["ticket"]).out
    assert 'asked:   notes=[12, ""] selected_pack=2 tariff=[{from=00:00 price=0.12}]' in shown
    values = {one["code"]: one["value"] for one in admin.ask("device", "values", product, virtual)["properties"]}
    assert (values["notes"], values["selected_pack"]) == (["12", ""], "2")
    assert values["tariff"] == [{"from": "00:00", "price": "0.12"}]


def test_values_may_come_as_json(admin: Terminal, product: str, virtual: str) -> None:
    for data in ('[{"selected_pack": 3}]', '{"selected_pack": "3"}', "-"):
        words = ("device", "write", product, virtual, "--data", data)
        assert admin.ask(*words, text='{"selected_pack":3e0}')["input"] == '[{"id":5,"value":"3"}]'


def test_a_service_is_called_and_answered(admin: Terminal, product: str, virtual: str) -> None:
    answers = admin.run("virtual-device", "answer", product, "force_charge", "accepted=true", "--each-call").out
    assert "answers by itself: force_charge" in answers
    run = admin.run("device", "call", product, virtual, "force_charge", "target=80", "--wait", "20")
    assert "asked:   force_charge={target=80 %}" in run.out
    assert "answer:  force_charge={accepted=true}" in run.out
    calls = admin.run("device", "log", "services", product, virtual).out
    assert "force_charge={target=80 %}" in calls
    admin.run("device", "call", product, virtual, "restart", "--wait", "0", code=1)
    assert admin.ask("virtual-device", "answer", product, "restart")["packet_id"]


def test_raw_data_is_text_or_hex(admin: Terminal, product: str, virtual: str) -> None:
    assert admin.ask("device", "send", product, virtual, "00 ff", "--hex")["payload"] == "00ff"
    assert admin.ask("device", "send", product, virtual, "-", text="hello")["payload"] == b"hello".hex()
    shown = admin.run("command", "list", product, virtual, "--kind", "raw").out
    assert '68656c6c6f "hello"' in shown
    run = admin.run("device", "send", product, virtual, "0", "--hex", code=1)
    assert "hex digits" in run.err


def test_a_command_to_an_offline_device_waits_only_when_it_may(admin: Terminal, product: str) -> None:
    admin.run("device", "add", product, "DEV0001")
    run = admin.run("device", "read", product, "DEV0001", "soc", code=1)
    assert run.err == (
        "error: the device is offline, and the command may not wait for it (OpenAPI code 61002); "
        "--cache SECONDS lets it wait\n"
    )
    first = admin.ask("device", "read", product, "DEV0001", "soc", "--cache", "600")
    assert (first["state"], first["expires_at"] - first["accepted_at"]) == ("cached", 600_000)
    run = admin.run("device", "read", product, "DEV0001", "soc", "--cache", "600", "--cover", "--wait", "0", code=1)
    assert "after 0 s the command is cached and not done" in run.err
    assert admin.ask("command", "show", first["ticket"])["state"] == "failed"


def test_the_newest_commands_of_all_devices_are_found_by_state_and_kind(
    admin: Terminal, product: str, virtual: str
) -> None:
    admin.run("device", "add", product, "DEV0001")
    cached = admin.ask("device", "read", product, "DEV0001", "soc", "--cache", "600")["ticket"]
    raw = admin.ask("device", "send", product, virtual, "00", "--hex")["ticket"]
    lines = [line.split() for line in admin.run("command", "newest").out.splitlines()]
    rows = {words[words.index(product) - 1]: words[words.index(product) :] for words in lines if product in words}
    assert rows[str(cached)][:4] == [product, "DEV0001", "read", "cached"]
    assert rows[str(raw)][:3] == [product, virtual, "raw"]
    assert [one["ticket"] for one in admin.ask("command", "newest")["items"][:2]] == [raw, cached]
    assert [one["ticket"] for one in admin.ask("command", "newest", "--state", "cached")["items"]] == [cached]
    assert admin.ask("command", "newest", "--kind", "raw")["items"][0]["ticket"] == raw
    assert admin.ask("command", "newest", "--before", raw)["items"][0]["ticket"] == cached
    assert admin.ask("command", "newest", "--since", "2999-01-01")["items"] == []
    assert f"there may be older ones: --before {raw}" in admin.run("command", "newest", "--limit", "1").out
    assert "equal to 100" in admin.run("command", "newest", "--limit", "101", code=2).err


def test_a_waiting_command_is_cancelled_and_sent_again(admin: Terminal, product: str) -> None:
    admin.run("device", "add", product, "DEV0001")
    ticket = admin.ask("device", "read", product, "DEV0001", "soc", "--cache", "600")["ticket"]
    assert "cancelled" in admin.run("command", "cancel", ticket).out
    assert "does not wait any more" in admin.run("command", "cancel", ticket, code=1).err
    run = admin.run("command", "resend", ticket)
    again = newest(admin, product, "DEV0001")["ticket"]
    assert again != ticket
    assert f"mooring admin command show {again}" in run.err
    assert "there is no command 12" in admin.run("command", "show", "12", code=1).err


def test_what_the_model_refuses_is_refused_and_nothing_is_sent(admin: Terminal, product: str, virtual: str) -> None:
    for pair, code in (("soc=1", 71038), ("nothing=1", 71028), ("selected_pack=x", 71036)):
        assert f"OpenAPI code {code}" in admin.run("device", "write", product, virtual, pair, code=1).err
    assert admin.ask("command", "list", product, virtual)["total"] == 0
    assert "OpenAPI code" in admin.run("virtual-device", "push", product, "soc=x", code=1).err


def test_values_read_well(admin: Terminal, product: str, virtual: str) -> None:
    assert "nothing was reported yet" in admin.run("device", "values", product, virtual).out
    admin.run("virtual-device", "push", product, "soc=31", 'grid={"volt": 230.5}')
    lines = admin.run("device", "values", product, virtual).out.splitlines()
    [soc] = [line.split() for line in lines if " soc " in line]
    assert soc[:8] == ["1", "soc", "State", "of", "charge", "R", "31", "%"]
    assert any('{"volt":"230.5"}' in line for line in lines)


def test_the_data_log_names_values_and_shows_bytes(admin: Terminal, product: str, virtual: str) -> None:
    admin.run("virtual-device", "push", product, "soc=31")
    admin.run("device", "read", product, virtual, "soc", "--wait", "20")
    admin.run("device", "send", product, virtual, "hello", "--wait", "20")
    assert admin.ask("device", "log", "data", product, virtual)["total"] == 4
    down = admin.ask("device", "log", "data", product, virtual, "--direction", "down", "--status", "sent")["items"]
    assert [row["cmd"] for row in down] == ["0023", "0011"]
    shown = admin.run("device", "log", "data", product, virtual).out
    assert "soc=31 %" in shown
    assert '68656c6c6f "hello"' in shown
    assert "0000  00 0a 00 1f" in admin.run("device", "log", "data", product, virtual, "--hex").out
    assert admin.ask("device", "log", "data", product, virtual, "--until", "1h")["total"] == 0
    assert admin.ask("device", "log", "data", product, virtual, "--since", "1h", "--limit", "2")["total"] == 4
    assert (
        "2 of 4 shown; the next ones: --offset 2"
        in admin.run("device", "log", "data", product, virtual, "--limit", "2").out
    )
    assert (
        "must be a multiple"
        in admin.run("device", "log", "data", product, virtual, "--limit", "2", "--offset", "1", code=1).err
    )


def test_events_and_the_other_logs_read_well(admin: Terminal, product: str, virtual: str) -> None:
    admin.run("virtual-device", "event", product, "fault", "fault_codes=[1,2]", 'pack={"pack_no": 1}')
    shown = admin.run("device", "log", "events", product, virtual).out
    assert "fault_codes=[1, 2] pack={pack_no=1}" in shown
    online = admin.ask("device", "log", "events", product, virtual, "--type", "online")["items"]
    assert [event["code"] for event in online] == ["online"]
    for kind in ("exceptions", "locations", "services"):
        assert admin.ask("device", "log", kind, product, virtual)["total"] == 0
        assert "Time" in admin.run("device", "log", kind, product, virtual).out or kind == "services"


def test_a_virtual_device_lives_through_every_command(admin: Terminal, product: str) -> None:
    assert "offline, virtual" in admin.run("virtual-device", "create", product).out
    assert admin.run("virtual-device", "push", product, "soc=1", code=1).err.endswith("(OpenAPI code 70065)\n")
    assert admin.ask("virtual-device", "online", product)["device"]["online"] is True
    pushed = admin.ask("virtual-device", "push", product, "--data", '{"soc": 12}')
    assert pushed["frame"].startswith("aaaa")
    assert pushed["frame"] not in admin.run("virtual-device", "event", product, "full", "soc=100").out
    assert "answers by itself: nothing" in admin.run("virtual-device", "show", product).out
    assert admin.ask("virtual-device", "offline", product)["device"]["online"] is False
    assert "[y/N]" in admin.run("virtual-device", "delete", product, text="n\n", code=1).err
    assert admin.ask("virtual-device", "delete", product, "--yes") == {}
    assert "has no virtual device" in admin.run("virtual-device", "show", product, code=1).err
