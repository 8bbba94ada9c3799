"""Frames in fragments, behind offset tables of every kind, with real streams of every codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import DicomError, FastdcmError
from tests.builders import Element, Encapsulated, encapsulated, image, offsets
from tests.encodings.cases import Array, Case
from tests.encodings.makers import split, streams

FRAMES = 3
#: Codec -> a case of three frames; those of one fragment a frame (PS3.5 A.4) are marked.
CODECS = {
    "JPEG Baseline": Case(".4.50", "turbo", 8, frames=FRAMES, smooth=True),
    "JPEG Extended": Case(".4.51", "turbo", 16, 12, frames=FRAMES, smooth=True),
    "JPEG Lossless": Case(".4.70", "turbo-lossless", 16, 12, frames=FRAMES),
    "JPEG-LS": Case(".4.80", "charls", 16, 12, frames=FRAMES),
    "JPEG 2000": Case(".4.90", "openjpeg", 16, 12, frames=FRAMES, rows=33, columns=37),
    "HTJ2K": Case(".4.201", "openjph", 16, frames=FRAMES),
    "JPEG XL": Case(".4.110", "libjxl", 16, frames=FRAMES),
    "RLE": Case(".5", "pydicom", 16, 12, frames=FRAMES),
    "Deflated": Case(".8.1", "zlib", 16, 12, frames=FRAMES),
    "Uncompressed": Case(".1.98", "layout", 16, 12, frames=FRAMES),
}
ONE_FRAGMENT = ("RLE", "Deflated", "Uncompressed")
Fragments = list[list[bytes]]


class Layout(NamedTuple):
    """How frames are cut up, what the tables say about it, and what is noticed."""

    size: int
    table: Callable[[Fragments], list[int]]
    extended: Callable[[Fragments], list[int]] | None = None
    notice: str = ""


def none(frames: Fragments) -> list[int]:
    return []


def unsorted(frames: Fragments) -> list[int]:
    return offsets(frames)[::-1]


def too_short(frames: Fragments) -> list[int]:
    return offsets(frames)[:2]


def inside_items(frames: Fragments) -> list[int]:
    first, *others = offsets(frames)
    return [first, *(offset + 2 for offset in others)]


MANY = 90
LAYOUTS = {
    "one, table": Layout(0, offsets),
    "one, no table": Layout(0, none),
    "one, extended table": Layout(0, none, offsets),
    "one, unsorted table": Layout(0, unsorted, notice="offset-table"),
    "one, table too short": Layout(0, too_short, notice="offset-table"),
    "one, wrong extended table": Layout(0, none, inside_items, notice="offset-table"),
    "many, table": Layout(MANY, offsets),
    "many, extended table": Layout(MANY, none, offsets),
    "many, no table": Layout(MANY, none),
    "many, unsorted table": Layout(MANY, unsorted, notice="offset-table"),
    "many, table inside items": Layout(MANY, inside_items, notice="offset-table"),
}


def object_of(case: Case, frames: Fragments, layout: Layout, *, cut: int = 0) -> bytes:
    """The object; ``cut`` removes bytes from its end, in the last fragment."""
    flat = [fragment for fragments in frames for fragment in fragments]
    value = encapsulated(flat, table=layout.table(frames), end=not cut)
    if cut:
        value = Encapsulated(value.data[:-cut])
    extra = []
    if layout.extended is not None:
        lengths = [sum(map(len, fragments)) for fragments in frames]
        extra = [Element(0x7FE00001, "OV", layout.extended(frames)), Element(0x7FE00002, "OV", lengths)]
    return image(
        value,
        case.uid,
        rows=case.rows,
        columns=case.columns,
        bits=case.allocated,
        stored=case.bits,
        frames=FRAMES,
        extra=extra,
    )


def expected(case: Case, found: Array, index: int) -> bool:
    """Whether values are those that went in, or near them where the codec loses some."""
    difference = np.abs(found.astype(int) - case.pixels[index]).max()
    return bool(difference <= ((1 << case.bits) / 25 if case.smooth else 0))


def test_lossy_frames_are_told_apart() -> None:
    """By `expected`: its tolerance is smaller than what two frames differ by."""
    case = CODECS["JPEG Baseline"]
    assert not expected(case, case.pixels[0][::-1], 0)


@pytest.mark.encodes(cell=lambda codec, layout: CODECS[codec].cell)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("codec", CODECS)
def test_frames_are_found(codec: str, layout: str) -> None:
    case, chosen = CODECS[codec], LAYOUTS[layout]
    frames = [split(stream, chosen.size) for stream in streams(case)]
    assert chosen.size == 0 or all(len(fragments) > 1 for fragments in frames)
    with fastdcm.open(object_of(case, frames, chosen)) as found:
        if (
            codec in ("Deflated", "Uncompressed")
            and chosen.size
            and chosen.table is not offsets
            and (chosen.extended is None)
        ):
            # Their bytes do not show where a frame starts.
            with pytest.raises(DicomError, match="which belong together is unknown"):
                found.pixels(0)
            return
        for index in range(FRAMES):
            assert expected(case, found.pixels(index), index)
        allowed = {chosen.notice, "fragments"} if codec in ONE_FRAGMENT and chosen.size else {chosen.notice}
        codes = {notice.code for notice in found.notices}
        assert codes <= allowed
        assert not chosen.notice or chosen.notice in codes


@pytest.mark.encodes(cell=lambda codec, padding: CODECS[codec].cell)
@pytest.mark.parametrize("padding", [1, 2, 3, 4])
@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec not in ("RLE", "Uncompressed")])
def test_bytes_behind_the_stream(codec: str, padding: int) -> None:
    """Streams end where they say; one byte of padding is usual, some writers add more."""
    case = CODECS[codec]
    frames = [[stream + bytes(padding)] for stream in streams(case)]
    with fastdcm.open(object_of(case, frames, LAYOUTS["one, table"])) as found:
        for index in range(FRAMES):
            assert expected(case, found.pixels(index), index)


@pytest.mark.parametrize("layout", ["one, table", "one, no table", "many, table", "many, no table"])
@pytest.mark.parametrize("cut", [1, 15, 60])
@pytest.mark.parametrize("codec", CODECS)
def test_last_fragment_is_short(codec: str, cut: int, layout: str) -> None:
    """The last frame is lost, the others are not; where frames cannot be told apart, all are."""
    case, chosen = CODECS[codec], LAYOUTS[layout]
    frames = [split(stream, chosen.size) for stream in streams(case)]
    if len(frames[-1][-1]) <= cut:
        frames[-1][-2:] = [b"".join(frames[-1][-2:])]
    with fastdcm.open(object_of(case, frames, chosen, cut=cut)) as found:
        apart = codec not in ONE_FRAGMENT or layout != "many, no table"
        for index in range(FRAMES - 1):
            try:
                assert expected(case, found.pixels(index), index)
            except FastdcmError:
                assert not apart
        with pytest.raises(FastdcmError) as error:
            found.pixels(FRAMES - 1)
        assert error.value.frame == FRAMES
