"""The live trace of a device: every frame in and out as it happens."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from mooring.platform.trace import TooManyWatchers, TraceEvent

from .device_of import DevicePage, device_of, path_of
from .html import Child, tag
from .model_form import properties
from .page import AnyRoute, Stream, View, address
from .parts import card

__all__ = ["ROUTES", "show"]

_PATH = "/devices/{product_key}/{device_key}/trace"
_KEEP_ALIVE_S = 15.0


async def show(view: View, shown: DevicePage) -> Child:
    """The tab; the script fills it."""
    t = view.t
    buttons = (
        tag.button(t("Pause"), type="button", data_trace="pause", data_other=t("Go on")),
        tag.button(t("Clear"), type="button", data_trace="clear"),
        tag.button(t("Download"), type="button", data_trace="download"),
    )
    chosen = tag.label(tag.span(t("Filter")), tag.input(type="search", data_trace="filter"), class_="field")
    heads = (t("Time"), t("Direction"), t("Command"), t("Decoded"), t("Hex"))
    rows = tag.table(
        tag.caption(t("Live trace")),
        tag.thead(tag.tr(tag.th(head, scope="col") for head in heads)),
        tag.tbody(),
    )
    box = tag.div(rows, class_="table", tabindex=0, role="region", aria_label=t("Live trace"))
    state = tag.p(t("Waiting for the device …"), class_="soft", data_trace="state", role="status")
    source = address(_PATH, None, **path_of(shown))
    return tag.div(
        card("", tag.div(chosen, class_="filters"), state, box, actions=buttons),
        id="trace",
        data_source=source,
        data_names=msgspec.json.encode(_names(view, shown)).decode(),
        data_up=t("Up"),
        data_down=t("Down"),
        data_watching=t("Watching."),
        data_broken=t("The connection is broken; trying again."),
        data_lost=t("events were too many to show"),
    )


def _names(view: View, shown: DevicePage) -> dict[str, list[str]]:
    """Code and type of each property by its id."""
    return {str(entry.id): [entry.code, entry.data_type] for entry in properties(shown.product, view.language)}


async def _stream(view: View) -> AsyncIterator[bytes]:
    device, _ = await device_of(view)
    try:
        async with view.platform.trace.watch(device.id) as events:
            yield b": watching\n\n"
            waiting: asyncio.Future[TraceEvent | None] | None = None
            try:
                while True:
                    waiting = waiting or asyncio.ensure_future(anext(events, None))
                    done, _ = await asyncio.wait({waiting}, timeout=_KEEP_ALIVE_S)
                    if not done:
                        yield b": keep-alive\n\n"
                        continue
                    event, waiting = waiting.result(), None
                    if event is None:
                        return
                    yield b"data: " + msgspec.json.encode(event) + b"\n\n"
            finally:
                if waiting is not None:
                    waiting.cancel()
    except TooManyWatchers as error:
        yield (
            b"data: " + msgspec.json.encode(TraceEvent(view.platform.clock.now_ms(), "note", note=str(error))) + b"\n\n"
        )


ROUTES: tuple[AnyRoute, ...] = (Stream(_PATH, _stream),)
