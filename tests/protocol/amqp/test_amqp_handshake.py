"""From the protocol header to an open connection, and all that can go wrong on the way (messages.md section 6)."""

from typing import Any

import pytest
from pamqp.commands import Basic, Channel, Connection

from mooring.protocol.amqp import (
    ConnectionClosed,
    Limits,
    LoginRequested,
    Opened,
    ProtocolViolated,
    ReplyCode,
    State,
)
from protocol.amqp.amqp_link import PROTOCOL, Link, plain


def test_header_is_answered_with_start() -> None:
    link = Link()
    assert link.raw(PROTOCOL) == []
    start: Any = link.got(Connection.Start, 0)
    assert (start.version_major, start.version_minor, start.mechanisms, start.locales) == (0, 9, "PLAIN", "en_US")
    assert start.server_properties["capabilities"]["consumer_cancel_notify"] is True
    assert start.server_properties["capabilities"]["authentication_failure_close"] is True


@pytest.mark.parametrize(
    "header",
    [
        b"AMQP\x00\x01\x00\x00",  # 1.0
        b"AMQP\x03\x01\x00\x00",  # 1.0 with SASL
        b"AMQP\x01\x01\x00\x09",  # 0-9
        b"AMQP\x01\x01\x08\x00",  # 0-8
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",  # TLS
        b"\x00",
    ],
)
def test_other_header_is_answered_with_ours_and_the_end(header: bytes) -> None:
    link = Link()
    assert link.raw(header) == []
    assert link.server.data_to_send() == PROTOCOL
    assert link.server.is_over
    assert link.raw(PROTOCOL) == []
    assert link.server.data_to_send() == b""


def test_credentials_are_handed_on_and_nothing_is_said_before_the_decision() -> None:
    link = Link()
    link.raw(PROTOCOL)
    link.read()
    known: Any = {"product": "pika", "capabilities": {}}
    (asked,) = link.send(Connection.StartOk(known, "PLAIN", plain("me", "pw"), "en_US"), 0)
    assert asked == LoginRequested("me", "pw", "pika")
    assert link.server.username == "me"
    assert link.server.state is State.DECIDING
    assert link.server.data_to_send() == b""


def test_password_is_in_no_representation() -> None:
    event = LoginRequested("me", "hidden-one", "pika")
    assert "hidden" not in repr(event)
    assert event.__rich_repr__() == [("product", "pika")]


@pytest.mark.parametrize("product", [None, 7, ["x"], "x" * 500])
def test_any_client_property_is_bearable(product: Any) -> None:
    link = Link()
    link.raw(PROTOCOL)
    link.read()
    known = {} if product is None else {"product": product, "capabilities": "none"}
    (asked,) = link.send(Connection.StartOk(known, "PLAIN", plain(), "en_US"), 0)
    assert isinstance(asked, LoginRequested)
    assert len(asked.product) <= 80
    assert not link.server.supports("consumer_cancel_notify")


@pytest.mark.parametrize(
    ("mechanism", "response", "code"),
    [
        ("AMQPLAIN", plain(), 503),
        ("EXTERNAL", "", 503),
        ("plain", plain(), 503),
        ("PLAIN", "", 502),
        ("PLAIN", "user", 502),
        ("PLAIN", "\0user", 502),
        ("PLAIN", "\0user\0pass\0more", 502),
        ("PLAIN", "other\0user\0pass", 502),  # to act for somebody else
    ],
)
def test_wrong_credentials_frame_ends_without_a_word(mechanism: str, response: str, code: int) -> None:
    link = Link()
    link.raw(PROTOCOL)
    link.read()
    (event,) = link.send(Connection.StartOk({}, mechanism, response, "en_US"), 0)
    assert isinstance(event, ProtocolViolated)
    assert event.code == code
    assert (link.server.data_to_send(), link.server.is_over) == (b"", True)


def test_own_name_as_the_identity_to_act_for_is_fine() -> None:
    link = Link()
    link.raw(PROTOCOL)
    link.read()
    assert link.send(Connection.StartOk({}, "PLAIN", "me\0me\0pw", "en_US"), 0) == [LoginRequested("me", "pw", "")]


