"""Live traces of devices as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec

from mooring.platform import Platform
from mooring.platform.trace import TooManyWatchers, TraceEvent

from .devices import device_of
from .endpoint import EVENT_STREAM, AnyEndpoint, Call, Endpoint
from .errors import Refusal

__all__ = ["ENDPOINTS", "KEEP_ALIVE_S"]

KEEP_ALIVE_S = 15.0  # between comments that keep proxies from closing a quiet stream


class TraceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stream ends by itself after `limit` events; without it when the caller hangs up or the server stops."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


async def _trace_device(call: Call, request: TraceQuery) -> AsyncGenerator[bytes]:
    device = await device_of(call)
    stream = _stream(call.platform, device.id, request.limit)
    try:
        first = await anext(stream)
    except TooManyWatchers as error:
        raise Refusal(409, "too_many_traces", str(error)) from None
    return _with_first(first, stream)


async def _with_first(first: bytes, stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for chunk in stream:
            yield chunk
    finally:
        await stream.aclose()


async def _stream(platform: Platform, device_id: int, limit: int | None) -> AsyncGenerator[bytes]:
    async with platform.trace.watch(device_id) as events:
        yield b": watching\n\n"
        told = 0
        waiting: asyncio.Future[TraceEvent | None] | None = None
        try:
            while limit is None or told < limit:
                waiting = waiting or asyncio.ensure_future(anext(events, None))
                done, _ = await asyncio.wait({waiting}, timeout=KEEP_ALIVE_S)
                if not done:
                    yield b": keep-alive\n\n"
                    continue
                event = waiting.result()
                waiting = None
                if event is None:
                    return
                told += 1
                yield b"data: " + msgspec.json.encode(event) + b"\n\n"
        finally:
            if waiting is not None:
                waiting.cancel()


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        "/devices/{product_key}/{device_key}/trace",
        "Every frame of a device as it happens, decoded beside hex, as server-sent events of JSON",
        _trace_device,
        TraceQuery,
        bytes,
        errors=(409,),
        gives=EVENT_STREAM,
    ),
)
