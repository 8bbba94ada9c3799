"""The walk over Huffman-coded scans: whole streams of other encoders, and what is left of cut ones."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, FastdcmError, UnsupportedError
from tests.payoffs import Fixed
from tests.unit.codestream import streams

EOI = b"\xff\xd9"


@cache
def made() -> dict[str, bytes]:
    """Streams of each Huffman process, of several sizes, samplings and restart intervals."""
    found = {name: stream for name, stream in streams.small().items() if name.startswith("jpeg ")}
    grey, colour, deep = (
        streams.image(45, 61),
        streams.image(45, 61, samples=3),
        streams.image(45, 61, bits=16),
    )
    found["gray, progressive"] = streams.pillow(grey, progressive=True)
    found["progressive, restarts"] = streams.pillow(colour, progressive=True, restart_marker_blocks=3)
    found["optimised"] = streams.pillow(colour, optimize=True, quality=98)
    found["flat"] = streams.pillow(np.full((64, 64), 77, np.uint8))
    found["one row of restarts"] = streams.pillow(grey, restart_marker_rows=1)
    for subsampling in ("422", "411", "440", "444"):
        found[subsampling] = bytes(imagecodecs.jpeg8_encode(colour, subsampling=subsampling))
    for predictor in range(1, 8):
        options = {"lossless": True, "predictor": predictor}
        found[f"lossless {predictor}"] = bytes(imagecodecs.jpeg8_encode(grey, **options))
        found[f"lossless {predictor}, 16 bits"] = bytes(
            imagecodecs.jpeg8_encode(deep, bitspersample=16, **options)
        )
    found["lossless, colour"] = bytes(imagecodecs.jpeg8_encode(colour, lossless=True))
    return found


def rows_coded(stream: bytes, *, partial: bool = False) -> int:
    return jpeg_entropy.coverage(stream, jpeg.parse(stream, partial=partial), partial=partial).rows


def extents(stream: bytes) -> list[jpeg_entropy.Extent]:
    return jpeg_entropy.extents(stream, jpeg.parse(stream))


@pytest.fixture(params=["interpreted", "compiled"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(request.param == "compiled"))


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("name", made())
def test_whole_streams(name: str) -> None:
    stream = made()[name]
    assert rows_coded(stream) == jpeg.parse(stream).rows
    for extent in extents(stream):
        assert (extent.problem, extent.whole) == ("", extent.mcus)
        assert extent.spare < 8, "encoders fill up the last byte, no more"


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("name", made())
def test_cuts_with_an_end_marker(name: str) -> None:
    """Decoders fill what is missing and say nothing: the walk is the only one to know."""
    stream = made()[name]
    whole = decoded(stream)
    first = stream.index(b"\xff\xda")
    chance = random.Random(name)
    ends = {*chance.sample(range(first, len(stream)), min(60, len(stream) - first))}
    for end in sorted({*ends, *range(len(stream) - 20, len(stream))}):
        cut = stream[:end] + EOI
        try:
            header = jpeg.parse(cut)
            jpeg_entropy.coverage(cut, header)
        except CodestreamError:
            continue
        # Not one bit of an MCU is gone; or all of a scan that refines others, which the header tells.
        assert not header.complete or np.array_equal(decoded(cut), whole), end


def decoded(stream: bytes) -> Any:
    return imagecodecs.jpeg8_decode(stream)


@pytest.mark.parametrize("name", made())
def test_compiled_as_interpreted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same result for whatever is in the scans."""
    stream = made()[name]
    start = stream.index(b"\xff\xda") + 14
    chance = random.Random(name)
    for _ in range(60):
        changed = bytearray(stream)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(start, len(stream) - 2)] = chance.randrange(255)
        results: list[Any] = []
        for compiled in (False, True):
            monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(compiled))
            try:
                results.append(extents(bytes(changed)))
            except FastdcmError as error:
                results.append(str(error))
        assert results[0] == results[1]


def test_bytes_left_over() -> None:
    stream = made()["jpeg baseline"]
    end = stream.rindex(EOI)
    with pytest.raises(CodestreamError, match="50 bytes are left over behind the last of 9 MCUs"):
        rows_coded(stream[:end] + bytes(50) + stream[end:])
    assert rows_coded(stream[:end] + bytes(2) + stream[end:]) == 19, "some encoders pad a scan"


def test_zeros_in_the_middle() -> None:
    """They are codes of their own, of other lengths; most often the number of MCUs tells."""
    stream = made()["optimised"]
    middle = (stream.rindex(b"\xff\xda") + len(stream)) // 2
    with pytest.raises(CodestreamError, match=r"damaged|cut"):
        rows_coded(stream[:middle] + bytes(200) + stream[middle + 200 :])


@pytest.mark.parametrize("name", ["422", "lossless 4", "one row of restarts"])
def test_rows_before_a_cut(name: str) -> None:
    """Rows that are called coded are those of the whole stream."""
    stream = made()[name]
    whole, last = decoded(stream), 0
    start = stream.index(b"\xff\xda") + 14
    for end in range(start, len(stream), 37):
        rows = rows_coded(stream[:end], partial=True)
        assert rows >= last
        assert np.array_equal(decoded(stream[:end] + EOI)[:rows], whole[:rows]), end
        last = rows
    assert last >= whole.shape[0] // 2


def test_tables_that_are_not_there() -> None:
    """As in Motion JPEG, whose decoders know them."""
    stream = streams.without_segments(made()["jpeg baseline"], 0xC4)
    with pytest.raises(UnsupportedError, match="Huffman DC table 0"):
        rows_coded(stream)


@pytest.mark.parametrize(
    ("counts", "values", "message"),
    [
        ([3, 0], bytes(3), "too many codes of 1 bits"),
        ([0, 5], bytes(5), "too many codes of 2 bits"),
        ([1], b"\x21", "category 33"),
    ],
)
def test_tables_that_cannot_be(counts: list[int], values: bytes, message: str) -> None:
    stream = made()["jpeg baseline"]
    table = bytes([*counts, *bytes(16 - len(counts))]) + values
    at = stream.index(b"\xff\xda")
    stream = stream[:at] + streams.segment(0xC4, b"\0" + table) + stream[at:]
    with pytest.raises(CodestreamError, match=message):
        rows_coded(stream)