def test_response_that_is_no_text_ends_without_a_word() -> None:
    link = Link()
    link.raw(PROTOCOL)
    link.read()
    arguments = b"\0\0\0\0" + b"\x05PLAIN" + b"\0\0\0\x05\0\xff\xfe\0x" + b"\x05en_US"
    payload = b"\0\x0a\0\x0b" + arguments
    (event,) = link.raw(b"\x01\0\0" + len(payload).to_bytes(4, "big") + payload + b"\xce")
    assert isinstance(event, ProtocolViolated)
    assert link.server.is_over


def test_refused_login_is_said_to_who_understands_it() -> None:
    link = Link().start({"authentication_failure_close": True})
    link.server.refuse_login("the signature is wrong", 0.0)
    close = link.got(Connection.Close, 0)
    assert (close.reply_code, close.reply_text) == (403, "ACCESS_REFUSED - the signature is wrong")
    link.send(Connection.CloseOk(), 0)
    assert link.server.is_over


@pytest.mark.parametrize("capabilities", [{}, {"authentication_failure_close": False}])
def test_refused_login_drops_everybody_else(capabilities: dict[str, bool]) -> None:
    link = Link().start(capabilities)
    link.server.refuse_login("the signature is wrong", 0.0)
    assert (link.server.data_to_send(), link.server.is_over) == (b"", True)


def test_decision_that_comes_too_late_changes_nothing() -> None:
    link = Link().open()
    link.server.accept_login(0.0)
    link.server.refuse_login("x", 0.0)
    assert (link.server.state, link.server.data_to_send()) == (State.OPEN, b"")


def test_tune_offers_the_limits() -> None:
    tune = Link(Limits(channel_max=9, frame_max=8192, heartbeat_s=50)).tune()
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (9, 8192, 50)


def test_default_proposal_is_sixty_seconds() -> None:
    assert Link().tune().heartbeat == 60


@pytest.mark.parametrize(
    ("asked", "agreed"), [(0, 60), (1, 1), (10, 10), (30, 30), (45, 45), (60, 60), (61, 60), (65535, 60)]
)
def test_heartbeat_from_one_to_sixty_and_anything_else_is_sixty(asked: int, agreed: int) -> None:
    link = Link()
    link.tune()
    link.send(Connection.TuneOk(0, 0, asked), 0)
    assert link.send(Connection.Open("quec-open"), 0) == [Opened(agreed)]


@pytest.mark.parametrize(
    ("asked", "allowed"), [(0, False), (1, False), (29, False), (30, True), (60, True), (61, False)]
)
def test_strict_heartbeat_is_thirty_to_sixty(asked: int, allowed: bool) -> None:
    link = Link(Limits(shortest_heartbeat_s=30))
    link.tune()
    events = link.send(Connection.TuneOk(0, 0, asked), 0)
    if allowed:
        assert (events, link.server.state) == ([], State.OPENING)
        return
    close = link.got(Connection.Close, 0)
    assert (close.reply_code, close.class_id, close.method_id) == (530, 10, 31)
    assert "30 to 60 s" in close.reply_text


@pytest.mark.parametrize(
    ("channels", "frame_max", "allowed"),
    [
        (0, 0, True),
        (1, 4096, True),
        (256, 131_072, True),
        (257, 0, False),
        (0, 4095, False),
        (0, 1, False),
        (0, 131_073, False),
        (65535, 0, False),
    ],
)
def test_sizes_stay_within_what_was_offered(channels: int, frame_max: int, allowed: bool) -> None:
    link = Link()
    link.tune()
    events = link.send(Connection.TuneOk(channels, frame_max, 60), 0)
    if allowed:
        assert (events, link.server.state) == ([], State.OPENING)
        assert link.server.frame_max == (frame_max or 131_072)
    else:
        assert isinstance(events[0], ProtocolViolated)
        assert link.got(Connection.Close, 0).reply_code == 530


