"""The heading *Image*: which frames are shown, and how."""

from __future__ import annotations

from typing import Any, get_args

import click

from fastdcm.cli.asked.colour import colour_of
from fastdcm.cli.asked.geometry import deidentify_of, geometry_of
from fastdcm.cli.asked.headings import FROM_ONE, given, parsed, under
from fastdcm.cli.asked.overlays import overlay_of
from fastdcm.cli.asked.presentation import presentation_of
from fastdcm.options import (
    PRESETS,
    FrameSelection,
    Precision,
    RenderOptions,
    parse_channels,
    parse_preset,
    parse_voi,
    parse_window,
)

#: Also of ``fastdcm get``.
window_option = given(
    "-w",
    "--window",
    metavar="CENTER,WIDTH[,FUNCTION]",
    callback=parsed(parse_window),
    help="Window; FUNCTION is linear, linear_exact or sigmoid.",
)

image_options = under(
    "Image",
    given(
        "--frames",
        metavar="1|2-5|1,7|all",
        callback=parsed(FrameSelection.parse),
        help="Frames, counted from 1; default all.",
    ),
    window_option,
    given(
        "--preset",
        metavar="NAME",
        callback=parsed(parse_preset),
        help=f"A window for CT: {', '.join(PRESETS)} (fastdcm doctor: in numbers).",
    ),
    given(
        "--channels",
        metavar="A,B,C",
        callback=parsed(parse_channels),
        help="Windows as red, green, blue: presets or CENTER/WIDTH[/FUNCTION].",
    ),
    given("--window-number", type=FROM_ONE, metavar="N", help="The file's Nth window."),
    given(
        "--voi",
        metavar="RULE",
        callback=parsed(parse_voi),
        help="window, lut, minmax, object, series, percentile:LOW,HIGH, roi:X,Y,W,H or none; default window.",
    ),
    given("--voi-lut-number", type=FROM_ONE, metavar="N", help="The file's Nth VOI LUT."),
    given(
        "--presentation-shape",
        type=click.Choice(["follow"]),
        help="Follow Presentation LUT Shape, as dcm2jpg does.",
    ),
    given(
        "--precision",
        type=click.Choice(get_args(Precision)),
        help="display: leave out what hardly changes a grey (JPEG 2000).",
    ),
)


def render_options(asked: dict[str, Any]) -> RenderOptions:
    """Options of rendering."""
    return RenderOptions(
        window=asked["window"],
        preset=asked["preset"],
        channels=asked["channels"] or (),
        window_number=asked["window_number"],
        voi_lut_number=asked["voi_lut_number"],
        presentation_shape=asked["presentation_shape"] or "photometric",
        bits=16 if asked["bits"] == "16" else 8,
        precision=asked["precision"] or "full",
        colour=colour_of(asked),
        overlay=overlay_of(asked),
        presentation=presentation_of(asked),
        deidentify=deidentify_of(asked),
        geometry=geometry_of(asked),
        **(asked["voi"] or {}),
    )
