"""What a caller may ask for: frozen, validated once, here.

Nothing in this module imports numpy, so that the command line can check its arguments at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.model import VoiFunction, Window

Format = Literal["jpeg", "png"]
Voi = Literal["window", "lut", "minmax", "object", "percentile", "none"]
PresentationShape = Literal["photometric", "follow"]
Existing = Literal["keep", "overwrite", "skip"]
Decoder = Literal["auto", "own", "library"]

#: Names that people use for a format -> the format. Extensions of output files, too.
FORMAT_NAMES: dict[str, Format] = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png"}
#: Format -> the extension of files written without a name of the user's.
EXTENSIONS: dict[Format, str] = {"jpeg": ".jpg", "png": ".png"}


def parse_format(text: str) -> Format:
    """A format's name in any case, with or without a leading dot."""
    try:
        return FORMAT_NAMES[text.lower().removeprefix(".")]
    except (KeyError, AttributeError):
        raise OptionError(f"format {text!r} is not one of {', '.join(FORMAT_NAMES)}") from None


def parse_window(value: str | Window | tuple[Any, ...]) -> Window:
    """A window from ``CENTER,WIDTH[,FUNCTION]``, a tuple of the same, or a `Window`.

    The width must be at least 1 for LINEAR, above 0 for the other functions (PS3.3 C.11.2.1.2).
    """
    if isinstance(value, Window):
        return _checked(value)
    try:
        parts = value.split(",") if isinstance(value, str) else [str(part) for part in value]
    except TypeError:
        raise OptionError(f"window {value!r} is not (center, width)") from None
    if len(parts) not in (2, 3):
        raise OptionError(f"window {value!r} is not CENTER,WIDTH or CENTER,WIDTH,FUNCTION")
    try:
        center, width = float(parts[0]), float(parts[1])
    except ValueError:
        raise OptionError(f"window {value!r}: center and width must be numbers") from None
    name = parts[2].strip().upper() if len(parts) == 3 else "LINEAR"
    for function in get_args(VoiFunction):
        if function == name:
            return _checked(Window(center, width, function))
    known = ", ".join(known.lower() for known in get_args(VoiFunction))
    raise OptionError(f"window {value!r}: {name.lower()} is not one of {known}")


def _checked(window: Window) -> Window:
    if window.function not in get_args(VoiFunction):
        raise OptionError(
            f"window function {window.function!r} is not one of {', '.join(get_args(VoiFunction))}"
        )
    if not is_usable(window):
        least = "at least 1" if window.function == "LINEAR" else "above 0"
        raise OptionError(
            f"window {window.center:g},{window.width:g}: the width must be {least}, both numbers finite"
        )
    return window


def is_usable(window: Window) -> bool:
    """Whether PS3.3 C.11.2.1.2 gives this window a meaning."""
    if not (math.isfinite(window.center) and math.isfinite(window.width)):
        return False
    return window.width >= 1 if window.function == "LINEAR" else window.width > 0


@dataclass(frozen=True)
class Limits:
    """What an object may ask for before it is refused; no honest file reaches the defaults.

    ``max_pixels`` bounds Rows x Columns of a frame, ``max_decoded`` the bytes of all frames together
    once they are decoded, ``max_inflated`` the bytes of a deflated data set (PS3.5 A.5), and
    ``max_nesting`` the depth of sequences in sequences.
    """

    max_pixels: int = 1 << 29
    max_decoded: int = 1 << 46
    max_inflated: int = 1 << 30
    max_nesting: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            _must_be_positive(field.name, getattr(self, field.name))


def _must_be_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or value < 1:
        raise OptionError(f"{name} must be a whole number above 0, not {value!r}")


LIMIT_NAMES = frozenset(field.name for field in fields(Limits))


@dataclass(frozen=True)
class ReadOptions:
    """How objects are read.

    ``strict`` makes every notice an error. ``allow_partial`` gives what is there of a frame that is
    cut, filled up with its darkest value and with a notice; without it such a frame is an error.
    ``threads`` may work at one frame, where its decoder can share it out (JPEG 2000; lossless JPEG with
    restart intervals): more than one for who waits for a single frame, one for who decodes several at once,
    which is faster in all.
    ``decoder`` is for JPEG 2000, JPEG-LS and lossless JPEG: our own one, the ``library`` (OpenJPEG, CharLS,
    libjpeg-turbo), or the own one where it can and pays (``auto``); a frame of these that ``own`` cannot
    decode is an `UnsupportedError`.
    """

    strict: bool = False
    allow_partial: bool = False
    limits: Limits = Limits()
    threads: int = 1
    decoder: Decoder = "auto"

    def __post_init__(self) -> None:
        _must_be_positive("threads", self.threads)
        if self.decoder not in get_args(Decoder):
            raise OptionError(f"decoder {self.decoder!r} is not one of {', '.join(get_args(Decoder))}")

    @classmethod
    def of(
        cls,
        *,
        strict: bool = False,
        allow_partial: bool = False,
        threads: int = 1,
        decoder: Decoder = "auto",
        **limits: Any,
    ) -> ReadOptions:
        """From keyword arguments of the API: this class' own, and the fields of `Limits`."""
        if unknown := sorted(limits.keys() - LIMIT_NAMES):
            raise OptionError(f"unknown option {unknown[0]!r}")
        return cls(strict, allow_partial, Limits(**limits), threads, decoder)


