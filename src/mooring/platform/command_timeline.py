"""One command as people look at it: what was asked, every step with its time, the frames that carried it."""

import base64

import msgspec

from mooring.protocol import frame
from mooring.store.commands import CommandRow, PayloadRow

from .command_steps import State, state_of
from .entities import Product

__all__ = ["CommandTimeline", "timeline"]


class CommandTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """One command to one device; times are epoch ms, None where the step was not reached.

    `ticket` and `reply_id` are ids of rows in the data log. `app_id` is the application that sent it, `origin` who did
    when it was a person. `input` is dmData, or base64 of raw data; `output` dmData of a read's answer or the outputs of
    a service as JSON by code. `payload` and `reply_payload` are hex; `frame` is hex of the whole frame, which has its
    packet id only once it is published. `expires_at` is until when it may lie in the cache.
    """

    ticket: int
    device_id: int
    product_key: str
    device_key: str
    origin: str
    app_id: int | None
    kind: str
    feature_id: int | None
    cmd: str
    state: State
    failure: str | None
    qos: int
    input: str
    output: str | None
    payload: str
    packet_id: int | None
    frame: str | None
    reply_id: int | None
    reply_cmd: str | None
    reply_payload: str | None
    expires_at: int | None
    accepted_at: int
    cached_at: int | None
    published_at: int | None
    delivered_at: int | None
    answered_at: int | None
    reported_at: int | None
    failed_at: int | None
    expired_at: int | None


def timeline(row: CommandRow, product: Product, device_key: str, reply: PayloadRow | None) -> CommandTimeline:
    """A row as people look at it; `reply` is the row of the data log that answered it, as long as that is kept."""
    sent = row.packet_id is not None and row.published_at is not None
    return CommandTimeline(
        ticket=row.id,
        device_id=row.device_id,
        product_key=product.product_key,
        device_key=device_key,
        origin=row.origin,
        app_id=row.app_id,
        kind=row.kind,
        feature_id=row.feature_id,
        cmd=f"{row.cmd:04X}",
        state=state_of(row),
        failure=row.failure,
        qos=row.qos,
        input=row.input,
        output=row.output,
        payload=row.payload.hex(),
        packet_id=row.packet_id,
        frame=frame.encode(frame.Frame(row.packet_id or 0, row.cmd, row.payload)).hex() if sent else None,
        reply_id=row.reply_id,
        reply_cmd=f"{reply.cmd:04X}" if reply is not None else None,
        reply_payload=base64.b64decode(reply.data).hex() if reply is not None else None,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        cached_at=row.cached_at,
        published_at=row.published_at,
        delivered_at=row.delivered_at,
        answered_at=row.answered_at,
        reported_at=row.reported_at,
        failed_at=row.failed_at,
        expired_at=row.expired_at,
    )
