"""What becomes of ICC profiles (PS3.3 C.11.15)."""

from __future__ import annotations

from typing import Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

Icc = Literal["embed", "srgb", "none"]


@dataclass(frozen=True)
class ColourOptions:
    """What becomes of the ICC profile of a colour image (RGB, YBR, PALETTE COLOR), or a presentation state's.

    ``embed`` puts it into files whose format carries one, ``srgb`` converts the display values to sRGB
    (IEC 61966-2-1) by it, ``none`` leaves it out. Without a profile colours are as they are.
    """

    icc: Icc = "embed"

    def __post_init__(self) -> None:
        if self.icc not in get_args(Icc):
            raise OptionError(f"icc {self.icc!r} is not one of {', '.join(get_args(Icc))}")
