"""The proof by one kernel that packets are all there, and HTJ2K decoded without what is not looked at.

That the proof is that of `jpeg2000.check` is shown by `prove` in tests/unit/codestream/jpeg2000_streams.py,
with all streams and all damage there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdcm.codecs.decoders import fewer_resolutions
from fastdcm.codecs.jpeg2000 import blocks, walk
from fastdcm.codecs.jpeg2000.walk import ends_of_packets
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.precincts import TooMuchWorkError
from fastdcm.errors import CodestreamError
from tests.unit.codestream.jpeg2000_streams import (
    PROGRESSIONS,
    in_tile,
    insert,
    ojph_compress,
    own,
    repacked,
    smooth,
)

Peer = Callable[[str], str]
HT = [name for name in own() if name.startswith("openjph") and "lossy" not in name]


def assert_same_without_the_rest(stream: bytes) -> list[int]:
    """Equal images of all sizes; how many bytes OpenJPH was given for each."""
    header = jpeg2000.parse(stream)
    sizes = []
    for times in range(1, header.cod.blocks.levels + 1):
        ends = ends_of_packets(stream, header, times)
        assert ends is not None
        kept = [
            packet.body[1]
            for packet in jpeg2000.packets(stream, header)
            if packet.place.resolution.level <= header.cod.blocks.levels - times
        ]
        assert ends.tolist() == kept
        whole = fewer_resolutions.htj2k(stream, header, times)
        less = fewer_resolutions.htj2k(memoryview(stream), header, times, ends)
        assert less.dtype == whole.dtype
        np.testing.assert_array_equal(less, whole)
        sizes.append(sum(map(len, fewer_resolutions._pieces(stream, header, ends))))
    return sizes


@pytest.mark.parametrize("name", HT)
def test_packets_that_are_left_out(name: str) -> None:
    sizes = assert_same_without_the_rest(own()[name])
    header = jpeg2000.parse(own()[name])
    if len(header.tile_parts) == header.tiles.across * header.tiles.down:
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] < len(own()[name]) / 2
    else:
        assert set(sizes) == {len(own()[name])}


@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize(
    "options",
    [
        "-precincts {32,32},{16,64} -block_size {16,32} -num_decomps 4",
        "-tile_size {33,40} -image_offset {5,7} -tile_offset {2,3} -num_decomps 2",
        "-num_decomps 3",
    ],
)
def test_packets_that_are_left_out_of_any_order(order: str, options: str, peer: Peer, tmp_path: Path) -> None:
    tool = peer("ojph_compress")
    array = smooth(61, 83, samples=3)
    assert_same_without_the_rest(
        ojph_compress(tool, tmp_path, array, f"-reversible true -prog_order {order} {options}")
    )


def test_damaged_ends_of_cleanup_passes() -> None:
    """Scup is 2 to 4079 and no longer than its segment (T.814 7.1.1)."""
    stream = own()["openjph 1x12 bits"]
    header = jpeg2000.parse(stream)
    seen = 0
    for packet in jpeg2000.packets(stream, header):
        position = packet.body[0]
        for each in packet.contributions:
            for length, passes in each.segments:
                position += length
                if (each.passes_before + passes) % 3 == 1 and length:
                    for last in (b"\0\0", b"\0\1") if length > 2 else (b"\0\0",):
                        damaged = stream[: position - 2] + last[::-1] + stream[position:]
                        with pytest.raises(CodestreamError, match="a cleanup pass has no valid end"):
                            ends_of_packets(damaged, header)
                        seen += 1
    assert seen > 20


def test_what_is_left_to_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed packet headers, and more work than is planned for."""
    stream = own()["openjpeg 1x12 bits"]
    for packed in (repacked(stream, "PPM"), repacked(stream, "PPT")):
        assert ends_of_packets(packed, jpeg2000.parse(packed)) is None
    header = jpeg2000.parse(stream)
    assert ends_of_packets(stream, header) is not None

    def endless(*arguments: Any, **options: Any) -> Any:
        raise TooMuchWorkError("so many")

    monkeypatch.setattr(walk, "plan_of", endless)
    assert ends_of_packets(stream, header) is None


def test_what_headers_tell_is_remembered_by_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the main header and of tiles; streams that differ there are not taken for each other."""
    for name in ("_TRANSFORMS", "_BIT_PLANES"):
        monkeypatch.setattr(blocks, name, {})
    stream = own()["openjpeg 3x8 bits"]
    at = stream.index(b"\xff\x52")
    cod = stream[at : at + 14]
    other = in_tile(stream, cod[:13] + b"\0")  # the irreversible transform
    fewer = insert(stream, b"\xff\x53\0\x09\2\0" + b"\1" + cod[10:14])  # levels of one component
    lossy = own()["openjpeg lossy 3x8 bits"]
    for _ in range(2):
        for each, reversible, levels in (
            (memoryview(stream), True, 2),
            (other, False, 2),
            (fewer, True, 1),
            (lossy, False, 2),
        ):
            header = jpeg2000.parse(each)
            assert blocks.is_reversible(each, header) is reversible
            assert blocks.fewest_levels(each, header) == levels
            assert blocks.most_bit_planes(each, header) == jpeg2000.bit_planes(each, header)
    assert all(isinstance(part, int | bytes | tuple) for key in blocks._TRANSFORMS for part in key)
