"""Graphics and text on pixels: where they are, and that nothing else changes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fastdcm.errors import OptionError
from fastdcm.presentation import fonts
from fastdcm.presentation.fonts import font_for, font_of, lacking
from fastdcm.presentation.graphics import fill, line_width, outline_of, stroke
from fastdcm.presentation.placing import View, plan_placing
from fastdcm.presentation.state import Area, Graphic, References, Text
from fastdcm.presentation.text import write

ROWS, COLUMNS = 120, 160
PLAIN = View(1, 0, 0, 0, 1, 0, (COLUMNS, ROWS))
Mask = NDArray[Any]


def _lines(kind: str, points: list[tuple[float, float]], view: View = PLAIN, displayed: bool = False) -> Mask:
    graphic = Graphic(kind, tuple(points), displayed)
    canvas = Image.new("L", view.size)
    outline, _ = outline_of(graphic, view)
    stroke(canvas, kind, [outline], line_width(view.size))
    return np.asarray(canvas)


def _filled(kind: str, points: list[tuple[float, float]]) -> Mask:
    canvas = Image.new("L", PLAIN.size)
    outline, closed = outline_of(Graphic(kind, tuple(points), False), PLAIN)
    assert closed
    fill(canvas, outline)
    return np.asarray(canvas)


def _written(text: Text, view: View = PLAIN, flipped: bool = False) -> Mask:
    canvas = Image.new("L", view.size)
    write(canvas, text, view, flipped, None)
    return np.asarray(canvas)


def _extent(mask: Mask) -> tuple[int, int, int, int]:
    """First and last column, first and last row of what is drawn."""
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max())


def test_polyline_lies_in_the_pixels_that_it_names() -> None:
    """0.0 is the edge of the first pixel: 3.5 is the middle of the fourth (C.10.5)."""
    mask = _lines("POLYLINE", [(3.5, 2.5), (9.5, 2.5), (9.5, 6.5)])
    expected = {(2, column) for column in range(3, 10)} | {(row, 9) for row in range(2, 7)}
    assert {(int(r), int(c)) for r, c in np.argwhere(mask)} == expected
    assert mask.max() == 255


@pytest.mark.parametrize("radius", [3, 20, 55.5])
def test_circle(radius: float) -> None:
    mask = _lines("CIRCLE", [(80, 60), (80, 60 + radius)])
    rows, columns = np.nonzero(mask)
    away = np.hypot(columns + 0.5 - 80, rows + 0.5 - 60)
    assert np.abs(away - radius).max() <= math.sqrt(0.5) + 0.2
    # All the way around, without a gap.
    parts = 360 // max(12, round(240 / radius))
    around = np.floor(np.arctan2(rows - 59.5, columns - 79.5) / (2 * math.pi) * parts)
    assert len({int(part) % parts for part in around}) == parts


def test_ellipse_with_slanting_axes() -> None:
    middle, long, short, angle = np.array([80.0, 60.0]), 40.0, 15.0, math.radians(30)
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    ends = [middle - long * along, middle + long * along, middle - short * across, middle + short * across]
    mask = _lines("ELLIPSE", [(float(x), float(y)) for x, y in ends])
    rows, columns = np.nonzero(mask)
    places = np.stack([columns + 0.5, rows + 0.5], 1) - middle
    one = np.hypot(places @ along / long, places @ across / short)
    assert np.abs(one - 1).max() < 1.0 / short
    inside = _filled("ELLIPSE", [(float(x), float(y)) for x, y in ends])
    assert (inside > 0).sum() == pytest.approx(math.pi * long * short, rel=0.06)


@pytest.mark.parametrize("closed", [False, True])
def test_interpolated_passes_through_all_points(closed: bool) -> None:
    points = [(20.5, 60.5), (50.5, 20.5), (90.5, 90.5), (130.5, 40.5)] + ([(20.5, 60.5)] if closed else [])
    mask = _lines("INTERPOLATED", points)
    for x, y in points:
        assert mask[int(y), int(x)] == 255
    straight = _lines("POLYLINE", points)
    assert not np.array_equal(mask, straight)
    if closed:
        assert (_filled("INTERPOLATED", points) > 0).sum() > 1000


def test_point() -> None:
    mask = _lines("POINT", [(40.2, 30.9)])
    assert _extent(mask) == (39, 41, 29, 31)


def test_fractions_of_the_displayed_area() -> None:
    mask = _lines("POLYLINE", [(0.25, 0.5), (0.75, 0.5)], displayed=True)
    assert _extent(mask) == (40, 120, 60, 60)


def test_pixels_of_a_magnified_area() -> None:
    area = Area(References(), (11, 21), (50, 40), "MAGNIFY", (1.0, 1.0), False, 3.0)
    view = plan_placing((ROWS, COLUMNS), 0, False, area, None, 1 << 20).view
    assert _extent(_lines("POLYLINE", [(10.1, 20.1), (49.9, 39.9)], view)) == (0, 119, 0, 59)


def test_far_and_senseless_places_end() -> None:
    mask = _lines("POLYLINE", [(-1e30, 5.5), (1e30, 5.5)])
    assert _extent(mask) == (0, COLUMNS - 1, 5, 5)
    assert not _lines("CIRCLE", [(1e30, 1e30), (1e30, 2e30)]).any()
    _lines("INTERPOLATED", [(1, 1), (1, 1), (1, 1)])
    assert _lines("POLYLINE", [(5, 5), (5, 5)]).any()


def test_lines_grow_with_the_image() -> None:
    assert [line_width((side, 100)) for side in (100, 1024, 2048, 4096)] == [1, 1, 2, 4]


def _box(left: float, upper: float, right: float, lower: float, **more: Any) -> Text:
    return Text("Text", ((left, upper), (right, lower)), **more)


def test_text_keeps_to_its_box() -> None:
    for wide, high in [(100, 12), (30, 60), (140, 100), (25, 14)]:
        left, right, upper, lower = _extent(_written(_box(10, 10, 10 + wide, 10 + high)))
        assert left >= 10
        assert right < 10 + wide
        assert upper >= 10
        assert lower < 10 + high


def test_justification() -> None:
    extents = {
        side: _extent(_written(_box(10, 40, 150, 60, justification=side)))
        for side in ("LEFT", "CENTER", "RIGHT")
    }
    assert extents["LEFT"][0] in range(10, 14)
    assert extents["RIGHT"][1] in range(146, 150)
    middle = (extents["CENTER"][0] + extents["CENTER"][1]) / 2
    assert middle == pytest.approx(80, abs=1.5)


def test_lines_of_text() -> None:
    one = _extent(_written(Text("Text", ((10, 10), (150, 100)))))
    two = _extent(_written(Text("Text\nText", ((10, 10), (150, 100)))))
    assert two[3] - two[2] > 1.7 * (one[3] - one[2])


@pytest.mark.parametrize(
    ("corners", "turn"),
    [((10, 20, 70, 40), 0), ((70, 20, 50, 80), 1), ((70, 40, 10, 20), 2), ((50, 80, 70, 20), 3)],
)
def test_text_runs_from_corner_to_corner(corners: tuple[int, int, int, int], turn: int) -> None:
    """C.10.5.1.1: from the top left corner to the bottom right one, wherever these have come to lie."""
    mask = _written(_box(*corners))
    columns, rows = slice(*sorted(corners[0::2])), slice(*sorted(corners[1::2]))
    piece = mask[rows, columns]
    upright = _written(_box(0, 0, 60, 20))[:20, :60]
    assert piece.sum() == mask.sum()
    assert np.array_equal(np.rot90(piece, turn), upright)
    flipped = _written(_box(*corners), flipped=True)
    left, right, upper, lower = _extent(flipped)
    assert right - left > lower - upper  # upright, whatever the box


def test_text_at_an_anchor() -> None:
    left, _, upper, lower = _extent(_written(Text("Text", anchor=(60, 50))))
    assert left in range(60, 64)
    assert upper < 50 < lower
    visible = _written(Text("Text", anchor=(60, 50), anchor_visible=True))
    assert visible[50, 60] == 255
    # Shown whole where the anchor is inside, not at all where it is far away.
    assert _extent(_written(Text("Text", anchor=(158, 118))))[1] < COLUMNS
    assert _extent(_written(Text("Text", anchor=(158, 118))))[0] > 100
    assert not _written(Text("Text", anchor=(500, 50))).any()


def test_a_line_leads_to_a_visible_anchor() -> None:
    box = _box(10, 10, 60, 24, anchor=(100.5, 90.5), anchor_visible=True)
    mask = _written(box)
    assert mask[90, 100] == 255
    assert mask[40:80, 30:110].any()
    assert not _written(box._replace(anchor_visible=False))[40:, :].any()


def test_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lacking("Area 12.5 mm (mean)", None) == ""
    assert lacking("Text 山", None) == "山"
    assert font_for("Area", None) is None
    assert font_for("Text 山", "named.ttf") == "named.ttf"
    monkeypatch.setattr(fonts, "_OTHER_FONTS", ("no font of this name.ttf",))
    font_for.cache_clear()
    assert font_for("Text 山", None) is None
    font_for.cache_clear()
    with pytest.raises(OptionError, match="annotation font"):
        font_of(str(tmp_path / "no.ttf"), 12)
