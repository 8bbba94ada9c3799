"""From header, display attributes and options to what has to be done: pure, and made to be read.

The rules are those of PS3.3 C.11 in the order of preference that ``RenderOptions`` describes.
"""

from typing import NamedTuple

from fastdcm.errors import RenderError
from fastdcm.model import Display, Header, Lut, Notice, Palette, Region, Window
from fastdcm.options import PRESETS, RenderOptions
from fastdcm.rendering.chain import Chain, Range, Rescale

#: X-Ray Angiographic and X-Ray Radiofluoroscopic Image Storage. Their modality LUT leads back to
#: X-ray intensity and is not for display where the relationship is LOG or DISP (C.8.7.1.1.2).
_XRAY = frozenset({"1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2"})


class Automatic(NamedTuple):
    """A range that the pixels decide: percentiles of their modality values, padding left out.

    ``scope`` is one frame or the whole object; ``region`` the part of a frame that counts, all inside it.
    """

    low: float = 0.0
    high: float = 100.0
    scope: str = "frame"
    region: Region | None = None


class GrayPlan(NamedTuple):
    """Grayscale: the chain, whose VOI is a placeholder where ``automatic`` decides it.

    ``supplemental`` colours the stored values that it maps, the others stay grey.
    """

    chain: Chain
    automatic: Automatic | None
    padding: tuple[float, float] | None
    supplemental: Palette | None
    rule: str


class PalettePlan(NamedTuple):
    """PALETTE COLOR: stored values to RGB by table."""

    palette: Palette
    bits: int
    rule: str


class ColourPlan(NamedTuple):
    """Colour: RGB, or a YBR that is converted; a window only on request, the same on each channel."""

    bits_stored: int
    voi: Window | Range
    bits: int
    rule: str


class ChannelsPlan(NamedTuple):
    """Gray as RGB: of each channel how it is shown by itself."""

    channels: tuple[GrayPlan, ...]
    rule: str


Plan = GrayPlan | PalettePlan | ColourPlan | ChannelsPlan


def make_plan(
    header: Header, display: Display, options: RenderOptions, notices: list[Notice], bits: int = 0
) -> Plan:
    """Decide how a frame is rendered; ``bits`` is the depth of its samples, where that is known.

    Raises `RenderError` where the file cannot give what was asked.
    """
    depth = max(bits, header.bits_stored)
    if options.channels:
        return _channels(header, display, options, notices, depth)
    if header.samples_per_pixel > 1:
        return _colour(options, depth)
    if header.photometric_interpretation == "PALETTE COLOR":
        if display.palette is None:
            raise RenderError("PALETTE COLOR without a palette")
        if options.window is not None:
            raise RenderError("a window has no meaning for PALETTE COLOR")
        if options.preset is not None:
            raise RenderError(f"preset {options.preset} is for gray CT images, this one is PALETTE COLOR")
        return PalettePlan(display.palette, options.bits, "color palette of the data set")
    modality, modality_words = _modality(header, display)
    voi, automatic, voi_words = _voi(header, display, options, modality, depth)
    invert, words = _presentation(header, display, options, notices)
    chain = Chain(modality, voi, display.presentation_lut, invert, options.bits)
    rule = "; ".join(part for part in (display.softcopy, modality_words, voi_words, words) if part)
    supplemental = display.palette if display.supplemental else None
    if supplemental is not None:
        rule += f"; stored values from {supplemental.first} on by the supplemental palette"
    return GrayPlan(chain, automatic, display.padding, supplemental, rule)


def _channels(
    header: Header, display: Display, options: RenderOptions, notices: list[Notice], depth: int
) -> ChannelsPlan:
    if display.supplemental or not header.photometric_interpretation.startswith("MONOCHROME"):
        shown = "coloured by a palette" if display.supplemental else header.photometric_interpretation
        raise RenderError(f"channels are windows of gray images, this one is {shown}")
    found = [make_plan(header, display, channel, notices, depth) for channel in options.by_channel()]
    plans = tuple(plan for plan in found if isinstance(plan, GrayPlan))
    named = zip(("red", "green", "blue"), plans, strict=True)
    return ChannelsPlan(plans, ". ".join(f"{name}: {plan.rule}" for name, plan in named))


