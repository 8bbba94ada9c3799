"""Files beyond 4 GiB, objects of thousands of frames: a frame is read without the others, in constant memory.

Large files are sparse: what lies between the frames that are looked at takes no room on the disk.
"""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.errors import TruncatedError
from fastdcm.reader import alike
from tests.builders import (
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

JPEG_LS = "1.2.840.10008.1.2.4.80"
GIB = 1 << 30


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a long header was seen, more is read at first of the files after it."""
    monkeypatch.setattr(alike._scratch, "head_bytes", alike._HEAD_BYTES)


def frame(number: int, rows: int = 64, columns: int = 64) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (rows, columns)).astype(np.uint8)


@pytest.fixture(autouse=True)
def room(tmp_path: Path) -> Iterator[None]:
    """Skip where files have no holes; and leave none behind that a backup would fill."""
    path = sparse(tmp_path / "hole", {1 << 24: b"end"})
    blocks = getattr(path.stat(), "st_blocks", None)
    if blocks is None or blocks * 512 > 1 << 20:
        pytest.skip("the file system has no sparse files")
    yield
    for left in tmp_path.iterdir():
        left.unlink()


def coded(number: int, size: int) -> bytes:
    """A JPEG-LS stream as an item of this size, filled up behind its end."""
    stream = bytes(imagecodecs.jpegls_encode(frame(number)))
    return stream.ljust(size, b"\0")


# Beyond 2 and 4 GiB


@pytest.mark.parametrize("index", [0, 900, 1799])
def test_native_beyond_4_gib(tmp_path: Path, index: int) -> None:
    """1800 frames of 2.25 MiB, almost the 4 GiB that 32 bits can declare, behind a private value of 3 GiB."""
    rows = columns = 1536
    size = rows * columns
    private = dicom([Element(0x00091001, "OB", b"", length=3 * GIB)])
    head = encode([*module(rows, columns, frames=1800), Element(PIXEL_DATA, "OB", b"", length=1800 * size)])
    start = len(private) + 3 * GIB
    values = frame(index, rows, columns)
    parts = {0: private, start: head, start + len(head) + index * size: values.tobytes()}
    path = sparse(tmp_path / "native.dcm", parts, start + len(head) + 1800 * size)
    assert start + len(head) + 900 * size > 4 * GIB
    with fastdcm.open(path) as found:
        assert np.array_equal(found.pixels(index), values)
        assert found.bytes_read <= 1.05 * (len(private) + len(head) + size)


def large(path: Path, frames: int, size: int, *, table: str, coded_at: dict[int, bytes]) -> tuple[Path, int]:
    """An object of so many items of this size, of which some hold something; and the length of its header."""
    place = 8 + size
    starts = [number * place for number in range(frames)]
    extra = []
    if table == "extended":
        extra = [
            Element(0x7FE00001, "OV", starts),
            Element(0x7FE00002, "OV", [size] * frames),
        ]
    elements = module(64, 64, frames=frames, extra=extra)
    head = dicom([*elements, Element(PIXEL_DATA, "OB", b"", length=UNDEFINED)], JPEG_LS)
    wrapped = [start % (1 << 32) for start in starts]
    entries = struct.pack(f"<{frames}I", *wrapped) if table == "basic" else b""
    head += item_head(len(entries)) + entries
    parts = {0: head}
    for number in range(frames):
        parts[len(head) + starts[number]] = item_head(size) + coded_at.get(number, coded_at[-1])
    parts[len(head) + frames * place] = delimiter(SEQUENCE_END)
    return sparse(path, parts), len(head)


SOI = b"\xff\xd8\xff\xe8"


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
@pytest.mark.parametrize("index", [0, 2, 4])
def test_encapsulated_beyond_4_gib(tmp_path: Path, table: str, index: int) -> None:
    """Five frames of one fragment of 1.2 GiB: the last starts beyond 4 GiB, what 32 bits cannot say."""
    size = (12 * GIB // 10) & ~1
    path, _ = large(tmp_path / "e.dcm", 5, size, table=table, coded_at={-1: SOI, index: coded(index, 6000)})
    assert path.stat().st_size > 5 * GIB
    with fastdcm.open(path) as found:
        span = found._frames.span(index)
        ((offset, length),) = span.fragments
        assert length == size
        with path.open("rb") as file:
            file.seek(offset)
            assert file.read(6000) == coded(index, 6000)
        assert [notice.code for notice in found.notices] == (["offset-table"] if table == "basic" else [])
        assert found.bytes_read < 10_000


# Thousands of frames: bytes read


@pytest.mark.parametrize("table", ["basic", "extended"])
@pytest.mark.parametrize("index", [0, 999, 1000, 1999])
def test_a_frame_of_two_thousand_by_table(tmp_path: Path, table: str, index: int) -> None:
    """At most 1.05 x (header with its tables + frame), and the frames beside it are whole ones, too."""
    size = 100_000
    coded_at = {-1: SOI, index: coded(index, size)}
    path, header = large(tmp_path / "t.dcm", 2000, size, table=table, coded_at=coded_at)
    with fastdcm.open(path) as found:
        assert np.array_equal(found.pixels(index), frame(index))
        assert not found.notices
        assert found.bytes_read <= 1.05 * (header + size), found.bytes_read / (header + size)


def test_a_frame_of_two_thousand_without_table(tmp_path: Path) -> None:
    """Of the others the head of each item is read and the first bytes of what is in it, 20 bytes."""
    size = 100_000
    path, header = large(
        tmp_path / "s.dcm", 2000, size, table="none", coded_at={-1: SOI, 1000: coded(1000, size)}
    )
    with fastdcm.open(path) as found:
        assert np.array_equal(found.pixels(1000), frame(1000))
        assert found.bytes_read <= 1.05 * (header + size) + 2001 * 20
        before = found.bytes_read
        with pytest.raises(fastdcm.CodestreamError):
            found.pixels(1001)
        assert found.bytes_read - before <= size + 64  # the items are known


def test_the_header_is_read_in_small_steps(tmp_path: Path) -> None:
    """A large private value before the pixels, another behind: neither is read, and little beside them."""
    size = 8 << 20
    private = [Element(0x00091001, "OB", bytes(size)), Element(0x00091003, "OB", bytes(size))]
    path = tmp_path / "p.dcm"
    path.write_bytes(image(bytes(6), extra=private))
    with fastdcm.open(path) as found:
        assert found.header.rows == 2
        assert found.bytes_read <= 8192


# Thousands of frames: memory


def small_frames(kind: str, tmp_path: Path) -> Path:
    """2000 different frames in a file that is too large to be read at once."""
    frames = [frame(number) for number in range(2000)]
    path = tmp_path / "many.dcm"
    if kind == "native":
        path.write_bytes(image(b"".join(map(bytes, frames)), rows=64, columns=64, frames=2000))
        return path
    streams = [bytes(imagecodecs.jpegls_encode(one)) for one in frames]
    streams = [one + b"\0" * (len(one) % 2) for one in streams]
    starts = np.cumsum([0, *(8 + len(one) for one in streams[:-1])]).tolist()
    table = starts if kind == "basic" else ()
    extra = [Element(0x7FE00001, "OV", starts)] if kind == "extended" else []
    value = encapsulated(streams, table=table)
    path.write_bytes(image(value, JPEG_LS, rows=64, columns=64, frames=2000, extra=extra))
    return path


@pytest.mark.parametrize("kind", ["native", "basic", "extended", "none"])
def test_memory_is_flat_over_two_thousand_frames(tmp_path: Path, kind: str) -> None:
    # Kernels would be loaded in the middle, which takes a megabyte, once.
    import fastdcm.kernels.display
    import fastdcm.kernels.jpegls

    path = small_frames(kind, tmp_path)
    assert path.stat().st_size > 5 << 20
    with fastdcm.open(path) as found:
        for index in range(20):
            found.pixels(index)
            found.render(index)
        tracemalloc.start()
        try:
            for index in range(100):
                found.render(index)
            early = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            for index in range(100, 2000):
                pixels = found.pixels(index)
                found.render(index)
            late, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert np.array_equal(pixels, frame(1999))
        # What Python keeps for the next tuple is less than this; the frames have 7.4 MiB.
        assert late - early < 512 << 10, late - early
        assert peak - early < 1 << 20, peak - early


@pytest.mark.parametrize("cut", [1, 40])
def test_the_last_of_two_thousand_is_cut(tmp_path: Path, cut: int) -> None:
    """Those before it are read by the table, without a word."""
    path = small_frames("basic", tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: -8 - cut])
    with fastdcm.open(path) as found:
        assert np.array_equal(found.pixels(1998), frame(1998))
        assert not found.notices
        with pytest.raises(TruncatedError, match="a fragment declares"):
            found.pixels(1999)


def test_frames_of_a_thousand_fragments(tmp_path: Path) -> None:
    """The n-th frame's heads of items are read, not those of the other frames."""
    parts = [b"\xff\xd8\xff\xe0" + bytes(96), *[bytes(100)] * 999]
    frames, size = 60, 1000 * 108
    value = encapsulated(parts * frames, table=[number * size for number in range(frames)])
    path = tmp_path / "f.dcm"
    path.write_bytes(image(value, JPEG_LS, rows=64, columns=64, frames=frames))
    with fastdcm.open(path) as found:
        assert found._frames.read(30)[0].nbytes == 100_000
        # Each head and start of this frame, and of the last, by which the table is checked.
        assert found.bytes_read < 2 * 1000 * (8 + 64) + 100_000 + 2000
