"""The device against a cloud in memory, with time under control; device-protocol.md sections 2 to 5."""

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.cloud_peer import DK, DS, KEY, PK, PS, CloudPeer, FixedRand, Pair
from mooring.device.core import State
from mooring.device.errors import InvalidMessage, NotConnected
from mooring.device.events import Delivered, FrameIgnored, Received, Undelivered
from mooring.device.memory import Address, Memory
from mooring.device.settings import Settings, Timing
from mooring.protocol import commands
from mooring.protocol.commands import DeviceConfiguration, ServerAddress
from mooring.protocol.ttlv import Field

UP = [(1, 10200), (2, 10200), (3, 10200)]
SENT = [(4, 10230), (4, 10240)]
REPORT = commands.Report([Field(1, Decimal("12.5"))])


def online(**options: Any) -> tuple[Pair, CloudPeer]:
    """A device whose first reports are confirmed, and its cloud."""
    peer = CloudPeer(session_key=options.pop("session_key", None))
    options.setdefault("secret", DS)
    pair = Pair(**options).start(peer)
    assert pair.device.state is State.ONLINE
    pair.take()
    peer.uplinks.clear()
    peer.frames.clear()
    peer.messages.clear()
    return pair, peer


def test_a_new_device_gets_its_secret_and_goes_on_on_the_same_connection() -> None:
    peer = CloudPeer()
    pair = Pair().start(peer)
    assert (peer.step, peer.connects, pair.device.state) == (0, 1, State.ONLINE)
    assert pair.device.memory == Memory(DS)
    assert [type(uplink) for uplink in peer.uplinks] == [commands.StatusReport, commands.ModuleInformationReport]
    assert [content.packet_id for content in peer.frames] == [1, 2]
    assert pair.take() == [*UP, *SENT]


def test_a_device_with_a_secret_connects_with_it() -> None:
    peer = CloudPeer(device_secret=DS)
    pair = Pair(secret=DS).start(peer)
    assert (peer.step, pair.device.state) == (1, State.ONLINE)
    assert pair.take() == [*UP[1:], *SENT]


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_pieces_of_any_size_make_no_difference(piece: int) -> None:
    assert Pair(piece=piece).start(CloudPeer()).device.state is State.ONLINE


def test_nothing_is_confirmed_or_reported_before_the_secret_is_stored() -> None:
    peer = CloudPeer()
    pair = Pair(stores=False).start(peer)
    assert (peer.acked, peer.uplinks, pair.device.state) == ([], [], State.AUTHENTICATING)
    pair.tell(pair.device.memory_stored(pair.now))
    pair.carry()
    assert (len(peer.acked), pair.device.state) == (1, State.ONLINE)


def test_without_a_secret_the_device_waits_and_only_pings() -> None:
    peer = CloudPeer(delivers=False)
    pair = Pair().start(peer)
    pair.wait(10_000)
    assert (pair.device.state, peer.uplinks) == (State.AUTHENTICATING, [])


def test_the_first_ping_comes_after_half_of_the_rest_then_after_the_rest() -> None:
    pair, _ = online()
    pair.up = b""
    pair.wait(49.9)
    assert pair.up == b""
    pair.wait(0.1)
    assert pair.up == b"\xc0\x00"
    pair.wait(99.9)
    assert pair.up == b"\xc0\x00"
    pair.wait(0.1)
    assert pair.up == b"\xc0\x00\xc0\x00"


def test_a_short_keep_alive_pings_every_second() -> None:
    pair, _ = online(settings=Settings(keep_alive_s=10))
    pair.up = b""
    pair.wait(10)
    assert pair.up == b"\xc0\x00" * 10


def test_a_silent_server_is_left_after_two_pings() -> None:
    pair, _ = online()
    pair.peer = None
    pair.up = b""
    pair.wait(54.9)
    assert pair.up == b"\xc0\x00"
    pair.wait(0.1)
    assert pair.up == b"\xc0\x00" * 2
    pair.wait(5)
    assert pair.take() == [(2, 10473)]
    assert pair.device.state is State.RESTING


