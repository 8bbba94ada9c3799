"""How display values become a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastdcm.errors import OptionError
from fastdcm.options.formats import EXTENSIONS, Format


@dataclass(frozen=True)
class EncodeOptions:
    """How display values become a file.

    ``quality`` (1 to 100) and ``subsampling`` are JPEG's, ``png_level`` (1 to 9) is PNG's. A frame
    that is a baseline JPEG already, which rendering would not change, is copied into a JPEG file as
    it is coded, whatever its quality; ``reencode`` decodes and encodes it, too.
    """

    format: Format = "jpeg"
    quality: int = 90
    subsampling: Literal["444", "422", "420"] = "420"
    png_level: int = 1
    reencode: bool = False

    def __post_init__(self) -> None:
        if self.format not in EXTENSIONS:
            raise OptionError(f"format {self.format!r} is not one of {', '.join(EXTENSIONS)}")
        if not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be 1 to 100, not {self.quality}")
        if self.subsampling not in ("444", "422", "420"):
            raise OptionError(f"subsampling must be 444, 422 or 420, not {self.subsampling}")
        if not 1 <= self.png_level <= 9:
            raise OptionError(f"png_level must be 1 to 9, not {self.png_level}")
