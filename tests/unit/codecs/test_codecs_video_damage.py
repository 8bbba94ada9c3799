"""Video that is cut or damaged: what is given is right, and what is not certain is an error."""

from __future__ import annotations

import importlib.util
import re
from itertools import pairwise

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import DecodeError, SourceError, TruncatedError
from tests.unit.reader.test_reader_source import Remote

if importlib.util.find_spec("av") is None:
    pytest.skip("PyAV is not installed", allow_module_level=True)

from tests.unit.codecs.videos import (
    FRAMES,
    KINDS,
    Counted,
    Kind,
    codes,
    dicom_file,
    encoded,
    readable,
    reference,
    tables_first,
    triples,
)

#: Frames come out as soon as their packet is in the decoder.
LOW_DELAY = {
    "mpeg2": KINDS["mpeg2"]._replace(options=(("bf", "0"),)),
    "h264": KINDS["h264"]._replace(options=(("x264-params", "bframes=0"), ("tune", "zerolatency"))),
    "h264 ts": KINDS["h264 ts"]._replace(options=(("x264-params", "bframes=0"),)),
    "hevc": KINDS["hevc"]._replace(options=(("x265-params", "bframes=0:log-level=none"),)),
    "hevc hash": KINDS["hevc"]._replace(options=(("x265-params", "bframes=0:hash=1:log-level=none"),)),
    "hevc ts": KINDS["hevc ts"]._replace(options=(("x265-params", "bframes=0:log-level=none"),)),
}


def cuts(length: int) -> list[int]:
    """Bytes that are left: ends and middles, and all but a few."""
    shares = [length * percent // 100 for percent in (10, 25, 50, 60, 75, 90, 95, 99)]
    return sorted({0, 1, 10, *shares, *(length - lost for lost in (200, 50, 12, 4, 2, 1))})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_file_that_is_cut(kind: Kind) -> None:
    """Frames in front are right, the others errors; also where every frame but a few bytes is there.

    Only MP4 tells where it has all frames: a notice says then that the file is cut.
    """
    video = encoded(kind)
    whole = dicom_file(video, kind)
    end = len(whole) - 8 - len(video) % 2  # of the video: padding and a delimiter follow
    shown = [triples(planes) for planes in reference(kind)]
    most = 0
    for left in cuts(len(video)):
        img = fastdcm.open(whole[: end - len(video) + left])
        given, errors = readable(img)
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())
        assert errors or (kind.container == "mp4" and codes(img) == ["pixel-data-cut"])
        assert list(given) == list(range(len(given)))
        assert all(isinstance(error, TruncatedError | DecodeError) for error in errors.values())
        most = max(most, len(given))
    # MP4 without its table, which is at the end here, cannot be read at all.
    assert most >= FRAMES - 6 or kind.container == "mp4"


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.container != "mp4"])
def test_a_stream_that_is_cut(name: str) -> None:
    """As above, but the fragment is as long as it says: the video itself lacks its end."""
    kind = KINDS[name]
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    for left in (len(video) * percent // 100 for percent in (0, 10, 25, 40, 50, 60, 75, 90, 95)):
        given, errors = readable(fastdcm.open(dicom_file(video[:left], kind)))
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())
        assert errors
        assert list(given) == list(range(len(given)))


@pytest.mark.parametrize("partial", [False, True], ids=["strict", "partial"])
@pytest.mark.parametrize("kind", LOW_DELAY.values(), ids=LOW_DELAY)
def test_the_last_packet_is_cut(kind: Kind, partial: bool) -> None:
    """Decoders give what is left of its frame without a complaint; the frames before it are given."""
    video = encoded(kind)
    whole = dicom_file(video, kind)
    end = len(whole) - 8 - len(video) % 2
    shown = [triples(planes) for planes in reference(kind)]
    for lost in range(1, 600, 23):
        img = fastdcm.open(whole[: end - lost], allow_partial=partial)
        given, errors = readable(img)
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())
        assert errors
        # 600 bytes are a few frames here, and MPEG-TS fills up to 188 bytes.
        assert len(given) >= FRAMES - 8


