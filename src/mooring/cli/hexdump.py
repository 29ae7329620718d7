"""Bytes for people."""

from collections.abc import Iterator

__all__ = ["bytes_line", "hexdump"]

_PER_LINE = 16


def hexdump(data: bytes) -> Iterator[str]:
    """Lines of offset, 16 bytes in hex, and the same as ASCII, where `.` stands for what cannot be printed."""
    for start in range(0, len(data), _PER_LINE):
        line = data[start : start + _PER_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        yield f"{start:04x}  {line.hex(' '):<{3 * _PER_LINE - 1}}  {text}"


def bytes_line(data: bytes) -> str:
    """Bytes in hex, and as a text when they are one."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return f'{data.hex()} "{text}"' if text and text.isprintable() else data.hex()
