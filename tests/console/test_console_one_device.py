"""A device while the simulator runs: live trace, commands with their timelines, virtual device, many at once."""

import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from console.looking import Looker, Seen, faults_of, overflow_of, press
from mooring.platform.model_samples import sample_models

NASTY = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"


def device(owner: Looker, tab: str, key: str = "PLUG0001") -> str:
    return f"/devices/{owner.served.product_key}/{key}?tab={tab}"


def test_a_write_leads_to_its_timeline_which_moves_on_by_itself(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, device(owner, "debug"))
    card = page.locator("section.card", has=page.get_by_role("heading", name="Write", exact=True))
    card.get_by_label("Switch-off countdown").fill("77")
    card.get_by_role("button", name="Write").click()
    page.wait_for_url(re.compile(r"/console/commands/\d+$"))
    timeline = page.locator(".timeline")
    expect(timeline.locator("li", has_text="reported")).to_be_visible(timeout=30_000)
    for step in ("accepted", "published", "delivered"):
        expect(timeline.locator("li", has_text=step).first).to_be_visible()
    expect(timeline.locator("li", has_text="published").get_by_text("Frame")).to_be_visible()
    assert owner.served.values("PLUG0001")["countdown"] == "77"
    before = page.url
    page.get_by_role("button", name="Send again").click()
    page.wait_for_url(lambda url: "/commands/" in url and url != before)
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Commands").click()
    page.get_by_label("State").select_option("reported")
    listed = page.locator(f"a[href='{urlsplit(before).path}']")
    expect(listed).to_be_visible()
    page.get_by_label("Kind").select_option("read")
    expect(listed).to_have_count(0)
    page.get_by_label("Kind").select_option("property")
    listed.click()
    page.wait_for_url(before)


