"""The headings *Geometry* and *De-identification*: which part of a picture is shown, and how large."""

from __future__ import annotations

from typing import Any, get_args

import click

from fastdcm.cli.asked.headings import given, parsed, under
from fastdcm.options import (
    DeidentifyOptions,
    Fit,
    GeometryOptions,
    Resample,
    parse_crop,
    parse_regions,
    parse_size,
    parse_spacing,
)

geometry_options = under(
    "Geometry",
    given(
        "--size",
        metavar="LONG|WxH",
        callback=parsed(parse_size),
        help="Fit into a size, keeping the aspect.",
    ),
    given(
        "--fit",
        type=click.Choice(get_args(Fit)),
        default="inside",
        metavar="HOW",
        help="inside; or to get exactly the --size: pad, crop or stretch.",
    ),
    given(
        "--spacing",
        metavar="MM|ROWS,COLUMNS",
        callback=parsed(parse_spacing),
        help="Resample to so many millimetres from pixel to pixel.",
    ),
    given("--scale", type=float, metavar="FACTOR", help="Make it so many times as large."),
    given("--enlarge", is_flag=True, help="Let smaller images grow to --size, too."),
    given(
        "--resample",
        type=click.Choice(get_args(Resample)),
        metavar="FILTER",
        help="area, lanczos, linear or nearest; default area to shrink, linear to enlarge.",
    ),
    given("--aspect", is_flag=True, help="Make pixels square that are not."),
    given(
        "--crop",
        metavar="X,Y,W,H|content",
        callback=parsed(parse_crop),
        help="Show this part of the source, or all but its border of background.",
    ),
    given("--rotate", type=click.Choice(["90", "180", "270"]), help="Turn clockwise."),
    given(
        "--flip",
        type=click.Choice(["h", "v"]),
        help="Mirror, after --rotate.",
    ),
    given("--exact", is_flag=True, help="Shrink what is decoded in full, which takes longer."),
)

deidentify_options = under(
    "De-identification",
    given(
        "--mask",
        multiple=True,
        metavar="X,Y,W,H",
        help="Black out this part of the source; repeatable.",
    ),
    given(
        "--keep-us-regions",
        is_flag=True,
        help="Black out all but an ultrasound's regions.",
    ),
    given(
        "--refuse-burned-in",
        is_flag=True,
        help="Fail images with Burned In Annotation YES.",
    ),
)


def geometry_of(asked: dict[str, Any]) -> GeometryOptions:
    """Options of geometry."""
    return GeometryOptions(
        size=asked["size"],
        scale=asked["scale"],
        enlarge=asked["enlarge"],
        resample=asked["resample"],
        aspect=asked["aspect"],
        crop=asked["crop"],
        rotate=int(asked["rotate"] or 0),  # type: ignore[arg-type]  # one of the choices
        flip=asked["flip"],
        exact=asked["exact"],
        fit=asked["fit"],
        spacing=asked["spacing"],
    )


def deidentify_of(asked: dict[str, Any]) -> DeidentifyOptions:
    """What is blacked out."""
    return DeidentifyOptions(masks=parse_regions(asked["mask"]), keep_us_regions=asked["keep_us_regions"])
