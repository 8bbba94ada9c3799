"""Fragments as one file: the bytes of `io.BytesIO` over the same, and nothing read that was not asked for."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm.errors import DicomError
from fastdcm.reader import pixel_items
from fastdcm.reader.source import MemorySource
from fastdcm.reader.stream import FragmentFile
from tests.builders import encapsulated, image
from tests.unit.reader.test_reader_frames import Frames
from tests.unit.reader.test_reader_source import Remote

VIDEO = "1.2.840.10008.1.2.4.102.1"


def placed(parts: list[bytes]) -> FragmentFile:
    data, fragments = b"", []
    for part in parts:
        data += b"head"
        fragments.append((len(data), len(part)))
        data += part
    return FragmentFile(MemorySource(data), fragments, cut=False)


@given(
    st.lists(st.binary(max_size=9), max_size=5),
    st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(-1, 12)),
            st.tuples(st.just("seek"), st.integers(0, 50)),
        ),
        max_size=12,
    ),
)
def test_as_a_file_of_all_parts(parts: list[bytes], steps: list[tuple[str, int]]) -> None:
    """A read may give less than asked for, but never nothing before the end."""
    file, expected = placed(parts), io.BytesIO(b"".join(parts))
    for step, number in steps:
        if step == "seek":
            assert file.seek(number) == expected.seek(number) == file.tell()
            continue
        found = file.read(number)
        assert found == expected.read(len(found))
        assert found or number == 0 or expected.read(1) == b""


def test_seeking() -> None:
    file = placed([b"abc", b"", b"defg"])
    assert file.seek(0, io.SEEK_END) == 7
    assert file.seek(-5, io.SEEK_CUR) == 2
    assert file.read(9) == b"c"
    assert file.read(9) == b"defg"
    assert file.read(9) == b""
    with pytest.raises(ValueError, match="negative"):
        file.seek(-1)


def test_only_what_is_asked_for_is_read() -> None:
    source = Remote(bytes(1000))
    file = FragmentFile(source, [(0, 400), (500, 400)], cut=False)
    file.seek(390)
    assert len(file.read(100)) == 10
    assert len(file.read(100)) == 100
    assert source.bytes_read == 110


@pytest.mark.parametrize(
    ("lost", "expected", "cut"),
    [(0, b"abcdefgh", False), (8, b"abcdefgh", True), (9, b"abcdefg", True), (12, b"abcd", True)],
)
@pytest.mark.parametrize("partial", [False, True])
def test_what_is_there_of_a_cut_fragment_belongs_to_it(
    lost: int, expected: bytes, cut: bool, partial: bool
) -> None:
    """The last 8 bytes are the delimiter of the sequence: without it there may have been more fragments."""
    data = image(encapsulated([b"abcd", b"efgh"]), VIDEO, frames=3, samples=3, photometric="YBR_PARTIAL_420")
    file = Frames(data[: len(data) - lost], allow_partial=partial).stream()
    found = b""
    while part := file.read(3):
        found += part
    assert (found, file.cut) == (expected, cut)


def test_fragments_are_gone_through_once() -> None:
    """For each pass through a video there is a new file."""
    source = Remote(image(encapsulated([b"abcd"] * 9), VIDEO, samples=3, photometric="YBR_PARTIAL_420"))
    frames = Frames(source)
    first = frames.stream()
    read = source.bytes_read
    second = frames.stream()
    assert source.bytes_read == read
    assert first.seek(0, io.SEEK_END) == second.seek(0, io.SEEK_END) == 36


def test_too_many_fragments_are_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_items, "MAX_FRAGMENTS", 4)
    source = Remote(image(encapsulated([b""] * 65), VIDEO, samples=3, photometric="YBR_PARTIAL_420"))
    frames = Frames(source)
    with pytest.raises(DicomError, match="more than 64 fragments"):
        frames.stream()
    read = source.bytes_read
    with pytest.raises(DicomError, match="more than 64 fragments"):
        frames.stream()
    assert source.bytes_read == read


def test_what_was_left_out_is_noted_once() -> None:
    data = image(encapsulated([b"abcd"], end=False), VIDEO, samples=3, photometric="YBR_PARTIAL_420")
    frames = Frames(data + bytes(range(1, 17)))
    assert frames.stream().cut
    assert frames.stream().cut
    assert frames.codes == ["fragments"]
