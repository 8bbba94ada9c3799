"""How display values become a file."""

from __future__ import annotations

from typing import Literal

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass
from fastdcm.options.formats import FORMATS, Format


@dataclass(frozen=True)
class EncodeOptions:
    """How display values become a file.

    ``quality`` (1 to 100) is that of formats that lose something, in the meaning that `FORMATS` gives;
    ``lossless`` is for formats that may or may not lose something, None for what is usual with each.
    ``subsampling`` is JPEG's, ``png_level`` (1 to 9) is PNG's. A frame that is a baseline JPEG already, which
    rendering would not change, is copied into a JPEG file as it is coded, whatever its quality;
    ``reencode`` decodes and encodes it, too.
    """

    format: Format = "jpeg"
    quality: int = 90
    subsampling: Literal["444", "422", "420"] = "420"
    png_level: int = 1
    reencode: bool = False
    lossless: bool | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise OptionError(f"format {self.format!r} is not one of {', '.join(FORMATS)}")
        if not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be 1 to 100, not {self.quality}")
        if self.subsampling not in ("444", "422", "420"):
            raise OptionError(f"subsampling must be 444, 422 or 420, not {self.subsampling}")
        if not 1 <= self.png_level <= 9:
            raise OptionError(f"png_level must be 1 to 9, not {self.png_level}")
        if self.lossless and FORMATS[self.format].lossless == "never":
            raise OptionError(
                f"{FORMATS[self.format].title} is not lossless; ask for a format that is, as PNG (-F png)"
            )

    @property
    def is_lossless(self) -> bool:
        """Whether files give back the display values exactly."""
        usual = FORMATS[self.format].lossless
        if self.lossless is None or usual in ("always", "never"):
            return usual in ("always", "usually")
        return self.lossless
