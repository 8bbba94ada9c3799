"""Query parameters of rendered and thumbnail resources (PS3.18 8.3.5.1): parsed, and written."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from fastdcm.errors import OptionError
from fastdcm.model import Region, Window
from fastdcm.options import GeometryOptions
from fastdcm.options.window import check_window

IccProfile = Literal["no", "yes", "srgb", "adobergb", "rommrgb"]
Annotation = Literal["patient", "technique"]
#: As they are written -> as fastdcm has them (PS3.3 C.11.2.1.2).
_FUNCTIONS: Mapping[str, Any] = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_WHOLE = re.compile(r"\d{1,9}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")


class Viewport(NamedTuple):
    """``vw,vh[,sx,sy,sw,sh]``: the size, in pixels, that a region of the source is scaled to fit in.

    ``sx``, ``sy`` are the region's left upper corner, ``sw``, ``sh`` its size; negative ones mirror it left
    to right, top to bottom. None is what was left out: from the corner (0, 0) to the end of the image.
    """

    vw: int
    vh: int
    sx: float | None = None
    sy: float | None = None
    sw: float | None = None
    sh: float | None = None

    def geometry(self, rows: int, columns: int) -> GeometryOptions:
        """The same as options, for an image of this size.

        The picture is scaled, down or up, until one side meets the viewport; nothing is added around it.
        Raises `OptionError` where the region is not in the image.
        """
        rotate: Any = 0
        flip: Any = None
        mirrored = (self.sw or 1) < 0, (self.sh or 1) < 0
        if all(mirrored):
            rotate = 180
        elif any(mirrored):
            flip = "h" if mirrored[0] else "v"
        return GeometryOptions(
            size=(self.vh, self.vw),
            enlarge=True,
            crop=self._region(rows, columns),
            rotate=rotate,
            flip=flip,
        )

    def _region(self, rows: int, columns: int) -> Region | None:
        x, y = round(abs(self.sx or 0)), round(abs(self.sy or 0))
        width = columns - x if self.sw is None else round(abs(self.sw))
        height = rows - y if self.sh is None else round(abs(self.sh))
        if width < 1 or height < 1 or x + width > columns or y + height > rows:
            raise OptionError(
                f"viewport: the region {x},{y},{width},{height} (sx,sy,sw,sh) is not all in the image, which "
                f"has {columns} x {rows} pixels"
            )
        return None if (width, height) == (columns, rows) else Region(x, y, width, height)

    def __str__(self) -> str:
        values = ["" if value is None else f"{value:.12g}" for value in self]
        while not values[-1]:
            values.pop()
        return ",".join(values)


def parse_viewport(text: str, *, thumbnail: bool = False) -> Viewport:
    """A viewport; of a thumbnail its size alone. Raises `OptionError`."""
    parts = [part.strip() for part in text.split(",")]
    if thumbnail and len(parts) != 2:
        raise OptionError(f"viewport {text[:80]!r}: a thumbnail takes WIDTH,HEIGHT alone")
    if not 2 <= len(parts) <= 6 or (len(parts) > 2 and not parts[-1]):
        raise OptionError(
            f"viewport {text[:80]!r} is not VW,VH[,SX,SY,SW,SH]: inner values may be left out, with their "
            "commas, trailing ones without"
        )
    if not all(_WHOLE.fullmatch(part) and int(part) for part in parts[:2]):
        raise OptionError(f"viewport {text[:80]!r}: its width and height are whole numbers above 0")
    region = [_decimal(part, "viewport", text) if part else None for part in parts[2:]]
    region += [None] * (4 - len(region))
    if 0 in region[2:]:
        raise OptionError(f"viewport {text[:80]!r}: the width and the height of a region are not 0")
    return Viewport(int(parts[0]), int(parts[1]), *region)


def _decimal(text: str, name: str, whole: str) -> float:
    if _DECIMAL.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    raise OptionError(f"{name} {whole[:80]!r}: {text[:40]!r} is no number")


def parse_window(text: str) -> Window:
    """``CENTER,WIDTH,FUNCTION``, all three. Raises `OptionError`."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or parts[2] not in _FUNCTIONS:
        raise OptionError(
            f"window {text[:80]!r} is not CENTER,WIDTH,FUNCTION with one of {', '.join(_FUNCTIONS)}"
        )
    center, width = (_decimal(part, "window", text) for part in parts[:2])
    return check_window(Window(center, width, _FUNCTIONS[parts[2]]))


