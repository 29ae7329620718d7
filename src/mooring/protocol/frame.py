"""Frames of the device link: packet id, command and payload between a header, a checksum and escapes.

Implements section 5 of contract/device-protocol.md:

    AA AA | length (2) | checksum (1) | packet id (2) | command (2) | payload (length - 5)

Length and checksum are taken before escaping. On the wire a 55 follows every AA after which AA, 55 or nothing would
come, the first header byte excepted; a reader drops each 55 whose preceding raw byte is AA.

Two readers, because messages and streams fail differently:

- `decode` reads one MQTT message as devices do: the header stands at its start, what follows the announced length
  is ignored, an AA AA inside is data. It raises `FrameError`: there is nothing to go on with.
- `Decoder` reads a byte stream. There the escapes make AA AA the sign that a frame starts, whatever a damaged length
  says, so one damaged frame costs one frame. Faults come as values between the frames: the stream goes on.
"""

import enum
import re
from zlib import adler32

import msgspec

__all__ = [
    "FIRST_PACKET_ID",
    "LAST_PACKET_ID",
    "MAX_PAYLOAD",
    "Decoder",
    "Frame",
    "FrameError",
    "FrameFault",
    "decode",
    "decode_unchecked",
    "encode",
    "next_packet_id",
]

MAX_PAYLOAD = 65530  # bytes: the 16-bit length also counts packet id and command
FIRST_PACKET_ID = 1  # devices drop 0000 and FFFF
LAST_PACKET_ID = 0xFFFE

_HEADER = b"\xaa\xaa"
_MARK, _ESCAPE = 0xAA, 0x55
_ESCAPED_MARK = b"\xaa\x55"
_NEEDS_ESCAPE = re.compile(rb"\xaa(?=[\xaa\x55]|\Z)")
_LEAST_LENGTH = 5  # what a frame without payload announces: checksum, packet id, command
_LENGTH_ENDS = 3  # counted, like the next, from the second header byte in unescaped bytes
_CONTENT_AT = 4  # packet id, command and payload, which the checksum covers
_ADLER_EXACT = 256  # bytes whose sum is always below the 65521 that Adler-32 counts by
_LONGEST = 1 + 2 * (_LENGTH_ENDS + _LEAST_LENGTH + MAX_PAYLOAD)  # raw bytes of a frame, every byte escaped


class FrameFault(enum.IntEnum):
    """What is wrong with a frame; the numbers are those an exception notice (6.4) uses."""

    PROTOCOL = 1
    LENGTH = 2
    CHECKSUM = 3


