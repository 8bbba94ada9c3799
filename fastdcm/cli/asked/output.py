"""The heading *Output*: where images go, and how they are encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fastdcm.batch.targets import named_format, named_output
from fastdcm.cli.asked.headings import given, parsed, under
from fastdcm.errors import OptionError
from fastdcm.options import FORMATS, EncodeOptions, Format, parse_format

if TYPE_CHECKING:
    from fastdcm.options.shards import ShardOptions


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


output_options = under(
    "Output",
    given(
        "-o",
        "--output",
        metavar="OUT",
        help="Folder, .zip, .tar, image's name, - for stdout.",
    ),
    given(
        "-F",
        "--format",
        metavar="jpg|png|...",
        callback=parsed(parse_format),
        help=f"{', '.join(holds.names[0] for holds in FORMATS.values())}; default jpg.",
    ),
    given(
        "-q",
        "--quality",
        metavar="1..100",
        callback=parsed(parse_quality),
        help="Quality, where a format loses something; default 90.",
    ),
    given(
        "--lossless",
        is_flag=True,
        help="Lose nothing, as JPEG 2000, HTJ2K, JPEG XL do without -q; also WebP.",
    ),
    given(
        "--subsampling",
        type=click.Choice(["444", "422", "420"]),
        help="Chroma subsampling of colour JPEG; default 420.",
    ),
    given(
        "--reencode",
        is_flag=True,
        help="Encode baseline JPEG frames anew, as -q and --subsampling do; default: copy them.",
    ),
    given(
        "--bits",
        type=click.Choice(["8", "16"]),
        default="8",
        help="Bits a sample; 16 not with JPEG, WebP, AVIF, BMP, GIF, MP4.",
    ),
    given(
        "--png-level",
        type=click.IntRange(1, 9),
        default=1,
        metavar="1..9",
        help="PNG effort: 3 takes twice the time for files 5 % smaller, 9 much more; default 1.",
    ),
    given(
        "--name", metavar="TEMPLATE", help="Output names, from {stem}, {path}, {frame:04d}, {modality}, ..."
    ),
    given("--allow-phi-names", is_flag=True, help="Let names have {patient_id}, {study_date}, ..."),
    given("--flat", is_flag=True, help="All images of a folder in one, without its sub-folders."),
    given(
        "--shards",
        metavar="out-%06d.tar",
        help="Tar archives for WebDataset: each image with its JSON; a run that was cut off goes on.",
    ),
    given(
        "--shard-size",
        metavar="SIZE",
        help="Most bytes of a shard, 64M, 1G; default 256M.",
    ),
    given("--overwrite", is_flag=True, help="Replace outputs that exist."),
    given("--skip-existing", is_flag=True, help="Leave outputs that exist: a success."),
)


def encode_options(
    asked: dict[str, Any], sources: list[str], output: str | None, notices: list[str]
) -> EncodeOptions:
    """Options of encoding; what the user should know about them is added to ``notices``."""
    format: Format | None = asked["format"]
    if (named := named_output(sources, output)) is not None:
        by_name = named_format(named)
        if format is not None and format != by_name:
            notices.append(f"{named} will hold {format.upper()}, because -F says so")
        format = format or by_name
    format = format or "jpeg"
    quality, notice = asked["quality"] or (90, None)
    if notice:
        notices.append(notice)
    if asked["quality"] and asked["lossless"]:
        raise OptionError("--quality and --lossless exclude each other")
    if asked["quality"] and not FORMATS[format].quality:
        notices.append(f"{FORMATS[format].title} has no quality: -q changes nothing")
    return EncodeOptions(
        format=format,
        quality=quality,
        subsampling=asked["subsampling"] or "420",
        png_level=asked["png_level"],
        reencode=asked["reencode"] or bool(asked["quality"] or asked["subsampling"]),
        lossless=True if asked["lossless"] else False if asked["quality"] else None,
    )


def shards_of(asked: dict[str, Any]) -> ShardOptions | None:
    """Options of shards; None without them."""
    pattern, size = asked["shards"], asked["shard_size"]
    if pattern is None:
        if size is not None:
            raise OptionError("--shard-size is for --shards")
        return None
    from fastdcm.options.shards import ShardOptions, parse_shard_size

    return ShardOptions(pattern) if size is None else ShardOptions(pattern, parse_shard_size(size))
