"""Graphic objects (PS3.3 C.10.5.1.2), drawn by Pillow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from fastdcm.presentation.dashes import Piece, dashed
from fastdcm.presentation.placing import View
from fastdcm.presentation.state import Graphic, Lab, Point, Shadow

#: Lines are one pixel wide up to so many pixels of the longer side, and wider in proportion beyond.
_PIXELS_A_LINE = 1024
#: A curve's straight pieces are about so many pixels long.
_PIECE = 2.0
_MOST_PIECES = 4096


class Drawn(NamedTuple):
    """Something that ``draw`` puts onto a Pillow image of one channel, in a color or, with None, its layer's.

    What is ``beneath`` lies under all else of its layer.
    """

    draw: Callable[[Any], None]
    lab: Lab | None = None
    opacity: float = 1.0
    beneath: bool = False


def drawn(graphic: Graphic, view: View) -> Iterator[Drawn]:
    """All that is drawn of a graphic, in this order."""
    outline, closed = outline_of(graphic, view)
    line, width = graphic.line, width_of(graphic, view)
    if line.shadow is not None and (width or graphic.kind == "POINT"):
        moved, grown = cast(line.shadow, view)
        # Shadows are solid, whatever the line is.
        shadow = tuple((x + moved[0], y + moved[1]) for x, y in outline)
        draw = partial(stroke, kind=graphic.kind, lines=[shadow], width=width, grown=grown)
        yield Drawn(draw, line.shadow.lab, line.shadow.opacity, beneath=True)
    if graphic.filled and closed:
        filling = graphic.filling or line
        yield Drawn(partial(fill, outline=outline, tile=filling.tile), filling.lab, filling.opacity)
        if filling.tile and filling.off_lab is not None:
            inverse = bytes(255 - part for part in filling.tile)
            yield Drawn(partial(fill, outline=outline, tile=inverse), filling.off_lab, filling.off_opacity)
    lines: list[Piece] = [outline]
    gaps: list[Piece] = []
    if line.dashes and graphic.kind != "POINT":
        lines, gaps = dashed(outline, line.dashes, line_width(view.size), view.size)
    if gaps and line.off_lab is not None:
        yield Drawn(
            partial(stroke, kind=graphic.kind, lines=gaps, width=width), line.off_lab, line.off_opacity
        )
    yield Drawn(partial(stroke, kind=graphic.kind, lines=lines, width=width), line.lab, line.opacity)


def cast(shadow: Shadow, view: View) -> tuple[Point, float]:
    """How far a shadow is moved and how far it reaches around, in pixels of what is shown.

    Its offset is to the right and down of what is shown, turned or not (C.10.5.1.3.13.2).
    """
    unit = view.unit(shadow.displayed)
    offset = shadow.offset[0] * unit[0], shadow.offset[1] * unit[1]
    if not shadow.outlined:
        return offset, 0.0
    return (0.0, 0.0), min(math.hypot(*offset), float(max(view.size)))


def line_width(size: tuple[int, int]) -> int:
    """The usual width of a line in an image of this size."""
    return max(1, round(max(size) / _PIXELS_A_LINE))


def width_of(graphic: Graphic, view: View) -> int:
    """The width of a graphic's lines in pixels of what is shown, 0 where none are drawn.

    A thickness has the units of its graphic (Table C.10-5b); a line of any is a pixel wide at least.
    """
    thickness = graphic.line.thickness
    if thickness is None:
        return line_width(view.size)
    if thickness <= 0:
        return 0
    return max(1, round(min(thickness * math.sqrt(math.prod(view.unit(graphic.displayed))), max(view.size))))


def outline_of(graphic: Graphic, view: View) -> tuple[tuple[Point, ...], bool]:
    """The points that straight lines connect, in pixels of what is shown; and whether they are closed."""
    points = graphic.points
    match graphic.kind:
        case "CIRCLE":
            middle, edge = points[0], points[1]
            radius = math.hypot(edge[0] - middle[0], edge[1] - middle[1])
            points, closed = _ellipse(middle, (radius, 0.0), (0.0, radius), graphic, view), True
        case "ELLIPSE":
            (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[:4]
            middle = ((ax + bx) / 2, (ay + by) / 2)
            major, minor = ((bx - ax) / 2, (by - ay) / 2), ((dx - cx) / 2, (dy - cy) / 2)
            points, closed = _ellipse(middle, major, minor, graphic, view), True
        case "INTERPOLATED":
            points, closed = _spline(points, graphic, view), points[0] == points[-1]
        case _:
            closed = len(points) > 2 and points[0] == points[-1]
    return tuple(_shown(point, graphic, view) for point in points), closed


def stroke(canvas: Any, kind: str, lines: Iterable[Piece], width: int, grown: float = 0.0) -> None:
    """Draw the lines of a kind of graphic onto a Pillow image of one channel.

    They are wider by ``grown`` all around.
    """
    from PIL import ImageDraw

    pen = ImageDraw.Draw(canvas)
    for line in lines:
        whole = [whole_pixel(point) for point in line]
        if kind == "POINT":
            # A pixel alone would hardly be seen.
            (x, y), reach = whole[0], width + round(grown)
            pen.rectangle((x - reach, y - reach, x + reach, y + reach), fill=255)
        elif width:
            wide = width + round(2 * grown)
            pen.line(whole, fill=255, width=wide, joint="curve" if wide > 2 else None)
            pen.point(whole, fill=255)  # a line without length would leave nothing
            if grown:
                for x, y in (whole[0], whole[-1]):
                    pen.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)


def fill(canvas: Any, outline: tuple[Point, ...], tile: bytes = b"") -> None:
    """Fill a closed outline on a Pillow image of one channel; with a ``tile``, where its bits are on.

    A bit is a pixel of what is shown, the most significant one the leftmost (Table C.10-5c).
    """
    from PIL import Image, ImageChops, ImageDraw

    whole = [whole_pixel(point) for point in outline]
    if len(set(whole)) <= 2:
        return
    if not tile:
        ImageDraw.Draw(canvas).polygon(whole, fill=255)
        return
    inside, pattern = Image.new("1", canvas.size), Image.frombytes("1", (32, 32), tile)
    ImageDraw.Draw(inside).polygon(whole, fill=1)
    left, upper, right, lower = inside.getbbox() or (0, 0, 0, 0)
    tiled = Image.new("1", canvas.size)
    for y in range(upper - upper % 32, lower, 32):
        for x in range(left - left % 32, right, 32):
            tiled.paste(pattern, (x, y))
    canvas.paste(255, (0, 0), ImageChops.logical_and(inside, tiled))


def _shown(point: Point, graphic: Graphic, view: View) -> Point:
    return view.of_area(point) if graphic.displayed else view.of_image(point)


def whole_pixel(point: Point) -> tuple[int, int]:
    """The pixel in which a place lies; what is far outside stays outside."""
    x, y = (math.floor(min(max(part, -1e6), 1e6)) for part in point)
    return x, y


def _ellipse(middle: Point, major: Point, minor: Point, graphic: Graphic, view: View) -> tuple[Point, ...]:
    """Points of an ellipse by the halves of its axes, the first and the last the same."""
    around = _length(
        [(middle[0] + axis[0], middle[1] + axis[1]) for axis in (major, minor)]
        + [(middle[0] - major[0], middle[1] - major[1])],
        graphic,
        view,
    )
    pieces = min(max(math.ceil(math.pi * around / 2 / _PIECE), 24), _MOST_PIECES)
    angles = [2 * math.pi * number / pieces for number in range(pieces)]
    points = [
        (
            middle[0] + major[0] * math.cos(angle) + minor[0] * math.sin(angle),
            middle[1] + major[1] * math.cos(angle) + minor[1] * math.sin(angle),
        )
        for angle in angles
    ]
    return (*points, points[0])


def _spline(points: tuple[Point, ...], graphic: Graphic, view: View) -> tuple[Point, ...]:
    """A curve through all points: a Catmull-Rom spline, closed where the first point is the last."""
    points = tuple(point for point, before in zip(points, (None, *points), strict=False) if point != before)
    if len(points) < 3:
        return points
    closed = points[0] == points[-1]
    before = points[-2] if closed else _beyond(points[1], points[0])
    behind = points[1] if closed else _beyond(points[-2], points[-1])
    around = (before, *points, behind)
    found: list[Point] = [points[0]]
    for number in range(len(points) - 1):
        p0, p1, p2, p3 = around[number : number + 4]
        pieces = min(max(math.ceil(_length([p1, p2], graphic, view) / _PIECE), 4), _MOST_PIECES)
        found += [_between(p0, p1, p2, p3, piece / pieces) for piece in range(1, pieces + 1)]
    return tuple(found)


def _between(p0: Point, p1: Point, p2: Point, p3: Point, t: float) -> Point:
    """A place on the curve from p1 (t = 0) to p2 (t = 1)."""
    x, y = (
        b + (c - a + (2 * a - 5 * b + 4 * c - d + (3 * b - a - 3 * c + d) * t) * t) * t / 2
        for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
    )
    return x, y


def _beyond(from_point: Point, to_point: Point) -> Point:
    return 2 * to_point[0] - from_point[0], 2 * to_point[1] - from_point[1]


def _length(points: list[Point], graphic: Graphic, view: View) -> float:
    """The length of lines through points, in pixels of what is shown."""
    shown = [_shown(point, graphic, view) for point in points]
    length = sum(math.dist(first, second) for first, second in pairwise(shown))
    return min(length, 1e9)
