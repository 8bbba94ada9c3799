"""What a caller may ask for: frozen, validated once, here.

Nothing in this package imports numpy, so that the command line can check its arguments at once.
"""

from fastdcm.options.convert import ConvertOptions, Existing, FrameSelection
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import EXTENSIONS, FORMAT_NAMES, Format, parse_format
from fastdcm.options.keywords import split_options
from fastdcm.options.overlays import OverlayOptions, parse_color, parse_overlay_groups
from fastdcm.options.presentation import PresentationOptions
from fastdcm.options.read import LIMIT_NAMES, Decoder, Limits, ReadOptions
from fastdcm.options.render import PresentationShape, RenderOptions, Voi, parse_voi
from fastdcm.options.window import is_usable, parse_window

__all__ = [
    "EXTENSIONS",
    "FORMAT_NAMES",
    "LIMIT_NAMES",
    "ConvertOptions",
    "Decoder",
    "EncodeOptions",
    "Existing",
    "Format",
    "FrameSelection",
    "Limits",
    "OverlayOptions",
    "PresentationOptions",
    "PresentationShape",
    "ReadOptions",
    "RenderOptions",
    "Voi",
    "is_usable",
    "parse_color",
    "parse_format",
    "parse_overlay_groups",
    "parse_voi",
    "parse_window",
    "split_options",
]
