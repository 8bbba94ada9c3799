"""One object from standard input (``--stdin``), one image to standard output (``-o -``)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

from fastdcm.batch.report import Report
from fastdcm.batch.targets import holds_many
from fastdcm.cli.messages import error_line
from fastdcm.errors import OptionError, cannot_write
from fastdcm.options import EXTENSIONS, Format
from fastdcm.sources import Place
from fastdcm.sources.addresses import shown

#: What messages, and outputs in a folder, are called after; with a number where there is such a file.
_NAME = "stdin"
_STANDARD_OUTPUT = "-"


class Streams(NamedTuple):
    """Sources and output without streams. ``places`` is where the bytes of standard input are."""

    sources: list[str]
    output: str | None
    places: dict[str, Place]
    #: The folder of what goes to standard output.
    folder: str | None = None


def resolved(
    sources: list[str], output: str | None, *, stdin: bool, format: Format, closing: ExitStack
) -> Streams:
    """Take in what comes by standard input, and a place for what goes to standard output, until it is closed.

    Raises `OptionError`.
    """
    if stdin and sources:
        raise OptionError(f"--stdin reads one object, and no {shown(sources[0])} with it")
    if stdin and output is None:
        raise OptionError("--stdin: say with -o where the image goes; -o - is standard output")
    to_stdout = output == _STANDARD_OUTPUT
    if to_stdout:
        if len(sources) + stdin != 1 or any(map(holds_many, sources)):
            raise OptionError("-o - is for the image of one file: standard output holds one image")
        if sys.stdout.isatty():
            raise OptionError("-o - would write an image to the terminal: send it to a file or a program")
    folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="fastdcm-"))
    places: dict[str, Place] = {}
    if stdin:
        if sys.stdin.isatty():
            raise OptionError("--stdin: standard input is the terminal: send an object there")
        path = os.path.join(folder, "object")
        try:
            with open(path, "wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
                size = file.tell()
        except OSError as error:
            raise cannot_write(f"standard input into {folder}", error) from error
        names = (f"{_NAME}-{number}" if number else _NAME for number in count())
        name = next(name for name in names if not os.path.lexists(name))
        sources, places = [name], {name: Place(path, 0, size, size)}
    if not to_stdout:
        return Streams(sources, output, places)
    images = os.path.join(folder, "images")
    os.mkdir(images)
    return Streams(sources, os.path.join(images, "image" + EXTENSIONS[format]), places, images)


def send(folder: str, report: Report) -> bool:
    """Send the image that was made to standard output; False where that is not one, or nobody takes it."""
    names = sorted(os.listdir(folder))
    if not names:
        return True  # why there is none is told already
    report.outputs = ("standard output",)
    if len(names) > 1:
        report.images = 0
        error_line(f"failed: {len(names)} images, and standard output holds one: --frames 1, or a folder")
        return False
    sys.stdout.flush()
    try:
        with open(os.path.join(folder, names[0]), "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    except OSError as error:
        error_line(f"failed: standard output: {error.strerror or error}")
        return False
    return True