def _colour(options: RenderOptions, depth: int) -> ColourPlan:
    if options.preset is not None:
        raise RenderError(f"preset {options.preset} is for gray CT images, this one is colour")
    ymax = float((1 << depth) - 1)
    if options.window is not None:
        return ColourPlan(depth, options.window, options.bits, "your window on each channel")
    return ColourPlan(depth, Range(0.0, ymax), options.bits, "colour as it is")


def _modality(header: Header, display: Display) -> tuple[Rescale | Lut | None, str]:
    if display.pixel_intensity_relationship in ("LOG", "DISP") and header.sop_class_uid in _XRAY:
        return (
            None,
            f"no modality LUT (relationship {display.pixel_intensity_relationship} is not for display)",
        )
    return modality_of(display), _modality_words(display)


def modality_of(display: Display) -> Rescale | Lut | None:
    """The modality transform of a frame, None for identity (C.11.1)."""
    if display.modality_lut is not None:
        return display.modality_lut
    if display.rescale is None or display.rescale == (1.0, 0.0):
        return None
    return Rescale(*display.rescale)


def _modality_words(display: Display) -> str:
    if display.modality_lut is not None:
        return f"modality LUT of {display.modality_lut.size} entries from {display.modality_source}"
    if display.rescale is not None:
        slope, intercept = display.rescale
        return f"rescale {slope:g} * x + {intercept:g} from {display.modality_source}"
    return ""


def _voi(
    header: Header, display: Display, options: RenderOptions, modality: Rescale | Lut | None, depth: int
) -> tuple[Window | Lut | Range, Automatic | None, str]:
    unknown = Range(0.0, 0.0)
    if options.window is not None:
        return options.window, None, f"window {_words(options.window)} as you asked"
    if options.preset is not None:
        return _preset(options.preset, header, display)
    match options.voi:
        case "none":
            return _full_range(header, modality, depth), None, "full range of the modality values"
        case "minmax":
            return unknown, Automatic(), "minimum to maximum of the frame"
        case "object":
            return unknown, Automatic(scope="object"), "minimum to maximum of all frames"
        case "percentile":
            low, high = options.percentile
            return unknown, Automatic(low, high), f"percentiles {low:g} to {high:g} of the frame"
        case "roi" if options.roi is not None:
            place = ",".join(map(str, options.roi))
            return (
                unknown,
                Automatic(region=_clipped(options.roi, header)),
                f"minimum to maximum of the region {place} of the frame",
            )
    number = options.window_number or 1
    lut_number = options.voi_lut_number or 1
    if options.window_number is not None and number > len(display.windows):
        raise RenderError(
            f"window {number} was asked for, the file has {len(display.windows)} usable windows"
        )
    if options.voi_lut_number is not None and lut_number > len(display.voi_luts):
        raise RenderError(f"VOI LUT {lut_number} was asked for, the file has {len(display.voi_luts)}")
    if options.series_range is not None:
        return Range(*options.series_range), None, "minimum to maximum of the series"
    prefers_lut = options.voi == "lut" or (
        options.voi_lut_number is not None and options.window_number is None
    )
    if display.windows and not (prefers_lut and display.voi_luts):
        window = display.windows[number - 1]
        count = f"{number} of {len(display.windows)}"
        named = f" '{window.explanation}'" if window.explanation else ""
        return window, None, f"window {count}{named}, {_words(window)}, from {display.windows_source}"
    if display.voi_luts:
        lut = display.voi_luts[lut_number - 1]
        return lut, None, f"VOI LUT {lut_number} of {len(display.voi_luts)} from {display.windows_source}"
    if display.softcopy:
        # PS3.4 N.2.1.3: without a VOI LUT in the state, an identity; the image's own is not used.
        return (
            _full_range(header, modality, depth),
            None,
            "full range of the modality values: no VOI in the state",
        )
    if depth <= 8 and modality is None and not header.is_float:
        return (
            _full_range(header, None, depth),
            None,
            f"identity over {header.bits_stored} bits: no window in the file",
        )
    return unknown, Automatic(), "minimum to maximum of the frame: no window in the file"


