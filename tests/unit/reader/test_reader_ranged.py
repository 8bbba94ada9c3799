"""Ranges: what is fetched, what of it is fetched once, and that bytes are those of the whole."""

from __future__ import annotations

import random
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdcm.reader import ranged
from fastdcm.reader.ranged import RangedSource, merged

WHOLE = random.Random(1).randbytes(3_000_000)


class Counted(RangedSource):
    """Ranges of bytes at hand, each of which is noted."""

    def __init__(self, begin: int = 100, later: ThreadPoolExecutor | None = None, **how: int) -> None:
        self.fetched: list[tuple[int, int]] = []
        super().__init__(
            len(WHOLE), "whole", WHOLE[:begin], later=None if later is None else later.submit, **how
        )

    def _fetched(self, start: int, end: int) -> bytes:
        self.fetched.append((start, end))
        return WHOLE[start:end]


def test_what_came_first_is_not_fetched_again() -> None:
    source = Counted(begin=1000)
    assert source.read(10, 900) == WHOLE[10:910]
    assert source.fetched == []


def test_a_long_range_is_fetched_as_it_is() -> None:
    source = Counted()
    assert source.read(1_000_000, 500_000) == WHOLE[1_000_000:1_500_000]
    assert source.fetched == [(1_000_000, 1_500_000)]
    assert source.bytes_read == 500_100


def test_a_short_range_brings_a_little_more_and_the_next_one_is_there() -> None:
    source = Counted()
    assert source.read(5000, 8) == WHOLE[5000:5008]
    assert source.read(5008, 12) == WHOLE[5008:5020]
    assert source.fetched == [(5000, 5000 + ranged.LEAST)]


def test_reads_that_follow_one_another_fetch_more_and_more() -> None:
    source = Counted()
    for start in range(0, 200_000, 500):
        assert source.read(start, 500) == WHOLE[start : start + 500]
    assert len(source.fetched) < 12
    assert source.bytes_read < 2 * 200_000 + 1000


def test_a_frame_behind_its_own_head_is_fetched_without_it() -> None:
    source = Counted()
    source.read(500_000, 8)
    assert source.read(500_008, 300_000) == WHOLE[500_008:800_008]
    assert source.fetched == [(500_000, 501_024), (501_024, 800_008)]


def test_behind_the_end_is_nothing() -> None:
    source = Counted()
    assert source.read(len(WHOLE), 10) == b""
    assert source.read(len(WHOLE) - 4, 10) == WHOLE[-4:]
    assert source.read(1 << 70, 10) == b""


def test_announced_neighbours_are_one_request() -> None:
    source = Counted()
    frames = [(100_000 + number * 10_008, 10_000) for number in range(20)]
    source.expect(frames)
    for offset, length in frames:
        assert source.read(offset, length) == WHOLE[offset : offset + length]
    assert source.fetched == [(100_000, 100_000 + 19 * 10_008 + 10_000)]


def test_announced_ranges_of_which_the_first_bytes_are_kept() -> None:
    """A long header was read ahead, into the first frame: the frames are still fetched together."""
    source = Counted(begin=1000)
    assert source.read(1000, 20_000) == WHOLE[1000:21_000]
    source.fetched.clear()
    source.expect([(1000 + number * 5000, 5000) for number in range(100)])
    for number in range(100):
        start = 1000 + number * 5000
        assert source.read(start, 5000) == WHOLE[start : start + 5000]
    assert len(source.fetched) == 1


def test_announced_ranges_far_apart_are_fetched_each() -> None:
    source = Counted()
    source.expect([(100_000, 20_000), (900_000, 20_000)])
    source.read(100_000, 20_000)
    source.read(900_000, 20_000)
    assert source.fetched == [(100_000, 120_000), (900_000, 920_000)]


def test_the_next_piece_is_fetched_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged, "PIECE", 100_000)
    with ThreadPoolExecutor(1) as threads:
        source = Counted(later=threads)
        source.expect([(200_000, 1_000_000)])
        source.read(200_000, 10)
        threads.submit(int).result()
        assert source.fetched == [(200_000, 300_000), (300_000, 400_000)]
        assert source.read(200_000, 1_000_000) == WHOLE[200_000:1_200_000]
        assert sorted(source.fetched) == [
            (start, start + 100_000) for start in range(200_000, 1_200_000, 100_000)
        ]


def test_an_error_of_what_was_fetched_before_it_was_asked_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ranged, "PIECE", 100_000)

    def later(function: object, start: int, end: int) -> Future[bytes]:
        broken: Future[bytes] = Future()
        broken.set_exception(OSError(f"no {start}"))
        return broken

    source = Counted()
    source._later = later
    source.expect([(200_000, 300_000)])
    source.read(200_000, 10)
    with pytest.raises(OSError, match="no 300000"):
        source.read(300_000, 10)
    assert source.read(300_000, 10) == WHOLE[300_000:300_010], "asked for again, it is fetched"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged, "_KEPT", 50_000)
    source = Counted()
    for start in range(1000, 2_900_000, 20_000):
        source.read(start, 10_000)
    assert sum(map(len, source._spans.values())) <= 50_000 + 10_000


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bytes_are_those_of_the_whole(data: st.DataObject) -> None:
    source = Counted(begin=data.draw(st.sampled_from([0, 1, 1000, 40_000])))
    places = st.integers(0, len(WHOLE) + 10)
    lengths = st.one_of(st.integers(0, 50), st.integers(0, 200_000))
    for _ in range(data.draw(st.integers(1, 12))):
        if data.draw(st.booleans()):
            source.expect(data.draw(st.lists(st.tuples(places, lengths), max_size=4)))
        offset, length = data.draw(places), data.draw(lengths)
        assert source.read(offset, length) == WHOLE[offset : offset + length]
        buffer = bytearray(length)
        count = source.read_into(offset, memoryview(buffer))
        assert buffer[:count] == WHOLE[offset : offset + length]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], []),
        ([(5, 5)], []),
        ([(0, 10), (10, 20)], [(0, 20)]),
        ([(30, 40), (0, 10)], [(0, 10), (30, 40)]),
        ([(0, 100), (20, 30)], [(0, 100)]),
        ([(0, 10), (14, 20)], [(0, 20)]),
        ([(0, 10), (15, 20)], [(0, 10), (15, 20)]),
    ],
)
def test_merging(ranges: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert merged(ranges, gap=4) == expected


def test_a_file_is_no_ranged_source(tmp_path: Path) -> None:
    """What is on the disk is not told what will be read."""
    from fastdcm.reader.source import open_source

    path = tmp_path / "large"
    path.write_bytes(bytes(5 << 20))
    source = open_source(str(path))
    assert not source.expects
    source.expect([(0, 10)])
    source.close()