def test_connect_is_repeated_and_given_up() -> None:
    peer = CloudPeer(answers=False)
    pair = Pair().start(peer)
    pair.wait(14.9)
    assert (pair.up.count(b"MQTT"), pair.device.state) == (3, State.CONNECTING)
    pair.wait(0.1)
    assert pair.take() == [(2, 10474)]
    assert pair.device.state is State.RESTING


def test_a_late_answer_to_each_connect_does_no_harm() -> None:
    peer = CloudPeer(answers=False)
    pair = Pair(secret=DS).start(peer)
    pair.wait(5)
    for data in (b"\x20\x02\x00\x00", b"\x20\x02\x00\x00"):
        pair.tell(pair.device.receive_data(data, pair.now))
    assert pair.device.state.value == "subscribing"
    for data in (b"\x90\x03\x00\x01\x01", b"\x90\x03\x00\x01\x01"):
        pair.tell(pair.device.receive_data(data, pair.now))
    assert pair.device.state is State.READY


def test_subscribe_is_repeated_and_given_up() -> None:
    peer = CloudPeer(answers=False)
    pair = Pair(secret=DS).start(peer)
    pair.tell(pair.device.receive_data(b"\x20\x02\x00\x00", pair.now))
    pair.peer, pair.up = None, b""
    pair.wait(14.9)
    assert pair.up.count(b"\x82") == 3
    pair.wait(0.1)
    assert pair.take() == [(3, 10300)]


@pytest.mark.parametrize(
    ("code", "pause"),
    [(10422, 600), (10426, 600), (10430, 600), (10423, 30), (10425, 30), (10427, 30), (10431, 1), (10432, 1)],
)
def test_a_refusal_by_notice_has_its_pause_and_keeps_the_secret(code: int, pause: float) -> None:
    peer = CloudPeer(refusal=code)
    pair = Pair(secret=DS).start(peer)
    assert (1, code) in pair.take()
    assert pair.device.state is State.RESTING
    assert peer.acked == [1]
    pair.wait(pause - 0.01)
    assert pair.device.state is State.RESTING
    pair.wait(0.01)
    assert (pair.device.state, pair.device.memory) == (State.OPENING, Memory(DS))


@pytest.mark.parametrize("code", [10404, 10421, 10428, 10429, 10433, 10434, 10437, 10438, 10500])
def test_other_notices_leave_the_connection(code: int) -> None:
    peer = CloudPeer(refusal=code)
    pair = Pair().start(peer)
    assert pair.take() == [(8, code)]
    assert pair.device.state is State.AUTHENTICATING


def test_small_codes_of_a_notice_are_ignored() -> None:
    pair, peer = online()
    peer.send(commands.ExceptionNotice(10200), pair.now)
    peer.send(commands.ExceptionNotice(3, packet_id=7), pair.now)
    pair.carry()
    assert (pair.take(), pair.device.state) == ([], State.ONLINE)


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_connack_2_to_5_erase_the_secret_and_end_the_trying(code: int) -> None:
    pair = Pair(secret=DS).start(CloudPeer(connack=code))
    assert pair.take() == [(2, 10430)]
    pair.wait(100_000)
    assert (pair.device.state, pair.device.memory) == (State.BARRED, Memory())
    again = CloudPeer()
    pair.start(again)
    assert (again.step, pair.device.state) == (0, State.ONLINE)


def test_connack_1_waits_ten_minutes() -> None:
    pair = Pair(secret=DS).start(CloudPeer(connack=1))
    assert pair.take() == [(2, 10471)]
    pair.wait(599)
    assert pair.device.state is State.RESTING
    pair.wait(1)
    assert (pair.device.state, pair.device.memory) == (State.OPENING, Memory(DS))