def test_structures_and_lists_have_fields_of_their_own(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected.add(422)
    served = owner.served
    key = served.manage("POST", "/products", {"name": f"Station {secrets.token_hex(4)}"})["product_key"]
    model = f"/products/{key}/thing-model"
    served.manage("PUT", f"{model}/draft", json.loads(sample_models()["power-station"].read_text()))
    served.manage("POST", f"{model}/release")
    made = served.manage("POST", f"/products/{key}/virtual-device")["device"]["device_key"]
    served.manage("POST", f"/products/{key}/virtual-device/online")

    page = opened(owner, f"/virtual-devices/{key}")
    pushed = page.locator("section.card", has=page.get_by_role("heading", name="Properties", exact=True))
    grid = pushed.get_by_role("group", name="Grid side")
    grid.get_by_label("Grid voltage (V)").fill("230.5")
    grid.get_by_label("Grid power (W)").fill("120")
    press(pushed.get_by_role("button", name="Push"))
    values = {one["code"]: one["value"] for one in served.manage("GET", f"/devices/{key}/{made}/values")["properties"]}
    assert {name: float(value) for name, value in values["grid"].items()} == {"volt": 230.5, "power": 120}

    page.goto(owner.url(f"/devices/{key}/{made}?tab=debug"))
    assert (overflow_of(page), faults_of(page)) == ([], [])
    card = page.locator("section.card", has=page.get_by_role("heading", name="Write", exact=True))
    tariff, notes = (card.get_by_role("group", name=name) for name in ("Tariff periods", "Installer notes"))
    for _ in range(2):
        tariff.get_by_role("button", name="Add an element").click()
    tariff.get_by_role("button", name="Remove this element").nth(1).click()
    for at, (begin, price) in enumerate((("00:00", "0.1"), ("06:00", "0.25"))):
        tariff.get_by_label("Starts at").nth(at).fill(begin)
        tariff.get_by_label("Price per kWh").nth(at).fill(price)
    tariff.get_by_label("Action").nth(1).select_option("2")
    notes.get_by_label("Installer notes").first.fill("one")
    for _ in range(12):
        notes.get_by_role("button", name="Add an element").click()
    expect(notes.locator(".row")).to_have_count(10)
    notes.locator(".row input").nth(3).fill("two")
    notes.locator("summary").click()
    notes.locator("textarea").fill("[")
    card.get_by_role("button", name="Write").click()
    expect(card.get_by_role("alert")).to_contain_text("notes is not JSON")
    notes.locator("textarea").fill("")
    card.get_by_role("button", name="Write").click()
    page.wait_for_url(re.compile(r"/console/commands/\d+$"))
    sent = served.manage("GET", f"/commands/{page.url.rpartition('/')[2]}")
    told = {one["id"]: one["value"] for one in json.loads(sent["input"])}
    assert [element["value"] for element in told.pop(10)] == ["one", "two"]
    [periods] = told.values()
    assert [{member["id"]: member["value"] for member in period["value"]} for period in periods] == [
        {1: "00:00", 3: "0.1"},
        {1: "06:00", 3: "0.25", 4: "2"},
    ]
    served.manage("DELETE", f"/products/{key}?force=true")


def test_a_value_that_breaks_the_model_is_told_where_it_was_typed(
    owner: Looker, opened: Callable[..., Page], seen: Seen
) -> None:
    seen.expected.add(422)
    page = opened(owner, device(owner, "debug"))
    card = page.locator("section.card", has=page.get_by_role("heading", name="Write", exact=True))
    card.get_by_label("Switch-off countdown").fill("99999999")
    card.get_by_role("button", name="Write").click()
    expect(card.get_by_role("alert")).to_be_visible()
    assert card.get_by_label("Switch-off countdown").input_value() == "99999999"


def test_the_live_trace_shows_frames_as_they_happen_and_pauses_and_filters(
    owner: Looker, opened: Callable[..., Page]
) -> None:
    page = opened(owner, device(owner, "trace"))
    expect(page.get_by_role("status").filter(has_text="Watching.")).to_be_visible()
    path = f"/devices/{owner.served.product_key}/PLUG0001/commands"
    owner.served.manage("POST", path, {"kind": "read", "data": ["power"]})
    rows = page.locator("#trace tbody tr")
    expect(rows.filter(has_text="0011").first).to_be_visible(timeout=30_000)
    expect(rows.filter(has_text="0012").first).to_be_visible(timeout=30_000)
    page.get_by_label("Filter").fill("0011")
    expect(rows.filter(has_text="0012")).to_have_count(0)
    page.get_by_label("Filter").fill("")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Clear").click()
    owner.served.manage("POST", path, {"kind": "read", "data": ["voltage"]})
    page.get_by_role("button", name="Go on").click()
    expect(rows.filter(has_text="0011").first).to_be_visible(timeout=30_000)
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Download").click()
    assert '"cmd":"0011"' in downloaded.value.path().read_text()


def test_latest_values_come_by_themselves(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, device(owner, "values", "PLUG0002"))
    path = f"/devices/{owner.served.product_key}/PLUG0002/commands"
    owner.served.manage("POST", path, {"kind": "write", "data": [{"countdown": "1234"}]})
    row = page.get_by_role("row").filter(has_text="countdown")
    expect(row).to_contain_text(re.compile(r"1[12]\d\d s"), timeout=30_000)


def test_a_person_acts_as_the_virtual_device(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, f"/virtual-devices/{owner.served.product_key}")
    press(page.get_by_role("button", name="Create"))
    press(page.get_by_role("button", name="Go online"))
    page.get_by_label("Active power").first.fill("42.5")
    press(page.get_by_role("button", name="Push").first)
    key = page.get_by_role("link", name=re.compile("^VD")).inner_text()
    page.goto(owner.url(device(owner, "values", key)))
    expect(page.get_by_role("row").filter(has_text="Active power")).to_contain_text("42.5 W", timeout=30_000)
    page.goto(owner.url(f"/virtual-devices/{owner.served.product_key}"))
    press(page.get_by_role("button", name="Go offline"))
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/console/virtual-devices")


def test_a_file_adds_devices_which_are_changed_together(owner: Looker, opened: Callable[..., Page], seen: Seen) -> None:
    seen.expected |= {409, 422}
    page = opened(owner, "/devices")
    page.get_by_role("button", name="Import").click()
    box = page.get_by_role("dialog", name="Import devices")
    box.get_by_label("Product").select_option(owner.served.product_key)
    box.locator("input[type=file]").set_input_files(
        {"name": "x.csv", "mimeType": "text/csv", "buffer": b"device_key,name\r\nBULK0001,One\r\nBULK0002,=HYPER()\r\n"}
    )
    press(box.get_by_role("button", name="Import"))
    page.get_by_label("Key, name or SN").fill("BULK000")
    expect(page.get_by_role("link", name="TRACKER0001")).to_have_count(0)
    expect(page.get_by_role("link", name="BULK0002")).to_be_visible()
    page.get_by_label("Select all").check()
    page.get_by_role("button", name="Disable ticked").click()
    press(page.get_by_role("dialog").get_by_role("button", name="Confirm"))
    with page.expect_download() as exported:
        page.get_by_role("link", name="Export").click()
    assert "BULK0002,'=HYPER()" in exported.value.path().read_text()
    for key in ("BULK0001", "BULK0002"):
        assert not owner.served.manage("GET", f"/devices/{owner.served.product_key}/{key}")["enabled"]


def test_texts_of_devices_stay_texts(owner: Looker, opened: Callable[..., Page]) -> None:
    owner.served.add("NASTY001", name=NASTY[:50])
    key = owner.served.product_key
    for path in ("/devices?text=NASTY001", f"/devices/{key}/NASTY001", f"/devices?text={NASTY}", f"/login?to={NASTY}"):
        page = opened(owner, path)
        page.on("dialog", lambda dialog: (_ for _ in ()).throw(AssertionError(dialog.message)))
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("script:not([src])").count() == 0
    page = opened(owner, f"/devices/{key}/NASTY001")
    assert page.get_by_role("heading", level=1).inner_text() == NASTY[:50]


def test_a_sheet_of_serial_numbers_shows_a_code_for_each(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, "/serial-numbers")
    page.get_by_label("How many").fill("6")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("dialog", name="Serial numbers").locator("li svg")).to_have_count(6)


def test_the_history_of_a_value_is_a_chart_with_its_figures(owner: Looker, opened: Callable[..., Page]) -> None:
    page = opened(owner, f"{device(owner, 'values')}&feature=power")
    expect(page.get_by_role("img", name="History of Active power (W)")).to_be_visible()
    page.locator("summary", has_text="The newest").click()
    assert page.get_by_role("region", name=re.compile("The newest")).get_by_role("row").count() > 1
