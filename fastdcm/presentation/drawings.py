"""The Graphic Annotation and Graphic Layer Sequences of a presentation state (PS3.3 C.10.5, C.10.7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from fastdcm.presentation.charsets import decoded
from fastdcm.presentation.state import (
    Annotation,
    Graphic,
    Lab,
    Layer,
    Point,
    References,
    Text,
)
from fastdcm.presentation.styles import fill_style, lab_of, line_style, text_style
from fastdcm.reader.items import all_items
from fastdcm.reader.values import Values

Note = Callable[[str, str], None]
#: Drawings of one state; a contour a slice of a large study is a tenth of it.
_MOST = 1 << 16
#: Points that a kind of graphic must have, at least (C.10.5.1.2).
_POINTS = {"POINT": 1, "POLYLINE": 2, "INTERPOLATED": 2, "CIRCLE": 2, "ELLIPSE": 4}
#: Letters of a text; ST has 1024 at most (PS3.5 6.2).
_MOST_LETTERS = 4096
_UNITS = {"PIXEL": False, "DISPLAY": True}


def read_layers(values: Values) -> dict[str, Layer]:
    """The graphic layers by name."""
    layers = {}
    for item in all_items(values, 0x00700060, limit=_MOST):
        name = item.text(0x00700002)
        gray = item.numbers(0x00700066)
        lab = lab_of(item, 0x00700401) or _of_rgb(item.numbers(0x00700067))
        layers[name] = Layer(name, integer(item.text(0x00700062)) or 0, gray[0] if gray else None, lab)
    return layers


def read_annotations(
    values: Values, terms: Iterable[str], read_references: Callable[[Values], References], note: Note
) -> tuple[Annotation, ...]:
    """The annotations; ``terms`` are those of the Specific Character Set."""
    found = []
    terms = tuple(terms)
    for item in all_items(values, 0x00700001, limit=_MOST):
        graphics = tuple(_graphics(item, note))
        texts = tuple(_texts(item, terms, note))
        _check_compounds(item, note)
        found.append(Annotation(read_references(item), item.text(0x00700002), graphics, texts))
    return tuple(found)


def integer(text: str) -> int | None:
    """An IS value (PS3.5 6.2); None for what is none."""
    try:
        return int(text) if len(text) <= 12 and "_" not in text else None
    except ValueError:
        return None


def _of_rgb(parts: list[int]) -> Lab | None:
    """The retired Graphic Layer Recommended Display RGB Value (0070,0067), in P-Values, as CIELab."""
    from fastdcm.presentation.colors import lab_from_srgb

    return lab_from_srgb((parts[0], parts[1], parts[2])) if len(parts) == 3 else None


def _graphics(item: Values, note: Note) -> Iterator[Graphic]:
    for graphic in all_items(item, 0x00700009, limit=_MOST):
        kind, units = graphic.text(0x00700023).upper(), graphic.text(0x00700005).upper()
        points = _points(graphic, 0x00700022)
        if kind not in _POINTS:
            note("annotation", f"a graphic of type {kind or '(none)'} is not known, and was not drawn")
        elif units not in _UNITS:
            note(
                "annotation", f"a {kind} in units of {units or '(none)'} is not supported, and was not drawn"
            )
        elif len(points) < _POINTS[kind]:
            note("annotation", f"a {kind} has {len(points)} usable points, and was not drawn")
        else:
            filled = graphic.text(0x00700024).upper() == "Y"
            line = line_style(graphic, _UNITS[units], note)
            filling = fill_style(graphic, note) if filled else None
            yield Graphic(kind, points, _UNITS[units], filled, line, filling)


def _texts(item: Values, terms: tuple[str, ...], note: Note) -> Iterator[Text]:
    for text in all_items(item, 0x00700008, limit=_MOST):
        raw = text.raw(0x00700006) or b""
        value = "\n".join(decoded(raw, terms).replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        value = value.rstrip(" \0\n")
        if len(value) > _MOST_LETTERS:
            note("annotation", f"a text of {len(value)} letters was cut")
            value = value[:_MOST_LETTERS]
        corners = _points(text, 0x00700010)[:1] + _points(text, 0x00700011)[:1]
        anchor = _points(text, 0x00700014)[:1]
        units = [text.text(tag).upper() for tag in (0x00700003, 0x00700004)]
        box_known, anchor_known = (unit in _UNITS for unit in units)
        if not (len(corners) == 2 and box_known) and not (anchor and anchor_known):
            note("annotation", "a text has neither a bounding box nor an anchor point in known units")
            continue
        yield Text(
            value,
            (corners[0], corners[1]) if len(corners) == 2 and box_known else None,
            _UNITS.get(units[0], False),
            text.text(0x00700012).upper() or "LEFT",
            anchor[0] if anchor and anchor_known else None,
            _UNITS.get(units[1], False),
            text.text(0x00700015).upper() == "Y",
            # Of shadows the anchor's units are those that count (Table C.10-5a).
            text_style(text, _UNITS[units[1] if anchor_known else units[0]], note),
        )


def _check_compounds(item: Values, note: Note) -> None:
    """Each compound graphic shall come as simple ones, too, with its ID (C.10.5.1.3.1); those are drawn."""
    if 0x00700209 not in item:
        return
    simple = {
        part.raw(0x00700226)
        for sequence in (0x00700008, 0x00700009)
        for part in all_items(item, sequence, limit=_MOST)
    }
    for compound in all_items(item, 0x00700209, limit=_MOST):
        identity = compound.raw(0x00700226)
        if identity is None or identity not in simple:
            kind = compound.text(0x00700294) or "(none)"
            note("annotation", f"a compound graphic {kind} has no simple ones in its place: it was not drawn")


def _points(item: Values, tag: int) -> tuple[Point, ...]:
    """Pairs of (column, row); those that are no numbers are left out."""
    if tag not in item:
        return ()
    numbers = item.floats(tag, item.vr(tag) or b"FL")
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return tuple((x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y))