def test_the_pause_grows_with_failures_and_the_sixth_rests() -> None:
    pair = Pair(secret=DS, chance=FixedRand())
    pair.device.start()
    pauses = []
    for _ in range(7):
        before = pair.now
        pair.tell(pair.device.open_failed(pair.now, "refused"))
        due = pair.device.next_deadline()
        assert due is not None
        pair.now = due
        pauses.append(due - before)
        pair.tell(pair.device.on_time(due))
    assert pauses == [1.5, 3, 6, 12, 24, 1800, 1.5]
    assert pair.take() == [(1, 10450)] * 7


@given(st.integers(1, 5), st.floats(0, 1))
def test_the_pause_is_within_its_bounds(failures: int, chance: float) -> None:
    assert 0.5 <= Timing().retry(failures, chance) / 2 ** (failures - 1) <= 2.5


def test_a_connection_that_works_forgets_the_failures() -> None:
    pair = Pair(secret=DS, chance=FixedRand())
    pair.device.start()
    for _ in range(3):
        pair.tell(pair.device.open_failed(pair.now))
        pair.wait(20)
    pair.connect(CloudPeer())
    pair.break_off()
    due = pair.device.next_deadline()
    assert due == pytest.approx(pair.now + 1.5)
    assert pair.take()[-1] == (2, 10474)


def test_packet_ids_go_on_after_a_reconnect() -> None:
    pair, _ = online()
    pair.break_off()
    pair.wait(3)
    peer = CloudPeer()
    pair.connect(peer)
    assert [content.packet_id for content in peer.frames] == [3, 4]


# 00B4


def test_id_5_again_replaces_the_secret_and_repeats_the_reports() -> None:
    pair, peer = online()
    peer.send(DeviceConfiguration(device_secret="f" * 32), pair.now)
    pair.carry()
    assert pair.device.memory == Memory("f" * 32)
    assert pair.take() == [*UP, *SENT]
    assert len(peer.uplinks) == 2
    assert pair.device.state is State.ONLINE


@pytest.mark.parametrize(
    ("wanted", "memory", "step"),
    [
        (DeviceConfiguration(authenticate_again=True), Memory(), 0),
        (DeviceConfiguration(replacement_secret="f" * 32), Memory("f" * 32), 1),
        (DeviceConfiguration(product_key="p2New"), Memory(DS, product_key="p2New"), 1),
        (DeviceConfiguration(product_secret="another secret"), Memory(DS, product_secret="another secret"), 1),
    ],
    ids=["id 9", "id 10", "id 7", "id 8"],
)
def test_what_forces_a_new_connection(wanted: DeviceConfiguration, memory: Memory, step: int) -> None:
    pair, peer = online()
    before = len(peer.acked)
    peer.send(wanted, pair.now)
    pair.carry()
    assert (pair.take(), len(peer.acked)) == ([(2, 10475)], before)
    assert pair.device.memory == memory
    assert pair.device.state.value == "resting"
    pair.wait(0.5)
    again = CloudPeer(product_secret=memory.product_secret or PS)
    pair.connect(again)
    assert (again.step, again.client_id) == (step, f"qd{memory.product_key or PK}{DK}")
    assert pair.device.state is State.ONLINE


@pytest.mark.parametrize(
    "wanted",
    [
        DeviceConfiguration(replacement_secret=DS),
        DeviceConfiguration(product_key=PK, product_secret=PS),
        DeviceConfiguration(server=ServerAddress("127.0.0.1", "", 1883)),
        DeviceConfiguration(server=ServerAddress("elsewhere.test", "", 0)),
        DeviceConfiguration(session_key=KEY),
    ],
    ids=["same secret", "same product", "same server", "no port", "key nobody asked for"],
)
def test_what_changes_nothing_is_confirmed_and_ignored(wanted: DeviceConfiguration) -> None:
    pair, peer = online()
    before = len(peer.acked)
    peer.send(wanted, pair.now)
    pair.carry()
    assert (pair.take(), len(peer.acked), pair.device.state) == ([], before + 1, State.ONLINE)


