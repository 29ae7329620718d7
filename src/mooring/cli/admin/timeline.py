"""One command to a device as people look at it: what was asked, its steps with their times, its frames."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec
import typer

from mooring.cli.feature_names import FeatureNames
from mooring.cli.hexdump import bytes_line
from mooring.cli.screen import fields, footer, instant, moment, table

__all__ = ["Step", "command_table", "is_final", "newest_table", "show_timeline", "steps_of"]


class Step(StrEnum):
    """What a command can come to; its state is the furthest."""

    ACCEPTED = "accepted"
    CACHED = "cached"
    PUBLISHED = "published"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    REPORTED = "reported"
    FAILED = "failed"
    EXPIRED = "expired"


_FINAL = {Step.ANSWERED, Step.REPORTED, Step.FAILED, Step.EXPIRED}


def is_final(found: Mapping[str, Any]) -> bool:
    """Whether nothing more is to be expected; of raw data nothing comes after the confirmation."""
    return found["state"] in _FINAL or (found["kind"] == "raw" and found["state"] == "delivered")


def steps_of(found: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The steps that were reached with their times (epoch ms), in the order of time."""
    reached = [(step, found[f"{step}_at"]) for step in Step if found[f"{step}_at"] is not None]
    return sorted(reached, key=lambda step: step[1])


def show_timeline(found: Mapping[str, Any], names: FeatureNames) -> None:
    """One command as fields, steps and frames."""
    shown: dict[str, object] = {
        "ticket": found["ticket"],
        "device": f"{found['product_key']} {found['device_key']}",
        "command": f"{found['cmd']} {found['kind']}, QoS {found['qos']}",
        "sent by": f"application {found['app_id']}" if found["app_id"] is not None else found["origin"],
        "asked": _asked(found, names),
    }
    if found["output"] is not None:
        shown["answer"] = names.line(_json(found["output"]))
    shown["state"] = found["state"]
    if found["failure"] is not None:
        shown["reason"] = found["failure"]
    if found["expires_at"] is not None:
        shown["waits until"] = moment(found["expires_at"])
    fields(shown)
    table(("Step", "Time", "After"), _timed(found))
    table(("Frame", "Cmd", "Packet", "Hex"), _frames(found))


def command_table(answer: Mapping[str, Any], names: FeatureNames, offset: int) -> None:
    """Commands of a device, one a row."""
    table(
        ("Accepted", "Ticket", "Kind", "State", "Took", "Asked", "Answer"),
        (
            (
                instant(found["accepted_at"]),
                found["ticket"],
                found["kind"],
                _state(found),
                _took(found),
                _asked(found, names),
                "" if found["output"] is None else names.line(_json(found["output"])),
            )
            for found in answer["items"]
        ),
    )
    footer(answer, offset)


def newest_table(answer: Mapping[str, Any]) -> None:
    """Commands to whatever devices, one a row, and how to ask for older ones."""
    table(
        ("Accepted", "Ticket", "Product", "Device", "Kind", "State", "Took"),
        (
            (
                instant(found["accepted_at"]),
                found["ticket"],
                found["product_key"],
                found["device_key"],
                found["kind"],
                _state(found),
                _took(found),
            )
            for found in answer["items"]
        ),
    )
    if answer["next_before_id"] is not None:
        typer.echo(f"there may be older ones: --before {answer['next_before_id']}")


def _state(found: Mapping[str, Any]) -> str:
    state: str = found["state"]
    return state if found["failure"] is None else f"{state}: {found['failure']}"


def _took(found: Mapping[str, Any]) -> str:
    steps = steps_of(found)
    return _span(steps[-1][1] - found["accepted_at"]) if len(steps) > 1 else ""


def _timed(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    before: int | None = None
    for step, at in steps_of(found):
        yield step, instant(at), "" if before is None else f"{at - before} ms"
        before = at


def _frames(found: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    if found["frame"] is not None:
        yield "down", found["cmd"], found["packet_id"], found["frame"]
    else:
        yield "down (payload)", found["cmd"], "", found["payload"]
    if found["reply_payload"] is not None:
        yield "up (payload)", found["reply_cmd"], "", found["reply_payload"]


def _asked(found: Mapping[str, Any], names: FeatureNames) -> str:
    if found["kind"] == "raw":
        return bytes_line(bytes.fromhex(found["payload"]))
    return names.line(_json(found["input"]))


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _span(ms: int) -> str:
    return f"{ms} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"
