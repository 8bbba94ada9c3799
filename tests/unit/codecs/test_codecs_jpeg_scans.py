"""Our own decoder of JPEG in several scans (ITU-T T.81 annexes F, G): libjpeg-turbo's pixels."""

from __future__ import annotations

import random
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdcm.codecs.decode import decoded_by
from fastdcm.codecs.decoders import jpeg as chooser
from fastdcm.codecs.jpeg_baseline import room
from fastdcm.codecs.jpeg_scans import decode as module
from fastdcm.codecs.jpeg_scans.headers import REFUSALS, judged, refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, FastdcmError, UnsupportedError
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import decoded as by_frame
from tests.unit.codecs.decoding import header_of
from tests.unit.codecs.scan_writer import Scan, drawing, progression, with_intervals, written
from tests.unit.codecs.sequential import KINDS, encoded, library
from tests.unit.codecs.several import GRAY, PARTS, PROGRESSIVE, SAMPLINGS, check, colour, gray, planes
from tests.unit.codecs.test_codecs_jpeg_lossless import content


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_SEVERAL", Fixed(True))
    monkeypatch.setattr(chooser, "_DEEP", Fixed(True))
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))


# Streams of encoders


@pytest.mark.parametrize("quality", range(1, 101, 3))
def test_qualities(quality: int) -> None:
    for kind in ("smooth", "noise"):
        check(encoded(content(kind, (40, 56), 8, quality), quality, progressive=True))
        array = content(kind, (40, 56, 3), 8, quality)
        check(encoded(array, quality, subsampling=quality % 3, progressive=True))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("columns", [5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 128, 129, 255, 257, 511, 513, 1030])
def test_columns(columns: int, subsampling: int) -> None:
    """Rows of blocks share tiles up to 32 of them; components alone in a scan have fewer than MCUs."""
    for rows in (1, 7, 8, 9, 16, 17, 33, 70):
        array = content("smooth", (rows, columns, 3), 8, rows)
        stream = encoded(array, 90, subsampling=subsampling, progressive=True)
        check(stream)
        check(stream, converted=False)


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 127, 128, 129, 255, 257, 511, 512, 513, 1030])
def test_gray_columns(columns: int) -> None:
    for rows in (1, 8, 9, 64, 65):
        check(encoded(content("smooth", (rows, columns), 8, rows), 90, progressive=True))


@pytest.mark.parametrize("subsampling", [0, 1, 2, None])
@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 8, 33, 100])
def test_restart_intervals(blocks: int, subsampling: int | None) -> None:
    shape = (70, 150) if subsampling is None else (70, 150, 3)
    options = {} if subsampling is None else {"subsampling": subsampling}
    array = content("smooth", shape, 8, blocks)
    check(encoded(array, 90, progressive=True, restart_marker_blocks=blocks, **options))


def test_flat_images_have_long_runs() -> None:
    """An end of 32767 blocks, and more of them."""
    check(encoded(np.full((2400, 1900), 77, np.uint8), 90, progressive=True))


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    kind=st.sampled_from(KINDS),
    rows=st.integers(1, 90),
    columns=st.integers(5, 200),
    subsampling=st.sampled_from([None, 0, 1, 2]),
    quality=st.integers(1, 98),
    restart=st.sampled_from([0, 0, 1, 5, 30]),
)
def test_random_images(
    seed: int, kind: str, rows: int, columns: int, subsampling: int | None, quality: int, restart: int
) -> None:
    shape = (rows, columns) if subsampling is None else (rows, columns, 3)
    options: dict[str, Any] = {} if subsampling is None else {"subsampling": subsampling}
    if restart:
        options["restart_marker_blocks"] = restart
    check(encoded(content(kind, shape, 8, seed), quality, progressive=True, **options))


# Scripts that no encoder has, and 12 bits


@pytest.mark.parametrize("number", range(120))
def test_any_progression(number: int) -> None:
    chance = random.Random(number)
    samplings = SAMPLINGS[number % 4]
    image = drawing(chance, chance.randint(1, 70), chance.randint(5, 150), samplings)
    script = with_intervals(chance, progression(chance, len(samplings)))
    stream = written(chance, image, script, late_steps=number % 3 == 0)
    check(stream, converted=number % 5 != 0)
    assert jpeg_entropy.coverage(stream, jpeg.parse(stream)).rows == image.rows