def test_the_bind_code_is_only_stored() -> None:
    pair, peer = online()
    peer.send(DeviceConfiguration(bind_code=b"12345"), pair.now)
    pair.carry()
    assert (pair.device.memory, pair.take()) == (Memory(DS, bind_code=b"12345"), [])


def test_a_new_server_is_kept_once_it_works() -> None:
    pair, peer = online()
    peer.send(DeviceConfiguration(server=ServerAddress("", "10.0.0.9", 2883)), pair.now)
    pair.carry()
    assert (pair.take(), pair.device.memory.server) == ([(2, 10475)], None)
    pair.wait(0.5)
    assert pair.device.address == Address("10.0.0.9", 2883)
    second = CloudPeer()
    pair.connect(second)
    assert pair.device.memory == Memory(DS, server=Address("10.0.0.9", 2883))
    second.send(DeviceConfiguration(server=ServerAddress("", "", 0)), pair.now)
    pair.carry()
    assert pair.device.memory == Memory(DS)


def test_a_new_server_that_fails_four_times_is_given_up() -> None:
    pair, peer = online()
    peer.send(DeviceConfiguration(server=ServerAddress("elsewhere.test", "", 1883)), pair.now)
    pair.carry()
    pair.wait(0.5)
    for tries in range(4):
        assert pair.device.address == Address("elsewhere.test", 1883), tries
        pair.tell(pair.device.open_failed(pair.now))
        pair.wait(100)
    assert pair.device.address == Address("127.0.0.1", 1883)


# Session encryption


@pytest.mark.parametrize("secret", [None, DS])
def test_a_session_key_encrypts_both_directions(secret: str | None) -> None:
    pair, peer = online(settings=Settings(session_encryption=True), secret=secret, session_key=KEY)
    pair.device.publish(REPORT, 1, pair.now)
    peer.send(commands.ReadProperties((1,)), pair.now)
    pair.carry()
    assert peer.uplinks == [REPORT]
    assert not peer.messages[0].payload.startswith(b"\xaa\xaa")
    assert [item for item in pair.told if isinstance(item, Received)] == [Received(commands.ReadProperties((1,)), 2)]
    peer.cipher = None
    peer.send(commands.ReadProperties((2,)), pair.now)
    pair.told = []
    pair.carry()
    [ignored] = pair.told
    assert isinstance(ignored, FrameIgnored)


def test_every_connection_needs_the_key_again() -> None:
    pair, _ = online(settings=Settings(session_encryption=True), session_key=KEY)
    pair.break_off()
    pair.wait(3)
    peer = CloudPeer(session_key=KEY)
    pair.connect(peer)
    assert peer.messages[0].payload.startswith(b"\xaa\xaa")


# Messages


def test_an_unconfirmed_report_is_sent_three_times_alike_and_given_up() -> None:
    pair, peer = online()
    peer.acknowledges = False
    token = pair.device.publish(REPORT, 1, pair.now)
    pair.carry()
    pair.wait(5.9)
    assert [(message.packet_id, message.dup) for message in peer.messages] == [(4, False)] * 3
    assert [content.packet_id for content in peer.frames] == [3] * 3
    assert pair.told == []
    pair.wait(0.1)
    assert pair.told[0] == Undelivered(token, "no confirmation in time")
    assert (pair.take(), pair.device.state) == ([(4, 10310)], State.ONLINE)


def test_reports_go_one_at_a_time_and_replies_overtake_them() -> None:
    pair, peer = online()
    peer.acknowledges = False
    for _ in range(2):
        pair.device.publish(REPORT, 1, pair.now)
    pair.device.reply(commands.ReadResponse(REPORT.fields), 0x0107, pair.now)
    pair.carry()
    assert [(content.command, content.packet_id) for content in peer.frames] == [(0x14, 3), (0x12, 0x0107)]
    assert [message.qos for message in peer.messages] == [1, 0]


