"""Fonts, and lines of text in them, by Pillow (PS3.3 C.10.5.1.3.12)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.presentation.state import Text

#: The least height of letters in pixels.
LEAST = 9
#: Fonts of many systems by the generic families of CSS; Pillow knows where they lie.
_FAMILIES = {
    "serif": ("DejaVuSerif.ttf", "NotoSerif-Regular.ttf", "LiberationSerif-Regular.ttf", "times.ttf"),
    "monospace": ("DejaVuSansMono.ttf", "NotoSansMono-Regular.ttf", "LiberationMono-Regular.ttf", "cour.ttf"),
}
#: The same, for letters that Pillow's own font has not.
_OTHER_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "msgothic.ttc",
)
#: By the height of letters: how much bolder bold ones are all around, and where and how thick a line under
#: them is. Italic ones lean by so many pixels a row, twelve degrees.
_BOLDER, _BELOW, _UNDERLINE = 1 / 48, 1 / 12, 1 / 14
_LEAN = math.tan(math.radians(12))


class Look(NamedTuple):
    """How letters look, beside their size; ``font`` is a path, or None for Pillow's own."""

    font: str | None
    bold: bool = False
    italic: bool = False
    underlined: bool = False


@lru_cache(maxsize=32)
def font_of(path: str | None, size: int) -> Any:
    """A font of this size in pixels; None is Pillow's own. Raises `OptionError` where it cannot be used."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)
    except OSError as error:
        raise OptionError(f"annotation font {path}: {error}") from error


@lru_cache(maxsize=256)
def font_for(value: str, path: str | None, family: str = "") -> str | None:
    """The font for a text: the one that is named; else one of the family, Pillow's own or one of the system.

    Each where it has the letters. None is Pillow's own, which is sans-serif and has little beyond ASCII.
    """
    if path is not None:
        return path
    names: tuple[str | None, ...] = (*_FAMILIES.get(family, ()), None, *_OTHER_FONTS)
    for name in names:
        try:
            if not lacking(value, name):
                return name
        except OptionError:
            continue  # not on this system
    return None


@lru_cache(maxsize=256)
def lacking(value: str, path: str | None) -> str:
    """The letters of a text for which a font has no glyph."""
    font = font_of(path, 32)
    none = bytes(font.getmask("\U0010fffe"))
    letters = sorted({letter for letter in value if letter.isprintable() and not letter.isspace()})
    return "".join(letter for letter in letters if bytes(font.getmask(letter)) == none)


def oddities(text: Text, path: str | None, used: str | None) -> list[str]:
    """What there is to tell of the font that is ``used`` for a text, where ``path`` is the one of the user.

    A font that a state names is not looked for: its generic family counts where it cannot be had
    (Table C.10-5a), as on most systems.
    """
    found = []
    font, family = text.style.font, text.style.family
    in_family = used in _FAMILIES.get(family, ()) if family not in ("", "sans-serif") else True
    if path is None and (font or not in_family):
        wanted = " ".join(filter(None, (font, family and f"({family})")))
        found.append(f"text that is to be in {wanted} was drawn in {used or 'the built-in sans-serif font'}")
    if missing := lacking(text.value, used):
        found.append(f"the font has no glyphs for {missing[:20]}; name one that has (--annotation-font)")
    return found


@lru_cache(maxsize=256)
def fitting(value: str, along: float, across: float, most: int, look: Look) -> int:
    """The largest size of letters that a box holds, up to ``most``."""
    tried = 64
    wide, high, _ = extent(value, tried, look)
    size: int = math.floor(min(along / wide, across / high) * tried)
    size = max(LEAST, min(size, most))
    # Small letters are a little wider than in proportion.
    while size > LEAST and extent(value, size, look)[0] > along:
        size -= 1
    return size


def extent(value: str, size: int, look: Look) -> tuple[int, int, int]:
    """Columns and rows that lines of text need, and how far letters reach to the left of their start."""
    font = font_of(look.font, size)
    high, bold = _line_height(font), _bolder(size, look)
    boxes = [font.getbbox(line, stroke_width=bold) for line in value.split("\n")]
    left = min(0, *(math.floor(box[0]) for box in boxes))
    right = max(math.ceil(box[2]) for box in boxes) + math.ceil(_leaning(font, look))
    return max(1, right - left), max(1, high * len(boxes)), -left


def lettering(value: str, size: int, align: str, look: Look, grown: float = 0.0) -> Any:
    """Lines of text as a Pillow image of one channel, as high as the font makes them.

    With ``grown`` letters reach so much farther, and the image by as many pixels on each side.
    """
    from PIL import Image, ImageDraw

    font, lines = font_of(look.font, size), value.split("\n")
    width, height, left = extent(value, size, look)
    margin, line_height, stroke = math.ceil(grown), _line_height(font), _bolder(size, look) + grown
    piece = Image.new("L", (width + 2 * margin, height + 2 * margin))
    # A line may reach into those above and below it.
    beyond = margin + line_height
    for number, line in enumerate(lines):
        strip = Image.new("L", (piece.width, line_height + 2 * beyond))
        pen = ImageDraw.Draw(strip)
        length = font.getlength(line)
        wide, _, before = extent(line, size, look)
        spare = (width - left) - (wide - before)
        start = {"center": spare / 2, "right": spare}.get(align, 0.0) + left + margin
        pen.text((start, beyond), line, fill=255, font=font, stroke_width=stroke)
        if look.underlined and length:
            upper = beyond + font.getmetrics()[0] + round(size * _BELOW)
            lower = upper + max(1, round(size * _UNDERLINE)) - 1
            ends = start - grown, upper - margin, start + length - 1 + grown, lower + margin
            pen.rectangle(ends, fill=255)
        if look.italic:
            # Rows above the lowest one of the line move to the right.
            lean = (1, _LEAN, -_LEAN * (beyond + line_height), 0, 1, 0)
            strip = strip.transform(strip.size, Image.Transform.AFFINE, lean, Image.Resampling.BILINEAR)
        piece.paste(255, (0, margin + number * line_height - beyond), strip)
    return piece


def _line_height(font: Any) -> int:
    ascent, descent = font.getmetrics()
    return int(ascent + descent)


def _leaning(font: Any, look: Look) -> float:
    """How far the top of a line lies to the right of its bottom."""
    return _LEAN * _line_height(font) if look.italic else 0.0


def _bolder(size: int, look: Look) -> float:
    return size * _BOLDER if look.bold else 0.0