@pytest.mark.parametrize("name", ["mpeg2", "h264", "hevc"])
@pytest.mark.parametrize("lag", [8, 9, 10, 12])
def test_two_videos_at_a_time(name: str, lag: int) -> None:
    """What one decoder lets go of, another one still needs: frames and errors are those of one alone.

    A frame is let go of when eight others were given after it.
    """
    kind = KINDS[name]
    video = encoded(kind)
    whole = dicom_file(video, kind)
    cut = whole[: len(whole) - 8 - len(video) // 2]
    alone, errors = readable(fastdcm.open(cut))
    assert len(alone) >= 8
    first, second = fastdcm.open(whole), fastdcm.open(cut)
    for index in range(FRAMES):
        first.pixels(index, raw=True)
        if index - lag in alone:
            assert np.array_equal(second.pixels(index - lag, raw=True), alone[index - lag])
    with pytest.raises((TruncatedError, DecodeError), match=re.escape(errors[len(alone)].message)):
        second.pixels(len(alone), raw=True)


@pytest.mark.parametrize("kind", LOW_DELAY.values(), ids=LOW_DELAY)
def test_a_packet_in_the_middle_is_the_last(kind: Kind) -> None:
    """As above, but the fragment is as long as it says: that frames are missing tells that it is cut."""
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    given: dict[int, np.ndarray] = {}
    for left in range(len(video) // 2, len(video) // 2 + 600, 29):
        given, errors = readable(fastdcm.open(dicom_file(video[:left], kind)))
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())
        assert errors
    assert len(given) > 2


@pytest.mark.parametrize("end", ["delimiter", "source", "other"])
@pytest.mark.parametrize("fragments", [1, 2])
def test_fragments_that_do_not_end_with_the_sequence(end: str, fragments: int) -> None:
    """Of a single one the length tells that it is whole; behind several there may have been another."""
    kind = LOW_DELAY["hevc"]
    whole = dicom_file(encoded(kind), kind, fragments=fragments)
    stray = b"\x08\x00\x10\x00\x04\x00\x00\x00abcd"
    data = {"delimiter": whole, "source": whole[:-8], "other": whole[:-8] + stray}[end]
    img = fastdcm.open(data)
    given, errors = readable(img)
    certain = end == "delimiter" or (end == "source" and fragments == 1)
    assert len(given) == (FRAMES if certain else FRAMES - 1)
    assert all(isinstance(error, TruncatedError) for error in errors.values())
    # Once, however often the video is decoded from its start.
    for index in (20, 0, 20, 0):
        assert np.array_equal(img.pixels(index, raw=True), triples(reference(kind)[index]))
    assert codes(img) == (["fragments"] if end == "other" else [])


@pytest.mark.parametrize("partial", [False, True], ids=["strict", "partial"])
@pytest.mark.parametrize("reordered", [False, True])
def test_mp4_whose_tables_come_first(reordered: bool, partial: bool) -> None:
    """They tell of each packet whether it is all there."""
    kind = KINDS["h264 mp4"]
    if not reordered:
        kind = kind._replace(options=(("x264-params", "bframes=0"),))
    shown = [triples(planes) for planes in reference(kind)]
    video = tables_first(encoded(kind))
    whole = dicom_file(video + b"\0\0\0\x10free" + bytes(8), kind)
    end = len(whole) - 8 - 16 - len(video) % 2  # of the last packet
    for left, complete in ((end + 15, True), (end + 1, True), (end - 1, False), (end - 40, False)):
        img = fastdcm.open(whole[:left], allow_partial=partial)
        given, errors = readable(img)
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())
        assert not errors if complete else FRAMES - 4 <= len(given) < FRAMES
        assert codes(img) == (["pixel-data-cut"] if complete else [])


@pytest.mark.parametrize("name", ["mpeg2", "mpeg2 ts", "mpeg2 ps"])
def test_zeros_in_the_middle_of_mpeg2(name: str) -> None:
    """Nothing is given that was predicted from the damage. (H.264 and HEVC may decode it.)"""
    kind = KINDS[name]
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    for place in range(len(video) // 5, len(video) * 4 // 5, len(video) // 9):
        data = video[:place] + bytes(200) + video[place + 200 :]
        given, errors = readable(fastdcm.open(dicom_file(data, kind)))
        assert errors
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())


