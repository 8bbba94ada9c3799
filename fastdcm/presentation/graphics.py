"""Graphic objects (PS3.3 C.10.5.1.2), drawn by Pillow."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from fastdcm.presentation.placing import View
from fastdcm.presentation.state import Graphic, Point

#: Lines are one pixel wide up to so many pixels of the longer side, and wider in proportion beyond.
_PIXELS_A_LINE = 1024
#: A curve's straight pieces are about so many pixels long.
_PIECE = 2.0
_MOST_PIECES = 4096


def line_width(size: tuple[int, int], thickness: float = 1.0) -> int:
    """The width of a line in an image of this size."""
    return max(1, round(thickness * max(size) / _PIXELS_A_LINE)) if thickness > 0 else 0


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


def stroke(canvas: Any, graphic: Graphic, outline: tuple[Point, ...], width: int) -> None:
    """Draw the lines of a graphic onto a Pillow image of one channel."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(canvas)
    whole = [whole_pixel(point) for point in outline]
    if graphic.kind == "POINT":
        # A pixel alone would hardly be seen.
        x, y = whole[0]
        pen.rectangle((x - width, y - width, x + width, y + width), fill=255)
    elif width:
        pen.line(whole, fill=255, width=width, joint="curve" if width > 2 else None)
        pen.point(whole, fill=255)  # a line without length would leave nothing


def fill(canvas: Any, outline: tuple[Point, ...]) -> None:
    """Fill a closed outline on a Pillow image of one channel."""
    from PIL import ImageDraw

    whole = [whole_pixel(point) for point in outline]
    if len(set(whole)) > 2:
        ImageDraw.Draw(canvas).polygon(whole, fill=255)


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
