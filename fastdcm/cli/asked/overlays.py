"""The heading *Overlays*: which bit planes of the image are burned in."""

from __future__ import annotations

from typing import Any

from fastdcm.cli.asked.headings import given, parsed, under
from fastdcm.options import OverlayOptions, parse_color, parse_overlay_groups

overlay_options = under(
    "Overlays",
    given("--overlays", is_flag=True, help="Burn in the overlays of the image (groups 6000 to 601E)."),
    given(
        "--overlay-groups",
        metavar="6000,6002",
        callback=parsed(parse_overlay_groups),
        help="Burn in the overlays of these groups.",
    ),
    given(
        "--overlay-color",
        metavar="white|R,G,B|#rrggbb",
        callback=parsed(parse_color),
        help="Their color; default white. Other colors make gray images RGB.",
    ),
)


def overlay_of(asked: dict[str, Any]) -> OverlayOptions:
    """Options of overlays."""
    color = {} if asked["overlay_color"] is None else {"overlay_color": asked["overlay_color"]}
    return OverlayOptions(asked["overlays"], asked["overlay_groups"] or (), **color)