def window_text(window: Window) -> str:
    """A window as the parameter has it."""
    names = {function: name for name, function in _FUNCTIONS.items()}
    return f"{window.center:.17g},{window.width:.17g},{names[window.function]}"


def parse_quality(text: str) -> int:
    """1 to 100. Raises `OptionError`."""
    if _WHOLE.fullmatch(text) and 1 <= int(text) <= 100:
        return int(text)
    raise OptionError(f"quality {text[:40]!r} is no whole number from 1 to 100")


def parse_annotation(text: str) -> tuple[Annotation, ...]:
    """``patient``, ``technique``, or both, with a comma. Raises `OptionError`."""
    keywords = [part.strip() for part in text.split(",")]
    known = get_args(Annotation)
    for keyword in keywords:
        if keyword not in known:
            raise OptionError(f"annotation {text[:80]!r}: {keyword[:40]!r} is not one of {', '.join(known)}")
    return tuple(keyword for keyword in known if keyword in keywords)


def parse_iccprofile(text: str) -> IccProfile:
    """One of `IccProfile`. Raises `OptionError`."""
    for known in get_args(IccProfile):
        if text == known:
            profile: IccProfile = known
            return profile
    raise OptionError(f"iccprofile {text[:40]!r} is not one of {', '.join(get_args(IccProfile))}")


class Parameters(NamedTuple):
    """The parameters of one request; None is what was not given. ``accept`` is as it stands there."""

    accept: str | None = None
    annotation: tuple[Annotation, ...] = ()
    quality: int | None = None
    viewport: Viewport | None = None
    window: Window | None = None
    iccprofile: IccProfile | None = None


_PARSERS: Mapping[str, Any] = {
    # A plus sign that was not escaped is a space in a query.
    "accept": lambda text: text.replace("dicom ", "dicom+").replace("svg ", "svg+"),
    "annotation": parse_annotation,
    "quality": parse_quality,
    "viewport": parse_viewport,
    "window": parse_window,
    "iccprofile": parse_iccprofile,
}
#: What a thumbnail has of them (8.3.5.1).
_OF_THUMBNAILS = frozenset(("accept", "viewport"))


def parse_parameters(query: Sequence[tuple[str, str]], *, thumbnail: bool = False) -> Parameters:
    """The parameters of a query, of which others are ignored. Raises `OptionError`."""
    asked: dict[str, Any] = {}
    known: Collection[str] = _OF_THUMBNAILS if thumbnail else _PARSERS
    for name, text in query:
        if name not in known:
            continue
        if name in asked:
            raise OptionError(f"{name} is given twice")
        if name == "viewport":
            asked[name] = parse_viewport(text, thumbnail=thumbnail)
        else:
            asked[name] = _PARSERS[name](text)
    return Parameters(**asked)


def parameters_text(parameters: Parameters) -> list[tuple[str, str]]:
    """The parameters as a query has them."""
    texts = {
        "accept": parameters.accept,
        "annotation": ",".join(parameters.annotation) or None,
        "quality": None if parameters.quality is None else str(parameters.quality),
        "viewport": None if parameters.viewport is None else str(parameters.viewport),
        "window": None if parameters.window is None else window_text(parameters.window),
        "iccprofile": parameters.iccprofile,
    }
    return [(name, text) for name, text in texts.items() if text is not None]
