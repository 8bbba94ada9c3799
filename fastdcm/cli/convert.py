"""``fastdcm convert``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any, TextIO

import click

from fastdcm.batch import run
from fastdcm.cli.asked.colour import colour_options
from fastdcm.cli.asked.geometry import deidentify_options, geometry_options
from fastdcm.cli.asked.image import image_options, render_options
from fastdcm.cli.asked.manifest import manifest_of, manifest_options
from fastdcm.cli.asked.output import encode_options, output_options, shards_of
from fastdcm.cli.asked.overlays import overlay_options
from fastdcm.cli.asked.presentation import presentation_options
from fastdcm.cli.asked.run import damage_options, read_options, run_options
from fastdcm.cli.asked.sidecars import sidecar_of, sidecar_options
from fastdcm.cli.grouped import GroupedCommand
from fastdcm.cli.messages import error_line, write_line
from fastdcm.cli.operands import split_operands
from fastdcm.cli.progress import Display
from fastdcm.cli.summary import DONE, FAILED, INTERRUPTED, exit_status, summary
from fastdcm.errors import OptionError, OutputError, WorkerError
from fastdcm.options import ConvertOptions, Format, FrameSelection
from fastdcm.sources import Place

#: The output that is standard output.
_STANDARD_OUTPUT = "-"
_EXAMPLES = """\b
Examples:
  fastdcm convert scan.dcm                       scan.jpg beside it
  fastdcm convert scan.dcm preview.png           one file, named
  fastdcm convert study/ -o images/ -j 8         a folder and all below it
  fastdcm convert study.zip @list.txt -o images/ an archive, and a list of sources
  fastdcm convert study/ -o images/ -w -600,1500 --name '{series_instance_uid}/{instance_number}'
"""


@click.command(cls=GroupedCommand, epilog=_EXAMPLES)
@click.argument("sources", nargs=-1, metavar="SRC...", type=click.Path())
@output_options
@image_options
@colour_options
@overlay_options
@presentation_options
@geometry_options
@deidentify_options
@sidecar_options
@manifest_options
@run_options
@damage_options
def convert(sources: tuple[str, ...], output: str | None, **asked: Any) -> None:
    """Convert DICOM files, folders, ZIPs and TARs to JPEG, PNG, and other formats.

    A file's image goes beside it and a folder's images into a sibling FOLDER-jpg/, unless -o names
    the place. @LIST is a list of sources, - reads one.
    """
    try:
        status = _convert(list(sources), output, asked)
    except OptionError as error:
        raise click.UsageError(error.message) from error
    except (WorkerError, OutputError) as error:
        for line in f"error: {error}".splitlines():
            error_line(line)
        status = FAILED
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _convert(operands: list[str], output: str | None, asked: dict[str, Any]) -> int:
    if asked["quiet"] and asked["verbose"]:
        raise OptionError("--quiet and --verbose exclude each other")
    if not operands and not asked["stdin"]:
        raise OptionError("Missing argument 'SRC...'.")
    if asked["jobs"] is not None and asked["dask"] not in (None, "local"):
        raise OptionError("a cluster has as many workers as it has: leave --jobs out")
    sources, output = split_operands(operands, output)
    with ExitStack() as closing:
        places: dict[str, Place] | None = None
        to_stdout: str | None = None
        if asked["stdin"] or output == _STANDARD_OUTPUT:
            if asked["dask"]:
                raise OptionError("standard input and output are this machine's: leave --dask out")
            for name in ("metadata", "manifest", "shards") if output == _STANDARD_OUTPUT else ():
                if asked[name]:
                    raise OptionError(f"-o - is for an image alone: no --{name} with it")
            for name in ("manifest", "part") if asked["stdin"] else ():
                if asked[name]:
                    raise OptionError(f"--stdin reads one object: no --{name} with it")
            from fastdcm.cli.streams import resolved  # few runs have streams

            format: Format = asked["format"] or "jpeg"
            streams = resolved(sources, output, stdin=asked["stdin"], format=format, closing=closing)
            sources, output, places, to_stdout = streams
        return _run(sources, output, asked, places, to_stdout)


def _run(
    sources: list[str],
    output: str | None,
    asked: dict[str, Any],
    places: dict[str, Place] | None,
    to_stdout: str | None,
) -> int:
    """Convert; ``to_stdout`` is the folder of what goes there, and then all words go to standard error."""
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
            places=places,
            cluster=asked["dask"],
        )
    finally:
        display.close()
    sent = True
    if to_stdout is not None:
        from fastdcm.cli.streams import send

        sent = send(to_stdout, report)
    words = sys.stdout if to_stdout is None else sys.stderr
    if not asked["quiet"]:
        _print(words, summary(report, options.existing))
    if asked["profile"]:
        from fastdcm.cli.profile import profile

        _print(words, profile(report))
    status = exit_status(report, options.existing, of_part=options.part is not None)
    return status or (DONE if sent else FAILED)


def _print(stream: TextIO, lines: list[str]) -> None:
    for line in lines:
        write_line(stream, line)


def _options(
    sources: list[str], output: str | None, asked: dict[str, Any], notices: list[str]
) -> ConvertOptions:
    """The arguments as options; what the user should know about them is added to ``notices``."""
    if asked["overwrite"] and asked["skip_existing"]:
        raise OptionError("--overwrite and --skip-existing exclude each other")
    return ConvertOptions(
        render=render_options(asked),
        encode=encode_options(asked, sources, output, notices),
        frames=asked["frames"] or FrameSelection(),
        existing="overwrite" if asked["overwrite"] else "skip" if asked["skip_existing"] else "keep",
        name=asked["name"],
        allow_phi_names=asked["allow_phi_names"],
        read=read_options(asked),
        fail_fast=asked["fail_fast"],
        timeout=asked["timeout"],
        fsync=asked["fsync"],
        sidecar=sidecar_of(asked),
        flat=asked["flat"],
        shards=shards_of(asked),
        manifest=manifest_of(asked),
        part=asked["part"],
    )