@dataclass(frozen=True)
class RenderOptions:
    """How stored values become display values.

    ``window`` overrides the file's; ``window_number`` and ``voi_lut_number`` choose among the
    file's (from 1; None takes the first, if there is one). ``voi`` is the rule where several
    apply; ``percentile`` belongs to ``voi="percentile"``. ``bits`` is 8 or 16.
    """

    window: Window | None = None
    window_number: int | None = None
    voi: Voi = "window"
    voi_lut_number: int | None = None
    percentile: tuple[float, float] = (0.0, 100.0)
    presentation_shape: PresentationShape = "photometric"
    bits: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise OptionError(f"bits must be 8 or 16, not {self.bits}")
        if self.voi not in get_args(Voi):
            raise OptionError(f"voi {self.voi!r} is not one of {', '.join(get_args(Voi))}")
        if self.presentation_shape not in get_args(PresentationShape):
            raise OptionError(f"presentation_shape must be one of {', '.join(get_args(PresentationShape))}")
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
            _checked(self.window)


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


def split_options(options: dict[str, Any]) -> tuple[RenderOptions, EncodeOptions]:
    """Keyword arguments of the API as the two dataclasses; an unknown name is an `OptionError`.

    Who asks for a quality or a subsampling gets it: then ``reencode`` is true, unless it is given.
    """
    asked = dict(options)
    if asked.keys() & {"quality", "subsampling"}:
        asked.setdefault("reencode", True)
    if asked.get("window") is not None:
        asked["window"] = parse_window(asked["window"])
    if isinstance(asked.get("voi"), str):
        asked |= parse_voi(asked["voi"])
    if "format" in asked:
        asked["format"] = parse_format(asked["format"])
    if "subsampling" in asked:
        asked["subsampling"] = str(asked["subsampling"]).replace(":", "")
    render_names = {field.name for field in fields(RenderOptions)}
    encode_names = {field.name for field in fields(EncodeOptions)}
    if unknown := sorted(asked.keys() - render_names - encode_names):
        known = ", ".join(sorted(render_names | encode_names))
        raise OptionError(f"unknown option {unknown[0]!r}; there are {known}")
    try:
        return (
            RenderOptions(**{name: value for name, value in asked.items() if name in render_names}),
            EncodeOptions(**{name: value for name, value in asked.items() if name in encode_names}),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(f"an option has a value of the wrong kind: {error}") from error


@dataclass(frozen=True)
class FrameSelection:
    """Which frames of an object: ``ranges`` of first and last, both counted from 1; empty is all."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> FrameSelection:
        """``all``, ``3``, ``2-5``, ``1,7,9`` and any list of these."""
        if text.strip().lower() == "all":
            return cls()
        ranges = []
        for part in text.split(","):
            found = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
            first = int(found[1]) if found else 0
            last = int(found[2] or first) if found else 0
            if first < 1 or last < first:
                raise OptionError(f"frames {text!r}: use all, 3, 2-5 or 1,7,9 (frames count from 1)")
            ranges.append((first, last))
        return cls(tuple(ranges))

    def numbers(self, frames: int) -> Sequence[int]:
        """The selected frame numbers of an object, each once and in ascending order.

        A frame that the object does not have is an `OptionError`.
        """
        if not self.ranges:
            return range(1, frames + 1)
        if (last := max(last for _, last in self.ranges)) > frames:
            have = "1 frame" if frames == 1 else f"{frames} frames"
            raise OptionError(f"frame {last} was asked for, but the object has {have}")
        return sorted({number for first, last in self.ranges for number in range(first, last + 1)})


@dataclass(frozen=True)
class ConvertOptions:
    """How a run over many objects behaves.

    ``existing`` says what happens to an output that is there already: ``keep`` leaves it and
    counts it as undone, ``skip`` leaves it on purpose, ``overwrite`` replaces it. ``name`` is a
    template for output names (see `fastdcm.batch.naming`), None takes the input's. ``timeout``
    is the least number of seconds a frame may take before its worker is ended. ``fsync`` waits
    until each image is on the disk.
    """

    render: RenderOptions = RenderOptions()
    encode: EncodeOptions = EncodeOptions()
    frames: FrameSelection = FrameSelection()
    existing: Existing = "keep"
    name: str | None = None
    read: ReadOptions = ReadOptions()
    fail_fast: bool = False
    timeout: float = 60.0
    fsync: bool = False

    def __post_init__(self) -> None:
        if self.existing not in get_args(Existing):
            raise OptionError(f"existing must be one of {', '.join(get_args(Existing))}")
        if not self.timeout > 0:
            raise OptionError(f"timeout must be above 0 seconds, not {self.timeout:g}")
        if self.render.bits == 16 and self.encode.format == "jpeg":
            raise OptionError("JPEG holds 8 bits; ask for PNG where you want 16 (-F png --bits 16)")

    def with_format(self, format: Format) -> ConvertOptions:
        """The same with another output format."""
        return replace(self, encode=replace(self.encode, format=format))
