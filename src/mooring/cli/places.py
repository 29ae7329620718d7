"""Where commands are, and the help of a group from that alone.

Imports nothing but what Python has loaded already: `mooring --help` costs little more than Python itself.
"""

import os
import sys

__all__ = ["WRONG_USAGE", "Place", "overview"]

WRONG_USAGE = 2  # the exit code

_NARROWEST, _WIDEST = 40, 110
_BOLD, _CYAN, _PLAIN = "\x1b[1m", "\x1b[36m", "\x1b[0m"
_COMMANDS = "Commands"


class Place:
    """Where a command is (`module:name`), its summary, and the heading that it stands under in help."""

    __slots__ = ("heading", "summary", "where")

    def __init__(self, where: str, summary: str, heading: str = _COMMANDS) -> None:
        self.where = where
        self.summary = summary
        self.heading = heading


def overview(name: str, help_text: str, places: dict[str, Place]) -> str:
    """The help of a group: usage, what it is for, its commands under their headings."""
    bold, cyan, plain = (_BOLD, _CYAN, _PLAIN) if _in_colour() else ("", "", "")
    width = _width()
    column = max(len(command) for command in places) + 4
    lines = [f"{bold}Usage:{plain} {name} COMMAND …", "", *_wrapped(help_text, width)]
    for heading in dict.fromkeys(place.heading for place in places.values()):
        lines += ["", f"{bold}{heading}{plain}"]
        for command, place in places.items():
            if place.heading == heading:
                first, *others = _wrapped(place.summary, width - column)
                lines.append(f"  {cyan}{command}{plain}{' ' * (column - 2 - len(command))}{first}")
                lines += [f"{' ' * column}{other}" for other in others]
    return "\n".join([*lines, "", *_wrapped(f"{name} COMMAND --help tells more of one.", width), ""])


def _in_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    try:
        found = int(columns) if columns.isdecimal() else os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):  # no terminal, or no file at all
        found = 80
    return max(_NARROWEST, min(found, _WIDEST))


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
