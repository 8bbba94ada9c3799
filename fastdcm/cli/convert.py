"""``fastdcm convert``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from fastdcm.batch import run
from fastdcm.batch.targets import named_format, named_output
from fastdcm.cli.grouped import GroupedCommand, option
from fastdcm.cli.messages import error_line, write_line
from fastdcm.cli.operands import split_operands
from fastdcm.cli.progress import Display
from fastdcm.cli.summary import FAILED, INTERRUPTED, exit_status, summary
from fastdcm.errors import OptionError, WorkerError
from fastdcm.options import (
    LIMIT_NAMES,
    ConvertOptions,
    EncodeOptions,
    FrameSelection,
    Limits,
    ReadOptions,
    RenderOptions,
    parse_format,
    parse_voi,
    parse_window,
)

_EXAMPLES = """\b
Examples:
  fastdcm convert scan.dcm                       scan.jpg beside it
  fastdcm convert scan.dcm preview.png           one file, named
  fastdcm convert study/ -o images/ -j 8         a folder and all below it
  fastdcm convert study/ -o images/ -w -600,1500 --name '{series_instance_uid}/{instance_number}'
"""


def _parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that hands an option's text to a function of `fastdcm.options`."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else parse(value)
        except OptionError as error:
            raise click.BadParameter(error.message, ctx, param) from error

    return callback


def parse_quality(text: str) -> tuple[int, str | None]:
    """(quality, notice): 1 to 100, or dcm2jpg's fraction where there is a decimal point."""
    try:
        number = float(text) if "." in text else int(text)
    except ValueError:
        raise OptionError(f"{text!r} is no number") from None
    if isinstance(number, float):
        if not 0 <= number <= 1:
            raise OptionError(f"{text} is no fraction of 0.0 to 1.0; write 1 to 100 without a point")
        quality = max(1, round(number * 100))
        return quality, f"quality {text} is taken as dcm2jpg's fraction: {quality} of 100"
    if not 1 <= number <= 100:
        raise OptionError(f"{text} is not 1 to 100")
    return number, None


_FROM_ONE = click.IntRange(1)


def _limit(name: str) -> dict[str, Any]:
    """The settings of an option for a field of `Limits`."""
    return {"type": _FROM_ONE, "metavar": "N", "default": getattr(Limits, name)}


