"""Where frames lie: by offset tables, by fragments, by stride; and that nothing else is read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fastdcm.errors import DicomError, FastdcmError, TruncatedError
from fastdcm.model import Notice
from fastdcm.reader import source as source_module
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource, Readable, Source, open_source
from tests.builders import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    Element,
    Encapsulated,
    encapsulated,
    image,
    item_head,
    offsets,
    words,
)

JPEG, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
UNCOMPRESSED, DEFLATED_FRAME = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"
SOI = b"\xff\xd8\xff\xe0"


class Frames(FrameIndex):
    """A frame index with its notices and its source at hand."""

    def __init__(self, src: Readable, *, allow_partial: bool = False) -> None:
        self.notices: list[Notice] = []
        self.source: Source = open_source(src)
        found = scan(self.source)
        self.header = read_header(found, self.notices)
        super().__init__(found, self.header, self.notices, allow_partial=allow_partial)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]

    def all(self) -> list[bytes]:
        return [bytes(self.read(index)[0]) for index in range(self.header.frames)]


def compressed(value: Encapsulated, frames: int, syntax: str = JPEG, **changes: Any) -> Frames:
    return Frames(image(value, syntax, frames=frames, **changes))


def stream(number: int, size: int = 10) -> bytes:
    """Bytes that start as a JPEG and are unlike those of other numbers."""
    return SOI + bytes([number]) * size


def parts(number: int, count: int = 3) -> list[bytes]:
    """One stream in several fragments, of which only the first starts as one."""
    return [stream(number), *(bytes([number, part] * 6) for part in range(1, count))]


def extended(frames: Sequence[Sequence[bytes]], *, starts: Sequence[int] | None = None) -> list[Element]:
    lengths = [sum(len(part) for part in fragments) for fragments in frames]
    return [
        Element(0x7FE00001, "OV", list(offsets(frames) if starts is None else starts)),
        Element(0x7FE00002, "OV", lengths),
    ]


ONE_EACH = [[stream(1)], [stream(2, 20)], [stream(3)]]
SEVERAL = [parts(1), parts(2, 1), parts(3, 5)]


def joined(frames: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [b"".join(fragments) for fragments in frames]


def flat(frames: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [fragment for fragments in frames for fragment in fragments]


# Tables

GOOD = offsets(SEVERAL)


@pytest.mark.parametrize("frames", [ONE_EACH, SEVERAL], ids=["one fragment each", "several"])
@pytest.mark.parametrize("by", ["basic", "empty", "extended"])
def test_good_tables(frames: list[list[bytes]], by: str) -> None:
    value = encapsulated(flat(frames), table=offsets(frames) if by == "basic" else ())
    found = compressed(value, 3, extra=extended(frames) if by == "extended" else ())
    assert found.all() == joined(frames)
    assert not found.notices


def test_table_decides_where_fragments_look_alike() -> None:
    """Two fragments that start as a codestream but are said to belong to one frame."""
    frames = [[stream(0), b"bbbb"], [stream(1), stream(2)], [stream(3)]]
    for value, extra in [
        (encapsulated(flat(frames), table=offsets(frames)), []),
        (encapsulated(flat(frames)), extended(frames)),
    ]:
        found = compressed(value, 3, extra=extra)
        assert found.all() == joined(frames)
        assert found.codes == ["fragments"]
    with pytest.raises(DicomError, match="which belong together is unknown"):
        compressed(encapsulated(flat(frames)), 3).all()


def test_extended_table_beyond_what_offsets_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    path = tmp_path / "file.dcm"
    table = extended(SEVERAL, starts=[0, 1 << 63, (1 << 64) - 1])
    path.write_bytes(image(encapsulated(flat(SEVERAL)), JPEG, frames=3, extra=table))
    found = Frames(path)
    assert found.all() == joined(SEVERAL)
    found.source.close()


# Fragments


def test_one_frame_of_several_fragments() -> None:
    assert compressed(encapsulated(parts(1, 5)), 1).all() == [b"".join(parts(1, 5))]
    # Each may start as a stream: there is one frame only.
    assert compressed(encapsulated([stream(1), stream(2)]), 1).all() == [stream(1) + stream(2)]


def test_zero_length_fragments_belong_to_the_frame() -> None:
    assert compressed(encapsulated([b"", *parts(1), b""]), 1).all() == [b"".join(parts(1))]


@pytest.mark.parametrize(
    ("fragments", "frames", "reason"),
    [
        ([], 1, "0 of 1 frames"),
        ([], 2, "which belong together is unknown"),
        ([stream(1)], 2, "which belong together is unknown"),
        ([b"aaaa"] * 3, 2, "which belong together is unknown"),
        ([*parts(1), *parts(2)], 3, "which belong together is unknown"),
        ([b""], 1, "no data"),
        ([b"", b"abcd"], 2, "no data"),
    ],
    ids=["none", "none of two", "too few", "too many", "wrong count", "empty", "one empty"],
)
def test_ambiguous_fragments(fragments: list[bytes], frames: int, reason: str) -> None:
    with pytest.raises(FastdcmError, match=reason):
        compressed(encapsulated(fragments), frames).all()


def test_missing_delimiter() -> None:
    for frames in (ONE_EACH, SEVERAL):
        assert compressed(encapsulated(flat(frames), end=False), 3).all() == joined(frames)
        with_table = encapsulated(flat(frames), table=offsets(frames), end=False)
        assert compressed(with_table, 3).all() == joined(frames)
    assert compressed(encapsulated([stream(1)], end=False), 1).all() == [stream(1)]


def test_something_else_among_the_fragments() -> None:
    value = encapsulated([stream(1), stream(2)], end=False)
    found = compressed(Encapsulated(value.data + bytes(range(1, 40))), 2)
    assert found.all() == [stream(1), stream(2)]
    assert found.codes == ["fragments"]


TABLES = {"table": True, "no table": False}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("syntax", [JPEG, RLE, UNCOMPRESSED, DEFLATED_FRAME])
@pytest.mark.parametrize("cut", [1, 9])
def test_frames_before_the_cut_can_be_read(table: bool, syntax: str, cut: int) -> None:
    """RLE and others say nothing by which a start could be seen, but have one fragment a frame (A.4.2)."""
    frames = ONE_EACH if syntax == JPEG else [[b"\2\0\0\0aaaa"], [b"\2\0\0\0bbbb"], [b"\2\0\0\0" + b"c" * 12]]
    value = encapsulated(flat(frames), table=offsets(frames) if table else (), end=False)
    found = compressed(Encapsulated(value.data[:-cut]), 3, syntax)
    for index in (0, 1):
        assert bytes(found.read(index)[0]) == joined(frames)[index]
    with pytest.raises(TruncatedError):
        found.read(2)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_cut_within_a_frame_of_several_fragments(table: bool) -> None:
    value = encapsulated(flat(SEVERAL), table=offsets(SEVERAL) if table else (), end=False)
    # The cut fragment is the last but one's continuation: its frame is not whole, the others are.
    cut = Encapsulated(value.data[: len(value.data) - 20 - 5])
    found = compressed(cut, 3)
    assert [bytes(found.read(index)[0]) for index in (0, 1)] == joined(SEVERAL)[:2]
    with pytest.raises(TruncatedError):
        found.read(2)


def test_cut_frame_of_a_single_one() -> None:
    value = encapsulated([stream(1)], end=False)
    with pytest.raises(TruncatedError, match="declares 14 bytes"):
        compressed(Encapsulated(value.data[:-3]), 1).all()


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0xFFFFFFFE])
def test_fragment_of_absurd_length(length: int) -> None:
    value = encapsulated([stream(1)], end=False).data + item_head(length) + b"abcd"
    found = compressed(Encapsulated(value), 2)
    with pytest.raises(TruncatedError):
        found.read(1)


# Native


def test_native_frames() -> None:
    data = bytes(range(24))
    found = Frames(image(data, rows=2, columns=4, frames=3))
    assert found.all() == [data[:8], data[8:16], data[16:]]
    assert not found.notices


def test_bits_that_are_not_aligned() -> None:
    """Three frames of 5 x 3 bits: the second starts at bit 15, the third at bit 30."""
    data = bytes(range(1, 7))
    found = Frames(image(data, rows=5, columns=3, bits=1, frames=3))
    assert [(bytes(view), offset) for view, offset in map(found.read, range(3))] == [
        (data[0:2], 0),
        (data[1:4], 7),
        (data[3:6], 6),
    ]


@pytest.mark.parametrize("bits", [1, 8, 12, 16, 32])
@pytest.mark.parametrize(
    ("rows", "columns", "frames"), [(1, 1, 9), (5, 3, 7), (4, 4, 2), (3, 7, 5), (1, 9, 1)]
)
def test_native_spans_cover_every_bit_once(bits: int, rows: int, columns: int, frames: int) -> None:
    total = rows * columns * bits * frames
    data = bytes((total + 7) // 8)
    found = Frames(image(data, rows=rows, columns=columns, bits=bits, frames=frames))
    end = 8 * found._start
    for index in range(frames):
        span = found.span(index)
        (offset, length), *others = span.fragments
        assert not others
        assert 8 * offset + span.bit_offset == end
        end += rows * columns * bits
        assert offset + length == -(-end // 8)
    assert end == 8 * found._start + total
    assert -(-end // 8) == found._start + len(data)


def test_chroma_of_odd_width_is_padded() -> None:
    """YBR_FULL_422 of 3 columns has 4 luma and 2 pairs of chroma a row (C.7.6.3.1.2)."""
    found = Frames(image(bytes(2 * 8 * 2), columns=3, samples=3, frames=2, photometric="YBR_FULL_422"))
    assert [found.span(index).length for index in range(2)] == [16, 16]


def test_short_native() -> None:
    found = Frames(image(bytes(20), rows=2, columns=4, frames=3))
    assert [len(found.read(index)[0]) for index in (0, 1)] == [8, 8]
    with pytest.raises(TruncatedError, match="needs bytes 16 to 24, 20 are there"):
        found.read(2)


def test_native_cut_by_the_end_of_the_file() -> None:
    found = Frames(image(bytes(24), rows=2, columns=4, frames=3)[:-1])
    assert len(found.read(1)[0]) == 8
    with pytest.raises(TruncatedError, match="23 are there"):
        found.read(2)


@pytest.mark.parametrize(
    ("size", "codes"), [(9, []), (10, []), (11, ["pixel-data-long"]), (64, ["pixel-data-long"])]
)
def test_long_native(size: int, codes: list[str]) -> None:
    """One byte of padding to an even length is no news."""
    found = Frames(image(bytes(size), rows=3, columns=3))
    assert found.all() == [bytes(9)]
    assert found.codes == codes


@pytest.mark.parametrize("frames", ["", "1A", "0"])
def test_unreadable_number_of_frames(frames: str) -> None:
    """Read where exactly one frame is there, refused else."""
    assert Frames(image(bytes(9), rows=3, columns=3, frames=frames)).all() == [bytes(9)]
    with pytest.raises(DicomError, match="Number of Frames is unreadable"):
        Frames(image(bytes(18), rows=3, columns=3, frames=frames))


def test_billions_of_frames() -> None:
    """No file of this size holds them: nobody should go through them to say so of each."""
    with pytest.raises(DicomError, match="Number of Frames is 2147483647, and Pixel Data can hold 2 at most"):
        Frames(image(bytes(9), rows=3, columns=3, frames="2147483647"))
    with pytest.raises(DicomError, match="Number of Frames is 2147483647"):
        compressed(Encapsulated(encapsulated([SOI]).data[:20]), 2147483647)
    thousands = Frames(image(bytes(9), rows=3, columns=3, frames="9999"))
    assert bytes(thousands.read(0)[0]) == bytes(9)
    with pytest.raises(TruncatedError):
        thousands.read(9998)


@pytest.mark.parametrize(("vr", "swapped"), [("OW", True), ("OB", False)])
@pytest.mark.parametrize(("rows", "columns"), [(2, 4), (3, 3), (1, 1), (5, 1)])
def test_big_endian_bytes_come_in_words(vr: str, swapped: bool, rows: int, columns: int) -> None:
    """PS3.5 8.1.2: 8-bit samples in OW are swapped as words, across frames of odd size too."""
    size = rows * columns
    samples = bytes(range(1, 3 * size + 1)) + b"\0" * (3 * size % 2)
    pairs = words(struct.unpack(f"<{len(samples) // 2}H", samples), little=False)
    data = image(pairs if swapped else samples, BIG_ENDIAN, vr=vr, rows=rows, columns=columns, frames=3)
    assert Frames(data).all() == [samples[size * index : size * (index + 1)] for index in range(3)]


def test_little_endian_bytes_are_as_they_are() -> None:
    for syntax in (IMPLICIT, EXPLICIT):
        assert Frames(image(bytes(range(8)), syntax, vr="OW", rows=2, columns=4)).all() == [bytes(range(8))]


# Bytes read

MEGABYTE = 1 << 20


def test_one_frame_of_a_large_native_file(tmp_path: Path) -> None:
    path = tmp_path / "native.dcm"
    frame = 512 * 512 * 2
    path.write_bytes(image(bytes(20 * frame), rows=512, columns=512, bits=16, frames=20))
    found = Frames(path)
    assert found.header.rows == 512
    found.read(3)
    assert found.source.bytes_read <= 1.05 * (1000 + frame)
    found.source.close()


@pytest.mark.parametrize("by", ["basic", "extended"])
def test_one_frame_of_a_large_encapsulated_file(tmp_path: Path, by: str) -> None:
    half = MEGABYTE // 4
    frames = [[stream(number, half - 4), bytes([number]) * half] for number in range(20)]
    path = tmp_path / "encapsulated.dcm"
    value = encapsulated(flat(frames), table=offsets(frames) if by == "basic" else ())
    path.write_bytes(image(value, JPEG, frames=20, extra=extended(frames) if by == "extended" else ()))
    found = Frames(path)
    assert bytes(found.read(3)[0]) == joined(frames)[3]
    assert found.source.bytes_read <= 1.05 * (1000 + 20 * 16 + MEGABYTE // 2)
    found.source.close()


def test_scanning_reads_heads_only(tmp_path: Path) -> None:
    """Without a table: the head of each fragment, and where there are too many, how each starts."""
    path = tmp_path / "scanned.dcm"
    frames = [[stream(number, MEGABYTE), bytes([number]) * MEGABYTE] for number in range(5)]
    path.write_bytes(image(encapsulated(flat(frames)), JPEG, frames=5))
    found = Frames(path)
    assert bytes(found.read(3)[0]) == joined(frames)[3]
    assert found.source.bytes_read <= 1.05 * (1000 + 2 * MEGABYTE)
    found.source.close()


def test_frames_are_read_from_memory_without_a_copy() -> None:
    data = image(bytes(range(8)), rows=2, columns=4)
    view, _ = Frames(MemorySource(data)).read(0)
    assert view.obj is data
