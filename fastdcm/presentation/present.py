"""A presentation state, or overlays alone, put onto the display values of a frame.

In the image: shutters. Then all of it is placed (rotation, flip, displayed area), and layer by layer
overlays, graphics and text are drawn onto what comes of it. Overlays, which lie in the image's pixels, are
placed with it, so that layers keep their order (PS3.3 C.10.7, PS3.4 N.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.model import Palette
from fastdcm.options import OverlayOptions, PresentationOptions
from fastdcm.presentation import fonts, graphics, text
from fastdcm.presentation.choosing import Applied
from fastdcm.presentation.colors import Paint, gray_paint, lab_paint
from fastdcm.presentation.painting import paint, ready_for
from fastdcm.presentation.placing import View, placed, plan_placing
from fastdcm.presentation.shutters import hidden
from fastdcm.presentation.state import Layer, Shutter
from fastdcm.reader.overlays import Bits
from fastdcm.rendering.colour import palette_table

Array = NDArray[Any]
Note = Callable[[str, str], None]
#: The plane of an overlay of the image for the frame that is shown, by its group.
PlaneOf = Callable[[int], Bits | None]
#: What is blacked out of the image, on arrays (rows, columns[, 3]) in its own pixels.
Hide = Callable[[Array], Array]
_WHITE: Paint = (1.0, 1.0, 1.0)


def burned(pixels: Array, groups: Iterable[int], plane_of: PlaneOf, options: OverlayOptions) -> Array:
    """Display values with overlays, in their color."""
    wanted = options.overlay_groups or tuple(groups)
    planes = [plane for group in wanted if (plane := plane_of(group)) is not None and plane.any()]
    if not planes:
        return pixels
    red, green, blue = (part / 255 for part in options.overlay_color)
    pixels = ready_for(pixels, [(red, green, blue)])
    for plane in planes:
        paint(pixels, plane, (red, green, blue))
    return pixels


def present(
    pixels: Array,
    applied: Applied,
    index: int,
    plane_of: PlaneOf,
    options: PresentationOptions,
    *,
    max_pixels: int,
    note: Note,
    hide: Hide = lambda pixels: pixels,
) -> Array:
    """Display values of a frame, (rows, columns[, 3]) of uint8 or uint16, as the state shows them.

    ``plane_of`` gives the image's overlays, ``hide`` blacks out what of the image must not be seen.
    """
    state, shape = applied.state, (pixels.shape[0], pixels.shape[1])

    def own_or_image(group: int) -> Bits | None:
        # An overlay of the state hides that of the image with the same group (C.11.7).
        if group in state.overlays.overlays:
            return state.overlays.plane(group, index, shape)
        return plane_of(group)

    shutter = state.shutter
    if shutter is not None:
        pixels = _shuttered(pixels, shutter, own_or_image, _pixel_ratio(applied))
    placing = plan_placing(
        shape, state.rotation, state.flip, applied.area, options.display_pixel_spacing, max_pixels
    )
    strokes = _Strokes(applied, options.annotation_font, placing.view, note)
    for group, layer in state.activations.items():
        if layer and not (shutter is not None and group == shutter.overlay_group):
            plane = own_or_image(group)
            if plane is not None and plane.any():
                strokes.add_plane(layer, placed(hide(plane), placing))
    strokes.add_annotations()
    return strokes.onto(np.ascontiguousarray(placed(hide(pixels), placing)))


class _Stroke(NamedTuple):
    """Something to be drawn: a plane, or what draws onto a Pillow image; objects of a color go together.

    ``order`` is that of the layer, and within it False for shadows, which lie under all else.
    """

    order: tuple[int, bool]
    color: Paint
    opacity: float
    plane: Array | None
    draw: Callable[[Any], None] | None


class _Strokes:
    """What is to be drawn, and the order of its layers."""

    def __init__(self, applied: Applied, font: str | None, view: View, note: Note) -> None:
        self._applied, self._font, self._view, self._note = applied, font, view, note
        self._strokes: list[_Stroke] = []

    def add_plane(self, layer: str, plane: Array) -> None:
        """An overlay in the color of its layer."""
        known = self._layer(layer)
        self._strokes.append(_Stroke((known.order, True), _layer_paint(known), 1.0, plane, None))

    def add_annotations(self) -> None:
        """The graphics and texts of the state."""
        flipped, view, font = self._applied.state.flip, self._view, self._font
        for item in self._applied.annotations:
            layer = self._layer(item.layer)
            for graphic in item.graphics:
                for one in graphics.drawn(graphic, view):
                    self._add(layer, one)
            for label in item.texts:
                own = fonts.font_for(label.value, font, label.style.family)
                for odd in fonts.oddities(label, font, own):
                    self._note("annotation-font", odd)
                for one in text.drawn(label, view, flipped, own):
                    self._add(layer, one)

    def onto(self, pixels: Array) -> Array:
        """Draw all of it, lower layers first: the pixels, or others where there is anything to draw."""
        if not self._strokes:
            return pixels
        pixels = ready_for(pixels, [stroke.color for stroke in self._strokes])
        ordered = sorted(self._strokes, key=lambda stroke: stroke.order)
        for (_, color, opacity, is_plane), group in groupby(ordered, key=_together):
            if is_plane:
                for stroke in group:
                    assert stroke.plane is not None
                    paint(pixels, stroke.plane, color, opacity)
                continue
            canvas = new_canvas(self._view.size)
            for stroke in group:
                assert stroke.draw is not None
                stroke.draw(canvas)
            if (box := canvas.getbbox()) is not None:
                left, upper, right, lower = box
                part = pixels[upper:lower, left:right]
                paint(part, np.asarray(canvas.crop(box)), color, opacity)
        return pixels

    def _layer(self, name: str) -> Layer:
        known = self._applied.state.layers.get(name)
        if known is None:
            self._note("annotation", f"the state has no graphic layer {name or '(none)'}; white was taken")
        return known or Layer(name)

    def _add(self, layer: Layer, drawn: graphics.Drawn) -> None:
        color = _layer_paint(layer) if drawn.lab is None else lab_paint(drawn.lab)
        if drawn.opacity > 0:
            order = layer.order, not drawn.beneath
            self._strokes.append(_Stroke(order, color, drawn.opacity, None, drawn.draw))


def _together(stroke: _Stroke) -> tuple[tuple[int, bool], Paint, float, bool]:
    return stroke.order, stroke.color, stroke.opacity, stroke.plane is not None


def new_canvas(size: tuple[int, int]) -> Any:
    """A Pillow image of one channel, to draw a mask on."""
    from PIL import Image

    return Image.new("L", size)


def _layer_paint(layer: Layer) -> Paint:
    """The recommended color of a layer; white where it has none (C.10.7)."""
    if layer.lab is not None:
        return lab_paint(layer.lab)
    return _WHITE if layer.gray is None else gray_paint(layer.gray)


def _pixel_ratio(applied: Applied) -> float:
    if applied.area is None:
        return 1.0
    vertical, horizontal = applied.area.pixel_size
    return vertical / horizontal


def _shuttered(pixels: Array, shutter: Shutter, plane_of: PlaneOf, pixel_ratio: float) -> Array:
    bitmap = None if shutter.overlay_group is None else plane_of(shutter.overlay_group)
    mask = hidden(shutter, pixels.shape[:2], bitmap, pixel_ratio)
    # The color is for color displays, the value for monochrome ones (C.11.12).
    color = (
        lab_paint(shutter.lab) if shutter.lab is not None and pixels.ndim == 3 else gray_paint(shutter.value)
    )
    pixels = np.array(pixels)
    paint(pixels, mask, color)
    return pixels


def pseudo_colored(pixels: Array, palette: Palette, bits: int) -> Array:
    """Gray values of 16 bits by a palette, of which they span all entries: (rows, columns, 3).

    The VOI's output is scaled to the palette's input, as to that of a presentation LUT (C.11.6.1.1).
    """
    entries = palette_table(palette._replace(first=0), bits, 1 << 16, False)[: palette.size]
    inputs = np.floor(np.arange(1 << 16) / 65535 * (palette.size - 1) + 0.5).astype(np.intp)
    colored: Array = entries[inputs][pixels]
    return colored