@click.command(cls=GroupedCommand, epilog=_EXAMPLES)
@click.argument("sources", nargs=-1, required=True, metavar="SRC...", type=click.Path())
@option("Output", "-o", "--output", metavar="OUT", help="Folder for the images, or one image's name.")
@option(
    "Output", "-F", "--format", metavar="jpg|png", callback=_parsed(parse_format), help="Format; default jpg."
)
@option(
    "Output",
    "-q",
    "--quality",
    metavar="1..100",
    callback=_parsed(parse_quality),
    help="JPEG quality; default 90.",
)
@option(
    "Output",
    "--subsampling",
    type=click.Choice(["444", "422", "420"]),
    help="Chroma subsampling of colour JPEG; default 420.",
)
@option(
    "Output",
    "--reencode",
    is_flag=True,
    help="Encode baseline JPEG frames anew, as -q and --subsampling do; default: copy them.",
)
@option("Output", "--bits", type=click.Choice(["8", "16"]), default="8", help="Bits a sample; 16 with PNG.")
@option(
    "Output",
    "--png-level",
    type=click.IntRange(1, 9),
    default=1,
    metavar="1..9",
    help="PNG effort: 3 takes twice the time for files 5 % smaller, 9 much more; default 1.",
)
@option("Output", "--name", metavar="TEMPLATE", help="Output names, from {stem}, {frame}, {modality}, ...")
@option("Output", "--overwrite", is_flag=True, help="Replace outputs that exist.")
@option("Output", "--skip-existing", is_flag=True, help="Leave outputs that exist, and call that success.")
@option(
    "Image",
    "--frames",
    metavar="1|2-5|1,7|all",
    callback=_parsed(FrameSelection.parse),
    help="Frames, counted from 1; default all.",
)
@option(
    "Image",
    "-w",
    "--window",
    metavar="CENTER,WIDTH[,FUNCTION]",
    callback=_parsed(parse_window),
    help="Window; FUNCTION is linear, linear_exact or sigmoid.",
)
@option("Image", "--window-number", type=_FROM_ONE, metavar="N", help="The file's Nth window.")
@option(
    "Image",
    "--voi",
    metavar="RULE",
    callback=_parsed(parse_voi),
    help="window, lut, minmax, object, percentile:LOW,HIGH or none; default window.",
)
@option("Image", "--voi-lut-number", type=_FROM_ONE, metavar="N", help="The file's Nth VOI LUT.")
@option(
    "Image",
    "--presentation-shape",
    type=click.Choice(["follow"]),
    help="Follow Presentation LUT Shape, as dcm2jpg does.",
)
@option(
    "Run",
    "--decoder",
    type=click.Choice(["auto", "own", "library"]),
    default="auto",
    help="For JPEG 2000, JPEG-LS, lossless JPEG: our own, a library, or what suits; default auto.",
)
@option("Run", "-j", "--jobs", type=_FROM_ONE, metavar="N", help="Worker processes; default: all cores.")
@option(
    "Run",
    "--timeout",
    type=float,
    default=60.0,
    metavar="SECONDS",
    help="Least time limit a frame; default 60.",
)
@option("Run", "--fail-fast", is_flag=True, help="Stop at the first failure.")
@option("Run", "--strict", is_flag=True, help="Make notices failures.")
@option(
    "Damage",
    "--allow-partial",
    is_flag=True,
    help="Give what is there of cut frames, with a notice.",
)
@option("Damage", "--max-pixels", **_limit("max_pixels"), help="Most pixels of a frame; default 2^29.")
@option("Damage", "--max-decoded", **_limit("max_decoded"), help="Most bytes of all frames; default 2^46.")
@option(
    "Damage", "--max-inflated", **_limit("max_inflated"), help="Most bytes of a deflated file; default 2^30."
)
@option("Damage", "--max-nesting", **_limit("max_nesting"), help="Deepest sequences; default 64.")
@option("Run", "--fsync", is_flag=True, help="Wait until each image is on the disk: safe, and slow.")
@option("Run", "--profile", is_flag=True, help="Tell where the time went: read, decode, render, ...")
@option("Run", "-v", "--verbose", is_flag=True, help="Tell of every file.")
@option("Run", "--quiet", is_flag=True, help="Tell of failures only.")
def convert(sources: tuple[str, ...], output: str | None, **asked: Any) -> None:
    """Convert DICOM files and folders to JPEG or PNG.

    A file's image goes beside it and a folder's images into a sibling FOLDER-jpg/, unless -o names
    the place.
    """
    try:
        status = _convert(list(sources), output, asked)
    except OptionError as error:
        raise click.UsageError(error.message) from error
    except WorkerError as error:
        for line in f"error: {error}".splitlines():
            error_line(line)
        status = FAILED
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _convert(operands: list[str], output: str | None, asked: dict[str, Any]) -> int:
    if asked["quiet"] and asked["verbose"]:
        raise OptionError("--quiet and --verbose exclude each other")
    sources, output = split_operands(operands, output)
    notices: list[str] = []
    options = _options(sources, output, asked, notices)
    display = Display(quiet=asked["quiet"], verbose=asked["verbose"])
    if not asked["quiet"]:
        for notice in notices:
            error_line(f"notice: {notice}")
    try:
        report = run(
            sources,
            output,
            options,
            jobs=asked["jobs"],
            first_only=asked["frames"] is None,
            watcher=display,
            profile=asked["profile"],
        )
    finally:
        display.close()
    if not asked["quiet"]:
        _print(summary(report, options.existing))
    if asked["profile"]:
        from fastdcm.cli.profile import profile

        _print(profile(report))
    return exit_status(report, options.existing)


def _print(lines: list[str]) -> None:
    for line in lines:
        write_line(sys.stdout, line)


def _options(
    sources: list[str], output: str | None, asked: dict[str, Any], notices: list[str]
) -> ConvertOptions:
    """The arguments as options; what the user should know about them is added to ``notices``."""
    if asked["overwrite"] and asked["skip_existing"]:
        raise OptionError("--overwrite and --skip-existing exclude each other")
    format = asked["format"]
    if (named := named_output(sources, output)) is not None:
        by_name = named_format(named)
        if format is not None and format != by_name:
            notices.append(f"{named} will hold {format.upper()}, because -F says so")
        format = format or by_name
    quality, notice = asked["quality"] or (90, None)
    if notice:
        notices.append(notice)
    return ConvertOptions(
        render=RenderOptions(
            window=asked["window"],
            window_number=asked["window_number"],
            voi_lut_number=asked["voi_lut_number"],
            presentation_shape=asked["presentation_shape"] or "photometric",
            bits=16 if asked["bits"] == "16" else 8,
            **(asked["voi"] or {}),
        ),
        encode=EncodeOptions(
            format=format or "jpeg",
            quality=quality,
            subsampling=asked["subsampling"] or "420",
            png_level=asked["png_level"],
            reencode=asked["reencode"] or bool(asked["quality"] or asked["subsampling"]),
        ),
        frames=asked["frames"] or FrameSelection(),
        existing="overwrite" if asked["overwrite"] else "skip" if asked["skip_existing"] else "keep",
        name=asked["name"],
        read=ReadOptions.of(
            strict=asked["strict"],
            allow_partial=asked["allow_partial"],
            decoder=asked["decoder"],
            **{name: asked[name] for name in LIMIT_NAMES},
        ),
        fail_fast=asked["fail_fast"],
        timeout=asked["timeout"],
        fsync=asked["fsync"],
    )