class FrameError(ValueError):
    """The bytes are no frame, or the frame cannot be written; `reason` never repeats what was given."""

    def __init__(self, fault: FrameFault, reason: str) -> None:
        super().__init__(fault, reason)
        self.fault = fault
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.fault.name.lower()}: {self.reason}"


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame; packet id and command are 16-bit numbers, the payload holds at most 65530 bytes."""

    packet_id: int
    command: int
    payload: bytes


def next_packet_id(packet_id: int) -> int:
    """Return the packet id after this one: 1 to FFFE, then 1 again (section 5.1)."""
    return packet_id + 1 if FIRST_PACKET_ID <= packet_id < LAST_PACKET_ID else FIRST_PACKET_ID


def encode(frame: Frame) -> bytes:
    """Return the frame as it goes on the wire. Raises `FrameError` when a part is out of range."""
    if not (0 <= frame.packet_id <= 0xFFFF and 0 <= frame.command <= 0xFFFF):
        raise FrameError(FrameFault.PROTOCOL, "packet id or command does not fit 16 bits")
    if len(frame.payload) > MAX_PAYLOAD:
        raise FrameError(FrameFault.LENGTH, f"the payload is longer than {MAX_PAYLOAD} bytes")
    content = frame.packet_id.to_bytes(2, "big") + frame.command.to_bytes(2, "big") + frame.payload
    head = (len(content) + 1).to_bytes(2, "big") + bytes((_checksum(content),))
    return _HEADER[:1] + _NEEDS_ESCAPE.sub(_ESCAPED_MARK, _HEADER[1:] + head + content)


def decode(message: bytes) -> Frame:
    """Return the frame of one MQTT message; bytes after it are ignored.

    Raises `FrameError` for protocol (no header at the start), length (below 5, or the message ends early) or
    checksum.
    """
    if message[:2] != _HEADER:
        raise FrameError(FrameFault.PROTOCOL, "does not start with the header")
    # The second header byte takes part in unescaping: a length of 55xx or AAxx has a 55 before it.
    plain = message[1:_LONGEST].replace(_ESCAPED_MARK, b"\xaa")
    if len(plain) >= _LENGTH_ENDS + _LEAST_LENGTH:  # in one piece, because every uplink passes here
        stop = _LENGTH_ENDS + (plain[1] << 8 | plain[2])
        if stop >= _LENGTH_ENDS + _LEAST_LENGTH and stop <= len(plain):
            content = plain[_CONTENT_AT:stop]
            sum_ = adler32(content, 0) if len(content) <= _ADLER_EXACT else sum(content)
            if sum_ & 0xFF == plain[3]:
                return Frame(plain[4] << 8 | plain[5], plain[6] << 8 | plain[7], content[4:])
    return _read(plain)  # which says what is wrong


def decode_unchecked(message: bytes) -> Frame:
    """As `decode`, whatever the checksum is: apps send wrong ones (section 12), and devices must not get them."""
    if message[:2] != _HEADER:
        raise FrameError(FrameFault.PROTOCOL, "does not start with the header")
    plain = message[1:_LONGEST].replace(_ESCAPED_MARK, b"\xaa")
    return _frame(plain, _end(plain))


def _checksum(content: bytes | bytearray) -> int:
    """Return the low byte of the sum. Half of Adler-32 is a plain sum, and seven times faster than `sum`."""
    if len(content) <= _ADLER_EXACT:
        return adler32(content, 0) & 0xFF
    return sum(content) & 0xFF


class Decoder:
    """Reads a stream of frames that arrives in pieces of any size. Keeps at most one unescaped frame in memory."""

    __slots__ = ("_lost", "_marked", "_plain")

    def __init__(self) -> None:
        self._plain = bytearray()  # the frame so far, unescaped, from its second header byte; empty between frames
        self._marked = False  # the last raw byte was AA
        self._lost = False  # the bytes that now come between frames belong to a fault already told

    def feed(self, data: bytes) -> list[Frame | FrameError]:
        """Return what the next bytes complete: frames, and one error for every damaged place.

        The error says protocol (bytes outside a frame), length (below 5, or the next frame starts early) or
        checksum. How the stream is cut into pieces makes no difference. A frame that ends in AA is complete when the
        55 after it has come: another AA would be the header of the next frame.
        """
        found: list[Frame | FrameError] = []
        for raw in data:
            marked, self._marked = self._marked, raw == _MARK
            if marked and raw == _MARK:
                if self._plain:
                    found.append(FrameError(FrameFault.LENGTH, "the next frame starts before it ends"))
                self._plain[:] = _HEADER[1:]
                self._lost = False
                continue
            escape = marked and raw == _ESCAPE
            if marked and not escape and self._whole():
                found.append(self._finish())  # its last AA came without an escape
            if self._plain:
                if not escape:
                    self._plain.append(raw)
                if not self._marked and self._whole():
                    found.append(self._finish())
            elif not self._marked and not self._lost:
                self._lost = True
                found.append(FrameError(FrameFault.PROTOCOL, "bytes outside a frame"))
        return found

    def _whole(self) -> bool:
        """Say whether the bytes so far decide the frame."""
        plain = self._plain
        if len(plain) < _LENGTH_ENDS:
            return False
        length = plain[1] << 8 | plain[2]
        return length < _LEAST_LENGTH or len(plain) == _LENGTH_ENDS + length

    def _finish(self) -> Frame | FrameError:
        """Leave the frame and return it, or what is wrong with it."""
        event: Frame | FrameError
        try:
            event = _read(self._plain)
        except FrameError as error:
            event = error
        self._plain.clear()
        self._lost = isinstance(event, FrameError)
        return event


def _read(plain: bytes | bytearray) -> Frame:
    """Return the frame of unescaped bytes that begin with the second header byte."""
    stop = _end(plain)
    if _checksum(plain[_CONTENT_AT:stop]) != plain[3]:
        raise FrameError(FrameFault.CHECKSUM, "the checksum does not fit")
    return _frame(plain, stop)


def _end(plain: bytes | bytearray) -> int:
    """Return where the frame ends. Raises `FrameError` when it does not."""
    if len(plain) < _LENGTH_ENDS:
        raise FrameError(FrameFault.LENGTH, "ends inside its length")
    length = plain[1] << 8 | plain[2]
    if length < _LEAST_LENGTH:
        raise FrameError(FrameFault.LENGTH, f"announces fewer than {_LEAST_LENGTH} bytes")
    stop = _LENGTH_ENDS + length
    if len(plain) < stop:
        raise FrameError(FrameFault.LENGTH, "ends before the announced length")
    return stop


def _frame(plain: bytes | bytearray, stop: int) -> Frame:
    return Frame(plain[4] << 8 | plain[5], plain[6] << 8 | plain[7], bytes(plain[8:stop]))
