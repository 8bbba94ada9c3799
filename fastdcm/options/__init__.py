"""What a caller may ask for: frozen, validated once, here.

Nothing in this package imports numpy, so that the command line can check its arguments at once.
"""

from fastdcm.options.channels import parse_channels
from fastdcm.options.colour import ColourOptions, Icc
from fastdcm.options.convert import ConvertOptions, Existing, FrameSelection
from fastdcm.options.deidentify import DeidentifyOptions
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import EXTENSIONS, FORMAT_NAMES, FORMATS, Format, Holds, parse_format, too_deep
from fastdcm.options.geometry import (
    Fit,
    GeometryOptions,
    Resample,
    Size,
    check_alike,
    parse_size,
    parse_spacing,
)
from fastdcm.options.keywords import options_of_values, split_options
from fastdcm.options.overlays import OverlayOptions, parse_color, parse_overlay_groups
from fastdcm.options.presentation import PresentationOptions
from fastdcm.options.presets import PRESETS, parse_preset
from fastdcm.options.read import LIMIT_NAMES, Decoder, Limits, ReadOptions
from fastdcm.options.region import parse_crop, parse_region, parse_regions
from fastdcm.options.render import Precision, PresentationShape, RenderOptions, Voi, parse_voi
from fastdcm.options.sidecars import Metadata, SidecarOptions, parse_tags
from fastdcm.options.window import is_usable, parse_window

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "FORMAT_NAMES",
    "LIMIT_NAMES",
    "PRESETS",
    "ColourOptions",
    "ConvertOptions",
    "Decoder",
    "DeidentifyOptions",
    "EncodeOptions",
    "Existing",
    "Fit",
    "Format",
    "FrameSelection",
    "GeometryOptions",
    "Holds",
    "Icc",
    "Limits",
    "Metadata",
    "OverlayOptions",
    "Precision",
    "PresentationOptions",
    "PresentationShape",
    "ReadOptions",
    "RenderOptions",
    "Resample",
    "SidecarOptions",
    "Size",
    "Voi",
    "check_alike",
    "is_usable",
    "options_of_values",
    "parse_channels",
    "parse_color",
    "parse_crop",
    "parse_format",
    "parse_overlay_groups",
    "parse_preset",
    "parse_region",
    "parse_regions",
    "parse_size",
    "parse_spacing",
    "parse_tags",
    "parse_voi",
    "parse_window",
    "split_options",
    "too_deep",
]
