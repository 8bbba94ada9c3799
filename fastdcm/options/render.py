"""How stored values become display values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.model import Window
from fastdcm.options.colour import ColourOptions
from fastdcm.options.deidentify import DeidentifyOptions
from fastdcm.options.geometry import GeometryOptions
from fastdcm.options.overlays import OverlayOptions
from fastdcm.options.presentation import PresentationOptions
from fastdcm.options.window import check_window

Voi = Literal["window", "lut", "minmax", "object", "percentile", "none"]
PresentationShape = Literal["photometric", "follow"]
Precision = Literal["full", "display"]


@dataclass(frozen=True)
class RenderOptions:
    """How stored values become display values.

    ``window`` overrides the file's; ``window_number`` and ``voi_lut_number`` choose among the
    file's (from 1; None takes the first, if there is one). ``voi`` is the rule where several
    apply; ``percentile`` belongs to ``voi="percentile"``. ``bits`` is 8 or 16. ``precision="display"`` lets
    a decoder leave out bit-planes that hardly change a grey of a window (JPEG 2000). The other fields are
    topics of their own, whose fields are keywords of the API like these: what becomes of ICC profiles, what
    is drawn onto the image, what is blacked out, and which part of the picture is shown in which size.
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
        if self.window is not None:
            if self.voi != "window" or self.window_number is not None:
                raise OptionError("a window of your own excludes voi and window_number")
            check_window(self.window)

    @cached_property
    def is_plain(self) -> bool:
        """Whether the display values are the picture: all of them, where they are in the source.

        ICC profiles do not count here: gray images have none.
        """
        drawn = self.overlay or self.presentation
        return not drawn and self.deidentify == DeidentifyOptions() and self.geometry == GeometryOptions()

    @cached_property
    def needs_all(self) -> bool:
        """Whether nothing that is coded can be left out, because all of it is shown."""
        return self.is_plain and self.precision == "full"


def parse_voi(text: str) -> dict[str, Any]:
    """``window|lut|minmax|object|none|percentile:LOW,HIGH`` as fields of `RenderOptions`."""
    name, _, rest = text.strip().lower().partition(":")
    if name != "percentile":
        if rest or name not in get_args(Voi):
            raise OptionError(
                f"voi {text!r} is not one of window, lut, minmax, object, none, percentile:LOW,HIGH"
            )
        return {"voi": name}
    try:
        low, high = (float(part) for part in rest.split(","))
    except ValueError:
        raise OptionError(f"voi {text!r} is not percentile:LOW,HIGH (for example percentile:1,99)") from None
    return {"voi": name, "percentile": (low, high)}