def check_deep(stream: bytes) -> None:
    header = jpeg.parse(stream)
    assert judged(header) is not None
    assert refusal(header) == ""
    found = module.decode(stream, header, converted=False)
    assert found is not None
    wanted = imagecodecs.jpeg8_decode(stream)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("quality", [1, 30, 75, 90, 98, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_twelve_bits(kind: str, quality: int) -> None:
    for shape in ((1, 1), (8, 8), (9, 129), (41, 56), (17, 530), (70, 260)):
        array = content(kind, shape, 12, quality)
        for optimize in (False, True):
            options = {"bitspersample": 12, "optimize": optimize}
            check_deep(bytes(imagecodecs.jpeg8_encode(array, quality, **options)))


@pytest.mark.parametrize("number", range(40))
def test_any_progression_of_twelve_bits(number: int) -> None:
    chance = random.Random(number)
    image = drawing(chance, chance.randint(1, 70), chance.randint(1, 150), GRAY)
    image.components[0].blocks[:] *= 1 + number % 3
    check_deep(written(chance, image, with_intervals(chance, progression(chance, 1)), bits=12))
    check_deep(written(chance, image, with_intervals(chance, [Scan((0,))]), sof=0xC1, bits=12))


def test_values_that_no_twelve_bits_need_are_the_librarys() -> None:
    """Where 32 bits may be too few, libjpeg-turbo, which has 64, decodes."""
    chance = random.Random(4)
    image = drawing(chance, 40, 40, GRAY)
    seen = set()
    for factor in (1, 4, 16, 30):
        wide = image._replace(steps=(image.steps[0] * factor,))
        wide.components[0].blocks[..., :3] = 1000
        stream = written(chance, wide, [Scan((0,))], sof=0xC1, bits=12)
        found = module.decode(stream, jpeg.parse(stream), converted=False)
        seen.add(found is None)
        if found is not None:
            np.testing.assert_array_equal(found, imagecodecs.jpeg8_decode(stream))
        samples, _ = by_frame(stream, header_of(np.zeros((40, 40), np.uint16), "extended", bits_stored=12))
        np.testing.assert_array_equal(samples.array, imagecodecs.jpeg8_decode(stream))
    assert seen == {False, True}


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("samplings", SAMPLINGS[1:])
def test_sequential_in_several_scans(
    parts: tuple[tuple[int, ...], ...], samplings: tuple[tuple[int, int], ...]
) -> None:
    for number in range(6):
        chance = random.Random(f"{parts} {samplings} {number}")
        image = drawing(chance, chance.randint(1, 70), chance.randint(5, 150), samplings)
        script = with_intervals(chance, [Scan(part) for part in parts])
        stream = written(chance, image, script, sof=0xC0 + number % 2, late_steps=number > 3)
        check(stream, converted=number % 2 > 0)
        check(stream.replace(b"\xff\xc0", b"\xff\xc1", 1))


def test_many_coefficients_are_corrected_at_once() -> None:
    """More correction bits behind a code than there are bits to come at hand: 63 at most."""
    chance = random.Random(0)
    image = drawing(chance, 40, 40, GRAY)
    image.components[0].blocks[..., 1:] = np.where(np.arange(63) % 2, 5, -6)
    dense = [Scan((0,), 0, 0), Scan((0,), 1, 63, 0, 2), Scan((0,), 1, 63, 2, 1), Scan((0,), 1, 63, 1, 0)]
    check(written(chance, image, dense))
    image.components[0].blocks[1:3, :, 5:] = 0
    check(written(chance, image, dense))


def test_tables_of_components_are_those_of_their_first_scans() -> None:
    """As libjpeg has it, which latches them; a table that is not there in time is one that is missing."""
    chance = random.Random(1)
    image = drawing(chance, 40, 40, SAMPLINGS[1])
    script = [Scan((0,)), Scan((1,)), Scan((2,))]
    late, soon = (
        written(random.Random(1), image, script, sof=0xC0, late_steps=late_steps)
        for late_steps in (True, False)
    )
    assert not np.array_equal(library(late), library(soon))
    check(late)
    table = soon.index(b"\xff\xdb\x00\x43\x01")
    without = soon[:table] + soon[table + 69 :]
    assert module.decode(without, jpeg.parse(without), converted=True) is None


# Choosing


def scan_of(
    low: int, *, high: int = 0, band: tuple[int, int] = (1, 63), part: tuple[int, ...] = (0,)
) -> Scan:
    return Scan(part, *band, high, low)


def stream_of(
    script: list[Scan], samplings: tuple[tuple[int, int], ...] = GRAY, columns: int = 30, **options: Any
) -> bytes:
    chance = random.Random(3)
    return written(chance, drawing(chance, 20, columns, samplings), script, **options)


DC_WHOLE, AC_WHOLE = Scan((0,), 0, 0), Scan((0,), 1, 63)


def with_header(place: int, *values: int) -> bytes:
    """A gray stream of two scans, with other values in the header of the second one."""
    stream = stream_of([DC_WHOLE, AC_WHOLE])
    at = stream.rindex(b"\xff\xda") + 7 + place
    return stream[:at] + bytes(values) + stream[at + len(values) :]


REFUSED = {
    "colour of 12 bits": [
        lambda: stream_of(progression(random.Random(1), 3), SAMPLINGS[1], bits=12),
        lambda: bytes(imagecodecs.jpeg8_encode(content("smooth", (20, 30, 3), 12), 90, bitspersample=12)),
    ],
    "sampling factors other than those of 4:4:4, 4:2:2 and 4:2:0": [
        lambda: stream_of(progression(random.Random(1), 3), ((1, 2), (1, 1), (1, 1))),
        lambda: stream_of(progression(random.Random(1), 3), ((1, 1), (2, 1), (1, 1))),
        lambda: stream_of([Scan((0,)), Scan((1,)), Scan((2,))], ((1, 2), (1, 1), (1, 1)), sof=0xC0),
    ],
    "subsampled chroma of fewer than three columns": [
        lambda: stream_of(progression(random.Random(1), 3), SAMPLINGS[3], columns=4),
        lambda: stream_of([Scan((0,)), Scan((1, 2))], SAMPLINGS[2], columns=3, sof=0xC0),
    ],
    "scan headers of other processes": [
        lambda: stream_of([Scan((0,)), Scan((1, 2))], SAMPLINGS[1], sof=0xC0).replace(
            b"\x00\x3f\x00", b"\x00\x3e\x00"
        ),
    ],
    "scans of components in another order than the frame's": [
        lambda: stream_of([Scan((0, 2, 1))], SAMPLINGS[1], sof=0xC0),
        lambda: stream_of([Scan((0,)), Scan((2, 1))], SAMPLINGS[3], sof=0xC0),
        lambda: stream_of(
            [Scan((1, 0, 2), 0, 0), *(scan_of(0, part=(part,)) for part in range(3))], SAMPLINGS[1]
        ),
    ],
    "progressive scans in another order than coefficients need": [
        lambda: stream_of([AC_WHOLE, DC_WHOLE]),
        lambda: stream_of([DC_WHOLE, AC_WHOLE, AC_WHOLE]),
        lambda: stream_of([DC_WHOLE, DC_WHOLE, AC_WHOLE]),
        lambda: stream_of([DC_WHOLE, scan_of(2), scan_of(0, high=1)]),
        lambda: stream_of([DC_WHOLE, scan_of(1), scan_of(0, band=(1, 5)), scan_of(0, high=1, band=(6, 63))]),
        lambda: stream_of([DC_WHOLE, scan_of(0, high=1), AC_WHOLE]),
        lambda: with_header(2, 0x20),
        lambda: with_header(2, 0x0E),
        lambda: with_header(0, 0),
    ],
    "progressive scans that leave coefficients out, or bits of them": [
        lambda: stream_of([DC_WHOLE, scan_of(0, band=(1, 40))]),
        lambda: stream_of([DC_WHOLE, scan_of(1)]),
        lambda: stream_of([Scan((0,), 0, 0, 0, 1), AC_WHOLE]),
        lambda: stream_of(
            [Scan((0, 1, 2), 0, 0), *(scan_of(0, part=(part,)) for part in (0, 1))], SAMPLINGS[1]
        ),
    ],
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_goes_to_the_library(reason: str) -> None:
    for made in REFUSED[reason]:
        stream = made()
        found = jpeg.parse(stream, partial=True)
        assert refusal(found) == reason
        shape = (20, found.columns, 3)[: 2 if len(found.components) == 1 else 3]
        header = header_of(np.zeros(shape, np.uint8), PROGRESSIVE)
        error, message = (UnsupportedError, f"does not take {reason}")
        if not found.complete:
            error, message = (CodestreamError, "scans of a progressive stream are missing")
        with pytest.raises(error, match=message):
            by_frame(stream, header, decoder="own")
        assert decoded_by(memoryview(stream), header) == f"libjpeg-turbo: {reason}"


def test_smoothed_blocks_are_an_error_as_before() -> None:
    """libjpeg smooths blocks whose coefficients are not all known: our own never sees such a stream."""
    stream = stream_of([DC_WHOLE, scan_of(2), scan_of(1, high=2)])
    header = header_of(np.zeros((20, 30), np.uint8), PROGRESSIVE)
    for decoder in ("own", "auto", "library"):
        with pytest.raises(CodestreamError, match="scans of a progressive stream are missing"):
            by_frame(stream, header, decoder=decoder)


@pytest.mark.parametrize("columns", [63, 64, 600])
def test_small_sequential_streams_of_twelve_bits_are_the_librarys(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their tables are made for each, which takes longer than the walk."""
    calls = []
    monkeypatch.setattr(module, "decode", lambda *arguments, **options: calls.append(1))
    array = content("smooth", (512, columns), 12)
    stream = bytes(imagecodecs.jpeg8_encode(array, 90, bitspersample=12))
    samples, _ = by_frame(stream, header_of(array, "extended", bits_stored=12))
    assert bool(calls) == (columns >= 64)
    np.testing.assert_array_equal(samples.array, imagecodecs.jpeg8_decode(stream))


@pytest.mark.parametrize("pays", [True, False])
@pytest.mark.parametrize("chosen", ["auto", "own", "library"])
def test_who_decodes(pays: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_SEVERAL", Fixed(pays))
    decode_it, by_library = imagecodecs.jpeg8_decode, []

    def called(*arguments: Any, **options: Any) -> Any:
        by_library.append(1)
        return decode_it(*arguments, **options)

    monkeypatch.setattr(chooser.imagecodecs, "jpeg8_decode", called)
    for stream, shape, syntax in (
        (gray(), (40, 56), PROGRESSIVE),
        (colour(), (40, 56, 3), PROGRESSIVE),
        (planes(), (40, 56, 3), "baseline"),
    ):
        by_library.clear()
        samples, codes = by_frame(stream, header_of(np.zeros(shape, np.uint8), syntax), decoder=chosen)
        assert bool(by_library) == (chosen == "library" or (chosen == "auto" and not pays))
        np.testing.assert_array_equal(samples.array, library(stream))
        assert codes == []


def test_other_processors_have_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "is_faster", lambda: False)
    monkeypatch.setattr(module, "decode", None)
    samples, _ = by_frame(gray(), header_of(np.zeros((40, 56), np.uint8), PROGRESSIVE))
    np.testing.assert_array_equal(samples.array, library(gray()))


def test_the_walk_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_entropy, "coverage", None)
    samples, _ = by_frame(colour(), header_of(np.zeros((40, 56, 3), np.uint8), PROGRESSIVE))
    np.testing.assert_array_equal(samples.array, library(colour()))


@pytest.mark.parametrize("chosen", ["auto", "own"])
@pytest.mark.parametrize("kind", ["progressive", "several scans", "baseline", "12 bits"])
def test_what_may_be_cut_is_walked_only_where_it_is(
    kind: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut anywhere: what is there is the library's, and the same notices."""
    monkeypatch.setattr(chooser, "_SEQUENTIAL", Fixed(True))
    deep = content("smooth", (128, 256), 12)
    stream, array = {
        "progressive": (colour(), np.zeros((40, 56, 3), np.uint8)),
        "several scans": (planes(), np.zeros((40, 56, 3), np.uint8)),
        "baseline": (encoded(content("smooth", (40, 56), 8), 90), np.zeros((40, 56), np.uint8)),
        "12 bits": (bytes(imagecodecs.jpeg8_encode(deep, 90, bitspersample=12)), deep),
    }[kind]
    bits = {"bits_stored": 12} if kind == "12 bits" else {}
    header = header_of(array, PROGRESSIVE if kind == "progressive" else "extended", **bits)
    walk, walked = jpeg_entropy.coverage, list[bool]()

    def spy(*arguments: Any, **options: Any) -> Any:
        walked.append(True)
        return walk(*arguments, **options)

    monkeypatch.setattr(jpeg_entropy, "coverage", spy)
    options: dict[str, Any] = {"darkest": lambda _bits: 0}
    by_frame(stream, header, decoder=chosen, **options)
    assert not walked
    start, chance, cut = jpeg.parse(stream).scans[0].start, random.Random(kind), 0
    for number in range(40):
        at = chance.randrange(start, len(stream)) if number else len(stream) - 2
        for tail in (b"", b"\xff\xd9"):
            results = []
            for decoder in (chosen, "library"):
                walked.clear()
                try:
                    samples, codes = by_frame(stream[:at] + tail, header, decoder=decoder, **options)
                    results.append((samples.array.tobytes(), codes))
                except FastdcmError as error:
                    results.append((error.message.encode(), []))
                cut += bool(walked) and decoder == chosen
            assert results[0] == results[1]
    assert cut > 5


def test_it_is_said_who_decodes() -> None:
    header = header_of(np.zeros((40, 56), np.uint8), PROGRESSIVE)
    by = "own progressive JPEG decoder (libjpeg-turbo in small jobs)"
    assert decoded_by(memoryview(gray()), header) == by
    assert decoded_by(memoryview(gray()), header, decoder="own") == "own progressive JPEG decoder"
    assert decoded_by(memoryview(gray()), header, decoder="library") == "libjpeg-turbo through imagecodecs"
    several = header_of(np.zeros((40, 56, 3), np.uint8), "baseline")
    assert decoded_by(memoryview(planes()), several, decoder="own") == "own sequential JPEG decoder"
