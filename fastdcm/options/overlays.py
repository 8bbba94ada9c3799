"""Which overlays are burned in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)


@dataclass(frozen=True)
class OverlayOptions:
    """Which overlays (PS3.3 C.9.2) are burned in where no presentation state decides that: none by default.

    ``overlays`` burns in all of them, ``overlay_groups`` those of the groups that it names (0x6000 to
    0x601E). A gray image stays gray with white, or another gray, as ``overlay_color``; else it becomes RGB.
    """

    overlays: bool = False
    overlay_groups: tuple[int, ...] = ()
    overlay_color: Color = WHITE

    def __post_init__(self) -> None:
        for group in self.overlay_groups:
            if not 0x6000 <= group <= 0x601E or group % 2:
                raise OptionError(f"overlay group {group:04X} is not one of 6000, 6002, ..., 601E")
        if not all(0 <= part <= 255 for part in self.overlay_color):
            raise OptionError(f"overlay color {self.overlay_color} is not three numbers from 0 to 255")
        if self.overlay_color != WHITE and not self:
            raise OptionError("an overlay color has no use without overlays (--overlays)")

    def __bool__(self) -> bool:
        return self.overlays or bool(self.overlay_groups)


def parse_overlay_groups(text: str | Iterable[int | str]) -> tuple[int, ...]:
    """``6000,6002`` in hexadecimal, as DICOM writes groups; or numbers and texts of that kind."""
    parts = text.split(",") if isinstance(text, str) else text
    groups = []
    for part in parts:
        if isinstance(part, int):
            groups.append(part)
            continue
        found = re.fullmatch(r"\s*(?:0x)?(60[01][0-9a-f])\s*", part, re.IGNORECASE)
        if found is None:
            raise OptionError(f"overlay group {part.strip()!r} is not one of 6000, 6002, ..., 601E")
        groups.append(int(found[1], 16))
    if not groups:
        raise OptionError("no overlay group is named; leave the option out, or write 6000,6002")
    return tuple(sorted(set(groups)))


def parse_color(text: str | Iterable[int]) -> Color:
    """``white``, ``black``, ``R,G,B`` from 0 to 255, ``#rrggbb``; or three numbers."""
    if not isinstance(text, str):
        parts = tuple(text)
    elif found := re.fullmatch(r"\s*#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\s*", text, re.IGNORECASE):
        parts = tuple(int(part, 16) for part in found.groups())
    elif (name := text.strip().lower()) in _NAMED:
        parts = _NAMED[name]
    elif re.fullmatch(r"\s*\d{1,3}\s*(,\s*\d{1,3}\s*){2}", text):
        parts = tuple(int(part) for part in text.split(","))
    else:
        parts = ()
    if len(parts) != 3 or not all(0 <= part <= 255 for part in parts):
        known = ", ".join(_NAMED)
        raise OptionError(f"color {text!r} is not R,G,B from 0 to 255, #rrggbb, or one of {known}")
    return parts[0], parts[1], parts[2]


_NAMED: dict[str, Color] = {
    "white": WHITE,
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
}
