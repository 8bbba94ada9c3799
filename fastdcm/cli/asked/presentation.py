"""The heading *Presentation states*: what decides in place of the image how it is shown."""

from __future__ import annotations

from typing import Any

import click

from fastdcm.cli.asked.headings import given, under
from fastdcm.options import PresentationOptions

presentation_options = under(
    "Presentation states",
    given(
        "--presentation-state",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="Show the images as this state says, which must reference them.",
    ),
    given(
        "--presentation-states",
        type=click.Path(exists=True, file_okay=False),
        metavar="DIR",
        help="For each image the latest state of a folder that references it, if there is one.",
    ),
    given(
        "--display-pixel-spacing",
        type=float,
        metavar="MM",
        help="Size of the display's pixels, for areas in TRUE SIZE; default: the image's own pixels.",
    ),
    given(
        "--annotation-font",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="Font for text, TrueType or OpenType; default: built-in.",
    ),
)


def presentation_of(asked: dict[str, Any]) -> PresentationOptions:
    """Options of presentation states."""
    return PresentationOptions(
        asked["presentation_state"],
        asked["presentation_states"],
        asked["display_pixel_spacing"],
        asked["annotation_font"],
    )
