"""What queues get of what devices send, on both databases (contract/messages.md sections 2, 4.2 and 4.6 to 4.8)."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from cloud import Cloud, sample
from fakes import FakeClock
from listening import Body, Listener, listen
from mooring.platform.announcer import Announcer, Push
from mooring.platform.entities import Product
from mooring.platform.message_codes import CODE_OF
from mooring.platform.products import NewProduct
from mooring.platform.routes import Routes
from mooring.protocol import ttlv
from mooring.protocol.commands import (
    LocationReport,
    ModuleInformationReport,
    PassThroughUp,
    StatusReport,
)
from mooring.protocol.ttlv import Field
from mooring.store import Rows, StoreUnavailable, Write, tables
from mooring.store.queue_messages import MessageRow
from reporting import Reporter, connect

GGA = "$GNGGA,020530.00,3150.1234,N,11711.5678,E,1,12,0.9,42.5,M,-3.2,M,,*5A"
RMC = "$GNRMC,020530.00,A,3150.1234,N,11711.5678,E,0.1,,091025,,,A*7C"
NO_FIX = "$GNGGA,,,,,,0,00,99.9,,,,,,*56"
CELL = "$LBS,460,00,5583,1A2B,-71,0*33"


@pytest.fixture
async def queue(cloud: Cloud) -> Listener:
    return await listen(cloud.platform, cloud.actor, cloud.app, cloud.modelled, cloud.transparent)


@pytest.fixture
async def plug(cloud: Cloud, queue: Listener) -> Reporter:
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})  # which activates it
    await queue.new()
    return reporter


async def modelled(cloud: Cloud, name: str) -> Product:
    """A product of the application with this model."""
    made = await cloud.platform.products.create(cloud.actor, NewProduct(name))
    await cloud.platform.thing_models.import_draft(cloud.actor, made.product_key, sample(name))
    await cloud.platform.thing_models.release(cloud.actor, made.product_key)
    return await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, made.product_key)


def head(reporter: Reporter, kind: str, subtype: str | None, now: int) -> Body:
    keys = {"productKey": reporter.product.product_key, "deviceKey": reporter.device.device_key, "createdAt": now}
    return {"type": kind, **({"subtype": subtype} if subtype else {}), **keys}


async def test_a_report_of_properties(queue: Listener, plug: Reporter, clock: FakeClock) -> None:
    clock.advance(7)
    await plug.values({"relay": False, "power": Decimal("28.56"), "start_state": 2, "label": "Büro"})
    [row, *_], _ = await plug.platform.history.data(plug.device.id)
    kv = {"relay": False, "power": "28.6", "start_state": "2", "label": "Büro"}
    assert await queue.new() == [
        {
            **head(plug, "MATTR", "REPORT", clock.now_ms()),
            "ticket": str(row.id),
            "data": {"packetId": plug.packet_id, "kv": kv},
        }
    ]


async def test_structs_and_arrays_by_code(cloud: Cloud, queue: Listener) -> None:
    station = await modelled(cloud, "power-station")
    await queue.subscribe(station)
    reporter = await connect(cloud.platform, station)
    await reporter.values({"pv_history": [Decimal("1.5"), 2], "notes": ["a", ""], "soc": 80, "unlock_pin": "1234"})
    [body] = await queue.new("MATTR-REPORT")
    assert body["data"]["kv"] == {"pv_history": ["1.5", "2"], "notes": ["a", ""], "soc": "80", "unlock_pin": "1234"}


async def test_one_report_with_properties_and_events_is_split_and_each_part_has_a_ticket(
    cloud: Cloud, queue: Listener
) -> None:
    tracker = await modelled(cloud, "tracker")
    await queue.subscribe(tracker)
    reporter = await connect(cloud.platform, tracker)
    await queue.new()
    events = [("low_battery", {"battery_level": 9}), ("sos", {}), ("started", {"last_boot": 1_760_000_000_000})]
    fields = [reporter.codec.encode_event(code, outputs)[0] for code, outputs in events]
    await reporter.fields([*reporter.codec.encode_values({"charging": False}), *fields, fields[0]])
    active, *bodies = await queue.new()
    assert active["operation"] == "ACTIVE"
    assert [(body["type"], body["subtype"], body["data"].get("code"), body["data"]["kv"]) for body in bodies] == [
        ("MATTR", "REPORT", None, {"charging": False}),
        ("MEVENT", "WARN", "low_battery", {"battery_level": "9"}),
        ("MEVENT", "ERROR", "sos", {}),
        ("MEVENT", "INFO", "started", {"last_boot": "1760000000000"}),
        ("MEVENT", "WARN", "low_battery", {"battery_level": "9"}),
    ]
    assert len({body["ticket"] for body in bodies}) == 5
    assert {body["data"]["packetId"] for body in bodies} == {reporter.packet_id}


async def test_what_the_released_model_does_not_have_is_not_told(queue: Listener, plug: Reporter) -> None:
    await plug.fields([Field(99, True), Field(1, b"on")])
    assert await queue.new() == []
    await plug.fields([Field(99, True), Field(8, True)])
    [body] = await queue.new()
    assert body["data"]["kv"] == {"child_lock": True}


async def test_a_feature_that_a_release_took_away_is_not_told_any_more(
    cloud: Cloud, queue: Listener, plug: Reporter
) -> None:
    document = sample("smart-plug")
    document["properties"] = [one for one in document["properties"] if one["code"] != "label"]
    await cloud.platform.thing_models.import_draft(cloud.actor, cloud.modelled.product_key, document)
    await plug.fields([Field(1, True), Field(9, b"before")])
    await cloud.platform.thing_models.release(cloud.actor, cloud.modelled.product_key)
    await plug.fields([Field(1, True), Field(9, b"after")])
    before, after = await queue.new("MATTR-REPORT")
    assert before["data"]["kv"] == {"relay": True, "label": "before"}
    assert after["data"]["kv"] == {"relay": True}


async def test_model_data_of_a_product_without_a_released_model(cloud: Cloud, queue: Listener) -> None:
    await queue.subscribe(cloud.empty)
    silent = await connect(cloud.platform, cloud.empty)
    await queue.new()
    await silent.fields([Field(1, True)])
    assert await queue.new("MATTR-REPORT") == []


async def test_an_answer_that_nobody_waits_for_is_told_too(queue: Listener, plug: Reporter) -> None:
    await plug.frame(0x0012, ttlv.encode([Field(1, True)]), 700)
    await plug.frame(0x0012, b"", 701)
    await plug.fields([Field(13, [Field(5, Decimal("1.25"))])])
    read, output = await queue.new()
    assert (read["subtype"], read["data"]) == ("READRESP", {"packetId": 700, "kv": {"relay": True}})
    assert output["data"] == {"packetId": plug.packet_id, "code": "reset_energy", "kv": {"energy_total": "1.25"}}
    assert read["ticket"] != output["ticket"]


@pytest.mark.parametrize("product", ["modelled", "transparent"])
async def test_transparent_data_of_any_product(cloud: Cloud, queue: Listener, clock: FakeClock, product: str) -> None:
    reporter = await connect(cloud.platform, getattr(cloud, product))
    await queue.new()
    await reporter.say(PassThroughUp(b"\x00\xffhi"))
    await reporter.say(PassThroughUp(b""))
    _, body = await queue.new()
    [_, row], _ = await cloud.platform.history.data(reporter.device.id)
    assert body == {
        **head(reporter, "RAW", "UPLINK", clock.now_ms()),
        "ticket": str(row.id),
        "data": {"packetId": 1, "raw": base64.b64encode(b"\x00\xffhi").decode()},
    }


async def test_status_and_module_values(queue: Listener, plug: Reporter, clock: FakeClock) -> None:
    await plug.say(StatusReport(battery=Decimal(87), voltage=Decimal("3.70")))
    await plug.say(ModuleInformationReport(model="EC\0", location_kinds=("GNSS", "LBS")))
    status, module = await queue.new()
    assert status["data"] == {"packetId": plug.packet_id - 1, "kv": {"battery": "87", "voltage": "3.7"}}
    assert module["data"]["kv"] == {"type": "EC\ufffd", "locator": "GNSS;LBS;"}
    assert "subtype" not in status


async def test_a_position_is_told_as_it_came_and_as_it_was_worked_out(
    queue: Listener, plug: Reporter, clock: FakeClock
) -> None:
    await plug.say(LocationReport(f"{GGA};{RMC};$GPGSV,1;nonsense;$gp,1;{CELL};"))
    raw, fix = await queue.new()
    locations, _ = await plug.platform.history.locations(plug.device.id)
    [worked_out] = [location for location in locations if location.wgs84 is not None]
    assert raw["data"] == {"packetId": plug.packet_id, "raw": [GGA, RMC, "$GPGSV,1", CELL]}
    assert fix["ticket"] == str(worked_out.ticket)
    data = fix["data"]
    assert (data["packetId"], data["type"], data["subType"]) == (plug.packet_id, "GN", "GN(GGA)")
    kv = data["kv"]
    texts = ("satellites", "ggaStatus", "lat", "latType", "lng", "lngType", "hdop", "height")
    assert [kv[name] for name in texts] == ["12", "1", "3150.1234", "N", "11711.5678", "E", "0.9", "42.5"]
    assert kv["wgs_84"] == {"lat": 31.83539, "lng": 117.19279667}
    assert kv["locateTime"] == 1_759_975_530_000
    assert kv["gcj_02"] != kv["wgs_84"] != kv["bd_09"]


async def test_several_positions_of_one_report_have_a_message_and_a_ticket_each(
    queue: Listener, plug: Reporter
) -> None:
    await plug.say(LocationReport(f"{GGA};{GGA.replace('0205', '0206')};"))
    bodies = await queue.new()
    assert [body["subtype"] for body in bodies] == ["INFO-RAW", "INFO-KV", "INFO-KV"]
    assert len({body["ticket"] for body in bodies}) == 3


async def test_without_a_fix_only_the_sentences_are_told(queue: Listener, plug: Reporter) -> None:
    await plug.say(LocationReport(f"{NO_FIX};{CELL};"))
    await plug.say(LocationReport("nonsense;"))
    [body] = await queue.new()
    assert (body["subtype"], body["data"]["raw"]) == ("INFO-RAW", [NO_FIX, CELL])


async def test_numbers_that_the_contract_has_no_place_for_are_left_out(queue: Listener, plug: Reporter) -> None:
    odd = "$GPGGA,020530.00,8959.9999,N,17959.9999,E,11,-3,0.9,42.5,M,,,,*5A"
    await plug.say(LocationReport(f"{odd};$GPRMC,020531.00,A,3150.1,S,11711.5,W,0.1,,010101,,,A*7C;"))
    _, edge, old = await queue.new()
    assert edge["data"]["kv"].keys().isdisjoint({"satellites", "ggaStatus", "bd_09"})
    assert "locateTime" not in old["data"]["kv"]


# Who gets it


async def test_a_device_level_subscription_gets_that_device_only(cloud: Cloud) -> None:
    first = await connect(cloud.platform, cloud.modelled, "DK00001")
    second = await connect(cloud.platform, cloud.modelled, "DK00002")
    queue = await listen(cloud.platform, cloud.actor, cloud.app)
    await queue.subscribe(cloud.modelled, "DK00002")
    for reporter in (first, second):
        await reporter.values({"relay": True})
    assert {body["deviceKey"] for body in await queue.new()} == {"DK00002"}


async def test_only_the_codes_that_were_asked_for(cloud: Cloud) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app)
    await queue.subscribe(cloud.modelled, codes=[CODE_OF["STATUS"]])
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})
    await reporter.say(StatusReport(battery=Decimal(1)))
    assert [body["type"] for body in await queue.new()] == ["STATUS"]


async def test_each_queue_gets_one_copy(cloud: Cloud, queue: Listener, plug: Reporter) -> None:
    await queue.subscribe(cloud.modelled, plug.device.device_key)
    await listen(cloud.platform, cloud.actor, cloud.app, cloud.modelled, queue="second")
    await plug.values({"relay": True})
    rows = [row for row in await queue.rows() if row.type == "MATTR-REPORT"][-2:]
    assert len({row.queue_id for row in rows}) == 2
    assert rows[0].body == rows[1].body


async def test_another_application_and_a_stopped_subscription_get_nothing(cloud: Cloud, queue: Listener) -> None:
    reporter = await connect(cloud.platform, cloud.foreign)
    await reporter.values({"relay": True})
    for one in cloud.platform.subscriptions.all(cloud.actor.account_id):
        await cloud.platform.subscriptions.stop(cloud.actor, one.id)
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})
    assert await queue.new() == []


@pytest.mark.parametrize("subscriptions", [1, 50])
async def test_matching_is_one_look_up_however_many_subscriptions_there_are(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, subscriptions: int
) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app)
    for _ in range(subscriptions):
        await queue.subscribe(cloud.modelled)
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})
    await queue.new()
    asked: list[int] = []
    of_product = Routes.of_product

    def counted(routes: Routes, product_id: int) -> Any:
        asked.append(product_id)
        return of_product(routes, product_id)

    monkeypatch.setattr(Routes, "of_product", counted)
    await reporter.fields([*reporter.codec.encode_values({"relay": False}), *[Field(12, [])] * 5])
    assert asked == [cloud.modelled.id]
    assert len(await queue.new()) == 6


async def test_without_a_subscription_nothing_is_put_together(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = await connect(cloud.platform, cloud.modelled)
    monkeypatch.setattr(Announcer, "tell", lambda *_, **__: pytest.fail("a message that nobody wants"))
    await reporter.values({"relay": True})
    await reporter.say(PassThroughUp(b"x"))
    await reporter.say(LocationReport(GGA))
    await reporter.say(StatusReport(battery=Decimal(1)))
    assert reporter.told == [None] * 4


# Together or not at all


async def test_log_values_and_message_are_written_in_one_transaction(
    queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[set[str]] = []
    write = plug.platform.store.write

    async def watched(*writes: Write | Rows) -> None:
        texts = [str(one.change.element) for one in writes]
        written.append({name for name in WATCHED for text in texts if text.startswith(f"INSERT INTO {name} ")})
        await write(*writes)

    monkeypatch.setattr(plug.platform.store, "write", watched)
    await plug.fields([Field(1, True), Field(12, [])])
    assert written == [set(WATCHED)]
    assert len(await queue.new()) == 2


WATCHED = (tables.data_log.name, tables.device_values.name, tables.event_log.name, tables.queue_messages.name)


async def test_what_the_database_refuses_leaves_no_part_behind(
    queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = plug.platform.store.write
    before, total = await plug.platform.history.data(plug.device.id)

    async def refused(*writes: Write | Rows) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(plug.platform.store, "write", refused)
    await plug.values({"relay": False})
    monkeypatch.setattr(plug.platform.store, "write", write)
    assert isinstance(plug.told[-1], StoreUnavailable)
    assert await plug.platform.history.data(plug.device.id) == (before, total)
    assert (await plug.latest()).properties[1].value is True
    assert await queue.new() == []
    await plug.values({"relay": False})
    assert len(await queue.new()) == 1


async def test_a_message_that_cannot_be_written_takes_the_uplink_with_it(
    queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of a message breaks a rule of its table: log row and values are not written either."""
    _, total = await plug.platform.history.data(plug.device.id)
    tell = Announcer.tell

    def twice(announcer: Announcer, push: Push, *args: Any, **kwargs: Any) -> None:
        def pushed(message: MessageRow) -> None:
            push(message)
            push(message)

        tell(announcer, pushed, *args, **kwargs)

    monkeypatch.setattr(Announcer, "tell", twice)
    await plug.values({"relay": False})
    assert plug.told[-1] is not None
    assert (await plug.platform.history.data(plug.device.id))[1] == total
    assert (await plug.latest()).properties[1].value is True
    assert await queue.new() == []


async def test_a_body_that_breaks_the_schema_is_counted_and_not_queued(
    cloud: Cloud, queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mooring.platform.message_bodies.by_code", lambda codec, values: {"relay": None})
    await plug.values({"relay": True})
    assert plug.told[-1] is None
    assert await queue.new() == []
    assert cloud.platform.announcer.invalid == {"MATTR-REPORT": 1}
