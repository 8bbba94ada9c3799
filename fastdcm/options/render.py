"""How stored values become display values."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass
from fastdcm.model import Region, Window
from fastdcm.options.channels import Channels, check_channels
from fastdcm.options.colour import ColourOptions
from fastdcm.options.deidentify import DeidentifyOptions
from fastdcm.options.geometry import GeometryOptions
from fastdcm.options.overlays import OverlayOptions
from fastdcm.options.presentation import PresentationOptions
from fastdcm.options.presets import parse_preset
from fastdcm.options.region import parse_region
from fastdcm.options.window import check_window

Voi = Literal["window", "lut", "minmax", "object", "percentile", "roi", "series", "none"]
PresentationShape = Literal["photometric", "follow"]
Precision = Literal["full", "display"]


@dataclass(frozen=True)
class RenderOptions:
    """How stored values become display values.

    ``window`` overrides the file's, and so does ``preset``, the name of a window for CT (see `PRESETS`),
    which other images refuse; ``channels`` are three of either, which become red, green and blue of a gray
    image; ``window_number`` and ``voi_lut_number`` choose among the
    file's (from 1; None takes the first, if there is one). ``voi`` is the rule where several
    apply; ``percentile`` belongs to ``voi="percentile"``, ``roi``, a region (x, y, width, height)
    in pixels of the source, to ``voi="roi"``. ``voi="series"`` shows all images of a series alike: by the
    window or VOI LUT that ``voi="window"`` takes, where that is the same for all, else by ``series_range``,
    the least and the greatest modality value of all of them; without one, the frames of an object are its
    series. ``bits`` is 8 or 16. ``precision="display"`` lets a decoder leave out bit-planes that
    hardly change a grey of a window (JPEG 2000). The other fields are topics of their own, whose fields are
    keywords of the API like these: what becomes of ICC profiles, what is drawn onto the image, what is
    blacked out, and which part of the picture is shown in which size.
    """

    window: Window | None = None
    window_number: int | None = None
    voi: Voi = "window"
    voi_lut_number: int | None = None
    percentile: tuple[float, float] = (0.0, 100.0)
    presentation_shape: PresentationShape = "photometric"
    bits: Literal[8, 16] = 8
    precision: Precision = "full"
    colour: ColourOptions = ColourOptions()
    overlay: OverlayOptions = OverlayOptions()
    presentation: PresentationOptions = PresentationOptions()
    deidentify: DeidentifyOptions = DeidentifyOptions()
    geometry: GeometryOptions = GeometryOptions()
    preset: str | None = None
    roi: Region | None = None
    channels: Channels = ()
    series_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise OptionError(f"bits must be 8 or 16, not {self.bits}")
        if self.voi not in get_args(Voi):
            raise OptionError(f"voi {self.voi!r} is not one of {', '.join(get_args(Voi))}")
        if self.presentation_shape not in get_args(PresentationShape):
            raise OptionError(f"presentation_shape must be one of {', '.join(get_args(PresentationShape))}")
        if self.precision not in get_args(Precision):
            raise OptionError(f"precision {self.precision!r} is not one of {', '.join(get_args(Precision))}")
        for name in ("window_number", "voi_lut_number"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise OptionError(f"{name} counts from 1, not {number}")
        low, high = self.percentile
        if not 0 <= low < high <= 100:
            raise OptionError(f"percentiles must be 0 <= LOW < HIGH <= 100, not {low:g},{high:g}")
        if (self.voi == "roi") is (self.roi is None):
            raise OptionError("a region and voi roi belong together: roi:X,Y,WIDTH,HEIGHT")
        if self.series_range is not None:
            low, high = self.series_range
            if self.voi != "series" or not -math.inf < low <= high < math.inf:
                raise OptionError("series_range is LOW <= HIGH, and belongs to voi series")
        if self.window is not None:
            if self.voi != "window" or self.window_number is not None:
                raise OptionError("a window of your own excludes voi and window_number")
            check_window(self.window)
        if self.preset is not None:
            if self.window is not None or self.voi != "window" or self.window_number or self.voi_lut_number:
                raise OptionError("a preset excludes window, window_number, voi_lut_number and voi")
            if parse_preset(self.preset) != self.preset:
                raise OptionError(f"preset {self.preset!r} is written {parse_preset(self.preset)!r}")

        if self.channels:
            others = (self.window, self.preset, self.window_number, self.voi_lut_number)
            if self.voi != "window" or others.count(None) < len(others):
                raise OptionError("channels exclude window, preset, window_number, voi_lut_number and voi")
            check_channels(self.channels)

    def by_channel(self) -> list[RenderOptions]:
        """The options that give each channel by itself."""
        return [
            replace(self, channels=(), window=channel)
            if isinstance(channel, Window)
            else replace(self, channels=(), preset=channel)
            for channel in self.channels
        ]

    @cached_property
    def is_plain(self) -> bool:
        """Whether the display values are the picture: all of them, where they are in the source.

        ICC profiles do not count here: gray images have none.
        """
        if self.overlay or self.presentation:
            return False
        return self.deidentify == RenderOptions.deidentify and self.geometry == RenderOptions.geometry

    @cached_property
    def needs_all(self) -> bool:
        """Whether nothing that is coded can be left out, because all of it is shown."""
        return self.is_plain and self.precision == "full"


def parse_voi(text: str) -> dict[str, Any]:
    """A rule as fields of `RenderOptions`: a name of `Voi`, ``percentile:LOW,HIGH`` or ``roi:X,Y,W,H``."""
    name, _, rest = text.strip().lower().partition(":")
    if name == "roi" and rest:
        return {"voi": name, "roi": parse_region(rest)}
    if name != "percentile":
        if rest or name not in get_args(Voi):
            raise OptionError(
                f"voi {text!r} is not one of window, lut, minmax, object, series, none, "
                "percentile:LOW,HIGH, roi:X,Y,W,H"
            )
        return {"voi": name}
    try:
        low, high = (float(part) for part in rest.split(","))
    except ValueError:
        raise OptionError(f"voi {text!r} is not percentile:LOW,HIGH (for example percentile:1,99)") from None
    return {"voi": name, "percentile": (low, high)}
