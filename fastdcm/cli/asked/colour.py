"""The heading *Colour*: what becomes of ICC profiles."""

from __future__ import annotations

from typing import Any

import click

from fastdcm.cli.asked.headings import given, under
from fastdcm.options import ColourOptions

colour_options = under(
    "Colour",
    given(
        "--icc",
        type=click.Choice(["embed", "srgb", "none"]),
        default="embed",
        help="ICC profile: embed it, convert colours to sRGB by it, or drop it; default embed.",
    ),
)


def colour_of(asked: dict[str, Any]) -> ColourOptions:
    """Options of colour."""
    return ColourOptions(icc=asked["icc"])
