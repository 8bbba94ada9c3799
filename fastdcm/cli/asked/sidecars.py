"""The heading *Sidecars*: what is told of images beside them."""

from __future__ import annotations

from typing import Any, get_args

import click

from fastdcm.cli.asked.headings import given, parsed, under
from fastdcm.options import Metadata, SidecarOptions, parse_tags

sidecar_options = under(
    "Sidecars",
    given(
        "--metadata",
        type=click.Choice(get_args(Metadata)),
        help="Tell of each image where it comes from and how it is shown: IMAGE.json, or one table.",
    ),
    given(
        "--tags",
        metavar="KEYWORD,(GGGG,EEEE),...",
        multiple=True,
        callback=parsed(parse_tags),
        help="These attributes; default with json: all that name nobody, with a table: none.",
    ),
)


def sidecar_of(asked: dict[str, Any]) -> SidecarOptions:
    """Options of sidecars."""
    # Shards have JSON, with the attributes that are named.
    implied: Metadata | None = "json" if asked["shards"] and asked["tags"] else None
    return SidecarOptions(asked["metadata"] or implied, asked["tags"] or ())
