"""Charts as SVG, drawn by the server; colours come from the style sheet. A table of the figures goes with each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..html import Html, tag

__all__ = ["Series", "bars", "lines"]

_WIDTH, _HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 10, 26
_GRID = 4


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: (x, y) in rising order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def lines(label: str, series: Sequence[Series], at_x: Callable[[float], str], *, unit: str = "") -> Html:
    """Lines over a common x; `at_x` writes an x."""
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    if not xs:
        return tag.p("–", class_="empty")
    low_x, high_x = min(xs), max(xs)
    low_y, high_y = _scale(min(ys), max(ys))

    def place(x: float, y: float) -> str:
        across = (x - low_x) / ((high_x - low_x) or 1)
        up = (y - low_y) / ((high_y - low_y) or 1)
        left = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        return f"{left:.1f},{_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    drawn = [
        tag.polyline(points=" ".join(place(x, y) for x, y in one.points), class_=f"series s{number % 4}")
        if len(one.points) > 1
        else _dot(place(*one.points[0]), number)
        for number, one in enumerate(series)
        if one.points
    ]
    return _figure(
        label,
        [one.name for one in series],
        _grid(low_y, high_y, unit),
        [*drawn, *_x_labels(at_x(low_x), at_x(high_x))],
    )


def bars(label: str, entries: Sequence[tuple[str, float]], *, unit: str = "") -> Html:
    """One bar for each (text, value), from 0."""
    if not entries:
        return tag.p("–", class_="empty")
    _, high = _scale(0, max(value for _, value in entries))
    step = (_WIDTH - _LEFT - _RIGHT) / len(entries)
    drawn = []
    for number, (text, value) in enumerate(entries):
        height = value / (high or 1) * (_HEIGHT - _TOP - _BOTTOM)
        drawn.append(
            tag.rect(
                tag.title(f"{text}: {value:g}"),
                x=f"{_LEFT + number * step + step * 0.1:.1f}",
                y=f"{_HEIGHT - _BOTTOM - height:.1f}",
                width=f"{step * 0.8:.1f}",
                height=f"{height:.1f}",
                class_="bar",
            )
        )
    return _figure(label, [], _grid(0, high, unit), [*drawn, *_x_labels(entries[0][0], entries[-1][0])])


def _figure(label: str, names: Sequence[str], grid: Sequence[Html], drawn: Sequence[Html]) -> Html:
    legend = len(names) > 1 and tag.ul(
        (tag.li(name, class_=f"s{number % 4}") for number, name in enumerate(names)), class_="legend"
    )
    picture = tag.svg(*grid, *drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=label)
    return tag.figure(picture, legend, class_="chart")


def _grid(low: float, high: float, unit: str) -> list[Html]:
    found = []
    for number in range(_GRID + 1):
        y = _HEIGHT - _BOTTOM - number / _GRID * (_HEIGHT - _TOP - _BOTTOM)
        value = low + (high - low) * number / _GRID
        found.append(tag.line(x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
        found.append(tag.text(f"{value:g}{unit}", x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    return found


def _x_labels(first: str, last: str) -> list[Html]:
    y = _HEIGHT - 6
    return [
        tag.text(first, x=_LEFT, y=y),
        tag.text(last, x=_WIDTH - _RIGHT, y=y, text_anchor="end"),
    ]


def _dot(at: str, number: int) -> Html:
    x, _, y = at.partition(",")
    return tag.circle(cx=x, cy=y, r=3, class_=f"dot s{number % 4}")


def _scale(low: float, high: float) -> tuple[float, float]:
    """Round ends of an axis that hold both; an axis of counts begins at 0."""
    if low >= 0 and low < high * 0.7:
        low = 0
    if high == low:
        return (0, high * 2 or _GRID) if high >= 0 else (high * 2, 0)
    raw = (high - low) / _GRID
    size = 10 ** len(str(int(raw))) / 10 if raw >= 1 else 10.0 ** -len(f"{1 / raw:.0f}")
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20, 50, 100) if size * factor >= raw)
    begin = low // step * step
    return begin, max(begin + step * _GRID, high)
