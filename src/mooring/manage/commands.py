"""Commands to devices: sending them by hand, and the timeline of each."""

import enum
from typing import Annotated

import msgspec

from mooring.platform.command_input import Kind
from mooring.platform.command_refusals import ticket_of
from mooring.platform.command_steps import State
from mooring.platform.command_timeline import CommandTimeline
from mooring.platform.commands import SendOptions, SendResult

from .device_state import LogQuery, numbered
from .devices import device_of
from .endpoint import AnyEndpoint, Call, Endpoint, Nothing
from .errors import Refusal

__all__ = ["ENDPOINTS"]


class Sent(enum.StrEnum):
    """What a command does."""

    READ = "read"
    WRITE = "write"
    SERVICE = "service"
    RAW = "raw"


class NewCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command: `data` is a list of codes to read, `[{"code": value}]` to write, `[{"service": [{"input": value}]}]`
    to call, or a text to send as it is (as hex digits when `encoding` is Hex).

    `cache_s` lets it wait so many seconds for a device that is offline, `cover` replaces those of its kind that wait.
    """

    kind: Sent
    data: msgspec.Raw
    encoding: str = "Text"
    cache_s: int | None = None
    cover: bool = False
    qos: int = 1


class CommandQuery(LogQuery, frozen=True, forbid_unknown_fields=True):
    """`kind` read, property, service or raw."""

    kind: Kind | None = None


class CommandList(msgspec.Struct, frozen=True):
    """Commands, newest first."""

    items: tuple[CommandTimeline, ...]
    total: int


class NewestQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest `limit` commands older than the ticket `before_id`, accepted since then (epoch ms); `state` is the
    furthest step: accepted, cached, published, delivered, answered, reported, failed or expired."""

    state: State | None = None
    kind: Kind | None = None
    since: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    before_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class NewestCommands(msgspec.Struct, frozen=True):
    """Commands, newest first. `next_before_id` asks for older ones, None when there are none. 10,000 commands are
    looked through at a time, so there may be fewer than asked for, and older ones all the same."""

    items: tuple[CommandTimeline, ...]
    next_before_id: int | None


async def _list_newest(call: Call, request: NewestQuery) -> NewestCommands:
    found, older = await call.platform.commands.newest(
        call.account_id,
        state=request.state,
        kind=request.kind,
        since=request.since,
        before=request.before_id,
        rows=request.limit,
    )
    return NewestCommands(tuple(found), older)


async def _list_commands(call: Call, request: CommandQuery) -> CommandList:
    where = numbered(request)
    found, total = await call.platform.commands.of_device(
        await device_of(call), kind=request.kind, since=request.since, until=request.until, **where
    )
    return CommandList(tuple(found), total)


async def _send_command(call: Call, request: NewCommand) -> CommandTimeline:
    device = await device_of(call)
    product = call.platform.products.one(call.account_id, call.path["product_key"])
    options = SendOptions(cache_s=request.cache_s, cover=request.cover, qos=request.qos)
    data = _text(request)
    commands, keys = call.platform.commands, [device.device_key]
    match request.kind:
        case Sent.READ:
            results = await commands.send_read(call.actor, product, keys, data, options)
        case Sent.WRITE:
            results = await commands.send_write(call.actor, product, keys, data, options)
        case Sent.SERVICE:
            results = await commands.send_service(call.actor, product, keys, data, options)
        case Sent.RAW:
            targets = [(product, device.device_key)]
            results = await commands.send_raw(call.actor, targets, data, options, request.encoding)
    return await _outcome(call, results[0])


def _text(request: NewCommand) -> str:
    """The data as the platform reads it: JSON exactly as it came, or the text inside a JSON string."""
    text = bytes(request.data).decode()
    if text.startswith('"'):
        return msgspec.json.decode(text, type=str)
    if request.kind is Sent.RAW:
        raise Refusal(422, "invalid_body", "data of a raw command must be a text", field="data")
    return text


async def _outcome(call: Call, result: SendResult) -> CommandTimeline:
    return await call.platform.commands.one(call.account_id, ticket_of(result))


async def _show_command(call: Call, request: Nothing) -> CommandTimeline:
    return await call.platform.commands.one(call.account_id, call.number("ticket"))


async def _resend_command(call: Call, request: Nothing) -> CommandTimeline:
    return await _outcome(call, await call.platform.commands.resend(call.actor, call.account_id, call.number("ticket")))


async def _cancel_command(call: Call, request: Nothing) -> CommandTimeline:
    await call.platform.commands.cancel(call.account_id, call.number("ticket"))
    await call.platform.journal.settle()
    return await _show_command(call, request)


_OF_DEVICE = "/devices/{product_key}/{device_key}/commands"
_ONE = "/commands/{ticket}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", _OF_DEVICE, "Commands to a device, newest first", _list_commands, CommandQuery, CommandList),
    Endpoint(
        "POST",
        _OF_DEVICE,
        "Send a command to a device",
        _send_command,
        NewCommand,
        CommandTimeline,
        status=201,
        errors=_BUSY,
    ),
    Endpoint("GET", "/commands", "The newest commands to all devices", _list_newest, NewestQuery, NewestCommands),
    Endpoint("GET", _ONE, "One command with its timeline and frames", _show_command, Nothing, CommandTimeline),
    Endpoint(
        "POST",
        f"{_ONE}/resend",
        "Send a command again under a new ticket",
        _resend_command,
        Nothing,
        CommandTimeline,
        status=201,
        errors=(409, 422),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/cancel",
        "Take a command back that still waits",
        _cancel_command,
        Nothing,
        CommandTimeline,
        errors=_BUSY,
    ),
)
