"""Our own decoder of sequential JPEG (ITU-T T.81 annex F): libjpeg-turbo's pixels, and no others."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastdcm.codecs.decode import decoded_by
from fastdcm.codecs.decoders import jpeg as chooser
from fastdcm.codecs.jpeg_baseline import decode as module
from fastdcm.codecs.jpeg_baseline import room
from fastdcm.codecs.jpeg_baseline.headers import REFUSALS, refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import jpeg_pixels as pixels
from fastdcm.kernels import sequential_scans as scans
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import decoded as by_frame
from tests.unit.codecs.decoding import header_of
from tests.unit.codecs.sequential import KINDS, damaged, decoded, encoded, library
from tests.unit.codecs.test_codecs_jpeg_lossless import content

Array = NDArray[Any]


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_SEQUENTIAL", Fixed(True))
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))


def check(stream: bytes, *, converted: bool = True) -> None:
    found = decoded(stream, converted=converted)
    assert found is not None
    np.testing.assert_array_equal(found, library(stream, converted=converted))


@pytest.mark.parametrize("quality", range(1, 101))
def test_qualities(quality: int) -> None:
    for kind in ("smooth", "noise"):
        check(encoded(content(kind, (40, 56), 8, quality), quality))
        check(encoded(content(kind, (40, 56, 3), 8, quality), quality, subsampling=quality % 3))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("columns", [5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 255, 511, 512, 513, 1030])
def test_columns(columns: int, subsampling: int) -> None:
    for rows in (1, 7, 8, 9, 15, 16, 17, 33):
        stream = encoded(content("smooth", (rows, columns, 3), 8, rows), 90, subsampling=subsampling)
        check(stream)
        check(stream, converted=False)


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 127, 128, 129, 511, 512, 513, 1030])
def test_gray_columns(columns: int) -> None:
    for rows in (1, 8, 9, 64, 65):
        check(encoded(content("smooth", (rows, columns), 8, rows), 90))


@pytest.mark.parametrize("subsampling", [0, 1, 2, None])
@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 8, 33, 100])
def test_restart_intervals(blocks: int, subsampling: int | None) -> None:
    shape = (70, 150) if subsampling is None else (70, 150, 3)
    options = {} if subsampling is None else {"subsampling": subsampling}
    check(encoded(content("smooth", shape, 8, blocks), 90, restart_marker_blocks=blocks, **options))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    kind=st.sampled_from(KINDS),
    rows=st.integers(1, 90),
    columns=st.integers(5, 200),
    subsampling=st.sampled_from([None, 0, 1, 2]),
    quality=st.integers(1, 98),
    optimize=st.booleans(),
    restart=st.sampled_from([0, 0, 1, 5, 30]),
)
def test_random_images(
    seed: int,
    kind: str,
    rows: int,
    columns: int,
    subsampling: int | None,
    quality: int,
    optimize: bool,
    restart: int,
) -> None:
    shape = (rows, columns) if subsampling is None else (rows, columns, 3)
    options: dict[str, Any] = {} if subsampling is None else {"subsampling": subsampling}
    if restart:
        options["restart_marker_blocks"] = restart
    check(encoded(content(kind, shape, 8, seed), quality, optimize=optimize, **options))


@cache
def colour() -> bytes:
    return encoded(content("smooth", (40, 56, 3), 8), 90, subsampling=2)


@cache
def gray() -> bytes:
    return encoded(content("smooth", (40, 56), 8), 90)


def test_extended() -> None:
    check(gray().replace(b"\xff\xc0", b"\xff\xc1", 1))


def test_steps_of_sixteen_bits() -> None:
    """B.2.4.1: a table of 16 bits, which only extended streams have."""
    stream = gray().replace(b"\xff\xc0", b"\xff\xc1", 1)
    at = stream.index(b"\xff\xdb\x00\x43\x00")
    steps = np.frombuffer(stream, np.uint8, 64, at + 5)
    for factor in (1, 3, 300):
        wide = (steps.astype(np.uint32) * factor).astype(">u2").tobytes()
        changed = stream[:at] + b"\xff\xdb\x00\x83\x10" + wide + stream[at + 69 :]
        found = decoded(changed)
        assert found is None or np.array_equal(found, library(changed)), factor
        assert factor == 300 or found is not None


def test_values_that_no_image_needs_are_the_librarys() -> None:
    """A DC coefficient beyond 8191 wraps in libjpeg-turbo's vectors where a block has no others."""
    stream = encoded(np.full((16, 16), 255, np.uint8), 50)
    at = stream.index(b"\xff\xdb\x00\x43\x00")
    for step in range(8, 256, 8):
        changed = stream[: at + 5] + bytes([step]) + stream[at + 6 :]
        found = decoded(changed)
        if found is not None:
            np.testing.assert_array_equal(found, library(changed))
    assert found is None
    samples, _ = by_frame(changed, header_of(np.zeros((16, 16), np.uint8), "baseline"))
    np.testing.assert_array_equal(samples.array, library(changed))


# Choosing


