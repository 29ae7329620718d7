"""What the package offers, and whether its tables are whole."""

import types

import pytest

from mooring.protocol import amqp
from mooring.protocol.amqp import errors, events
from mooring.protocol.amqp.states import CONNECTION_METHODS, State


def test_all_lists_what_the_package_exports() -> None:
    offered = {
        name
        for name, value in vars(amqp).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(amqp.__all__) == offered


def test_every_event_is_exported() -> None:
    assert set(events.__all__) <= set(amqp.__all__)


def test_tree_of_the_errors_is_whole() -> None:
    assert errors.__doc__ is not None
    for name in set(errors.__all__) - {"ReplyCode"}:
        assert f" {name} " in f" {errors.__doc__} ".replace("\n", " ")


def test_table_has_every_state_and_only_ways_forward() -> None:
    order = list(State)
    assert list(CONNECTION_METHODS) == order
    for state, row in CONNECTION_METHODS.items():
        for after in row.values():
            assert order.index(after) >= order.index(state)


@pytest.mark.parametrize("value", [events.Cancelled(1, "c"), amqp.Limits(), events.Acked(1, ("m",))])
def test_values_are_frozen_and_slotted(value: object) -> None:
    with pytest.raises(AttributeError):
        value.channel = 2  # type: ignore[attr-defined]
    assert not hasattr(value, "__dict__")
