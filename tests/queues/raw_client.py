"""A client that consumes and then does nothing at all, not even reading."""

import asyncio

from pamqp import frame
from pamqp.commands import Basic, Channel, Connection

__all__ = ["log_in_and_consume"]


async def _answer(reader: asyncio.StreamReader, kind: type) -> None:
    async with asyncio.timeout(20):
        head = await reader.readexactly(7)
        payload = await reader.readexactly(int.from_bytes(head[3:]) + 1)
    _, _, decoded = frame.unmarshal(head + payload)
    assert isinstance(decoded, kind), decoded


async def log_in_and_consume(
    port: int, user: str, password: str, queue: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection with a consumer that has no limit and acknowledges."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    steps = [
        (b"AMQP\x00\x00\x09\x01", Connection.Start),
        (frame.marshal(Connection.StartOk({}, "PLAIN", f"\0{user}\0{password}", "en_US"), 0), Connection.Tune),
        (
            frame.marshal(Connection.TuneOk(0, 0, 0), 0) + frame.marshal(Connection.Open("quec-open"), 0),
            Connection.OpenOk,
        ),
        (frame.marshal(Channel.Open(), 1), Channel.OpenOk),
        (frame.marshal(Basic.Consume(queue=queue, consumer_tag="c"), 1), Basic.ConsumeOk),
    ]
    for data, answer in steps:
        writer.write(data)
        await _answer(reader, answer)
    return reader, writer
