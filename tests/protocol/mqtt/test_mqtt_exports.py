"""What the package offers, and whether its tables are whole."""

import types

import pytest

from mooring.protocol import mqtt
from mooring.protocol.mqtt import ClientSession, LocalProtocolError, ServerSession, State, errors, events, packets
from mooring.protocol.mqtt.decode import FIRST_BYTES, LENGTHS
from mooring.protocol.mqtt.session import Session
from mooring.protocol.mqtt.states import CLIENT, SERVER, Command, Row


def test_all_lists_what_the_package_exports() -> None:
    offered = {
        name
        for name, value in vars(mqtt).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(mqtt.__all__) == offered


@pytest.mark.parametrize("module", [errors, events])
def test_every_error_and_event_is_exported(module: types.ModuleType) -> None:
    assert set(module.__all__) <= set(mqtt.__all__)


def test_tree_of_the_errors_is_whole() -> None:
    assert errors.__doc__ is not None
    for name in errors.__all__:
        assert f" {name} " in f" {errors.__doc__} ".replace("\n", " ")


ROLES = [(SERVER, ServerSession), (CLIENT, ClientSession)]


@pytest.mark.parametrize(("table", "role"), ROLES)
def test_table_has_every_state_and_only_ways_forward(table: dict[State, Row], role: type[Session]) -> None:
    order = list(State)
    assert list(table) == order
    for state, row in table.items():
        for after in (*row.packets.values(), *row.commands.values()):
            assert order.index(after) >= order.index(state)


@pytest.mark.parametrize(("table", "role"), ROLES)
def test_every_packet_of_a_table_has_a_handler(table: dict[State, Row], role: type[Session]) -> None:
    assert {kind for row in table.values() for kind in row.packets} == set(role._HANDLERS)


@pytest.mark.parametrize(("table", "role"), ROLES)
def test_every_command_of_a_table_is_a_method(table: dict[State, Row], role: type[Session]) -> None:
    for command in {command for row in table.values() for command in row.commands}:
        assert callable(getattr(role, command))


def test_together_both_sides_take_every_packet_and_command() -> None:
    rows = [*SERVER.values(), *CLIENT.values()]
    assert {kind for row in rows for kind in row.packets} == set(FIRST_BYTES) == set(LENGTHS)
    assert {command for row in rows for command in row.commands} == set(Command)


def test_close_ends_every_state() -> None:
    for table, _ in ROLES:
        assert {row.commands[Command.CLOSE] for row in table.values()} == {State.ENDED}


@pytest.mark.parametrize("value", [packets.Puback(1), events.PublishAcked(1), mqtt.Limits()])
def test_values_are_frozen_and_slotted(value: object) -> None:
    with pytest.raises(AttributeError):
        value.packet_id = 2  # type: ignore[attr-defined]
    assert not hasattr(value, "__dict__")


def test_error_says_its_reason() -> None:
    error = LocalProtocolError("why")
    assert (error.reason, str(error)) == ("why", "why")


@pytest.mark.parametrize("session", [ServerSession(0.0), ClientSession(0.0)])
def test_sessions_are_slotted(session: Session) -> None:
    assert not hasattr(session, "__dict__")