def test_a_slice_of_h264_that_is_missing() -> None:
    """FFmpeg fills the gap without an error; frames with it, and all that may refer to them, are refused."""
    options = (("x264-params", "slices=4:bframes=2:b-adapt=0:keyint=12:scenecut=0"),)
    kind = KINDS["h264"]._replace(options=options)
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    starts = [*(found.start() for found in re.finditer(b"\0\0\1", video)), len(video)]
    # Slices that are not the first of their picture: first_mb_in_slice, coded as 1 where it is 0.
    slices = [
        (start, end)
        for start, end in pairwise(starts)
        if video[start + 3] & 0x1F in (1, 5) and not video[start + 4] & 0x80
    ]
    assert len(slices) == 3 * FRAMES
    for start, end in slices[::4]:
        given, errors = readable(fastdcm.open(dicom_file(video[:start] + video[end:], kind)))
        assert errors
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())


def test_a_check_sum_of_hevc_tells() -> None:
    """With its SEI, damage that decodes is found in HEVC, too."""
    options = (("x265-params", "hash=1:bframes=2:keyint=12:log-level=none"),)
    kind = KINDS["hevc"]._replace(options=options)
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    starts = [found.start() for found in re.finditer(b"\0\0\1", video)]
    # In the middle of slices (types below 32): a check sum that is damaged itself is none.
    parts = [(start, end) for start, end in pairwise(starts) if video[start + 3] >> 1 < 32]
    places = [(start + end) // 2 for start, end in parts if end - start > 120]
    assert len(places) > 8
    for place in places:
        data = video[:place] + bytes(20) + video[place + 20 :]
        given, errors = readable(fastdcm.open(dicom_file(data, kind)))
        assert errors
        assert all(np.array_equal(array, shown[index]) for index, array in given.items())


@pytest.mark.parametrize("lost", [1, 2, 5])
@pytest.mark.parametrize("name", ["mpeg2 ts", "h264 ts", "hevc ts"])
def test_packets_of_a_transport_stream_that_are_lost(name: str, lost: int) -> None:
    """Pictures that are small are lost as a whole: the others would be taken for those before them."""
    kind = KINDS[name]
    video = encoded(kind)
    shown = [triples(planes) for planes in reference(kind)]
    for place in range(188 * 8, len(video) - 188 * 8, 188 * 7):
        for middle in (b"", bytes(188 * lost)):
            data = video[:place] + middle + video[place + 188 * lost :]
            given, errors = readable(fastdcm.open(dicom_file(data, kind)))
            heads = (video[at + 1 : at + 3] for at in range(place, place + 188 * lost, 188))
            of_video = any(head[0] & 0x1F == 1 and head[1] == 0 for head in heads)  # PID 256
            assert errors or not of_video
            assert all(np.array_equal(array, shown[index]) for index, array in given.items())


def test_frames_behind_damage_are_refused_at_once() -> None:
    """Not by decoding all of it again for each."""
    kind = KINDS["mpeg2"]
    video = encoded(kind)
    data = video[: len(video) // 2] + bytes(300) + video[len(video) // 2 + 300 :]
    source = Counted(dicom_file(data, kind), video[:64])
    img = fastdcm.open(source)
    with pytest.raises(DecodeError):
        img.pixels(FRAMES - 1)
    starts = source.starts
    for index in range(FRAMES - 5, FRAMES):
        with pytest.raises(DecodeError) as raised:
            img.pixels(index)
        assert raised.value.frame == index + 1
    assert source.starts == starts
    assert np.array_equal(img.pixels(0, raw=True), triples(reference(kind)[0]))


class Failing(Remote):
    """A source that fails for once."""

    fails = False

    def read(self, offset: int, length: int) -> bytes:
        if self.fails:
            raise SourceError("gone")
        return super().read(offset, length)


def test_a_source_that_fails_for_a_while() -> None:
    kind = KINDS["h264 ts"]._replace(frames=200)
    source = Failing(dicom_file(encoded(kind), kind))
    img = fastdcm.open(source)
    img.pixels(0)
    source.fails = True
    with pytest.raises(SourceError, match="gone"):
        img.pixels(199)
    source.fails = False
    assert np.array_equal(img.pixels(199, raw=True), triples(reference(kind)[199]))
