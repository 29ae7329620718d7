"""The logs of a device, and what became of a command (openapi-notes.md sections 10 and 12)."""

from typing import Any

from msgspec import field

from mooring.client._reading import Row
from mooring.client.types.common import Moment


class DataRecord(Row, frozen=True, kw_only=True, rename="camel"):
    """A message of a device, or to it. `data` is Base64 of the payload."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    id: str | None = None
    product_id: int | None = None
    device_id: int | None = None
    direction: int | None = None
    """1 uplink, 2 downlink."""
    msg_type: str | None = None
    cmd: str | None = None
    """Four hex digits of the protocol command."""
    data: str | None = None
    """Payload bytes in Base64."""
    data_type: str | None = None
    """Encoding of data."""
    dm_data: str | None = None
    """JSON text of the decoded thing-model content; null for transparent payloads."""
    source_type: str | None = None
    """MODE on thing-model rows."""
    send_status: int | None = None
    """0 waiting, 1 sent, -1 failed."""
    ticket: str | None = None
    send_time_ms: int | None = field(default=None, name="sendTime")
    """Delivery or arrival time, epoch ms."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Row creation, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Row change, epoch ms."""
    ext_data: Any = None
    """Extras; null in the example."""
    sent_at = Moment("send_time_ms", "When it was sent, or arrived.")
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class EventRecord(Row, frozen=True, kw_only=True, rename="camel"):
    """A happening: the device came, went, or raised an event."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    id: str | None = None
    """Equal to ticket in the example."""
    event_type: str | None = None
    """Kind, as text: 0 offline, 1 online, 2 reconnect, 3 info, 4 alert, 5 fault, 6 reset."""
    event_code: str | None = None
    """"online" and the like for state events, the TSL code for model events."""
    event_name: str | None = None
    ab_id: int | None = None
    """TSL id of the event; null for state events."""
    output_data: str | None = None
    """JSON text keyed by parameter code; null for state events."""
    packet_id: int | None = None
    ticket: str | None = None
    create_time_ms: int | None = field(default=None, name="createTime")
    """Time of the event, epoch ms."""
    ext_data: Any = None
    """{} in the example."""
    created_at = Moment("create_time_ms", "When it was created.")


class SendResult(Row, frozen=True, kw_only=True, rename="camel"):
    """What became of a command for one device: accepted with a ticket, or refused."""

    code: int
    """200 when this device was accepted, else the reason, such as 61002."""
    product_key: str | None = None
    """Product key (PK)."""
    device_key: str | None = None
    """Device key (DK)."""
    ticket: str | None = None
    """Id of this command; the history rows of the command and of its answer carry it."""
    message: str | None = None
    """Error text, null on success."""

    @property
    def accepted(self) -> bool:
        """Whether the platform took the command; what the device does is another matter."""
        return self.code in (0, 200)