def changed(stream: bytes, old: bytes, new: bytes) -> bytes:
    assert stream.count(old) == 1
    return stream.replace(old, new)


REFUSED = {
    "sampling factors other than those of 4:4:4, 4:2:2 and 4:2:0": lambda: changed(
        colour(), b"\x03\x01\x22\x00", b"\x03\x01\x12\x00"
    ),
    "subsampled chroma of fewer than three columns": lambda: encoded(
        content("smooth", (24, 4, 3), 8), 90, subsampling=2
    ),
    "scan headers of other processes": lambda: changed(gray(), b"\x00\x3f\x00", b"\x00\x3e\x00"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_goes_to_the_library(reason: str) -> None:
    stream = REFUSED[reason]()
    found = jpeg.parse(stream, partial=True)
    assert refusal(found) == reason
    shape = (found.rows, found.columns, 3)[: 2 if len(found.components) == 1 else 3]
    header = header_of(np.zeros(shape, np.uint8), "baseline")
    with pytest.raises(UnsupportedError, match=f"does not take {reason}"):
        by_frame(stream, header, decoder="own")
    assert decoded_by(memoryview(stream), header) == f"libjpeg-turbo: {reason}"


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_few_columns(columns: int) -> None:
    """libjpeg repeats samples of so little chroma."""
    stream = encoded(content("smooth", (24, columns, 3), 8), 90, subsampling=1)
    samples, _ = by_frame(stream, header_of(np.zeros((24, columns, 3), np.uint8), "baseline"))
    np.testing.assert_array_equal(samples.array, library(stream))


@pytest.mark.parametrize("pays", [True, False])
@pytest.mark.parametrize("chosen", ["auto", "own", "library"])
def test_who_decodes(pays: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_SEQUENTIAL", Fixed(pays))
    decode_it, by_library = imagecodecs.jpeg8_decode, []

    def called(*arguments: Any, **options: Any) -> Any:
        by_library.append(1)
        return decode_it(*arguments, **options)

    monkeypatch.setattr(chooser.imagecodecs, "jpeg8_decode", called)
    for stream, shape in ((gray(), (40, 56)), (colour(), (40, 56, 3))):
        by_library.clear()
        header = header_of(np.zeros(shape, np.uint8), "baseline")
        samples, codes = by_frame(stream, header, decoder=chosen)
        assert bool(by_library) == (chosen == "library" or (chosen == "auto" and not pays))
        np.testing.assert_array_equal(samples.array, library(stream))
        assert codes == []


def test_other_processors_have_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "is_faster", lambda: False)
    monkeypatch.setattr(module, "decode", None)
    samples, _ = by_frame(gray(), header_of(np.zeros((40, 56), np.uint8), "baseline"))
    np.testing.assert_array_equal(samples.array, library(gray()))


def test_the_walk_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_entropy, "coverage", None)
    samples, _ = by_frame(colour(), header_of(np.zeros((40, 56, 3), np.uint8), "baseline"))
    np.testing.assert_array_equal(samples.array, library(colour()))


def test_it_is_said_who_decodes() -> None:
    header = header_of(np.zeros((40, 56), np.uint8), "baseline")
    by = "own sequential JPEG decoder (libjpeg-turbo in small jobs)"
    assert decoded_by(memoryview(gray()), header) == by
    assert decoded_by(memoryview(gray()), header, decoder="library") == "libjpeg-turbo through imagecodecs"


# What is not whole


def test_every_cut_is_an_error() -> None:
    for stream, shape in ((gray(), (40, 56)), (colour(), (40, 56, 3))):
        scan = jpeg.parse(stream).scans[0]
        header = header_of(np.zeros(shape, np.uint8), "baseline")
        for place in range(scan.start, scan.end):
            for cut in (stream[:place], stream[:place] + b"\xff\xd9"):
                with pytest.raises(CodestreamError, match="cut"):
                    by_frame(cut, header, decoder="own")


def test_a_restart_marker_out_of_order_is_no_whole_scan() -> None:
    stream = encoded(content("smooth", (40, 56), 8), 90, restart_marker_blocks=7)
    assert decoded(stream) is not None
    marker = stream.index(b"\xff\xd1")
    parsed = jpeg.parse(stream)
    for other in (b"\xff\xd2", b"\xff\xd0"):
        assert module.decode(stream[:marker] + other + stream[marker + 2 :], parsed, converted=False) is None


def test_bytes_left_over() -> None:
    """Fewer than eight are as the walk takes them; more are damage."""
    header = header_of(np.zeros((40, 56), np.uint8), "baseline")
    for spare in range(12):
        stream = gray()[:-2] + bytes(spare) + gray()[-2:]
        if decoded(stream) is None:
            assert spare >= 7
            if spare >= 8:
                with pytest.raises(CodestreamError, match="left over"):
                    by_frame(stream, header)
        else:
            assert spare < 8
            np.testing.assert_array_equal(decoded(stream), library(gray()))


def test_damaged_streams_are_the_librarys_or_errors() -> None:
    outcomes = set()
    for number in range(600):
        chance = random.Random(number)
        options: dict[str, Any] = {"restart_marker_blocks": 9} if number % 3 == 0 else {}
        shape: tuple[int, ...] = (40, 56)
        if number % 2:
            shape, options["subsampling"] = (40, 56, 3), chance.choice([0, 1, 2])
        kind, stream = damaged(
            encoded(content(chance.choice(KINDS), shape, 8, number), 80, **options), chance
        )
        try:
            found = decoded(stream)
        except (CodestreamError, UnsupportedError):
            outcomes.add("headers")
            continue
        try:
            jpeg_entropy.coverage(stream, jpeg.parse(stream))
        except CodestreamError:
            assert found is None, (number, kind)
            outcomes.add("error")
            continue
        if found is not None:
            outcomes.add("decoded")
            np.testing.assert_array_equal(found, library(stream), err_msg=f"{number} {kind}")
    assert {"error", "decoded"} <= outcomes


# Kernels


def arguments() -> list[Any]:
    """Those of `decode_scan` for a colour stream of 4:2:0."""
    stream = colour()
    parsed = jpeg.parse(stream)
    scan = parsed.scans[0]
    plan = module._plan(stream, parsed)
    assert plan is not None
    numbers = plan.scan.copy()
    numbers[scans.END] = scan.end
    across = int(numbers[pixels.ACROSS])
    room = module._Room()
    coded = room.coded(scan.end - scan.start)
    found = [np.frombuffer(stream, np.uint8), numbers, plan.tables, plan.steps, plan.units, module._PLACES]
    found += [coded, room.coefficients, room.rows, room.halves, *room.strips(across), room.state]
    return [*found, np.empty(40 * 56 * 3, np.uint8)]


def test_arguments_that_do_not_fit_are_refused() -> None:
    good = arguments()
    assert scans.decode_scan(*good) == pixels.WHOLE
    # One item less of anything, and one more of pixels.
    least = [scans.SCAN, None, 192, None, 64, None, scans.BUFFERS * pixels.BUFFER, pixels.BUFFER, 256]
    for place, size in zip(range(1, 10), least, strict=True):
        wrong = list(good)
        wrong[place] = good[place][: len(good[place]) - 1 if size is None else size - 1]
        if place == 6:
            scan = good[1]
            wrong[6] = good[6][: int(scan[scans.END] - scan[scans.START]) + 64 + 279]
        assert scans.decode_scan(*wrong) == pixels.WRONG, place
    for place in range(10, 19):
        assert scans.decode_scan(*good[:place], good[place][:-1], *good[place + 1 :]) == pixels.WRONG, place
    for number, value in [
        (scans.START, int(good[1][scans.END]) + 1), (scans.END, len(good[0]) + 1), (scans.INTERVAL, 0),
        (pixels.ACROSS, 0), (pixels.ACROSS, 5), (pixels.ACROSS, 1 << 40), (pixels.DOWN, 0), (pixels.DOWN, 2),
        (pixels.COLUMNS, 65), (pixels.ROWS, 49), (pixels.COMPONENTS, 1), (pixels.COMPONENTS, 2),
        (pixels.HORIZONTAL, 1), (pixels.HORIZONTAL, 3), (pixels.VERTICAL, 1), (pixels.VERTICAL, 3),
    ]:  # fmt: skip
        scan = good[1].copy()
        scan[number] = value
        assert scans.decode_scan(good[0], scan, *good[2:]) == pixels.WRONG, (number, value)
    for place, value in [(0, len(good[2])), (1, 1 << 40), (2, 3), (3, 1 << 40), (3, len(good[7])), (4, 200)]:
        units = good[4].copy()
        units[place] = value
        assert scans.decode_scan(*good[:4], units, *good[5:]) == pixels.WRONG, (place, value)
    places = good[5].copy()
    places[63] = 1 << 20
    assert scans.decode_scan(*good[:5], places, *good[6:]) == pixels.WRONG


CHECKED = """
import random
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codecs.sequential import KINDS, damaged, decoded, encoded
from tests.unit.codecs.test_codecs_jpeg_lossless import content

outcomes = set()
for number in range(400):
    chance = random.Random(number)
    shape = chance.choice([(1, 5), (9, 30), (40, 55), (33, 530), (130, 70)]) + chance.choice([(), (3,)])
    options = {"subsampling": chance.choice([0, 1, 2])} if len(shape) == 3 else {}
    if chance.random() < 0.3:
        options["restart_marker_blocks"] = chance.randint(1, 20)
    array = content(chance.choice(KINDS), shape, 8, number)
    stream = encoded(array, chance.choice([1, 50, 90, 98]), **options)
    if chance.random() < 0.7:
        stream = damaged(stream, chance)[1]
    try:
        outcomes.add("unsure" if decoded(stream, converted=chance.random() < 0.5) is None else "whole")
    except (CodestreamError, UnsupportedError):
        outcomes.add("headers")
print(*sorted(outcomes))
"""


def test_nothing_is_read_or_written_outside() -> None:
    """Streams of any kind, cut and damaged ones, with numba's checks of bounds."""
    assert {"whole", "unsure"} <= set(printed_with_checks(CHECKED).split())