@pytest.mark.parametrize("host", ["quec-open", "/quec-open"])
def test_virtual_host_with_and_without_slash(host: str) -> None:
    link = Link()
    link.tune()
    link.send(Connection.TuneOk(0, 0, 60), 0)
    assert link.send(Connection.Open(host), 0) == [Opened(60)]
    assert link.server.state is State.OPEN


@pytest.mark.parametrize("host", ["", "/", "quec", "QUEC-OPEN", "//quec-open", "quec-open/"])
def test_other_virtual_host_is_not_allowed(host: str) -> None:
    link = Link()
    link.tune()
    link.send(Connection.TuneOk(0, 0, 60), 0)
    (event,) = link.send(Connection.Open(host), 0)
    assert isinstance(event, ProtocolViolated)
    close = link.got(Connection.Close, 0)
    assert (close.reply_code, close.class_id, close.method_id) == (530, 10, 40)


BEFORE = [Connection.StartOk({}, "PLAIN", plain(), "en_US"), Connection.TuneOk(0, 0, 60), Connection.Open("quec-open")]
PLACES = {State.STARTED: 0, State.TUNING: 1, State.OPENING: 2}


def _at(state: State) -> Link:
    link = Link()
    if state is State.STARTED:
        link.raw(PROTOCOL)
        link.read()
        return link
    if state is State.OPEN:
        return link.open()
    link.tune()
    if state is State.OPENING:
        link.send(BEFORE[1], 0)
    return link


@pytest.mark.parametrize("method", BEFORE, ids=lambda method: method.name)
@pytest.mark.parametrize(
    "state", [State.STARTED, State.TUNING, State.OPENING, State.OPEN], ids=lambda state: state.name
)
def test_method_out_of_turn_is_503(state: State, method: Any) -> None:
    if PLACES.get(state) == BEFORE.index(method):
        return
    link = _at(state)
    event = link.send(method, 0)[-1]
    assert isinstance(event, ProtocolViolated)
    assert event.code == 503
    if state is State.STARTED:
        assert (link.server.data_to_send(), link.server.is_over) == (b"", True)
    else:
        assert link.got(Connection.Close, 0).reply_code == 503


@pytest.mark.parametrize("state", [State.STARTED, State.TUNING, State.OPENING], ids=lambda state: state.name)
def test_channel_before_open_is_504(state: State) -> None:
    event = _at(state).send(Channel.Open(), 1)[-1]
    assert isinstance(event, ProtocolViolated)
    assert event.code == ReplyCode.CHANNEL_ERROR


@pytest.mark.parametrize("method", [Channel.Open(), Basic.Qos(0, 1)], ids=lambda method: method.name)
def test_channel_methods_on_channel_zero_are_504(method: Any) -> None:
    link = Link().open()
    link.send(method, 0)
    assert link.got(Connection.Close, 0).reply_code == 504


@pytest.mark.parametrize(
    "state", [State.STARTED, State.TUNING, State.OPENING, State.OPEN], ids=lambda state: state.name
)
def test_client_may_leave_at_any_time(state: State) -> None:
    link = _at(state)
    assert link.send(Connection.Close(200, "bye", 0, 0), 0)[-1] == ConnectionClosed(clean=True)
    assert isinstance(link.got(Connection.CloseOk, 0), Connection.CloseOk)
    assert link.server.is_over


@pytest.mark.parametrize(
    "state", [State.STARTED, State.TUNING, State.OPENING, State.OPEN], ids=lambda state: state.name
)
def test_closed_socket_is_no_clean_end(state: State) -> None:
    link = _at(state)
    assert link.server.receive_eof()[-1] == ConnectionClosed(clean=False)
    assert link.server.receive_eof() == []


def test_what_comes_during_the_decision_waits() -> None:
    link = Link().start()
    link.send(Connection.TuneOk(0, 0, 60), 0)
    link.send(Connection.Open("quec-open"), 0)
    assert link.server.state is State.DECIDING
    link.server.accept_login(0.0)
    assert link.resume() == [Opened(60)]
