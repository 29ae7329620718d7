"""Frames out of a stream of bytes, however it is cut. A frame is judged by its head, before its body is buffered."""

from struct import Struct
from typing import Final

from mooring.protocol.amqp.errors import ConnectionError_, ReplyCode

__all__ = ["BODY", "HEADER", "HEARTBEAT", "METHOD", "FrameReader", "RawFrame"]

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
HEARTBEAT: Final = 8

_HEAD = Struct(">BHI")
_END = 0xCE
_KINDS = frozenset({METHOD, HEADER, BODY, HEARTBEAT})

RawFrame = tuple[int, int, bytes]
"""Kind, channel, payload."""


class FrameReader:
    """Collects bytes and hands out frames of at most `frame_max` bytes, head and end included."""

    __slots__ = ("_data", "_start", "frame_max")

    def __init__(self, frame_max: int) -> None:
        self.frame_max = frame_max
        self._data = bytearray()
        self._start = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes wait here."""
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        if self._start:
            del self._data[: self._start]
            self._start = 0
        self._data += data

    def take(self, count: int) -> bytes | None:
        """The next bytes as they are, None while there are fewer; for the protocol header."""
        if self.held_bytes < count:
            return None
        taken = bytes(self._data[self._start : self._start + count])
        self._start += count
        return taken

    def peek(self, count: int) -> bytes:
        """The next bytes, or as many as there are; they stay."""
        return bytes(self._data[self._start : self._start + count])

    def next_frame(self) -> RawFrame | None:
        """The next complete frame, None when more bytes are needed. Raises ConnectionError_ (501)."""
        data, start = self._data, self._start
        if len(data) - start < 7:
            return None
        kind, channel, size = _HEAD.unpack_from(data, start)
        if kind not in _KINDS:
            raise ConnectionError_(ReplyCode.FRAME_ERROR, f"no frame has the type {kind}")
        if size + 8 > self.frame_max:
            reason = f"a frame has {size + 8} bytes, the limit is {self.frame_max}"
            raise ConnectionError_(ReplyCode.FRAME_ERROR, reason)
        end = start + 7 + size
        if len(data) <= end:
            return None
        if data[end] != _END:
            raise ConnectionError_(ReplyCode.FRAME_ERROR, "a frame has no frame end")
        self._start = end + 1
        return kind, channel, bytes(data[start + 7 : end])

    def take_run(self, head: bytes, size: int) -> bytes:
        """The frames that come next, as they are, while they begin with `head` and are whole and of `size` bytes."""
        data, start = self._data, self._start
        end, last = start, len(data) - size
        while end <= last and data.startswith(head, end) and data[end + size - 1] == _END:
            end += size
        self._start = end
        return bytes(data[start:end])

    def put_back(self, frame: RawFrame) -> None:
        """Have the frame that came last again with the next call."""
        self._start -= len(frame[2]) + 8

    def clear(self) -> None:
        """Forget everything that waits."""
        self._data.clear()
        self._start = 0
