"""The headings *Run* and *Damage*: how objects are read, and how a run behaves."""

from __future__ import annotations

from typing import Any

import click

from fastdcm.cli.asked.headings import FROM_ONE, given, parsed, under
from fastdcm.options import LIMIT_NAMES, Limits, ReadOptions
from fastdcm.options.part import parse_part


def _limit(name: str) -> dict[str, Any]:
    """The settings of an option for a field of `Limits`."""
    return {"type": FROM_ONE, "metavar": "N", "default": getattr(Limits, name)}


run_options = under(
    "Run",
    given("--stdin", is_flag=True, help="Read one object from standard input; with -o."),
    given(
        "--decoder",
        type=click.Choice(["auto", "own", "library"]),
        default="auto",
        help="For JPEG 2000, JPEG-LS, JPEG: our own, a library, or what suits; default auto.",
    ),
    given("-j", "--jobs", type=FROM_ONE, metavar="N", help="Worker processes; default: all cores."),
    given("--dask", metavar="ADDRESS", help="A Dask cluster, its file, or local."),
    given(
        "--part",
        metavar="I/N",
        callback=parsed(parse_part),
        help="A share of the inputs, for array jobs.",
    ),
    given(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="Least time limit a frame; default 60.",
    ),
    given("--fail-fast", is_flag=True, help="Stop at the first failure."),
    given("--strict", is_flag=True, help="Make notices failures."),
    given("--fsync", is_flag=True, help="Wait until each image is on the disk: slow."),
    given("--profile", is_flag=True, help="Tell where the time went."),
    given("-v", "--verbose", is_flag=True, help="Tell of every file."),
    given("--quiet", is_flag=True, help="Tell of failures only."),
)

damage_options = under(
    "Damage",
    given(
        "--allow-partial",
        is_flag=True,
        help="Give what is there of cut frames, with a notice.",
    ),
    given("--max-pixels", **_limit("max_pixels"), help="Most pixels of a frame; default 2^29."),
    given("--max-decoded", **_limit("max_decoded"), help="Most bytes of all frames; default 2^46."),
    given("--max-inflated", **_limit("max_inflated"), help="Most bytes of a deflated file; default 2^30."),
    given("--max-nesting", **_limit("max_nesting"), help="Deepest sequences; default 64."),
)


def read_options(asked: dict[str, Any]) -> ReadOptions:
    """Options of reading."""
    return ReadOptions.of(
        strict=asked["strict"],
        allow_partial=asked["allow_partial"],
        decoder=asked["decoder"],
        refuse_burned_in=asked["refuse_burned_in"],
        **{name: asked[name] for name in LIMIT_NAMES},
    )