def test_quality_2_is_delivered_once() -> None:
    pair, peer = online()
    token = pair.device.publish(REPORT, 2, pair.now)
    pair.carry()
    assert peer.uplinks == [REPORT]
    assert pair.told[0] == Delivered(token)


def test_what_is_on_its_way_when_the_connection_breaks_is_undelivered() -> None:
    pair, _ = online()
    token = pair.device.publish(REPORT, 1, pair.now)
    pair.break_off()
    assert pair.told[0] == Undelivered(token, "the connection broke")
    assert pair.take() == [(4, 10310), (2, 10474)]
    with pytest.raises(NotConnected):
        pair.device.publish(REPORT, 1, pair.now)


def test_a_message_no_frame_can_carry_is_refused_and_changes_nothing() -> None:
    pair, _ = online()
    with pytest.raises(InvalidMessage, match="65530"):
        pair.device.publish(commands.PassThroughUp(bytes(65531)), 1, pair.now)
    assert pair.device.data_to_send() == b""


def test_a_repeated_command_is_taken_once_and_confirmed_twice() -> None:
    pair, peer = online()
    for _ in range(2):
        peer.send(commands.WriteProperties([Field(1, True)]), pair.now, packet_id=9)
    pair.carry()
    assert (len(pair.told), len(peer.acked)) == (1, 2 + 0)


@pytest.mark.parametrize("packet_id", [0, 0xFFFF])
def test_packet_ids_that_devices_drop(packet_id: int) -> None:
    pair, peer = online()
    peer.send(commands.ReadProperties(()), pair.now, packet_id=packet_id)
    pair.carry()
    assert [type(item) for item in pair.told] == [FrameIgnored]


def test_status_and_module_information_are_answered_by_the_ids_asked_for() -> None:
    pair, peer = online()
    peer.send(commands.ReadStatus((3,)), pair.now)
    peer.send(commands.ReadModuleInformation(()), pair.now)
    pair.carry()
    assert peer.uplinks[0] == commands.StatusResponse(signal_strength=Decimal(-67))
    assert isinstance(peer.uplinks[1], commands.ModuleInformationResponse)
    assert peer.uplinks[1].sdk_version == "2.9.0"
    assert [message.qos for message in peer.messages] == [0, 0]


@given(st.binary(max_size=200), st.integers(0, 1))
def test_no_message_of_the_cloud_raises(payload: bytes, qos: int) -> None:
    pair, peer = online()
    peer.send_bytes(payload, pair.now, qos=qos)
    pair.carry()
    assert pair.device.state in (State.ONLINE, State.RESTING)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0x11, 0x13, 0x23, 0x31, 0x41, 0xA3, 0xB3, 0xB4, 0x111, 0x123, 0x999]),
            st.binary(max_size=40),
        ),
        max_size=6,
    )
)
def test_no_command_of_the_cloud_raises(sent: list[tuple[int, bytes]]) -> None:
    pair, peer = online()
    for command, payload in sent:
        if pair.peer is not None:
            peer.send(commands.Unknown(command, payload), pair.now)
            pair.carry()
    assert pair.device.state in (State.ONLINE, State.RESTING)


@given(st.binary(max_size=300), st.sampled_from([0.0, 1.0, 16.0]))
def test_no_bytes_of_the_server_raise(data: bytes, pause: float) -> None:
    pair = Pair(chance=random.Random(3))
    pair.device.start()
    pair.device.opened(pair.now)
    pair.tell(pair.device.receive_data(b"\x20\x02\x00\x00" + data, pair.now))
    pair.wait(pause)
    pair.tell(pair.device.lost(pair.now))
    assert pair.device.state in (State.RESTING, State.OPENING)


def test_no_representation_shows_a_secret() -> None:
    pair, _ = online()
    texts = repr([pair.device.memory, pair.device.identity, Memory(DS, product_secret=PS)])
    assert DS not in texts
    assert PS not in texts
    assert msgspec.structs.asdict(pair.device.memory)["device_secret"] == DS
