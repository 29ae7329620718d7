"""Any model, any report, any command, any sentence: no body breaks the contract's schema, no code is unknown."""

from typing import Any, cast

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud import CONTRACT
from fakes import FakeClock, FakeEntropy
from links import Line
from mooring.platform.announcer import Announcer
from mooring.platform.command_evidence import Evidence
from mooring.platform.command_input import Kind
from mooring.platform.command_messages import CommandMessages, Receiver
from mooring.platform.directory import Directory
from mooring.platform.entities import Device
from mooring.platform.journal import Entry
from mooring.platform.locations import read_report
from mooring.platform.message_codes import RULE_CODE
from mooring.platform.routes import Routes, Subscription
from mooring.platform.session import Session
from mooring.platform.sources import Ids
from mooring.platform.uplink_messages import UplinkMessages
from mooring.protocol import commands, ttlv
from mooring.protocol.commands import ReadProperties
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import TtlvError
from mooring.store.commands import OwnerRow
from mooring.thingmodel import ModelCodec
from strategies_tsl import few, valid_documents
from strategies_values import any_fields

SCHEMA = jsonschema.Draft202012Validator(msgspec.json.decode((CONTRACT / "messages.schema.json").read_bytes()))
KINDS = ("properties", "events", "services")
NOW = 1_760_000_000_000

numbers = st.integers(0, 999999).map(str) | st.sampled_from(["", "-1", "1.5", "-0.0", "0009", "99999999999999999"])
words = st.sampled_from(["$GNGGA", "$GPRMC", "$GBGLL", "$LBS", "$WIFI", "$gp", "$PMTK001", "$", "GNGGA", "$GPGGA"])
places = st.tuples(
    st.sampled_from(["3150.1234", "8959.99", "9000.0", "0000.0", "03150.1"]),
    st.sampled_from("NSX"),
    st.sampled_from(["11711.5678", "17959.99", "18000.00", "00000.0"]),
    st.sampled_from("EW"),
).map(",".join)
sentences = st.tuples(words, st.lists(numbers | places | st.text(max_size=5), max_size=12)).map(
    lambda pair: ",".join([pair[0], *pair[1]])
)
fixes = st.builds(
    "$GNGGA,{},{},{},{},{},{},M,,,,".format,
    st.sampled_from(["020530.00", "", "235960.999", "x"]),
    places,
    numbers,
    numbers,
    numbers,
    numbers,
)
dates = st.builds("$GPRMC,020531.00,A,{},0.1,,{},,,A".format, places, st.sampled_from(["010100", "311279", "091025"]))


class _Product:
    product_key = "pKEY01"
    app_id = 1


class _Directory:
    """One product, all of whose messages somebody wants."""

    def __init__(self) -> None:
        codes = tuple(range(1, RULE_CODE + 1))
        everything = Subscription(1, 1, 1, 1, "all", "product", 1, "pKEY01", None, None, None, codes, True, 0, None)
        self.routes = Routes([everything], {1: 1})

    def product(self, product_id: int) -> _Product:
        return _Product()


class Teller:
    """Messages of one device, as they are made in earnest."""

    def __init__(self) -> None:
        clock = FakeClock(NOW)
        ids = Ids(clock, FakeEntropy())
        directory = cast("Directory", _Directory())
        self.announcer = Announcer(directory, clock, ids)
        self.uplinks = UplinkMessages(self.announcer, ids, network_positions=True)
        self.commands = CommandMessages(self.announcer)
        self.device = OwnerRow(1, 1, "DK00001")
        self.session = Session(1, DEVICE, Line(), "", NOW)
        self.entry = Entry()
        targets = self.announcer.targets(1)
        assert targets is not None
        self.targets = targets

    def bodies(self) -> list[dict[str, Any]]:
        """Every one, each as the schema says; none was left out because it is not."""
        assert not self.announcer.invalid
        found = [msgspec.json.decode(message.body) for message in self.entry.messages]
        for body in found:
            SCHEMA.validate(body)
        return found


