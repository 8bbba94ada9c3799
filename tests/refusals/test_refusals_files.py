"""Bad inputs, files: what a path may name besides a file, and files that change while they are read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fastdcm.errors import CodestreamError, DicomError, NotDicomError, SourceError, TruncatedError
from tests.builders import (
    EXPLICIT,
    IMPLICIT,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    Element,
    delimiter,
    dicom,
    encapsulated,
    encode,
    image,
    item_head,
    module,
    sparse,
)
from tests.refusals.budget import LINUX
from tests.refusals.rows import Row, error, reads, row

RLE = "1.2.840.10008.1.2.5"

SIX, PIXELS = [[1, 2, 3], [4, 5, 6]], bytes(range(1, 7))


def folder(where: Path) -> Path:
    return where


def pipe(where: Path) -> Path:
    path = where / "pipe.dcm"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def local_socket(where: Path) -> Path:
    path = where / "s"
    path.unlink(missing_ok=True)
    before = Path.cwd()
    os.chdir(where)  # the name of a socket has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind("s")
    finally:
        os.chdir(before)
    return path


def loop(where: Path) -> Path:
    path = where / "loop.dcm"
    path.unlink(missing_ok=True)
    path.symlink_to("loop.dcm")
    return path


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 3)


def vanish(path: Path) -> None:
    path.unlink()


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1000))


TWO = image(PIXELS * 2, frames=2)
FAR = 3 << 30


def hollow(before: bytes, after: bytes, *, size: int = FAR) -> Callable[[Path], Path]:
    """A file with a hole of so many bytes between these."""

    def make(where: Path) -> Path:
        path = where / "hollow.dcm"
        return sparse(path, {0: before, len(before) + size: after})

    return make


def up_to(tag: int, syntax: str = EXPLICIT) -> bytes:
    """An image as far as its elements before this tag."""
    return dicom([element for element in module() if element.tag < tag], syntax)


def rest(tag: int) -> bytes:
    pixels = Element(PIXEL_DATA, "OB", PIXELS)
    return encode([*(element for element in module() if element.tag > tag), pixels])


def vast(tag: int, vr: str) -> Callable[[Path], Path]:
    """An image with an element of 3 GiB."""
    return hollow(up_to(tag) + encode([Element(tag, vr, b"", length=FAR)]), rest(tag))


FILES = {
    "folder": Row(error(SourceError, "it is a folder"), path=folder),
    "pipe": Row(error(SourceError, "it is a pipe or device"), path=pipe),
    "socket": Row(error(SourceError, "cannot be opened"), path=local_socket),
    "device without end": Row(error(SourceError, "it is a pipe or device"), path=lambda _: Path("/dev/zero")),
    "device": Row(error(SourceError, "it is a pipe or device"), path=lambda _: Path("/dev/null")),
    "file that says it is empty and is not": Row(
        error(NotDicomError, "not a DICOM file"), path=lambda _: Path("/proc/self/status")
    ),
    "link to itself": Row(error(SourceError, "cannot be opened"), path=loop),
    "absent": Row(error(SourceError, "No such file"), path=lambda where: where / "absent.dcm"),
    "name of 300 letters": Row(error(SourceError, "name too long"), path=lambda where: where / ("x" * 300)),
    "shrinks, the frame before": row(TWO, reads(SIX), change=shrink, ways=(False,)),
    "shrinks": row(
        TWO, error(TruncatedError, "could be read", "frame"), change=shrink, ways=(False,), frame=2
    ),
    "shrinks, encapsulated": row(
        lambda: image(encapsulated([bytes(64)] * 2, end=False), RLE, frames=2),
        error(TruncatedError, "could be read", "frame"),
        change=shrink,
        ways=(False,),
        frame=2,
    ),
    "disappears": row(TWO, reads(SIX), change=vanish, ways=(False,), frame=2),
    "grows": row(TWO, reads(SIX), change=grow, frame=2),
    "private value of 3 GiB": Row(reads(SIX), path=vast(0x00091001, "OB")),
    "value of 3 GiB that is shown": Row(
        error(DicomError, "(0028,1050) has 3221225472 bytes", "render", SIX), path=vast(0x00281050, "UN")
    ),
    "value of 3 GiB that is needed": Row(
        error(DicomError, "(0028,0004) has 3221225472 bytes"), path=vast(0x00280004, "UN")
    ),
    "functional groups of 3 GiB": Row(
        error(DicomError, "(5200,9230) has 3221225472 bytes", "render", SIX), path=vast(0x52009230, "SQ")
    ),
    "3 GiB of zeros for a data set": Row(
        error(DicomError, "more elements than any real one"), path=hollow(up_to(0x00280012, IMPLICIT), b"")
    ),
    "3 GiB of zeros for an item": Row(
        error(DicomError, "zeros at byte"),
        path=hollow(
            up_to(0x00280012, IMPLICIT)
            + encode([Element(0x00321064, "SQ", item_head(UNDEFINED), length=UNDEFINED)], explicit=False),
            b"",
        ),
    ),
    "fragment of 3 GiB for a small frame": Row(
        error(CodestreamError, "3221225472 bytes for a frame of 6", "frame"),
        path=hollow(
            up_to(PIXEL_DATA)
            + encode([Element(PIXEL_DATA, "OB", b"", length=UNDEFINED)])
            + item_head(0)
            + item_head(FAR),
            delimiter(SEQUENCE_END),
        ),
    ),
    "offset table of 3 GiB": Row(
        error(DicomError, "Number of Frames is 805306368"),
        path=hollow(
            dicom([*module(frames=FAR // 4), Element(PIXEL_DATA, "OB", b"", length=UNDEFINED)], RLE)
            + item_head(FAR),
            item_head(64) + bytes(64) + delimiter(SEQUENCE_END),
        ),
    ),
    "native frame past 3 GiB, short": Row(
        error(TruncatedError, "Pixel Data is short", "frame"),
        path=hollow(
            dicom([*module(22_000, 22_000, bits=64), Element(PIXEL_DATA, "OW", b"", length=FAR)]), b""
        ),
    ),
}


@pytest.mark.skipif(not LINUX, reason="has no such files")
@pytest.mark.parametrize("name", FILES)
def test_files(hold: Callable[[Row], None], name: str) -> None:
    hold(FILES[name])
