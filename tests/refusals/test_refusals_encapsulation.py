"""Bad inputs, encapsulation: offset tables and fragments (PS3.5 A.4, PS3.3 C.7.6.3.1.8)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.errors import CodestreamError, DicomError, TruncatedError
from tests.builders import (
    BIG_ENDIAN,
    IMPLICIT,
    UNDEFINED,
    Element,
    Encapsulated,
    delimiter,
    encapsulated,
    image,
    item_head,
    offsets,
)
from tests.refusals.rows import Outcome, Row, error, notice, reads, row

JPEG_LS, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
NOISE = np.random.default_rng(3).integers(0, 250, (16, 16)).astype(np.uint8)


def frame(number: int) -> list[list[int]]:
    """The stored values of a frame, unlike those of any other."""
    values: list[list[int]] = (NOISE + number).tolist()
    return values


def stream(number: int) -> bytes:
    data = bytes(imagecodecs.jpegls_encode(NOISE + np.uint8(number)))
    return data + b"\0" * (len(data) % 2)


def pieces(number: int, count: int = 2) -> list[bytes]:
    """One stream in so many fragments."""
    data = stream(number)
    size = (len(data) // count) & ~1
    return [data[start * size : (start + 1) * size] for start in range(count - 1)] + [
        data[(count - 1) * size :]
    ]


def rle(number: int) -> bytes:
    packed = bytes(imagecodecs.packbits_encode((NOISE + np.uint8(number)).tobytes()))
    return struct.pack("<16I", 1, 64, *[0] * 14) + packed + b"\0" * (len(packed) % 2)


def three(fragments: Sequence[Sequence[bytes]], table: Sequence[int] | bytes = (), **changes: Any) -> bytes:
    """Three frames of these fragments, with a table as it is given."""
    syntax = changes.pop("syntax", JPEG_LS)
    value = encapsulated([part for parts in fragments for part in parts], table=table)
    return image(value, syntax, rows=16, columns=16, **{"frames": 3} | changes)


def extended(starts: Sequence[int], lengths: Sequence[int]) -> list[Element]:
    return [Element(0x7FE00001, "OV", list(starts)), Element(0x7FE00002, "OV", list(lengths))]


WHOLE = [[stream(number)] for number in range(3)]
SPLIT = [pieces(0), pieces(1, 3), pieces(2)]
AT, AT_SPLIT = offsets(WHOLE), offsets(SPLIT)
#: Of these the entries of the last frame are right, and it is read without a look at the others.
WRONG_BEFORE = ("not at an item", "at a later fragment of its frame")
#: The offsets of all fragments of `SPLIT`.
ITEMS = offsets([[part] for parts in SPLIT for part in parts])
FOUR = [[stream(0)], [stream(1), stream(5)], [stream(2)]]
LENGTHS = [len(parts[0]) for parts in WHOLE]


def every(
    name: str, data: bytes, code: str = "", frames: Sequence[int] = (0, 1, 2), first: int = 1
) -> dict[str, Row]:
    """A row for each frame from the ``first`` on: that one is read, without the others, and right."""

    def outcome(number: int) -> Outcome:
        return notice(code, frame(number)) if code else reads(frame(number))

    return {
        f"{name}, frame {index}": row(data, outcome(number), frame=index)
        for index, number in enumerate(frames, first)
    }


WRONG = {
    "unsorted": [AT_SPLIT[0], AT_SPLIT[2], AT_SPLIT[1]],
    "duplicate": [AT_SPLIT[0], AT_SPLIT[1], AT_SPLIT[1]],
    "not from 0": [offset + 8 for offset in AT_SPLIT],
    "zeros": [0, 0, 0],
    "not at an item": [AT_SPLIT[0], AT_SPLIT[1] + 2, AT_SPLIT[2]],
    "the last not at an item": [AT_SPLIT[0], AT_SPLIT[1], AT_SPLIT[2] + 1],
    "outside": [AT_SPLIT[0], AT_SPLIT[1], 1 << 20],
    "far outside": [AT_SPLIT[0], 0xFFFFFFF0, 0xFFFFFFFF],
    "one left out, another outside": [0, AT_SPLIT[2], 1 << 20],
    "at the delimiter": [0, AT_SPLIT[1], AT_SPLIT[2] + sum(8 + len(part) for part in SPLIT[2])],
    # At items, but not at those that start a frame.
    "at a continuation": [0, ITEMS[1], ITEMS[2]],
    "at the first items": ITEMS[:3],
    "at the last items": [0, *ITEMS[-2:]],
    "a frame late": [0, AT_SPLIT[2], ITEMS[-1]],
    "at a later fragment of its frame": [0, ITEMS[3], AT_SPLIT[2]],
}


def wrong_tables() -> dict[str, Row]:
    """Each of `WRONG` as a Basic and as an Extended Offset Table."""
    rows: dict[str, Row] = {}
    lengths = [sum(map(len, parts)) for parts in SPLIT]
    for kind, table in WRONG.items():
        both = {kind: three(SPLIT, table), f"extended, {kind}": three(SPLIT, extra=extended(table, lengths))}
        for name, data in both.items():
            rows |= every(name, data, "offset-table")
            if kind in WRONG_BEFORE:
                rows |= every(name, data, frames=[2], first=3)
    return rows


TABLES = {
    **every("a good table", three(SPLIT, AT_SPLIT)),
    **every("a good extended table", three(WHOLE, extra=extended(AT, LENGTHS))),
    **every(
        "a good extended table, lengths without padding",
        three(WHOLE, extra=extended(AT, [length - 1 for length in LENGTHS])),
    ),
    **wrong_tables(),
    **every("too few entries", three(SPLIT, AT_SPLIT[:2]), "offset-table"),
    **every("too many entries", three(SPLIT, ITEMS), "offset-table"),
    **every("entries of 3 bytes", three(SPLIT, b"\0" * 9), "offset-table"),
    **every("extended, too few entries", three(WHOLE, extra=extended(AT[:2], LENGTHS)), "offset-table"),
    **every("extended, odd", three(WHOLE, extra=[Element(0x7FE00001, "OV", b"\0" * 23)]), "offset-table"),
    **every("wrong basic, good extended", three(WHOLE, [0, 2, 4], extra=extended(AT, LENGTHS))),
    **every(
        "RLE, at the first items",
        three(
            [[rle(0)], [rle(1)[:70], rle(1)[70:]], [rle(2)]],
            offsets([[rle(0)], [rle(1)[:70]], [rle(1)[70:]]]),
            syntax=RLE,
        ),
        "offset-table",
    ),
    "extended, a length too small": row(
        three(WHOLE, extra=extended(AT, [LENGTHS[0], 4, LENGTHS[2]])),
        notice("offset-table", frame(1)),
        frame=2,
    ),
    "extended, a length too large": row(
        three(WHOLE, extra=extended(AT, [LENGTHS[0], 1 << 63, LENGTHS[2]])),
        notice("offset-table", frame(1)),
        frame=2,
    ),
    "extended, too few lengths": row(
        three(WHOLE, extra=extended(AT, LENGTHS[:2])), notice("offset-table", frame(0))
    ),
    "two entries for a single frame": row(
        three(WHOLE[:1], [0, 20], frames=1), notice("offset-table", frame(0))
    ),
    "an entry for a single frame that is not 0": row(
        three(WHOLE[:1], [8], frames=1), notice("offset-table", frame(0))
    ),
    "a good entry for a single frame": row(three(SPLIT[1:2], [0], frames=1), reads(frame(1))),
    "more codestreams than frames": row(
        three(
            [WHOLE[0], [stream(1), stream(5)], WHOLE[2]],
            offsets([WHOLE[0], [stream(1), stream(5)], WHOLE[2]]),
        ),
        notice("fragments", frame(1)),
        frame=2,
    ),
    "table that is cut": row(
        image(Encapsulated(item_head(4000) + bytes(100)), JPEG_LS, rows=16, columns=16),
        error(TruncatedError, "the Basic Offset Table is cut"),
    ),
    "table of 4 GiB": row(
        image(Encapsulated(item_head(0xFFFFFFFE) + bytes(100)), JPEG_LS, rows=16, columns=16),
        error(TruncatedError, "the Basic Offset Table is cut"),
    ),
    "no table": row(
        image(Encapsulated(b""), JPEG_LS, rows=16, columns=16), error(TruncatedError, "no Basic Offset Table")
    ),
    "delimiter for a table": row(
        image(Encapsulated(delimiter(0xFFFEE0DD)), JPEG_LS, rows=16, columns=16),
        error(TruncatedError, "no Basic Offset Table"),
    ),
}

SPLIT_RLE = [[rle(0)[:66], rle(0)[66:]], [rle(1)], [rle(2)]]
OPEN = encapsulated([part for parts in SPLIT for part in parts], end=False)


def raw(value: bytes, **changes: Any) -> bytes:
    return image(Encapsulated(value), JPEG_LS, rows=16, columns=16, **{"frames": 3} | changes)


def cut(data: Encapsulated, fewer: int, **changes: Any) -> bytes:
    return raw(data.data[:-fewer], **changes)


WITH_TABLE = encapsulated([part for parts in SPLIT for part in parts], table=AT_SPLIT, end=False)
ONE = encapsulated([stream(0)], end=False)

FRAGMENTS = {
    **every("no table, more fragments than frames", three(SPLIT)),
    **every(
        "no table, RLE in several fragments",
        three([[rle(0)[:66], rle(0)[66:]], [rle(1)], [rle(2)]], syntax=RLE),
    ),
    **every("no delimiter", raw(OPEN.data)),
    **every("no delimiter, with a table", raw(WITH_TABLE.data)),
    "a frame in many fragments": row(
        three([[stream(0)[at : at + 6] for at in range(0, len(stream(0)), 6)]], frames=1), reads(frame(0))
    ),
    "fragments of no length around": row(three([[b"", *pieces(0), b""]], frames=1), reads(frame(0))),
    "last fragment cut, the frames before it": row(cut(OPEN, 5), reads(frame(1)), frame=2),
    "last fragment cut": row(
        cut(OPEN, 5), error(TruncatedError, "2 of 3 frames are there", "frame"), frame=3
    ),
    "last fragment cut, with a table, the frames before it": row(
        cut(WITH_TABLE, 5), reads(frame(1)), frame=2
    ),
    "last fragment cut, with a table": row(
        cut(WITH_TABLE, 5), error(TruncatedError, "a fragment declares", "frame"), frame=3
    ),
    "last fragment missing, with a table": row(
        cut(WITH_TABLE, 8 + len(SPLIT[2][1])),
        error(CodestreamError, "", "frame"),
        frame=3,
    ),
    "frames missing, with a table": row(
        cut(WITH_TABLE, 30 + sum(8 + len(part) for part in SPLIT[2])),
        error(TruncatedError, "Pixel Data is cut", "frame"),
        frame=3,
    ),
    "only fragment cut": row(
        cut(ONE, 3, frames=1), error(TruncatedError, f"a fragment declares {len(stream(0))} bytes", "frame")
    ),
    "only fragment of undefined length": row(
        raw(encapsulated([]).data[:8] + item_head(UNDEFINED) + stream(0), frames=1),
        error(TruncatedError, "a fragment declares 4294967295 bytes", "frame"),
    ),
    "fragment in the middle missing": row(
        three([WHOLE[0], pieces(1)[:1], WHOLE[2]]), error(CodestreamError, "", "frame"), frame=2
    ),
    "fragment in the middle missing, the frame behind it": row(
        three([WHOLE[0], pieces(1)[:1], WHOLE[2]]), reads(frame(2)), frame=3
    ),
    "no fragment": row(three([], frames=1), error(TruncatedError, "0 of 1 frames are there", "frame")),
    "no fragment for three frames": row(three([]), error(DicomError, "0 fragments for 3 frames", "frame")),
    "fewer fragments than frames": row(
        three(WHOLE[:2]), error(DicomError, "2 fragments for 3 frames", "frame"), frame=2
    ),
    "more codestreams than frames": row(
        three([*WHOLE, [stream(3)]]), error(DicomError, "4 fragments for 3 frames", "frame")
    ),
    "more fragments than frames, none of which starts": row(
        three([[b"abcd"]] * 4), error(DicomError, "which belong together is unknown", "frame")
    ),
    "empty fragment": row(three([[b""]], frames=1), error(CodestreamError, "the frame has no data", "frame")),
    "two codestreams for a single frame": row(three(WHOLE[:2], frames=1), notice("fragments", frame(0))),
    "two codestreams for an unreadable number of frames": row(
        three(WHOLE[:2], frames="abc"), error(DicomError, "Number of Frames is unreadable", "frame")
    ),
    "one codestream for an unreadable number of frames": row(
        three(WHOLE[:1], frames="abc"), notice("number-of-frames", frame(0))
    ),
    "something else among the fragments": row(
        raw(encapsulated([stream(0), stream(1)], end=False).data + bytes(range(1, 41)), frames=2),
        notice("fragments", frame(1)),
        frame=2,
    ),
    "a quarter of a million fragments of no length": row(
        lambda: raw(encapsulated([]).data[:8] + item_head(0) * 262_145 + delimiter(0xFFFEE0DD), frames=1),
        error(DicomError, "more than 262144 fragments", "frame"),
    ),
    "2^31 - 1 frames": row(
        three(WHOLE[:1], frames=0x7FFFFFFF), error(DicomError, "Number of Frames is 2147483647")
    ),
    "fragments under a native syntax": row(
        three(WHOLE[:1], syntax=IMPLICIT, frames=1), notice("other-syntax", frame(0))
    ),
    "fragments of nothing known under a native syntax": row(
        three([[bytes(64)]], syntax=IMPLICIT, frames=1),
        error(CodestreamError, "encapsulated pixel data of no known codec", "frame"),
    ),
    "fragments in big endian": row(
        three(WHOLE[:1], syntax=BIG_ENDIAN, frames=1), notice("other-syntax", frame(0))
    ),
    "deflated frames, two fragments too many": row(
        three([[b"\x63\0", b"\0\0"]] * 3, syntax=DEFLATED_FRAME),
        error(DicomError, "6 fragments for 3 frames", "frame"),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(hold: Callable[[Row], None], name: str) -> None:
    hold(TABLES[name])


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragments(hold: Callable[[Row], None], name: str) -> None:
    hold(FRAGMENTS[name])