DEVICE = Device(
    id=1,
    product_id=1,
    device_key="DK00001",
    client_id="qdpKEY01DK00001",
    name="One",
    sn=None,
    auth_mode=0,
    device_secret=None,
    secret_confirmed=False,
    fingerprint=None,
    enabled=True,
    is_verified=True,
    is_virtual=False,
    online=True,
    created_at=NOW,
    updated_at=None,
    activated_at=NOW,
    first_conn_at=None,
    last_conn_at=None,
    last_offline_at=None,
)


def fields(document: dict[str, Any]) -> st.SearchStrategy[list[ttlv.Field]]:
    return any_fields([body["id"] for kind in KINDS for body in document.get(kind, [])])


def check_codes(bodies: list[dict[str, Any]], document: dict[str, Any]) -> None:
    """Features are those of the model, and events have the model's level."""
    known = {kind: {body["code"]: body for body in document.get(kind, [])} for kind in KINDS}
    for body in bodies:
        data = body["data"]
        match body["type"]:
            case "MATTR":
                assert set(data.get("keys", data.get("kv"))) <= known["properties"].keys()
            case "MEVENT":
                assert known["events"][data["code"]]["subType"] == body["subtype"]
            case "MSERV":
                assert data["code"] in known["services"]


@few
@given(data=st.data())
def test_any_report_of_any_model(data: st.DataObject) -> None:
    document = data.draw(valid_documents())
    codec = ModelCodec(document)
    decoded = codec.decode(data.draw(fields(document)))
    teller = Teller()
    is_answer = data.draw(st.booleans())
    frame = Frame(data.draw(st.integers(0, 0xFFFF)), 0x0012 if is_answer else 0x0014, b"")
    event_ids = range(1, len(decoded.events) + 1)
    evidence = Evidence(7) if is_answer and data.draw(st.booleans()) else None
    arguments = (teller.targets, teller.session, teller.entry, frame, codec, decoded, 5, event_ids, evidence)
    teller.uplinks.model_data(*arguments)
    bodies = teller.bodies()
    expected = bool(decoded.properties or evidence) + len(decoded.events) + len(decoded.services)
    assert len(bodies) == expected
    check_codes(bodies, document)


@few
@given(data=st.data())
def test_any_command_of_any_model(data: st.DataObject) -> None:
    """Also one that was made for another model, as those are that have waited in the cache."""
    document = data.draw(valid_documents())
    teller = Teller()
    try:
        payload = ttlv.encode(data.draw(fields(document)))
    except TtlvError:
        payload = b""
    sent = Frame(1, 0x0013, payload)
    kind = data.draw(st.sampled_from([Kind.PROPERTY, Kind.SERVICE, Kind.RAW, Kind.READ]))
    if kind is Kind.READ:
        ids = data.draw(st.lists(st.integers(1, 8191) | st.sampled_from([1, 2, 3, 5]), min_size=1))
        sent = commands.encode(ReadProperties(tuple(ids)), 1)
    teller.commands.left(teller.entry.push, Receiver(teller.device), 9, kind, sent, ModelCodec(document))
    bodies = teller.bodies()
    assert {body["ticket"] for body in bodies} <= {"9"}
    check_codes(bodies, document)


@settings(max_examples=300)
@given(parts=st.lists(sentences | fixes | dates, max_size=5), packet_id=st.integers(0, 0xFFFF))
def test_any_position(parts: list[str], packet_id: int) -> None:
    teller = Teller()
    text = ";".join(parts)
    found, _ = read_report(text, NOW)
    numbered = [msgspec.structs.replace(location, ticket=number) for number, location in enumerate(found, 1)]
    teller.uplinks.location(teller.targets, teller.session, teller.entry, Frame(packet_id, 0x0122, b""), text, numbered)
    bodies = teller.bodies()
    assert sum(body["subtype"] == "INFO-KV" for body in bodies) == sum(one.wgs84 is not None for one in found)