def _preset(name: str, header: Header, display: Display) -> tuple[Window, None, str]:
    """A window in Hounsfield units, for what has these.

    CT whose Rescale Type is absent has them (C.8.2.1: it is required where it is not HU); US, unspecified,
    says that it may be anything (C.11.1.1.2).
    """
    if header.modality != "CT":
        raise RenderError(
            f"preset {name} is for CT, the modality is {header.modality or 'not given'}; use a window"
        )
    if display.rescale is None and display.modality_lut is None:
        # Of captured screens and reports, which are of modality CT, too.
        raise RenderError(
            f"preset {name} is for Hounsfield units, and no Rescale Slope leads to them; use a window"
        )
    if display.rescale_type not in ("", "HU"):
        raise RenderError(
            f"preset {name} is for Hounsfield units, but Rescale Type (0028,1054) is "
            f"{display.rescale_type}; use a window"
        )
    window = PRESETS[name].window(name)
    return window, None, f"window {_words(window)}, preset {name}"


def _clipped(region: Region, header: Header) -> Region:
    """The part of a region that is in the image."""
    left, right = max(region.x, 0), min(region.x + region.width, header.columns)
    top, bottom = max(region.y, 0), min(region.y + region.height, header.rows)
    if left >= right or top >= bottom:
        raise RenderError(
            f"the region {','.join(map(str, region))} of --voi roi is outside of the image of "
            f"{header.columns} x {header.rows}"
        )
    return Region(left, top, right - left, bottom - top)


def _words(window: Window) -> str:
    return f"center {window.center:g}, width {window.width:g}, {window.function}"


def _full_range(header: Header, modality: Rescale | Lut | None, depth: int) -> Range:
    """The least and greatest modality value that a stored value can have.

    By Bits Stored also where a codestream is deeper: it may say what is allocated, and lossy JPEG has 12 bits
    where there are 10. What is beyond is white. Of more than is allocated the data set knows nothing.
    """
    if header.is_float:
        raise RenderError("floating point values have no full range; use --voi minmax or a window")
    if isinstance(modality, Lut):
        return Range(0.0, float((1 << modality.bits) - 1))
    span = 1 << (header.bits_stored if depth <= header.bits_allocated else depth)
    ends = [-span / 2, span / 2 - 1] if header.signed else [0.0, span - 1.0]
    if modality is not None:
        ends = sorted(end * modality.slope + modality.intercept for end in ends)
    return Range(*ends)


def _presentation(
    header: Header, display: Display, options: RenderOptions, notices: list[Notice]
) -> tuple[bool, str]:
    """Whether to invert (C.7.6.3.1.2, C.11.6)."""
    monochrome1 = header.photometric_interpretation == "MONOCHROME1"
    shape = display.presentation_lut_shape
    if display.presentation_lut is not None:
        return False, "presentation LUT"
    if display.softcopy:
        # PS3.4 N.2.1.4: the image's Photometric Interpretation is ignored.
        return shape == "INVERSE", f"presentation LUT shape {shape}" if shape else ""
    if shape not in ("", "IDENTITY", "INVERSE"):
        # LIN OD is print's (C.11.4), and what is not the standard's says nothing.
        notice = Notice("presentation-shape", f"Presentation LUT Shape {shape} is not for displays; ignored")
        if notice not in notices:
            notices.append(notice)
    elif shape and (shape == "INVERSE") != monochrome1:
        if options.presentation_shape == "follow":
            return shape == "INVERSE", f"presentation LUT shape {shape} followed"
        notice = Notice(
            "presentation-shape",
            f"Presentation LUT Shape {shape} contradicts {header.photometric_interpretation}, which was "
            "taken (--presentation-shape follow takes the shape)",
        )
        if notice not in notices:
            notices.append(notice)
    return monochrome1, "inverted (MONOCHROME1)" if monochrome1 else ""
